"""What a declaration says of hyperparameters that decide whether others count. Pure.

The ``conditions`` of a declaration are a closed list of closed mappings, each with ``when``
(canonical name to the values that make it hold), perhaps ``task``, and either ``idle`` (names that
then have no effect) or ``requires`` (name to the values that are then possible), with ``reason``
and ``evidence``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ALWAYS = {"when", "reason", "evidence"}
_OF_A_KIND = ({"idle"}, {"requires"})


@dataclass(frozen=True, slots=True)
class Condition:
    """What follows for some hyperparameters from the values of others, or from the task."""

    when: Mapping[str, tuple[Any, ...]]
    """Canonical name to values; it holds if each name has one of its values."""
    task: str | None
    """The only task for which it holds; None for every one."""
    idle: tuple[str, ...]
    """Names that have no effect while it holds."""
    requires: Mapping[str, tuple[Any, ...]]
    """Canonical name to the values that are possible while it holds."""
    reason: str
    evidence: str

    def holds(self, values: Mapping[str, Any], task: str) -> bool:
        """Return whether it holds for these hyperparameters and this task."""
        return self.task in (None, task) and holds(self.when, values)


def idle(
    conditions: Iterable[Condition], values: Mapping[str, Any], task: str
) -> dict[str, Condition]:
    """Return each name in ``values`` that has no effect, with the first condition that says so."""
    found: dict[str, Condition] = {}
    for condition in conditions:
        if condition.idle and condition.holds(values, task):
            for name in condition.idle:
                if name in values:
                    found.setdefault(name, condition)
    return dict(sorted(found.items()))


def contradictions(
    conditions: Iterable[Condition], values: Mapping[str, Any], task: str
) -> list[tuple[str, Condition]]:
    """Return each name in ``values`` that has an impossible value, with what makes it so."""
    return [
        (name, condition)
        for condition in conditions
        if condition.requires and condition.holds(values, task)
        for name, possible in condition.requires.items()
        if name in values and not _among(values[name], possible)
    ]


def read(
    entries: Iterable[Mapping[str, Any]], names: Collection[str], tasks: Collection[str]
) -> tuple[Condition, ...]:
    """Return the conditions of a declaration of these hyperparameters and tasks.

    Raises ValueError for an entry that is not as it must be, KeyError or TypeError for one that is
    no mapping of the right parts.
    """
    return tuple(_read(entry, names, tasks) for entry in entries)


def _read(entry: Mapping[str, Any], names: Collection[str], tasks: Collection[str]) -> Condition:
    """Return one condition."""
    if set(entry) - {"task"} not in [_ALWAYS | kind for kind in _OF_A_KIND]:
        raise ValueError(f"a condition says {sorted(entry)}")
    found = Condition(
        {name: tuple(values) for name, values in entry["when"].items()},
        entry.get("task"),
        tuple(entry["idle"]) if "idle" in entry else (),
        {n: tuple(v) for n, v in entry["requires"].items()} if "requires" in entry else {},
        entry["reason"],
        entry["evidence"],
    )
    strange = {*found.when, *found.idle, *found.requires} - set(names)
    if strange:
        raise ValueError(f"a condition names {sorted(strange)}, which are not declared")
    if found.task is not None and found.task not in tasks:
        raise ValueError(f"a condition is for the task {found.task!r}")
    told = {*found.idle, *found.requires}
    if not told or told & set(found.when) or not (found.when or found.task):
        raise ValueError(f"a condition of {sorted(told)} says nothing, or speaks of itself")
    return found


def holds(when: Mapping[str, Collection[Any]], values: Mapping[str, Any]) -> bool:
    """Return whether each name in ``when`` has one of its values."""
    return all(name in values and _among(values[name], when[name]) for name in when)


def _among(value: Any, values: Collection[Any]) -> bool:
    """Return whether a value is one of some; 0 is no ``false``, and 1 is 1.0."""
    return any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in values)
