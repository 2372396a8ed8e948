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
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from repro.audit_log.formats.digests import derive
from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.times import iso

FOLD_MAP_CONTEXT: Final = "repro-audit v1 fold map"


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One training and the test after it; boundaries are times of rows, both included."""

    index: int
    """From 0, in order of time."""
    train: Ints
    """Rows of the samples, ascending."""
    test: Ints
    """Rows of the samples, ascending."""
    train_start: int
    """Nanoseconds, as the three below."""
    train_end: int
    test_start: int
    test_end: int


def walk_forward(time: Ints, label_end: Ints, splits: Mapping[str, Any]) -> tuple[Fold, ...]:
    """Return the folds of samples with these times and ends of labels, (n,) nanoseconds each.

    Raises InputError if there are too few times or rows, naming the knob.
    """
    if splits["method"] != "purged_walk_forward":
        raise AssertionError(f"split method got past the schemas: {splits['method']!r}")
    moments, number = np.unique(time, return_inverse=True)
    folds = []
    for index, (begin, end) in enumerate(_test_blocks(len(moments), splits)):
        stop = begin - splits["embargo"] - splits["purge"]
        start = 0
        if splits["max_train_timestamps"] is not None:
            start = max(0, stop - splits["max_train_timestamps"])
        train = np.zeros(0, dtype=np.int64)
        if stop > start:
            gate = moments[begin - splits["embargo"]]
            train = np.flatnonzero((number >= start) & (number < stop) & (label_end < gate))
        test = np.flatnonzero((number >= begin) & (number < end))
        _require_enough(index, train, test, splits)
        folds.append(
            Fold(
                index,
                train,
                test,
                train_start=int(time[train].min()),
                train_end=int(time[train].max()),
                test_start=int(moments[begin]),
                test_end=int(moments[end - 1]),
            )
        )
    return tuple(folds)


def _test_blocks(moments: int, splits: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the test blocks as half-open ranges of numbered times."""
    folds = splits["folds"]
    initial = math.floor(moments * splits["initial_train_fraction"])
    size, longer = divmod(moments - initial, folds)
    if size == 0:
        raise InputError(
            f"{moments - initial} of {moments} distinct times remain for {folds} test blocks",
            "lower `folds` or `initial_train_fraction`, or use more data",
        )
    starts = [initial + k * size + min(k, longer) for k in range(folds + 1)]
    return list(pairwise(starts))


def _require_enough(index: int, train: Ints, test: Ints, splits: Mapping[str, Any]) -> None:
    for rows, knob, cure in (
        (train, "min_train_rows", "raise `initial_train_fraction`, lower `purge` or `embargo`"),
        (test, "min_test_rows", "lower `folds` or `initial_train_fraction`"),
    ):
        least = max(1, splits[knob])
        if len(rows) < least:
            what = "training" if rows is train else "test"
            raise InputError(
                f"fold {index + 1} has {len(rows)} {what} rows; `{knob}` asks for {least}",
                f"{cure}, use more data, or lower `{knob}`",
            )


def proof(folds: Sequence[Fold], time: Ints, label_end: Ints) -> dict[str, Any]:
    """Return, from the row sets alone, whether every training label ends before its test begins.

    A JSON value; times in ISO 8601.  Per fold also that no row both trains and tests; overall also
    that no time lies in two test sets.
    """
    lines = []
    tested: set[int] = set()
    apart = True
    for fold in folds:
        known = int(label_end[fold.train].max())
        begins = int(time[fold.test].min())
        moments = set(time[fold.test].tolist())
        apart = apart and tested.isdisjoint(moments)
        tested |= moments
        disjoint = set(fold.train.tolist()).isdisjoint(fold.test.tolist())
        lines.append(
            {
                "fold": fold.index + 1,
                "train_rows": len(fold.train),
                "test_rows": len(fold.test),
                "max_train_label_end": iso(known),
                "min_test_time": iso(begins),
                "holds": known < begins and disjoint,
            }
        )
    holds = apart and all(bool(line["holds"]) for line in lines)
    return {"holds": holds, "test_times_in_one_fold": apart, "folds": lines}


def fold_map_digest(folds: Sequence[Fold], rows: int) -> str:
    """Return the digest of which of ``rows`` samples train and test in which fold.

    derive(FOLD_MAP_CONTEXT, rows, folds, then per fold: its index, how many rows train, those rows,
    how many test, those rows), all uint64 little-endian.
    """
    parts = [struct.pack("<QQ", rows, len(folds))]
    for fold in folds:
        parts.append(struct.pack("<QQ", fold.index, len(fold.train)))
        parts.append(fold.train.astype("<u8").tobytes())
        parts.append(struct.pack("<Q", len(fold.test)))
        parts.append(fold.test.astype("<u8").tobytes())
    return derive(FOLD_MAP_CONTEXT, *parts)
