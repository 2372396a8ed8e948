"""The kit's side of the notary: workers that try a trainer, and what they answered.

A worker is a fresh interpreter in the environment of a run, loads the trainer once, and answers one
wish after another. One that dies or hangs is an answer too; the next wish starts another.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from repro.errors import DeterminismError, InputError
from repro.execution.launch import Room, Worker, WorkerError
from repro.execution.load import busy
from repro.execution.variation import NONE, VARIATIONS, Variation
from repro.facts.trainers import Declaration

MAIN = "repro.conformance.child.main"
LEVEL = "strict"
SECONDS = 120
"""How long one wish may take, before the trainer is said to hang."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a trainer is tried in."""

    varied: str = NONE.name
    """The name of a variation."""
    threads: int = 1
    number: int = 0
    """Of workers that are alike otherwise, which one."""
    commas: bool = False
    """Whether the C library writes decimals with a comma, if the system has such a locale."""

    @property
    def variation(self) -> Variation:
        """Return the variation."""
        return VARIATIONS.get(self.varied, NONE)


HOME = Around()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a wish came to."""

    how: str
    """``done``, ``refused`` (a TrainerError), ``raised``, ``guarded``, or ``died``."""
    result: Any
    """The result, or the words."""

    @property
    def ok(self) -> bool:
        """Return whether the trainer did what it was asked."""
        return self.how == "done"

    def said(self) -> str:
        """Return, in words, how it ended that did not end well."""
        words = {
            "refused": "it was refused: ",
            "raised": "an error that is no TrainerError: ",
            "guarded": "a guard was touched: ",
            "died": "the worker was lost: ",
        }
        return words[self.how] + str(self.result)


@dataclass(slots=True)
class _Place:
    """A worker that waits for wishes, and what its trainer was like when it was loaded."""

    worker: Worker
    entrance: Mapping[str, Any]


@dataclass(slots=True)
class Bench:
    """The workers of one trainer; a context manager that leaves no process and no file behind."""

    declaration: Declaration
    seconds: int = SECONDS
    _folder: TemporaryDirectory[str] = field(
        default_factory=lambda: TemporaryDirectory(
            prefix="repro-trial-", ignore_cleanup_errors=True
        )
    )
    _places: dict[Around, _Place] = field(default_factory=dict)
    _answers: dict[tuple[Around, str], Answer] = field(default_factory=dict)
    _started: int = 0

    def __enter__(self) -> Bench:
        """Return the bench."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers and remove what they wrote."""
        for around in list(self._places):
            self._leave(around)
        self._folder.cleanup()

    def entrance(self, around: Around = HOME) -> Mapping[str, Any]:
        """Return what the trainer was like when it was loaded.

        Raises InputError if its library is not there, or loading it ended the worker.
        """
        return self._at(around).entrance

    def ask(self, act: str, around: Around = HOME, **wish: Any) -> Answer:
        """Return what a wish came to; the same wish is asked only once."""
        wish = {"threads": around.threads, **wish}
        key = (around, json.dumps([act, wish], sort_keys=True))
        if key not in self._answers:
            with busy(around.variation.load):
                self._answers[key] = self._ask(act, around, wish)
        return self._answers[key]

    def go_home(self) -> None:
        """End the workers in other surroundings: each holds a library in memory."""
        for around in [place for place in self._places if place != HOME]:
            self._leave(around)

    def _leave(self, around: Around) -> None:
        self._places.pop(around).worker.__exit__(None, None, None)

    def _ask(self, act: str, around: Around, wish: Mapping[str, Any]) -> Answer:
        place = self._at(around)
        try:
            place.worker.send("wish", act=act, **wish)
            message = place.worker.expect("answer", time.monotonic() + self.seconds)
        except (WorkerError, DeterminismError) as error:  # the kernel's guard ends it, too
            self._leave(around)
            return Answer("died", error.problem)
        if message["how"] == "guarded":
            self._leave(around)  # its guards would go on saying so
        return Answer(message["how"], message["result"])

    def _at(self, around: Around) -> _Place:
        """Return the worker of these surroundings, started if it must be."""
        if around not in self._places:
            self._places[around] = self._start(around)
        return self._places[around]

    def _start(self, around: Around) -> _Place:
        self._started += 1
        named = around.variation.subdirectory
        directory = Path(self._folder.name, str(self._started), named)
        directory.mkdir(parents=True)
        packages = (self.declaration.module.partition(".")[0],)
        room = Room(directory, LEVEL, around.threads, around.variation, MAIN, packages)
        worker = Worker(room)
        trainer = self.declaration
        try:
            worker.send(
                "request",
                trainer={
                    "family": trainer.family,
                    "module": trainer.module,
                    "distributions": trainer.distributions,
                    "modules": trainer.modules,
                    "shielded": trainer.shielded,
                    "package": trainer.own_folder,
                    "hint": f"install it with: {trainer.install_command()}",
                },
                level=LEVEL,
                variables=worker.variables,
                umask=around.variation.umask,
                commas=around.commas,
            )
            ready = worker.expect("ready", time.monotonic() + self.seconds)
        except WorkerError as error:
            worker.__exit__(None, None, None)
            raise InputError(
                f"the trainer {trainer.family} cannot be loaded: {error.problem}",
                error.tail.strip().rpartition("\n")[2][:300] or None,
            ) from error
        except BaseException:
            worker.__exit__(None, None, None)
            raise
        return _Place(worker, ready["entrance"])
