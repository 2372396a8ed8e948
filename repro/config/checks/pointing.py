"""Problems at the values that are at fault, and where in the tree those lie that checks read."""

from __future__ import annotations

from dataclasses import replace

from repro.config.checks.composed import source
from repro.config.resolution.layers import Path, Value, below, dotted
from repro.config.resolution.resolve import Resolved
from repro.errors import Place, Problem

ROUTING: Path = ("training_config", "routing_config", "routing")
REGISTRY: Path = ("data", "feature_registry", "registry")
SELECTED: Path = ("data", "feature_registry", "selected")
DATASET: Path = ("data", "dataset", "dataset")


def at(resolved: Resolved, value: Value, message: str, hint: str | None = None) -> Problem:
    """Return a problem at the place that decided ``value``."""
    place: Place = value.setting.place
    shown = dotted(value.path[1 if len(value.path) < 4 else 2 :])
    return Problem(place, shown, message, "cross-check", hint, source(resolved, place))


def at_item(resolved: Resolved, value: Value, index: int, message: str) -> Problem:
    """Return a problem at one item of a list."""
    problem = at(resolved, value, message)
    if not value.setting.items:
        return problem
    place = value.setting.items[index]
    return replace(problem, place=place, source=source(resolved, place))


def declare(column: str, kinds: str = "float64 or int64") -> str:
    """Return the hint for a column that the dataset does not declare: the files may have it."""
    return f"if the files have it, declare it in dataset.columns as `{column}: …`, {kinds}"


def columns(resolved: Resolved) -> set[str]:
    """Return the names of the columns that the dataset declares."""
    return {path[0] for path in below(resolved.flat, (*DATASET, "columns"))}
