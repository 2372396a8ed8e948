"""What the labels of a target are made of, and which features would show them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from repro.config.checks.pointing import REGISTRY, SELECTED, at, at_item
from repro.config.resolution.experiments import TARGETS
from repro.config.resolution.resolve import Resolved
from repro.errors import Problem
from repro.pipeline.formulas import COLUMN, columns_of, edges_of, newest_of


def label_problems(resolved: Resolved, target: str) -> Iterator[Problem]:
    """Yield what contradicts itself in one target: its edges, its classes, its horizon."""
    task, formula, horizon = (
        resolved.flat[(*TARGETS, target, key)] for key in ("task", "formula", "horizon")
    )
    for lower, upper in pairwise(edges_of(formula.value)):
        if not lower < upper:
            message = f"edges must ascend, and {upper:g} follows {lower:g}"
            yield at(resolved, formula, message)
    if formula.value["kind"] != COLUMN:
        if horizon.value == 0:
            message = f"{formula.value['kind']} looks ahead, and so by 1 row or more"
            yield at(resolved, horizon, message)
    elif task.value == "multiclass" and "classes" not in formula.value:
        message = "nothing says how many classes the column holds"
        yield at(resolved, formula, message, "write `classes: 3` into it for the classes 0, 1, 2")
    elif task.value != "multiclass" and "classes" in formula.value:
        message = f"the task {task.value} has no number of classes to be told"
        yield at(resolved, formula, message, "leave `classes` out, or write the task multiclass")


def shown_labels(resolved: Resolved) -> Iterator[Problem]:
    """Yield each selected feature that reads labels which are not known at its row.

    A label of row s is known at row s + horizon, and that of horizon 0 only after row s itself: it
    is what a model is asked for there. So a feature may read the column of the target from as many
    rows back, and from 1 at least.
    """
    flat = resolved.flat
    target = flat[(*TARGETS, resolved.target, "formula")].value
    if target["kind"] != COLUMN:
        return
    needed = max(1, flat[(*TARGETS, resolved.target, "horizon")].value)
    selected = flat[SELECTED]
    for index, name in enumerate(selected.value):
        formula, lag = flat.get((*REGISTRY, name, "formula")), flat.get((*REGISTRY, name, "lag"))
        computed = {"kind": COLUMN, "column": name} if formula is None else formula.value
        if target["column"] not in columns_of(computed):
            continue
        back = newest_of(computed) + (lag.value if lag is not None else 0)
        if back >= needed:
            continue
        message = (
            f"{name} reads column {target['column']!r}, the labels of {resolved.target},"
            f" from {back} rows back: they are known from {needed} on"
        )
        if formula is None:
            yield at_item(resolved, selected, index, message)
        else:
            yield at(resolved, formula, message, "leave the feature out, or give it a longer lag")
