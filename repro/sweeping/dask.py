"""The executor `dask`: workers of a dask.distributed cluster, each starting the strict child.

One task of the engine is one point. It prepares, tells, waits for the order to train, and brings
the files home as its result. The engine may give a task to another worker when one is lost; a
point that was let proceed has failed then, because a plan has one outcome.
"""

from __future__ import annotations

import asyncio
import json
import queue
import secrets
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import distributed

from repro.errors import InputError, TrainingError, UsageError
from repro.execution.executor import (
    Event,
    Failed,
    Prepared,
    Seeds,
    Setup,
    Task,
    Warn,
    unheard,
)
from repro.sweeping.apart import silent
from repro.sweeping.dask_task import carry_out
from repro.sweeping.engine import OnEngine, Sent, parcel, short
from repro.sweeping.errand import Message

ENGINE: Final[Any] = distributed
"""It has no types."""
PATIENCE: Final = 10.0
"""Seconds for a scheduler to answer, and for its first worker to be there."""
ALONE: Final = 30.0
"""Seconds that it may have no worker while tasks wait for one: some are started anew at once."""

LOGGERS: Final = ("distributed", "tornado", "asyncio")
"""What writes pages about a scheduler that is gone, which is told in a line."""
GIVEN_UP: Final = (CancelledError, asyncio.CancelledError)
"""What comes of a task that we did not take back: the client gives all up with its scheduler."""


def open_dask(setup: Setup) -> DaskExecutor:
    """Return the executor of a scheduler; UsageError without an address."""
    if not setup.address:
        raise UsageError(
            "the executor `dask` needs the address of a scheduler",
            "say --address tcp://HOST:8786; `dask scheduler` starts one, `dask worker` its workers",
        )
    return DaskExecutor(setup.address, setup.jobs, setup.warn)


def _cause(error: BaseException) -> BaseException:
    """Return why there is no connection: the engine says of all but that it waited."""
    while isinstance(error.__cause__, OSError):
        error = error.__cause__
    return error


@dataclass(slots=True)
class _Sent(Sent):
    """A task that the engine has."""

    attempt: str | None = None
    """Which start of the task by the engine counts."""
    proceeded: bool = False
    allowed: frozenset[str] = frozenset()
    """Where alone it may be started, if others refused; none if that may be anywhere."""


