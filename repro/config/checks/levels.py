"""What a level forces, and what it cannot promise: told before anything is trained, with reasons.

A level that a family, one of its values or a number of threads puts out of reach is refused here,
never silently lowered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from repro.config.checks.composed import source
from repro.config.documents.catalog import MODELS, Trainer
from repro.config.resolution.experiments import TARGETS
from repro.config.resolution.layers import Path, Value, dotted
from repro.config.resolution.resolve import LEVEL, Resolved
from repro.errors import Problem

THREADS: Path = (*LEVEL[:-1], "threads")
PORTABLE = "portable"


class Rule(Protocol):
    """What is needed of a line of a rulebook."""

    @property
    def parameter(self) -> str:
        """The parameter's canonical name."""

    @property
    def value(self) -> Any:
        """What it is forced to."""

    @property
    def levels(self) -> tuple[str, ...]:
        """At which levels."""

    @property
    def reason(self) -> str:
        """Why, in words."""

    @property
    def evidence(self) -> str:
        """How that is known."""


class Limit(Protocol):
    """What is needed of a declared limit."""

    @property
    def when(self) -> Mapping[str, tuple[Any, ...]]:
        """Canonical name to the values with which it holds."""

    @property
    def several(self) -> bool:
        """Whether it holds only above one thread."""

    @property
    def reason(self) -> str:
        """Why, in words."""

    @property
    def evidence(self) -> str:
        """How that is known."""


class Judge(Trainer, Protocol):
    """A trainer's declaration that knows its rulebook and its limits."""

    @property
    def rulebook(self) -> Sequence[Rule]:
        """What levels force."""

    def beyond(
        self, level: str, threads: int, values: Mapping[str, Any], task: str
    ) -> Sequence[Limit]:
        """Return why a level cannot promise the bits of such a fit."""


def level_alone(resolved: Resolved) -> Iterator[Problem]:
    """Yield the level portable with more than one thread, which no family can promise."""
    threads = resolved.flat[THREADS]
    if resolved.flat[LEVEL].value == PORTABLE and threads.value > 1:
        message = f"{threads.value} threads: the level portable has one"
        yield _at(resolved, threads, message, "write 1, or choose the level strict")


def levels(resolved: Resolved, trainer: Judge) -> Iterator[Problem]:
    """Yield values of a family against what the level forces, and what it cannot promise."""
    level, threads = str(resolved.flat[LEVEL].value), resolved.flat[THREADS]
    prefix: Path = (MODELS, trainer.family, "hyperparameters")
    settings = {p[-1]: v for p, v in resolved.flat.items() if p[:-1] == prefix}
    for rule in trainer.rulebook:
        value = settings.get(rule.parameter)
        if level in rule.levels and value is not None and value.value != rule.value:
            message = f"{level} mode forces it to {json.dumps(rule.value)}"
            yield _at(resolved, value, message, _why(rule))
    values = {name: value.value for name, value in settings.items()}
    task = str(resolved.flat[(*TARGETS, resolved.target, "task")].value)
    for limit in trainer.beyond(level, int(threads.value), values, task):
        guilty = [settings[name] for name in limit.when] or [resolved.flat[LEVEL]]
        at = threads if limit.several and not limit.when else guilty[0]
        means = [f"{name} {json.dumps(settings[name].value)}" for name in limit.when]
        means += [f"{threads.value} threads"] if limit.several else []
        told = f" with {' and '.join(means)}" if means else ""
        message = f"{trainer.family} cannot promise {level} bits{told}"
        yield _at(resolved, at, message, _why(limit))


def _why(said: Rule | Limit) -> str:
    """Return reason and evidence as a hint."""
    return f"{said.reason} ({said.evidence})"


def _at(resolved: Resolved, value: Value, message: str, hint: str) -> Problem:
    """Return a problem at the place that decided ``value``."""
    place = value.setting.place
    shown = dotted(value.path[1 if len(value.path) < 4 else 2 :])
    return Problem(place, shown, message, "cross-check", hint, source(resolved, place))
