"""Times: text in a declared format and zone ⇄ nanoseconds since 1970-01-01 UTC."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.errors import InputError
from repro.pipeline.panel import Ints

NANOSECONDS = 1_000_000_000
FIRST, LAST = np.datetime64("1677-09-22", "D"), np.datetime64("2262-04-11", "D")
NEVER = int(np.iinfo(np.int64).max)
"""A time after all others: where a label would end that the data do not reach."""


def parse_times(
    texts: npt.NDArray[np.object_], form: str, timezone: str
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return nanoseconds (n,) and which texts (n,) are a time in exactly this format.

    Texts are local to ``timezone`` unless ``form`` holds ``%z``.  A local time that a change of
    clocks skips or repeats is not a time, nor is one outside 1677 to 2262.
    Raises InputError for an unknown zone.
    """
    _zone(timezone)
    codes, uniques = pd.factorize(texts)
    # pandas reads "now" and "today" in any format as the clock's time: a time has a digit.
    plausible = np.array([any(c.isdigit() for c in text) for text in uniques], dtype=bool)
    candidates = pd.Series(np.where(plausible, uniques, ""), dtype=object)
    moments = pd.to_datetime(candidates, format=form, exact=True, errors="coerce", utc="%z" in form)
    if "%z" not in form:
        moments = _localized(moments, timezone)
    instants, good = _nanoseconds(moments.dt.tz_localize(None).to_numpy())
    return instants[codes], good[codes]


def stored_times(
    moments: npt.NDArray[np.datetime64], timezone: str | None
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return nanoseconds (n,) and which moments (n,), of any unit, they can be.

    The moments are UTC, or local to ``timezone`` if there is one; what is no time among them is as
    in ``parse_times``. Raises InputError for an unknown zone.
    """
    if timezone is None:
        return _nanoseconds(moments)
    _zone(timezone)
    if timezone == "UTC":
        return _nanoseconds(moments)
    possible = (moments >= FIRST) & (moments <= LAST)
    known = pd.Series(np.where(possible, moments, np.datetime64("NaT")))
    return _nanoseconds(_localized(known, timezone).dt.tz_localize(None).to_numpy())


def _localized(moments: pd.Series, timezone: str) -> pd.Series:
    """Return local moments in UTC; NaT for those that a change of clocks skips or repeats."""
    local = moments.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    return local.dt.tz_convert("UTC")


def _nanoseconds(moments: npt.NDArray[np.datetime64]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return moments of any unit as nanoseconds, and which of them fit."""
    # Beyond what nanoseconds hold, NumPy wraps in silence or raises, by its version.
    good = (moments >= FIRST) & (moments <= LAST)  # NaT is neither
    instants = np.where(good, moments, np.datetime64("NaT", "s")).astype("datetime64[ns]")
    return instants.astype(np.int64), good


def day_start(day: str, timezone: str, *, days_later: int = 0) -> int:
    """Return the nanoseconds at which an ISO day begins in ``timezone``.

    Raises InputError for text that is no day, or an unknown zone.
    """
    try:
        date = datetime.date.fromisoformat(day) + datetime.timedelta(days=days_later)
    except ValueError as error:
        raise InputError(f"{day!r} is not a day", "write it as 2001-12-31") from error
    midnight = datetime.datetime.combine(date, datetime.time(), tzinfo=_zone(timezone))
    return round(midnight.timestamp()) * NANOSECONDS


def iso(nanoseconds: int) -> str:
    """Return the UTC time in ISO 8601: a day if it is midnight, else to the second or finer."""
    moment = np.datetime64(nanoseconds, "ns")
    for unit in ("D", "s", "ms", "us"):
        if moment.astype(f"datetime64[{unit}]") == moment:
            text = str(np.datetime_as_string(moment, unit=unit))
            return text if unit == "D" else f"{text}Z"
    return f"{np.datetime_as_string(moment, unit='ns')}Z"


def spell(key: int, *, timed: bool) -> str:
    """Return the key of a row for people: its time, or, where rows have none, its number."""
    return iso(key) if timed else f"row {key}"


def _zone(timezone: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            f"timezone {timezone!r} is not known on this machine", "use a name like Europe/Berlin"
        ) from error
