"""What each row covers in time, and which rows keep clear of others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from repro.pipeline.panel import Ints

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """What n rows cover, counted in their m distinct times: from ``first`` to ``last``."""

    moments: Ints
    """(m,) the distinct times, ascending."""
    first: Ints
    """(n,) the number of each row's own time."""
    last: Ints
    """(n,) the number of the last time that its label reaches, or ``purge`` after its own if that
    is later; it may lie beyond the last time that there is."""


def windows(time: Ints, label_end: Ints, purge: int) -> Windows:
    """Return what rows with these times and ends of labels, (n,) nanoseconds each, cover."""
    moments, first = np.unique(time, return_inverse=True)
    reached = np.searchsorted(moments, label_end, side="right") - 1
    return Windows(moments, first, np.maximum(reached, first + purge))


def clear_of(test: Ints, rows: Windows, embargo: int) -> Mask:
    """Return which rows lie more than ``embargo`` times from every row of ``test``: (n,).

    Before it: the own window ends more than so many times before the time of the test row.  After
    it: the own time comes more than so many times after the window of the test row.
    """
    count = len(rows.moments)
    reach = np.full(count, -1, dtype=np.int64)  # of the tests that begin at a time or before it
    np.maximum.at(reach, rows.first[test], rows.last[test])
    reach = np.maximum.accumulate(reach)
    furthest = reach[np.minimum(rows.last + embargo, count - 1)]
    clear: Mask = (furthest < 0) | (furthest + embargo < rows.first)
    return clear


def ends_before(begin: int, rows: Windows, embargo: int) -> Mask:
    """Return which rows have a window that ends ``embargo`` times before time number ``begin``."""
    before: Mask = rows.last + embargo < begin
    return before


def blocks(begin: int, end: int, count: int) -> list[tuple[int, int]]:
    """Return ``count`` half-open ranges of begin … end whose sizes differ by at most one.

    The longer ones come first.
    """
    size, longer = divmod(end - begin, count)
    starts = [begin + k * size + min(k, longer) for k in range(count + 1)]
    return list(pairwise(starts))
