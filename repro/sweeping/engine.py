"""What the executors on engines of others have in common, whatever the engine is.

One task of the engine is one point: there it runs `errand.run`, and what that brought is its
result. What differs is how a task is started, how it is talked with, and how it is seen that the
engine is gone.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
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
    Warn,
    unheard,
)
from repro.facts.code import OtherCodeError, require_same_code
from repro.sweeping import errand
from repro.sweeping.elsewhere import SAME, of_worker
from repro.sweeping.errand import Message
from repro.sweeping.fitness import Unfit
from repro.sweeping.hearing import SHORT, told


@dataclass(slots=True)
class Sent:
    """A task that the engine has."""

    task: Task
    future: Any
    """The engine's own word for what will have come of it."""
    place: str = ""
    """Where it was started, as soon as it told."""
    tries: int = 0
    """How many workers refused it before, for reasons of their own."""
    has_prepared: bool = False
    """Whether it was told to have prepared: no other worker may do so once more."""


S = TypeVar("S", bound=Sent)


class OnEngine(ABC, Generic[S]):
    """Points as tasks of an engine at an address, at most ``jobs`` at a time."""

    what: ClassVar[str]
    """What there is at the address, for people."""
    silence: ClassVar[tuple[type[BaseException], ...]]
    """What is raised by a call that the engine does not answer."""

    def __init__(self, address: str, jobs: int, warn: Warn = unheard) -> None:
        """Connect to nobody yet; ``warn`` is told which workers refuse what others take."""
        self._address, self._jobs, self._warn = address, jobs, warn
        self._sent: dict[int, S] = {}
        self._told: list[Event] = []
        self._given = 0
        """How often a task was given to the engine: one that was refused is given anew."""
        self._unfit = Unfit()
        self._code: dict[str, str] = {}
        """What was read here of the modules that workers loaded."""

    def submit(self, task: Task) -> None:
        """Give a task to the engine; see `Executor.submit`."""
        self._require_engine()
        if problem := without_folder(task):
            self._fails(task, problem)
        else:
            self._give(task, 0)

    @abstractmethod
    def _give(self, task: Task, tries: int) -> None:
        """Let the engine start a task where none like it was refused, or tell that it fails."""

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

    def _news(self, number: int, message: Message) -> list[Event]:
        """Return what a message of a task means that is not its first."""
        sent = self._sent[number]
        try:
            words = message["message"]
            if message["kind"] != "prepared":
                return [Progressed(number, words["stage"], words["done"], words["total"])]
            other = None if sent.has_prepared else self._other_code(words)
        except (AttributeError, LookupError, TypeError):
            self.cancel(number)
            said = f"the worker {sent.place} says what nobody understands: {told(message, SHORT)}"
            return [Failed(number, TrainingError(said, SAME))]
        if other is not None:
            self.cancel(number)
            return self._elsewhere(sent, sent.place, of_worker(other, sent.place))
        sent.has_prepared = True
        return [Prepared(number, words, sent.place)]

    def _home(self, number: int, result: Any) -> list[Event]:
        """Return what a task came to by its result, once its files lie in its folder."""
        sent = self._sent.pop(number)
        error: ReproError | None = None
        try:
            brought = errand.brought(result, sent.place)
            if brought.error is not None:
                error = errand.error_of(brought.error)
                if error.is_unfit:  # it may be at an end before it was heard to start
                    return self._elsewhere(sent, str(brought.error.get("place")), error)
            errand.keep(brought.files, sent.task.folder, sent.place)
        except ReproError as failure:
            return [Failed(number, failure)]
        if brought.message is not None:
            return [Finished(number, brought.message)]
        dropped = TrainingError(f"the worker {sent.place} dropped it")
        return [Failed(number, error or dropped)]

    def _elsewhere(self, sent: S, place: str, error: ReproError) -> list[Event]:
        """Give a task to another worker than the one that refused it, or return that it failed.

        It fails once anything was told that may be planned, and where who refused it was asked
        again: a task has as many tries as there are workers that refuse.
        """
        task = sent.task
        if sent.has_prepared:
            return [Failed(task.number, error)]
        is_news = place not in self._unfit.places(task)
        self._unfit.add(task, place, error)
        if sent.tries >= len(self._unfit.places(task)):
            return [Failed(task.number, self._unfit.why(task))]
        self._give(task, sent.tries + 1)
        if is_news and task.number in self._sent:
            hint = "" if error.hint is None else f"; hint: {error.hint}"
            self._warn(f"{error.problem}: it gets no more points that need the same{hint}")
        return []

    def _other_code(self, words: Message) -> OtherCodeError | None:
        """Return in what a worker that prepared has other code than this command, if it has."""
        environment = words.get("environment")
        code = environment.get("code") if isinstance(environment, Mapping) else None
        if not isinstance(code, Mapping):
            return None  # the coordinator says what is wrong with that
        try:
            require_same_code(code, self._code)
        except OtherCodeError as error:
            return error
        except (AttributeError, ImportError, OSError, TypeError, ValueError):
            return None  # so it does with names that are none
        return None

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
