"""Values that are too large: no model is fitted to what has no sum of squares, and none is scored.

A mean square, a standard deviation and the gain of a split all add up squares. Beyond the bound
here these are infinite in 64 bits, whatever the family; some libraries say so, some go on.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from repro.errors import InputError
from repro.pipeline.panel import SINGLE, Floats
from repro.pipeline.samples import Samples
from repro.pipeline.times import spell

_SHOWN = 5


class _Beyond(NamedTuple):
    """A column of the samples, some of whose values are too large."""

    what: str
    low: float
    high: float
    row: int
    """The row of the value that is furthest from zero."""
    rows: int


def require_summable(samples: Samples, target: str, *, timed: bool) -> None:
    """Raise InputError for features and a target whose squares have no finite sum.

    Each is named with its range, and with symbol and time of the value that is furthest from zero.
    """
    columns = {f"feature {name}": samples.X[:, n] for n, name in enumerate(samples.names)}
    limit = _limit(len(samples.y))
    asked = {**columns, f"target {target}": samples.y}
    found = [beyond for what, values in asked.items() if (beyond := _beyond(what, values, limit))]
    if not found:
        return
    said = [_said(samples, beyond, timed=timed) for beyond in found[:_SHOWN]]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    raise InputError(
        "; ".join([*said, *more]) + ": the squares of such values have no sum in floating point",
        "look for a wrong value in the columns that it is made of; if it is right, rescale the"
        " column or leave the feature out",
    )


def _limit(rows: int) -> float:
    """Return up to where the squares of so many differences of two such values can be added up."""
    return float(np.sqrt(sys.float_info.max / rows) / 2.0)


def _beyond(what: str, values: Floats, limit: float) -> _Beyond | None:
    """Return what is to be said of a column (n,), NaN where there is no value, if anything is."""
    size = np.abs(values)
    beyond = size > limit  # NaN is not
    if not beyond.any():
        return None
    return _Beyond(
        what,
        float(np.nanmin(values)),
        float(np.nanmax(values)),
        int(np.nanargmax(size)),
        int(np.count_nonzero(beyond)),
    )


def _said(samples: Samples, beyond: _Beyond, *, timed: bool) -> str:
    """Return the sentence that names a column, its range and the place of its worst value."""
    where = spell(int(samples.time[beyond.row]), timed=timed)
    if samples.symbols != (SINGLE,):
        where = f"{samples.symbols[samples.symbol[beyond.row]]} {where}"
    others = f", and {beyond.rows - 1} more rows" if beyond.rows > 1 else ""
    return f"{beyond.what} goes from {beyond.low:g} to {beyond.high:g} (at {where}{others})"
