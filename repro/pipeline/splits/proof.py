"""The proof of the folds, from the row sets alone: it shares no step with what cut them.

The window of a row is [its time, the end of its label]; two windows meet if one begins inside the
other, ends included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repro.pipeline.panel import Ints
from repro.pipeline.splits.fold import Fold
from repro.pipeline.splits.grouped import Grouping, keeps_clear
from repro.pipeline.splits.holding_out import HoldOut
from repro.pipeline.times import spell

ROWS_APART: Final = "rows_apart"
"""No row trains and is tested in one fold."""
LABELS_APART: Final = "labels_apart"
"""In no fold does the window of a training row meet that of a test row."""
TRAINING_FIRST: Final = "training_first"
"""In every fold all training labels end before the test begins."""
TIMES_ONCE: Final = "test_times_in_one_fold"
"""No time lies in two test folds."""
ROWS_ONCE: Final = "test_rows_in_one_fold"
"""No row lies in two test folds."""
ALL_TESTED: Final = "every_row_tested"
GROUPS_APART: Final = "groups_apart"
"""No group trains and is tested in one fold."""
GROUPS_ONCE: Final = "test_groups_in_one_fold"
"""No group lies in two test folds."""

_PROMISED: Final[Mapping[str, tuple[str, ...]]] = {
    "purged_walk_forward": (ROWS_APART, LABELS_APART, TRAINING_FIRST, TIMES_ONCE, ROWS_ONCE),
    "k_fold": (ROWS_APART, LABELS_APART, TIMES_ONCE, ROWS_ONCE, ALL_TESTED),
    "grouped": (ROWS_APART, GROUPS_APART, ROWS_ONCE, ALL_TESTED),
}


def promised(splits: Mapping[str, Any], groups: Grouping | None = None) -> tuple[str, ...]:
    """Return what must be true of folds that were cut by these rules."""
    found = list(_PROMISED[splits["method"]])
    if groups is not None:
        if keeps_clear(groups, splits):
            found.append(LABELS_APART)
        if splits["time_blocks"] in (None, 1):
            found.append(GROUPS_ONCE)
    return tuple(found)


def proof(
    folds: Sequence[Fold],
    time: Ints,
    label_end: Ints,
    held: Mapping[str, HoldOut],
    splits: Mapping[str, Any],
    groups: Grouping | None = None,
    *,
    timed: bool = True,
) -> dict[str, Any]:
    """Return what is true of the folds, what was promised of them, and whether the one covers it.

    A JSON value; times in ISO 8601, or rows.  ``found`` says of everything whether it is so, also
    of what the method does not promise; ``holds`` that all of it is so that is promised, in every
    fold and of the rows that are held out of a fit.
    """
    groups_of = None if groups is None else groups.of
    lines = [_line(fold, time, label_end, groups_of, timed=timed) for fold in folds]
    tests = [fold.test for fold in folds]
    tested, moment = _counted(tests, len(time)), np.unique(time, return_inverse=True)[1]
    found = {
        ROWS_APART: all(line["shared_rows"] == 0 for line in lines),
        LABELS_APART: all(line["meeting_rows"] == 0 for line in lines),
        TRAINING_FIRST: all(_ends_first(fold, time, label_end) for fold in folds),
        TIMES_ONCE: bool((_counted([moment[test] for test in tests], len(time)) <= 1).all()),
        ROWS_ONCE: bool((tested <= 1).all()),
        ALL_TESTED: bool((tested >= 1).all()),
    }
    if groups_of is not None:
        found[GROUPS_APART] = all(line["shared_groups"] == 0 for line in lines)
        counts = _counted([groups_of[test] for test in tests], len(time))
        found[GROUPS_ONCE] = bool((counts <= 1).all())
    wanted = promised(splits, groups)
    holds = all(found[name] for name in wanted)
    out = {"holds": holds, "promised": list(wanted), "found": found, "folds": lines}
    if held:
        out["validation"] = inner = _validation_proof(held, time, label_end, timed=timed)
        out["holds"] = holds and all(bool(line["holds"]) for line in inner)
    return out


def _line(
    fold: Fold, time: Ints, label_end: Ints, groups: Ints | None, *, timed: bool
) -> dict[str, Any]:
    """Return what is true of one fold: how near training comes to the test, on both sides."""
    begins, ends = int(time[fold.test].min()), int(time[fold.test].max())
    before = fold.train[time[fold.train] < begins]
    after = fold.train[time[fold.train] > ends]
    found = {
        "fold": fold.index + 1,
        "train_rows": len(fold.train),
        "test_rows": len(fold.test),
        "max_train_label_end": spell(int(label_end[before].max()), timed=timed)
        if len(before)
        else None,
        "min_test_time": spell(begins, timed=timed),
        "max_test_label_end": spell(int(label_end[fold.test].max()), timed=timed),
        "min_train_time_after": spell(int(time[after].min()), timed=timed) if len(after) else None,
        "shared_rows": _shared(fold.train, fold.test),
        "meeting_rows": _meeting(fold, time, label_end),
    }
    if groups is not None:
        found["shared_groups"] = _shared(groups[fold.train], groups[fold.test])
    return found


def _meeting(fold: Fold, time: Ints, label_end: Ints) -> int:
    """Return how many training rows have a window that meets that of a test row."""
    order = fold.test[np.argsort(time[fold.test], kind="stable")]
    begins, furthest = time[order], np.maximum.accumulate(label_end[order])
    start, end = time[fold.train], label_end[fold.train]
    begun = np.searchsorted(begins, start, side="right")
    test_begins_inside = np.searchsorted(begins, end, side="right") > np.searchsorted(begins, start)
    begins_inside_test = (begun > 0) & (furthest[begun - 1] >= start)
    return int(np.count_nonzero(test_begins_inside | begins_inside_test))


def _ends_first(fold: Fold, time: Ints, label_end: Ints) -> bool:
    return int(label_end[fold.train].max()) < int(time[fold.test].min())


def _counted(parts: Sequence[Ints], size: int) -> Ints:
    """Return in how many of the parts each number from 0 lies: (size,)."""
    counts = np.zeros(size, dtype=np.int64)
    for part in parts:
        counts += _marked(part, size)
    return counts


def _shared(one: Ints, other: Ints) -> int:
    """Return how many numbers lie in both."""
    size = max(int(one.max()), int(other.max())) + 1
    return int(np.count_nonzero(_marked(one, size) & _marked(other, size)))


def _marked(numbers: Ints, size: int) -> NDArray[np.bool_]:
    """Return for each number from 0 whether it is there: (size,)."""
    marks = np.zeros(size, dtype=np.bool_)
    marks[numbers] = True
    return marks


def _validation_proof(
    held: Mapping[str, HoldOut], time: Ints, label_end: Ints, *, timed: bool
) -> list[dict[str, Any]]:
    """Return for each stage whether every label that is fitted to ends before its validation."""
    lines = []
    for stage, cut in held.items():
        known, begins = int(label_end[cut.fit].max()), int(time[cut.validation].min())
        disjoint = _shared(cut.fit, cut.validation) == 0
        lines.append(
            {
                "stage": stage,
                "fit_rows": len(cut.fit),
                "validation_rows": len(cut.validation),
                "max_fit_label_end": spell(known, timed=timed),
                "min_validation_time": spell(begins, timed=timed),
                "holds": known < begins and disjoint,
            }
        )
    return lines
