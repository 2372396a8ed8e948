"""Folds in time: tests that come after their training, with a gap that no label reaches across.

The m distinct times of the usable rows are cut, never the rows: one moment lies in one fold.
The first floor(m · initial_train_fraction) times only train.  The others are cut into ``folds``
consecutive test blocks whose sizes differ by at most one (the longer blocks first).  For the block
that begins at time number a, a row may train if

    its own time has a number below a - embargo - purge, and
    its label ends before time number a - embargo

(and, with ``max_train_timestamps`` = w, its time is among the last w that this leaves).  So
``embargo`` times before a test block neither train nor lie within the reach of a training label,
and ``purge`` removes the times before those whose labels would, were all labels ``purge`` rows
long; the second condition holds where symbols have gaps and rows are not days.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.splits.fold import Fold, fold_of
from repro.pipeline.splits.windows import blocks, ends_before, windows

CURES: Final = (
    "raise `initial_train_fraction`, lower `purge` or `embargo`",
    "lower `folds` or `initial_train_fraction`",
)


def walk_forward(time: Ints, label_end: Ints, splits: Mapping[str, Any]) -> tuple[Fold, ...]:
    """Return the folds of samples with these times and ends of labels, (n,) nanoseconds each.

    Raises InputError if there are too few times or rows, naming the knob.
    """
    rows = windows(time, label_end, splits["purge"])
    folds = []
    for index, (begin, end) in enumerate(_test_blocks(len(rows.moments), splits)):
        start = 0
        if splits["max_train_timestamps"] is not None:
            stop = begin - splits["embargo"] - splits["purge"]
            start = max(0, stop - splits["max_train_timestamps"])
        may_train = ends_before(begin, rows, splits["embargo"])
        train = np.flatnonzero(may_train & (rows.first >= start))
        test = np.flatnonzero((rows.first >= begin) & (rows.first < end))
        folds.append(fold_of(index, train, test, time, splits, CURES))
    return tuple(folds)


def _test_blocks(moments: int, splits: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the test blocks as half-open ranges of numbered times."""
    folds = splits["folds"]
    initial = math.floor(moments * splits["initial_train_fraction"])
    if moments - initial < folds:
        raise InputError(
            f"{moments - initial} of {moments} distinct times remain for {folds} test blocks",
            "lower `folds` or `initial_train_fraction`, or use more data",
        )
    return blocks(initial, moments, folds)
