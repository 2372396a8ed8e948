"""The executor of this machine: a number of places, and in each a worker process of our own.

Every point has a fresh process, started as `repro train` starts it. The coordinator's own thread
hears all of them: a worker must die with the thread that started it (`execution.parent`), so that
none outlives a coordinator that is killed.
"""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from types import TracebackType

from repro.errors import InputError, ReproError, UsageError
from repro.execution.executor import (
    Event,
    Failed,
    Finished,
    Prepared,
    Progressed,
    Seeds,
    Setup,
    Task,
)
from repro.execution.session import Session


def open_local(setup: Setup) -> LocalExecutor:
    """Return the executor of this machine; UsageError if an address is asked for."""
    if setup.address is not None:
        raise UsageError(
            "the executor `local` runs on this machine and has no address",
            "leave --address out, or choose another --executor",
        )
    return LocalExecutor(setup.jobs)


class LocalExecutor:
    """Worker processes on this machine, at most ``jobs`` at a time."""

    def __init__(self, jobs: int) -> None:
        """Start nothing yet."""
        self._jobs = jobs
        self._running: dict[int, Session] = {}
        self._told: list[Event] = []
        self._ready = selectors.DefaultSelector()

    def __enter__(self) -> LocalExecutor:
        """Return the executor."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill every worker that still runs."""
        for number in list(self._running):
            self.cancel(number)
        self._ready.close()

    @property
    def free(self) -> int:
        """Return how many places are empty."""
        return self._jobs - len(self._running)

    def submit(self, task: Task) -> None:
        """Start a worker process; see `Executor.submit`."""
        try:
            session = Session(task.job, task.folder)
        except ReproError as error:
            self._told.append(Failed(task.number, error))
        except OSError as error:
            reason = f"a worker could not be started: {error.strerror}"
            self._told.append(Failed(task.number, InputError(reason, "is there space left?")))
        else:
            self._running[task.number] = session
            self._ready.register(session, selectors.EVENT_READ, task.number)

    def proceed(self, number: int, seeds: Seeds) -> None:
        """Let a worker train; see `Executor.proceed`."""
        try:
            self._running[number].proceed(seeds)
        except ReproError as error:
            self._fail(number, error)

    def cancel(self, number: int) -> None:
        """Kill a worker; nothing more is told of it."""
        session = self._running.pop(number, None)
        if session is not None:
            self._ready.unregister(session)
            session.__exit__(None, None, None)
        self._told = [event for event in self._told if event.number != number]

    def wait(self, seconds: float) -> list[Event]:
        """Return what the workers said, at the latest after ``seconds``."""
        self._hear_waiting()
        if not self._told:
            now = time.monotonic()
            limits = [session.deadline - now for session in self._running.values()]
            ready = self._ready.select(max(0.0, min([seconds, *limits])))
            late = [n for n, s in self._running.items() if s.deadline <= time.monotonic()]
            for number in dict.fromkeys([*(key.data for key, _ in ready), *late]):
                self._hear(number)
        told, self._told = self._told, []
        return told

    def _hear_waiting(self) -> None:
        """Hear what came along with an earlier message: the pipe is not ready for it again."""
        for number in [n for n, session in self._running.items() if session.has_message]:
            self._hear(number)

    def _hear(self, number: int) -> None:
        """Hear one worker until it has no more to say for now."""
        session = self._running[number]
        while True:
            try:
                message = session.hear()
            except ReproError as error:
                self._fail(number, error)
                return
            kind = message["kind"]
            if kind == "prepared":
                self._told.append(Prepared(number, message))
            elif kind == "finished":
                self._told.append(Finished(number, message))
                self._leave(number)
                return
            else:
                words = (message["stage"], message["done"], message["total"])
                self._told.append(Progressed(number, *words))
            if not session.has_message:
                return

    def _fail(self, number: int, error: ReproError) -> None:
        self._leave(number)
        self._told.append(Failed(number, error))

    def _leave(self, number: int) -> None:
        session = self._running.pop(number)
        with suppress(KeyError):
            self._ready.unregister(session)
        session.__exit__(None, None, None)
