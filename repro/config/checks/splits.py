"""What the method of the splits needs, and what it cannot be asked for."""

from __future__ import annotations

from collections.abc import Iterator

from repro.config.checks.pointing import DATASET, ROUTING, at, declare
from repro.config.resolution.active import SPLITS, splitting
from repro.config.resolution.experiments import TARGETS
from repro.config.resolution.resolve import Resolved
from repro.config.spelling.names import suggestion
from repro.errors import Problem

SPLITS_FILE = "training_config.splits_config"
FORWARD = "purged_walk_forward"
"""The one method whose first test may be its only one: it has rows that only train."""


def split_problems(resolved: Resolved) -> Iterator[Problem]:
    """Yield what is missing, what lets labels reach into a test, and folds that cannot be made."""
    flat = resolved.flat
    method, folds = flat[(*SPLITS, "method")], flat[(*SPLITS, "folds")]
    for name in splitting(resolved):
        if (*SPLITS, name) not in flat:
            yield at(resolved, method, f"{method.value} needs `{name}`", f"write splits.{name}")
    purge = flat[(*SPLITS, "purge")]
    horizon = flat[(*TARGETS, resolved.target, "horizon")].value
    if purge.value < horizon:
        message = f"{purge.value} is shorter than the horizon of {resolved.target}, {horizon}"
        yield at(resolved, purge, message, f"set it to {horizon} or more")
    if method.value != FORWARD and folds.value < 2:
        message = f"{method.value} needs two folds or more: what is not tested trains"
        yield at(resolved, folds, message)
    if method.value == "grouped":
        yield from _groups(resolved)


def _groups(resolved: Resolved) -> Iterator[Problem]:
    """Yield a column that is none of whole numbers, and groups that are too few."""
    flat = resolved.flat
    method, folds = flat[(*SPLITS, "method")], flat[(*SPLITS, "folds")]
    if flat[(*ROUTING, "view")].value == "symbol_specific":
        yield at(resolved, method, "a symbol_specific view has one symbol, and so one group")
        return
    column = flat.get((*SPLITS, "group_column"))
    if column is None:
        return
    if column.value is not None:
        declared = {
            path[-1]: value.value
            for path, value in flat.items()
            if path[:-1] == (*DATASET, "columns")
        }
        if column.value not in declared:
            near = suggestion(column.value, declared)
            message = f"no column {column.value!r} in the dataset{near}"
            yield at(resolved, column, message, declare(column.value, "int64"))
        elif declared[column.value] != "int64":
            message = f"{column.value} is declared {declared[column.value]}: groups are int64"
            yield at(resolved, column, message)
        return
    if (*DATASET, "symbol") in flat:  # null as a whole: a mapping has its own leaves instead
        yield at(resolved, column, "the dataset has no symbols to group by: name a column")
        return
    listed = flat.get((*DATASET, "symbols"))
    if listed is not None and listed.value is not None and len(listed.value) < folds.value:
        message = f"{folds.value} folds cannot be made of {len(listed.value)} symbols"
        yield at(resolved, folds, message, f"set it to {len(listed.value)} or fewer")
