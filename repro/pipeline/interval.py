"""Whether rows lie as far apart as the dataset says: a target's horizon counts rows."""

from __future__ import annotations

import numpy as np

from repro.errors import InputError
from repro.pipeline.panel import Panel, segments
from repro.pipeline.times import NANOSECONDS

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""Seconds of each unit."""


def require_interval(panel: Panel, interval: str | None) -> None:
    """Raise InputError unless the median gap between rows of a symbol is about ``interval``.

    About: more than half of it and less than twice, so that weekends, holidays and months of
    different lengths are no fault, and daily rows that are called hourly are one. A table without
    times has no interval.
    """
    if interval is None or not panel.timed:
        return
    gaps = [np.diff(panel.time[rows]) for rows in segments(panel)]
    joined = np.concatenate(gaps) if gaps else np.empty(0, dtype=np.int64)
    if not len(joined):
        return
    declared = int(interval[:-1]) * SECONDS[interval[-1]] * NANOSECONDS
    found = int(np.median(joined))
    if not declared < 2 * found < 4 * declared:
        raise InputError(
            f"rows of a symbol lie {_spoken(found)} apart (the median), "
            f"but dataset.interval says {interval}",
            "set dataset.interval in CONFIG/data/dataset.yaml to the spacing of the rows",
        )


def _spoken(nanoseconds: int) -> str:
    """Return a span in the largest unit that it fills."""
    seconds = nanoseconds / NANOSECONDS
    unit = max(
        (name for name, size in SECONDS.items() if size <= max(seconds, 1)), key=SECONDS.__getitem__
    )
    return f"{seconds / SECONDS[unit]:g}{unit}"
