"""Folds by group: what is tested belongs to symbols, or groups, that the model has never seen.

A group is a symbol, or all rows with one value of a column.  A symbol lies whole in one group, so
that none of its rows trains where others of it are tested.  Groups are dealt to ``folds``, those
with most rows first (of equal ones the first by name or value), each to the fold that has the
fewest rows so far (of equal ones the first).

By itself this says nothing of time: other groups train on the very moments that are tested, and on
later ones, and what moves all of them together (a market, a season) is known to the model.  So one
moment lies in as many test folds as there are folds with groups that have it.

``time_blocks`` = b cuts the m distinct times as well, into b blocks of consecutive times: a fold is
the rows of its groups in one block, and of the other groups a row may train only if its window lies
more than ``embargo`` times from that of every row tested (see ``windows``).  With one block nothing
is cut and the rule is asked all the same: for groups that lie apart in time.  Folds without a row
are left out.  In a single series that is the rule in any case: its labels reach into other groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from repro.errors import InputError
from repro.pipeline.panel import Ints, Panel, segments
from repro.pipeline.samples import Samples
from repro.pipeline.splits.fold import Fold, fold_of
from repro.pipeline.splits.windows import blocks, clear_of, windows

CURES: Final = ("lower `folds`, `purge` or `embargo`", "lower `folds` or `time_blocks`")
ALONE: Final = "set `time_blocks` to 2 or more to cut time as well, lower `purge` or `embargo`"


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """The group of each of n rows."""

    of: Ints
    """(n,) numbered from 0, in the order of names or values."""
    one_series: bool
    """Whether all rows are of one series, so that labels of one group reach into another."""


def grouping(panel: Panel, samples: Samples, splits: Mapping[str, Any]) -> Grouping | None:
    """Return the groups that the method asks for; None if it asks for none.

    Raises InputError if the column is not there or is not of whole numbers, or if a symbol has rows
    in two groups.
    """
    if splits["method"] != "grouped":
        return None
    name = splits["group_column"]
    series = np.unique(samples.symbol)
    if name is None:
        return Grouping(np.unique(samples.symbol, return_inverse=True)[1], len(series) == 1)
    column = panel.columns.get(name)
    if column is None or column.dtype != np.int64:
        raise InputError(
            f"`group_column` {name!r} is no column of whole numbers",
            "declare it as int64 in dataset.columns, or write null to group by symbol",
        )
    values = np.empty(len(samples.time), dtype=np.int64)
    for code, part in enumerate(segments(panel)):
        rows = np.flatnonzero(samples.symbol == code)
        values[rows] = column[part][np.searchsorted(panel.time[part], samples.time[rows])]
        found = np.unique(values[rows])
        if len(series) > 1 and len(found) > 1:
            raise InputError(
                f"the symbol {panel.symbols[code]} has rows in two groups, "
                f"{name} {found[0]} and {found[1]}",
                "a symbol must lie whole in one group: give it one value in all its rows",
            )
    return Grouping(np.unique(values, return_inverse=True)[1], len(series) == 1)


def grouped(
    time: Ints, label_end: Ints, groups: Grouping, splits: Mapping[str, Any]
) -> tuple[Fold, ...]:
    """Return the folds of samples with these times and ends of labels, (n,) nanoseconds each.

    Block of time by block of time, and in each of them by group.  Raises InputError if there are
    too few groups, times or rows, naming the knob.
    """
    rows = windows(time, label_end, splits["purge"])
    parts = 1 if splits["time_blocks"] is None else splits["time_blocks"]
    if len(rows.moments) < parts:
        raise InputError(
            f"{len(rows.moments)} distinct times cannot be cut into {parts} blocks",
            "lower `time_blocks`, or use more data",
        )
    dealt = _dealt(groups.of, splits["folds"])[groups.of]
    in_time = keeps_clear(groups, splits)
    cures = (ALONE, CURES[1]) if in_time and parts == 1 else CURES
    folds: list[Fold] = []
    for begin, end in blocks(0, len(rows.moments), parts):
        within = (rows.first >= begin) & (rows.first < end)
        for number in range(splits["folds"]):
            test = np.flatnonzero(within & (dealt == number))
            if not len(test):
                continue
            may_train = dealt != number
            if in_time:
                may_train = may_train & clear_of(test, rows, splits["embargo"])
            tested = int(np.count_nonzero(np.bincount(groups.of[test])))
            train = np.flatnonzero(may_train)
            folds.append(fold_of(len(folds), train, test, time, splits, cures, tested))
    return tuple(folds)


def keeps_clear(groups: Grouping, splits: Mapping[str, Any]) -> bool:
    """Return whether training windows keep clear of the tests' in time too."""
    return splits["time_blocks"] is not None or groups.one_series


def _dealt(group: Ints, folds: int) -> Ints:
    """Return the fold of each group: (groups,)."""
    sizes = np.bincount(group)
    if len(sizes) < folds:
        raise InputError(
            f"{len(sizes)} groups cannot be dealt to {folds} folds",
            "lower `folds`, or use more symbols or another `group_column`",
        )
    found = np.empty(len(sizes), dtype=np.int64)
    rows = np.zeros(folds, dtype=np.int64)
    for one in np.lexsort((np.arange(len(sizes)), -sizes)).tolist():
        found[one] = np.argmin(rows)
        rows[found[one]] += sizes[one]
    return found
