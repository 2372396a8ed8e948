"""What the executors on engines of others have in common, whatever the engine is.

One task of the engine is one point: there it runs `errand.run`, and what that brought is its
result. What differs is how a task is started, how it is talked with, and how it is seen that the
engine is gone.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from repro.errors import InputError, ReproError, TrainingError
from repro.execution.executor import (
    Event,
    ExecutorLostError,
    Failed,
    Finished,
    Prepared,
    Progressed,
    Task,
)
from repro.sweeping import errand
from repro.sweeping.elsewhere import SAME
from repro.sweeping.errand import Message
from repro.sweeping.hearing import SHORT, told


@dataclass(slots=True)
class Sent:
    """A task that the engine has."""

    task: Task
    future: Any
    """The engine's own word for what will have come of it."""
    place: str = ""
    """Where it was started, as soon as it told."""


S = TypeVar("S", bound=Sent)


class OnEngine(ABC, Generic[S]):
    """Points as tasks of an engine at an address, at most ``jobs`` at a time."""

    what: ClassVar[str]
    """What there is at the address, for people."""
    silence: ClassVar[tuple[type[BaseException], ...]]
    """What is raised by a call that the engine does not answer."""

    def __init__(self, address: str, jobs: int) -> None:
        """Connect to nobody yet."""
        self._address, self._jobs = address, jobs
        self._sent: dict[int, S] = {}
        self._told: list[Event] = []

    @abstractmethod
    def _is_lost(self) -> bool:
        """Return whether the engine is gone."""

    @abstractmethod
    def _taken_back(self, sent: S) -> None:
        """Let the engine end a task; only where it is not gone."""

    def cancel(self, number: int) -> None:
        """Take a task back; nothing more is told of it."""
        self._told = [event for event in self._told if event.number != number]
        sent = self._sent.pop(number, None)
        if sent is not None and not self._is_lost():
            with self._asking():
                self._taken_back(sent)

    def _fails(self, task: Task, problem: ReproError) -> None:
        """Tell that a task cannot be started."""
        self._told.append(Failed(task.number, problem))

    def _news(self, number: int, message: Message) -> Event:
        """Return what a message of a task means that is not its first."""
        sent = self._sent[number]
        try:
            words = message["message"]
            if message["kind"] == "prepared":
                return Prepared(number, words, sent.place)
            return Progressed(number, words["stage"], words["done"], words["total"])
        except (LookupError, TypeError):
            self.cancel(number)
            said = f"the worker {sent.place} says what nobody understands: {told(message, SHORT)}"
            return Failed(number, TrainingError(said, SAME))

    def _home(self, number: int, result: Any) -> Event:
        """Return what a task came to by its result, once its files lie in its folder."""
        sent = self._sent.pop(number)
        try:
            brought = errand.brought(result, sent.place)
            errand.keep(brought.files, sent.task.folder, sent.place)
        except ReproError as error:
            return Failed(number, error)
        if brought.message is not None:
            return Finished(number, brought.message)
        if brought.error is not None:
            return Failed(number, errand.error_of(brought.error))
        return Failed(number, TrainingError(f"the worker {sent.place} dropped it"))

    def _lost_one(self, number: int, error: BaseException) -> Failed:
        """Return that a task came to nothing, by what the engine makes of it."""
        place = self._sent.pop(number).place
        where = f" on {place}" if place else ""
        return Failed(number, TrainingError(f"lost{where}: {short(error)}"))

    def _require_engine(self) -> None:
        if self._is_lost():
            raise self._lost()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Raise ExecutorLostError for a call that the engine does not answer."""
        try:
            yield
        except self.silence as error:
            how = "is gone" if self._is_lost() else f"is gone, or busy: {short(error)}"
            raise self._lost(how) from error

    def _lost(self, how: str = "is gone", then: str = "start it again") -> ExecutorLostError:
        goes_on = f"{then}, and the same sweep goes on where it stopped"
        return ExecutorLostError(f"{self.what} at {self._address} {how}", goes_on)


def parcel(task: Task) -> str:
    """Return a task as text, with the places that its files have here."""
    paths = {name: str(path.resolve()) for name, path in task.job.files.items()}
    return json.dumps(errand.parcel(task, paths), allow_nan=False)


def without_folder(task: Task) -> InputError | None:
    """Return what is wrong with a task that has no folder for what comes out."""
    if task.folder.is_dir():
        return None
    return InputError(f"{task.folder} is no folder for what comes out", None)


def short(error: BaseException) -> str:
    """Return an error of an engine in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
