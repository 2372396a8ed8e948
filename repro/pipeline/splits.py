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

Where training stops early, the newest floor(t · validation_fraction) of its t distinct times are
held out of the fit, and of its older rows those are fitted to that meet the same two conditions,
time number a being the first that is held out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repro.audit_log.formats.digests import derive
from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.times import spell

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


@dataclass(frozen=True, slots=True, eq=False)
class HoldOut:
    """One training cut in two; a row whose label reaches the rows held out is in neither."""

    fit: Ints
    """Rows of the samples that are fitted to, ascending."""
    validation: Ints
    """Newer rows, ascending, that say when to stop."""


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
        may_train = _ends_before(begin, moments, number, label_end, splits)
        train = np.flatnonzero(may_train & (number >= start))
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


def hold_out(
    stage: str, time: Ints, label_end: Ints, rows: Ints, splits: Mapping[str, Any]
) -> HoldOut:
    """Return how the training ``rows`` of a stage are cut where it may stop early.

    ``time`` and ``label_end`` are those of all the samples, (n,) nanoseconds each. Raises
    InputError if there are too few times or rows on either side, naming the knob.
    """
    moments, number = np.unique(time[rows], return_inverse=True)
    held = math.floor(len(moments) * splits["validation_fraction"])
    if held == 0:
        raise InputError(
            f"{stage}: of {len(moments)} training times, `validation_fraction` "
            f"{splits['validation_fraction']:g} holds none out to stop early by",
            "raise `validation_fraction`, use more data, or do not stop early",
        )
    begin = len(moments) - held
    fit = rows[_ends_before(begin, moments, number, label_end[rows], splits)]
    validation = rows[number >= begin]
    for found, what, knob, cure in (
        (fit, "rows to fit to", "min_train_rows", "lower `validation_fraction`"),
        (validation, "rows to stop early by", "min_test_rows", "raise `validation_fraction`"),
    ):
        if len(found) < max(1, splits[knob]):
            raise InputError(
                f"{stage} has {len(found)} {what}; `{knob}` asks for {splits[knob]}",
                f"{cure}, use more data, lower `{knob}`, or do not stop early",
            )
    return HoldOut(fit, validation)


def hold_outs(
    trained: Mapping[str, Ints], time: Ints, label_end: Ints, splits: Mapping[str, Any]
) -> dict[str, HoldOut]:
    """Return ``hold_out`` of the training rows of each stage."""
    return {
        stage: hold_out(stage, time, label_end, rows, splits) for stage, rows in trained.items()
    }


def _ends_before(
    begin: int, moments: Ints, number: Ints, label_end: Ints, splits: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Return which rows may train for what begins at time number ``begin``: (n,).

    ``number`` is the place of each row's time among the distinct ``moments``.
    """
    stop = begin - splits["embargo"] - splits["purge"]
    if stop <= 0:
        return np.zeros(len(number), dtype=np.bool_)
    may: NDArray[np.bool_] = (number < stop) & (label_end < moments[begin - splits["embargo"]])
    return may


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


def facts(fold: Fold, *, timed: bool = True) -> dict[str, Any]:
    """Return the boundaries (UTC, or rows) and counts of a fold; folds are counted from 1."""
    return {
        "fold": fold.index + 1,
        "train_rows": len(fold.train),
        "test_rows": len(fold.test),
        "train_start": spell(fold.train_start, timed=timed),
        "train_end": spell(fold.train_end, timed=timed),
        "test_start": spell(fold.test_start, timed=timed),
        "test_end": spell(fold.test_end, timed=timed),
    }


def proof(
    folds: Sequence[Fold],
    time: Ints,
    label_end: Ints,
    held: Mapping[str, HoldOut],
    *,
    timed: bool = True,
) -> dict[str, Any]:
    """Return, from the row sets alone, whether every training label ends before its test begins.

    A JSON value; times in ISO 8601, or rows.  Per fold also that no row both trains and tests;
    overall also that no time lies in two test sets, and the same of the rows that are held out of a
    fit.
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
                "max_train_label_end": spell(known, timed=timed),
                "min_test_time": spell(begins, timed=timed),
                "holds": known < begins and disjoint,
            }
        )
    holds = apart and all(bool(line["holds"]) for line in lines)
    found = {"holds": holds, "test_times_in_one_fold": apart, "folds": lines}
    if held:
        found["validation"] = inner = _validation_proof(held, time, label_end, timed=timed)
        found["holds"] = holds and all(bool(line["holds"]) for line in inner)
    return found


def _validation_proof(
    held: Mapping[str, HoldOut], time: Ints, label_end: Ints, *, timed: bool
) -> list[dict[str, Any]]:
    """Return for each stage whether every label that is fitted to ends before its validation."""
    lines = []
    for stage, cut in held.items():
        known, begins = int(label_end[cut.fit].max()), int(time[cut.validation].min())
        disjoint = set(cut.fit.tolist()).isdisjoint(cut.validation.tolist())
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
