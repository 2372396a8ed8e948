"""The one place that knows which module cuts for which method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.pipeline.panel import Ints
from repro.pipeline.splits.fold import Fold, facts, fold_map_digest
from repro.pipeline.splits.grouped import Grouping, grouped
from repro.pipeline.splits.k_fold import k_fold, rule
from repro.pipeline.splits.walk_forward import walk_forward


def cut(
    time: Ints, label_end: Ints, splits: Mapping[str, Any], groups: Grouping | None = None
) -> tuple[Fold, ...]:
    """Return the folds of samples with these times and ends of labels, (n,) nanoseconds each.

    ``groups`` are those that the method asks for.  Raises InputError if there are too few times,
    groups or rows, naming the knob.
    """
    method = splits["method"]
    if method == "purged_walk_forward":
        return walk_forward(time, label_end, splits)
    if method == "k_fold":
        return k_fold(time, label_end, splits)
    if method != "grouped" or groups is None:
        raise AssertionError(f"split method got past the schemas: {method!r}")
    return grouped(time, label_end, groups, splits)


def identity_facts(
    folds: Sequence[Fold], time: Ints, splits: Mapping[str, Any], *, timed: bool = True
) -> dict[str, dict[str, Any]]:
    """Return the facts by which folds are identified, under ``splits``.

    They are the folds as they were cut; of folds that a seed drew, the rule alone, so that another
    seed gives a replicate, and the folds stand beside it, under ``drawn_folds``.
    """
    made = {
        "fold_map": fold_map_digest(folds, len(time)),
        "folds": [facts(fold, timed=timed) for fold in folds],
    }
    if not splits.get("shuffled", False):
        return {"splits": made}
    return {"splits": rule(time, splits), "drawn_folds": made}
