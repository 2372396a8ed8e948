"""The panel: typed columns of many symbols over time, in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Column = Floats | Ints

SINGLE = "-"
"""The name of the one symbol of a plain table, which has no symbol column."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Rows sorted by (symbol, time), no key twice; arrays are read-only."""

    symbols: tuple[str, ...]
    """Sorted by code point; each has at least one row."""
    symbol: npt.NDArray[np.int32]
    """(n,) index into ``symbols``."""
    time: Ints
    """(n,) nanoseconds since 1970-01-01 UTC; or, in a table without times, the number of the row
    among those of its symbol in the files, from 0."""
    columns: Mapping[str, Column]
    """(n,) each, float64 (missing is NaN, never infinite) or int64."""
    dropped_symbols: tuple[tuple[str, int], ...]
    """(symbol, rows) left out because they had too few rows, sorted."""
    dropped_duplicates: int
    """Rows left out by the rule for duplicates."""
    timed: bool = True
    """Whether rows have times."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.time)


def build_panel(
    symbols: tuple[str, ...],
    symbol: npt.NDArray[np.int32],
    time: Ints,
    columns: Mapping[str, Column],
    *,
    dropped_symbols: tuple[tuple[str, int], ...] = (),
    dropped_duplicates: int = 0,
    timed: bool = True,
) -> Panel:
    """Return a panel of these arrays (made read-only); AssertionError if the order is broken."""
    if list(symbols) != sorted(set(symbols)):
        raise AssertionError(f"symbols are not sorted or not unique: {symbols}")
    later = (symbol[1:] > symbol[:-1]) | ((symbol[1:] == symbol[:-1]) & (time[1:] > time[:-1]))
    if not later.all():
        raise AssertionError(f"row {int(np.argmin(later)) + 1} is not after the row before it")
    if not np.array_equal(np.unique(symbol), np.arange(len(symbols))):
        raise AssertionError("a symbol without rows, or a row without a symbol")
    for array in (symbol, time, *columns.values()):
        if len(array) != len(time):
            raise AssertionError(f"a column of {len(array)} rows among columns of {len(time)}")
        array.setflags(write=False)
    return Panel(symbols, symbol, time, dict(columns), dropped_symbols, dropped_duplicates, timed)


def segments(panel: Panel) -> tuple[slice, ...]:
    """Return the rows of each symbol, in the order of ``panel.symbols``."""
    bounds = np.searchsorted(panel.symbol, np.arange(len(panel.symbols) + 1)).tolist()
    return tuple(slice(a, b) for a, b in pairwise(bounds))


def as_floats(panel: Panel, column: str) -> Floats:
    """Return a column as float64 (int64 beyond 2^53 is rounded)."""
    return panel.columns[column].astype(np.float64, copy=False)
