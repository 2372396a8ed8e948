"""Where the workers of a sweep run: one small interface, and what passes over it.

The coordinator (`repro.sweeping`) is the only one that knows the log. An executor is given tasks,
starts for each the same strict worker as `repro train` does, and tells what it hears of them. It
decides nothing: which task comes next, what a failure means and what is recorded is not its affair.
Nor is it believed beyond what follows: `repro.sweeping.hearing` holds what it tells against it.

    coordinator → executor   submit    a sealed request, and a folder for what comes out
    executor → coordinator   Prepared  the worker's facts; the worker waits now
    coordinator → executor   proceed   the plan is durable in the log: train, with these seeds
    executor → coordinator   Progressed, any number of times
    executor → coordinator   Finished  every file lies in the task's folder, the worker has ended
                       or    Failed    at whatever stage; nothing more comes of that task

Executors are offered by installed distributions: an entry point of the group `GROUP` names a
callable that takes a `Setup` and returns an `Executor`, as ``package.module:name``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from repro.errors import InputError, ReproError
from repro.execution.protocol import Message
from repro.execution.session import Job

GROUP = "repro.executors"
"""The entry points that offer executors."""

Seeds = Mapping[str, Mapping[str, int]]
"""Stage to the seed of each purpose."""


Warn = Callable[[str], object]
"""Told what the user must know though the sweep goes on."""


def unheard(_: str) -> None:
    """Tell nobody."""


class ExecutorLostError(InputError):
    """The engine behind an executor is gone, and with it whatever ran there."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the user asked of an executor."""

    jobs: int
    """How many workers may run at a time, at most; an engine may have fewer places."""
    address: str | None = None
    """Where the engine is that it talks to, if it is one that has an address."""
    warn: Warn = unheard
    """Called by the thread that uses the executor, and by no other."""


@dataclass(frozen=True, slots=True)
class Task:
    """One worker's work."""

    number: int
    """Its name in every event; no other task of this executor ever has it."""
    job: Job
    """The sealed request, the trainer, level, threads and limit of time."""
    folder: Path
    """An empty folder of the coordinator's. What the worker wrote lies there when it finished,
    under the names that it told; of one that failed, ``worker.log`` if that could be had."""
    digests: Mapping[str, str]
    """BLAKE3 of each data file, by its name in ``job.files``: who cannot read the path there must
    find these bytes elsewhere, or fail and name them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A worker has prepared, and waits for `Executor.proceed` or `Executor.cancel`."""

    number: int
    facts: Message
    """The worker's own message ``prepared``: ``facts`` and ``environment``, unchanged."""
    place: str = "here"
    """Which machine or process it runs in, for people; nothing hangs on it."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a worker is in the stage that it is at."""

    number: int
    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A worker has trained and ended well."""

    number: int
    message: Message
    """The worker's own message ``finished``, unchanged."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker reported an error, died, hung, or was lost."""

    number: int
    error: ReproError


Event = Prepared | Progressed | Finished | Failed


class Executor(Protocol):
    """Runs workers somewhere; a context manager that leaves none behind.

    Used by one thread. Nothing but `wait` blocks for longer than starting a process takes.
    """

    @property
    def free(self) -> int:
        """How many more tasks could start at once; none is submitted while it is 0."""

    def submit(self, task: Task) -> None:
        """Start a worker for a task. One that cannot be started is a `Failed` event."""

    def proceed(self, number: int, seeds: Seeds) -> None:
        """Let a worker that has prepared train. One that is gone by now is a `Failed` event."""

    def cancel(self, number: int) -> None:
        """End a worker, whatever it is at; no event of it follows, and its place is free.

        Of a number that it does not have, or not any more, it does nothing.
        """

    def wait(self, seconds: float) -> Sequence[Event]:
        """Return what happened, as soon as anything did; nothing if nothing does for so long.

        Raises ExecutorLostError if the engine is gone: all its tasks are lost then.
        """

    def __enter__(self) -> Self:
        """Return the executor, ready to be given tasks; InputError if its engine is not there."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every worker that still runs."""


class Opener(Protocol):
    """What an entry point of `GROUP` names."""

    def __call__(self, setup: Setup) -> Executor:
        """Return an executor that has not started yet; UsageError for what it cannot be asked."""
