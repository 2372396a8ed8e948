"""A fold as it was cut: its rows, its boundaries, its digest."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from repro.audit_log.formats.digests import derive
from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.times import spell

FOLD_MAP_CONTEXT: Final = "repro-audit v1 fold map"


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One training and its test; boundaries are times of rows, both included."""

    index: int
    """From 0."""
    train: Ints
    """Rows of the samples, ascending."""
    test: Ints
    """Rows of the samples, ascending."""
    train_start: int
    """Nanoseconds, as the three below."""
    train_end: int
    test_start: int
    test_end: int
    test_groups: int | None = None
    """How many groups are tested, where the method cuts by group."""


def fold_of(
    index: int,
    train: Ints,
    test: Ints,
    time: Ints,
    splits: Mapping[str, Any],
    cures: tuple[str, str],
    test_groups: int | None = None,
) -> Fold:
    """Return a fold of samples with these times, (n,) nanoseconds.

    Raises InputError if it has too few rows on a side; ``cures`` say what helps training and test.
    """
    for rows, what, knob, cure in (
        (train, "training", "min_train_rows", cures[0]),
        (test, "test", "min_test_rows", cures[1]),
    ):
        least = max(1, splits[knob])
        if len(rows) < least:
            raise InputError(
                f"fold {index + 1} has {len(rows)} {what} rows; `{knob}` asks for {least}",
                f"{cure}, use more data, or lower `{knob}`",
            )
    return Fold(
        index,
        train,
        test,
        train_start=int(time[train].min()),
        train_end=int(time[train].max()),
        test_start=int(time[test].min()),
        test_end=int(time[test].max()),
        test_groups=test_groups,
    )


def facts(fold: Fold, *, timed: bool = True) -> dict[str, Any]:
    """Return the boundaries (UTC, or rows) and counts of a fold; folds are counted from 1."""
    found = {
        "fold": fold.index + 1,
        "train_rows": len(fold.train),
        "test_rows": len(fold.test),
        "train_start": spell(fold.train_start, timed=timed),
        "train_end": spell(fold.train_end, timed=timed),
        "test_start": spell(fold.test_start, timed=timed),
        "test_end": spell(fold.test_end, timed=timed),
    }
    return found if fold.test_groups is None else {**found, "test_groups": fold.test_groups}


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
