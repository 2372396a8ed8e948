"""What a declaration says of threads, and of what a level cannot promise. Pure.

``threads`` is a closed mapping: ``timing`` (whether bits may depend on timing at one number of
threads above one), ``count`` (whether they may depend on that number), ``beside`` (threads that
the library keeps and that compute nothing, often 0), ``reason`` and ``evidence``. ``limits`` is a
list of closed mappings: ``levels``, perhaps ``when`` (canonical name to values), ``task`` and
``several`` (true: only above one thread), with ``reason`` and ``evidence``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from repro.facts.conditions import holds

LEVELS = ("strict", "portable", "best-effort")
"""What can be promised of bits; the last one promises nothing."""
PROMISING = ("strict", "portable")
_THREADS = {"timing", "count", "beside", "reason", "evidence"}
_ALWAYS, _PERHAPS = {"levels", "reason", "evidence"}, {"when", "task", "several"}


@dataclass(frozen=True, slots=True)
class Threads:
    """How the bits of a family hang on threads, with its rulebook in force."""

    timing: bool
    """Whether they may depend on timing at one number of threads, if that is above one."""
    count: bool
    """Whether they may depend on the number of threads."""
    beside: int
    """Threads that its libraries keep beside those that compute."""
    reason: str
    evidence: str


UNKNOWN = Threads(
    timing=True,
    count=True,
    beside=0,
    reason="its declaration does not say whether bits depend on timing above one thread",
    evidence="none",
)
"""What holds of a trainer that says nothing."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What some levels cannot promise of a family, or of some of its parameters."""

    levels: tuple[str, ...]
    reason: str
    evidence: str
    when: Mapping[str, tuple[Any, ...]]
    """Canonical name to values; it holds if each name has one of its values. Often empty."""
    task: str | None = None
    """The only task for which it holds; None for every one."""
    several: bool = False
    """Whether it holds only above one thread."""

    def holds(self, level: str, threads: int, values: Mapping[str, Any], task: str) -> bool:
        """Return whether the level cannot promise bits of a fit like this."""
        if level not in self.levels or (self.several and threads == 1):
            return False
        return self.task in (None, task) and holds(self.when, values)


def of_threads(threads: Threads) -> Limit | None:
    """Return the limit that follows where bits may depend on timing above one thread."""
    if not threads.timing:
        return None
    return Limit(PROMISING, threads.reason, threads.evidence, {}, several=True)


def levels(names: Iterable[str]) -> tuple[str, ...]:
    """Return the levels that a rule names; what strict forces, portable forces too.

    Raises ValueError for a name that is no level.
    """
    said = set(names)
    if not said or not said <= set(LEVELS):
        raise ValueError(f"levels are {', '.join(LEVELS)}, not {sorted(said)}")
    return tuple(n for n in LEVELS if n in said or (n == "portable" and "strict" in said))


def read_threads(entry: Mapping[str, Any] | None) -> Threads:
    """Return what a declaration says of threads; ValueError or TypeError for what says nothing."""
    if entry is None:
        return UNKNOWN
    if set(entry) != _THREADS:
        raise ValueError(f"threads says {sorted(entry)}")
    beside = entry["beside"]
    if not {type(entry["timing"]), type(entry["count"])} <= {bool} or type(beside) is not int:
        raise ValueError("threads says timing and count as true or false, beside as a number")
    return Threads(**entry)


def read_limits(
    entries: Iterable[Mapping[str, Any]], names: Collection[str], tasks: Collection[str]
) -> tuple[Limit, ...]:
    """Return the limits of a declaration of these hyperparameters and tasks.

    Raises ValueError for an entry that is not as it must be, KeyError or TypeError for one that is
    no mapping of the right parts.
    """
    return tuple(_read(entry, names, tasks) for entry in entries)


def _read(entry: Mapping[str, Any], names: Collection[str], tasks: Collection[str]) -> Limit:
    """Return one limit."""
    if not _ALWAYS <= set(entry) <= _ALWAYS | _PERHAPS:
        raise ValueError(f"a limit says {sorted(entry)}")
    found = Limit(
        tuple(entry["levels"]),
        entry["reason"],
        entry["evidence"],
        {name: tuple(values) for name, values in entry.get("when", {}).items()},
        entry.get("task"),
        entry.get("several", False),
    )
    if not found.levels or not set(found.levels) <= set(PROMISING):
        raise ValueError(f"a limit is of the levels {', '.join(PROMISING)}")
    if set(found.when) - set(names) or (found.task is not None and found.task not in tasks):
        raise ValueError(f"a limit names {sorted(found.when)} and {found.task!r}, not declared")
    return found
