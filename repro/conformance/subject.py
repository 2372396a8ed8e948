"""A trainer as checks see it: its declaration, its workers, and what it is asked by default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from repro.conformance import values
from repro.conformance.bench import HOME, LEVEL, Answer, Around, Bench
from repro.facts.trainers import Declaration
from repro.identity.seeds import derive_seed

ROWS = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check has to say."""

    task: str
    """The task that it was found with; empty where it has to do with none."""
    message: str
    note: bool = False
    """Whether it is told without counting as a fault."""
    bits: bool = False
    """Whether it is that bits were not the same."""


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Subject:
    """One trainer on its bench."""

    declaration: Declaration
    bench: Bench
    values: Mapping[str, Any]
    """A value for each hyperparameter that has one."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the tasks that are declared."""
        return self.declaration.tasks

    def seeds(self, number: int = 0) -> dict[str, int]:
        """Return a seed for each declared purpose; other ones for another number."""
        trainer = self.declaration
        names = [trainer.family]
        return {
            purpose: derive_seed(number, purpose, names, trainer.seed_bits)
            for purpose in trainer.seeds
        }

    def wish(
        self, task: str, changed: Mapping[str, Any] = MappingProxyType({}), level: str = LEVEL
    ) -> dict[str, Any]:
        """Return what is asked by default, with some hyperparameters otherwise."""
        forced = self.declaration.forced(level)
        return {
            "task": task,
            "values": {**self.values, **changed, **forced},
            "seeds": self.seeds(),
            "rows": ROWS,
        }

    def fitted(self, task: str, around: Around = HOME, **more: Any) -> Answer:
        """Return what fits by default come to, ``repeats`` of them."""
        return self.bench.ask("fit", around, **{**self.wish(task), **more})

    def takes_holes(self, task: str) -> bool:
        """Return whether it can be fitted where values are missing."""
        return self.fitted(task, holes=True).ok

    def each(self, act: str, **more: Any) -> Iterator[tuple[str, Any, Finding | None]]:
        """Yield, for each task, the result of an act, or None and a finding that says why not."""
        for task in self.tasks:
            answer = self.bench.ask(act, **{**self.wish(task), **more})
            fault = None if answer.ok else Finding(task, answer.said())
            yield task, answer.result if answer.ok else None, fault


def subject_of(bench: Bench) -> Subject:
    """Return the trainer of a bench; raises InputError as ``values.base`` does."""
    return Subject(bench.declaration, bench, values.base(bench.declaration))
