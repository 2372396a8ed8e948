"""Random panels to cut, and what is true of cut rows, found the slow way: every pair of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.splits.cutting import cut
from repro.pipeline.splits.grouped import Grouping

DAY = 86_400_000_000_000


@dataclass(frozen=True)
class Drawn:
    """Rows in the order of samples: by time, then by symbol."""

    time: np.ndarray
    label_end: np.ndarray
    symbol: np.ndarray
    group: np.ndarray
    """One of each symbol, or, in a single series, of each row."""

    @property
    def grouping(self):
        return Grouping(
            np.unique(self.group, return_inverse=True)[1], len(np.unique(self.symbol)) == 1
        )

    def reordered(self, order):
        return Drawn(self.time[order], self.label_end[order], self.symbol[order], self.group[order])


SMALL = st.sampled_from([0, 0, 1, 1, 2, 3, 6])
"""Purge, embargo and horizon: mostly so small that something is left to train on."""
KINDS = ("purged_walk_forward", "k_fold", "shuffled", "grouped", "grouped_in_time")


@st.composite
def panels(draw, least_symbols=1):
    """Return rows of several symbols, each with gaps of its own, over an irregular calendar.

    A label ends where its symbol has its ``horizon``-th next row, however far that is.
    """
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    moments = draw(st.integers(24, 60))
    spacing = generator.integers(1, draw(st.sampled_from([2, 6, 40])), moments)
    calendar = np.cumsum(spacing) * draw(st.sampled_from([1, DAY]))
    calendar += draw(st.sampled_from([-(10**15), 0, 10**18]))
    horizon, missing = draw(SMALL), draw(st.sampled_from([0.0, 0.2, 0.5]))
    late, symbols = draw(st.booleans()), draw(st.integers(least_symbols, 6))
    rows = []
    for symbol in range(symbols):
        begin = int(generator.integers(0, moments // 2)) if late else 0
        own = calendar[begin:][generator.random(moments - begin) >= missing]
        rows += [(int(a), symbol, int(b)) for a, b in zip(own, own[horizon:], strict=False)]
    rows.sort()
    time, symbol, label_end = np.array(rows, dtype=np.int64).reshape(-1, 3).T.copy()
    group = symbol // draw(st.integers(1, 2))
    if symbols == 1:
        group = generator.integers(0, 3, len(rows))
        group = np.sort(group) if draw(st.booleans()) else group
    return Drawn(time, label_end, symbol, group)


@st.composite
def plans(draw, kind):
    """Return the splits of one kind."""
    splits = {
        "method": kind,
        "folds": draw(st.integers(2, 5)),
        "purge": draw(SMALL),
        "embargo": draw(SMALL),
        "min_train_rows": 1,
        "min_test_rows": 1,
        "validation_fraction": draw(st.floats(0.1, 0.5)),
    }
    if kind == "purged_walk_forward":
        splits["initial_train_fraction"] = draw(st.floats(0.3, 0.8))
        splits["max_train_timestamps"] = draw(st.none() | st.integers(1, 40))
    elif kind in ("k_fold", "shuffled"):
        splits |= {"method": "k_fold", "shuffled": kind == "shuffled", "seed": draw(SEEDS)}
    else:
        splits |= {"method": "grouped", "folds": draw(st.integers(2, 3)), "group_column": None}
        inside = kind == "grouped_in_time"
        splits["time_blocks"] = draw(st.integers(1, 4)) if inside else None
    if kind == "shuffled":
        splits |= {"purge": draw(st.sampled_from([0, 0, 1])), "embargo": 0}
    return splits


SEEDS = st.integers(0, 2**53 - 1)


@st.composite
def cases(draw, kind):
    """Return a panel, a plan of one kind, and the folds; never one that has too few rows."""
    grouped = kind.startswith("grouped")
    rows, splits = draw(panels(2 if grouped and draw(st.booleans()) else 1)), draw(plans(kind))
    folds = folds_of(rows, splits)
    assume(folds)
    return rows, splits, folds


def folds_of(rows, splits):
    """Return the folds, or none where the rows are too few for the plan."""
    groups = rows.grouping if splits["method"] == "grouped" else None
    try:
        return cut(rows.time, rows.label_end, splits, groups)
    except InputError:
        return ()


def dealt(rows, count):
    """Return the fold of each group: the largest first, each to the smallest fold."""
    values, sizes = np.unique(rows.group, return_counts=True)
    found, load = {}, [0] * count
    for size, value in sorted(zip((-sizes).tolist(), values.tolist(), strict=True)):
        found[value] = load.index(min(load))
        load[found[value]] -= size
    return found


def meeting(rows):
    """Return for every pair of rows whether their windows have a moment in common: (n, n)."""
    begins_before_end = rows.time[:, None] <= rows.label_end[None, :]
    return begins_before_end & begins_before_end.T


def counted(rows, purge):
    """Return the window of each row in distinct times: its number, and that of its end."""
    moments = np.array(sorted(set(rows.time.tolist())))
    first = [moments.tolist().index(time) for time in rows.time.tolist()]
    last = (moments[None, :] <= rows.label_end[:, None]).sum(axis=1) - 1
    return np.array(first), np.maximum(np.array(first) + purge, last)


def near(rows, purge, embargo):
    """Return for every pair of rows whether fewer than ``embargo`` + 1 times part them: (n, n)."""
    first, last = counted(rows, purge)
    before = last[:, None] + embargo < first[None, :]
    return ~(before | before.T)


def truths(rows, folds, grouped):
    """Return by name what the proof claims to have found, from every pair of rows."""
    pairs = [np.ix_(fold.train, fold.test) for fold in folds]
    same, met = np.eye(len(rows.time), dtype=bool), meeting(rows)
    first = rows.label_end[:, None] < rows.time[None, :]
    tested = [row for fold in folds for row in fold.test.tolist()]
    times = [moment for fold in folds for moment in set(rows.time[fold.test].tolist())]
    found = {
        "rows_apart": not any(same[pair].any() for pair in pairs),
        "labels_apart": not any(met[pair].any() for pair in pairs),
        "training_first": all(first[pair].all() for pair in pairs),
        "test_times_in_one_fold": len(times) == len(set(times)),
        "test_rows_in_one_fold": len(tested) == len(set(tested)),
        "every_row_tested": set(tested) == set(range(len(rows.time))),
    }
    if grouped:
        groups = [group for fold in folds for group in set(rows.group[fold.test].tolist())]
        shared = rows.group[:, None] == rows.group[None, :]
        found["groups_apart"] = not any(shared[pair].any() for pair in pairs)
        found["test_groups_in_one_fold"] = len(groups) == len(set(groups))
    return found
