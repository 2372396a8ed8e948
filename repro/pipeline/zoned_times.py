"""Times in zones and in fractions of seconds, which pandas reads; loaded only where they are.

A worker loads this before the plan if the dataset needs it, and keeps pandas out if not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def parsed(texts: list[str], form: str, timezone: str) -> npt.NDArray[np.datetime64]:
    """Return each text as a moment in UTC; NaT for what is no time in exactly this format."""
    # pandas reads "now" and "today" in any format as the clock's time: a time has a digit.
    plausible = [text if any(c.isdigit() for c in text) else "" for text in texts]
    candidates = pd.Series(plausible, dtype=object)
    moments = pd.to_datetime(candidates, format=form, exact=True, errors="coerce", utc="%z" in form)
    if "%z" not in form:
        moments = _localized(moments, timezone)
    return _plain(moments)


def in_utc(moments: npt.NDArray[np.datetime64], timezone: str) -> npt.NDArray[np.datetime64]:
    """Return local moments in UTC; NaT for those that a change of clocks skips or repeats."""
    return _plain(_localized(pd.Series(moments), timezone))


def _localized(moments: pd.Series, timezone: str) -> pd.Series:
    local = moments.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    return local.dt.tz_convert("UTC")


def _plain(moments: pd.Series) -> npt.NDArray[np.datetime64]:
    values: npt.NDArray[np.datetime64] = moments.dt.tz_localize(None).to_numpy()
    return values