class DaskExecutor(OnEngine[_Sent]):
    """Points on the workers of a dask scheduler, at most ``jobs`` at a time."""

    what = "the scheduler"
    silence = (OSError, TimeoutError, CancelledError)

    def __init__(self, address: str, jobs: int, warn: Warn = unheard) -> None:
        """Connect to nobody yet."""
        super().__init__(address, jobs, warn)
        self._name = f"repro-{secrets.token_hex(8)}"
        self._heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._client: Any = None
        self._refusing: frozenset[str] = frozenset()
        """Who refuses tasks as the last was: those of a sweep mostly need the same."""
        self._alone: float | None = None
        """Since when it has no workers, by the monotonic clock."""
        self._closing = threading.Event()
        self._quiet = ExitStack()

    def __enter__(self) -> DaskExecutor:
        """Connect; raises InputError where there is no scheduler, or none of its workers."""
        self._quiet.enter_context(silent(*LOGGERS))
        try:
            self._connect()
        except BaseException:
            self._quiet.close()
            raise
        return self

    def _connect(self) -> None:
        """Find the scheduler, and wait for a worker."""
        try:
            self._client = ENGINE.Client(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no scheduler answers at {self._address}: {_cause(error)}",
                "is it running, and can this machine reach it?",
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            self._client.close()
            raise InputError(
                f"the scheduler at {self._address} has no workers",
                f"start some: dask worker {self._address}",
            ) from error
        self._events = ENGINE.Queue(self._name, client=self._client)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take back every task, and leave the scheduler."""
        self._closing.set()
        for number in list(self._sent):
            with suppress(Exception):  # the engine may be gone
                self.cancel(number)
        with suppress(Exception):
            self._events.close()
        with self._quiet, suppress(Exception):
            self._client.close(timeout=PATIENCE)

    @property
    def free(self) -> int:
        """Return how many workers have nothing to do, as far as is known here."""
        if self._is_lost():
            return 1  # whoever submits hears of it
        workers = self._workers()
        places = sum(threads for where, threads in workers.items() if where not in self._refusing)
        if workers and not places and not self._sent:
            return 1  # one that every worker would refuse is told so
        return min(self._jobs, places) - len(self._sent)

    def _give(self, task: Task, tries: int) -> None:
        """Let the engine start a task, on no worker that refused one like it."""
        self._refusing, allowed = self._unfit.places(task), frozenset[str]()
        if self._refusing and (workers := frozenset(self._workers())):
            allowed = workers - self._refusing
            if not allowed:
                self._fails(task, self._unfit.why(task))
                return
        self._given += 1
        sent, key = parcel(task), f"{self._name}-{task.number}-{self._given}"
        with self._asking():
            future = self._client.submit(
                *(carry_out, sent, self._name, task.number),
                key=key,
                retries=0,
                pure=False,
                workers=sorted(allowed) or None,
            )
        self._sent[task.number] = _Sent(task, future, tries=tries, allowed=allowed)
        future.add_done_callback(self._ended(task.number))

    def proceed(self, number: int, seeds: Seeds) -> None:
        """Order a task to train; see `Executor.proceed`."""
        self._require_engine()
        sent = self._sent[number]
        sent.proceeded = True
        with self._asking():
            self._order(sent, {"kind": "proceed", "seeds": seeds})

    def _taken_back(self, sent: _Sent) -> None:
        """Tell the start that counts to stop, and the engine that nobody wants the task."""
        if sent.attempt is not None:
            self._order(sent, {"kind": "cancel"})
        sent.future.cancel(force=True)

    def _order(self, sent: _Sent, order: Message) -> None:
        """Leave an order for the start of a task that counts; no other one looks there."""
        name = f"{self._name}-{sent.task.number}-{sent.attempt}"
        orders = ENGINE.Queue(name, client=self._client)
        orders.put(json.dumps(order))
        orders.close()  # there as long as the worker has it open

    def wait(self, seconds: float) -> list[Event]:
        """Return what the tasks said, at the latest after ``seconds``."""
        end = time.monotonic() + seconds
        told, self._told = self._told, []
        while not told and (left := end - time.monotonic()) > 0:
            try:
                heard = [self._heard.get(timeout=left)]
            except queue.Empty:
                self._require_workers()
                break
            with suppress(queue.Empty):
                while True:
                    heard.append(self._heard.get_nowait())
            for kind, what in heard:
                if kind == "deaf":
                    self._require_engine()
                    raise self._lost(what)
                starts = {number: sent.attempt for number, sent in self._sent.items()}
                news = self._said(what) if kind == "said" else self._over(*what)
                told = [event for event in told if self._is_of_its_start(event, starts)] + news
        return told

    def _is_of_its_start(self, event: Event, starts: Mapping[int, str | None]) -> bool:
        """Return whether the start of a task of which an event is counts after a message too.

        What one worker prepared says nothing of another that began the task again.
        """
        if not isinstance(event, Prepared):
            return True
        sent = self._sent.get(event.number)
        return sent is not None and sent.attempt == starts[event.number]

    def _said(self, text: str) -> list[Event]:
        """Return what a message of a task means."""
        message = json.loads(text)
        number, sent = message["number"], self._sent.get(message["number"])
        if sent is None:
            return []
        if message["kind"] == "started":
            lost = sent.attempt is not None and sent.proceeded
            where, sent.place = sent.place, message["place"]
            sent.attempt = message["attempt"]
            if lost:
                self.cancel(number)
                return [Failed(number, TrainingError(f"the worker {where} was lost"))]
            return []
        if message["attempt"] != sent.attempt:
            return []
        return self._news(number, message)

    def _over(self, number: int, result: Any, future: Any = None) -> list[Event]:
        """Return what became of a task that the engine is through with."""
        sent = self._sent.get(number)
        if sent is None or sent.future is not future:  # of a try before
            return []
        if isinstance(result, GIVEN_UP):
            raise self._lost(f"is gone: {short(result)}")
        if isinstance(result, BaseException):
            self._require_engine()
            return [self._lost_one(number, result)]
        return self._home(number, result)

    def _listen(self) -> None:
        """Take what tasks say out of the engine, until it ends."""
        while not self._closing.is_set():
            try:
                self._heard.put(("said", self._events.get(timeout=1)))
                for text in self._events.get(batch=True):
                    self._heard.put(("said", text))
            except TimeoutError:
                continue
            except (OSError, CancelledError) as error:  # often heard before the client knows of it
                self._heard.put(("deaf", f"is gone: {short(error)}"))
                return
            except Exception as error:  # whatever it was, nobody would hear the tasks any more
                self._heard.put(("deaf", f"does not tell what tasks say: {short(error)}"))
                return

    def _ended(self, number: int) -> Any:
        """Return what is called when the engine is through with a task.

        It has a thread of its own, so that a large result is waited for beside all else. One that
        is lost on its way is made again, and that start is dropped as any other.
        """

        def fetch(future: Any) -> None:
            try:
                found = future.result()
            except (Exception, asyncio.CancelledError) as error:  # whatever is made of a lost one
                found = error
            self._heard.put(("over", (number, found, future)))

        return fetch

    def _workers(self) -> dict[str, int]:
        """Return how many tasks each worker has room for."""
        with self._asking():
            return dict(self._client.nthreads())

    def _require_workers(self) -> None:
        """Raise ExecutorLostError unless somebody is there to carry the tasks out."""
        self._require_engine()
        now, workers = time.monotonic(), self._workers()
        if not self._sent or workers:
            self._alone = None
            self._stranded(workers)
        elif self._alone is None:
            self._alone = now
        elif now - self._alone > ALONE:
            raise self._lost("has no workers any more", "start some")

    def _stranded(self, workers: Collection[str]) -> None:
        """Give tasks away anew that may be started only where nobody is any more."""
        for number, sent in list(self._sent.items()):
            if sent.allowed and sent.allowed.isdisjoint(workers):
                self.cancel(number)
                if sent.has_prepared:
                    self._fails(sent.task, TrainingError(f"the worker {sent.place} was lost"))
                else:
                    self._give(sent.task, sent.tries)

    def _is_lost(self) -> bool:
        # One that connects anew has given all tasks up.
        return str(self._client.status) != "running"
