"""The executor `dask`: workers of a dask.distributed cluster, each starting the strict child.

One task of the engine is one point. It prepares, tells, waits for the order to train, and brings
the files home as its result. The engine may give a task to another worker when one is lost; a
point that was let proceed has failed then, because a plan has one outcome.
"""

from __future__ import annotations

import json
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import distributed

from repro.errors import InputError, TrainingError, UsageError
from repro.execution.executor import (
    Event,
    ExecutorLostError,
    Failed,
    Finished,
    Prepared,
    Progressed,
    Seeds,
    Setup,
    Task,
)
from repro.sweeping import errand
from repro.sweeping.errand import Brought, Message

ENGINE: Final[Any] = distributed
"""It has no types."""
PATIENCE: Final = 10.0
"""Seconds for a scheduler to answer, and for its first worker to be there."""
GONE: Final = frozenset({"cancelled", "released", "forgotten", "memory", "error"})
"""States of a task on its worker in which nobody wants it."""


def open_dask(setup: Setup) -> DaskExecutor:
    """Return the executor of a scheduler; UsageError without an address."""
    if setup.address is None:
        raise UsageError(
            "the executor `dask` needs the address of a scheduler",
            "say --address tcp://HOST:8786; `dask scheduler` starts one, `dask worker` its workers",
        )
    return DaskExecutor(setup.address, setup.jobs)


@dataclass(slots=True)
class _Sent:
    """A task that the engine has."""

    task: Task
    future: Any
    orders: Any
    attempt: str | None = None
    """Which start of the task by the engine counts."""
    proceeded: bool = False
    place: str = ""


class DaskExecutor:
    """Points on the workers of a dask scheduler, at most ``jobs`` at a time."""

    def __init__(self, address: str, jobs: int) -> None:
        """Connect to nobody yet."""
        self._address, self._jobs = address, jobs
        self._name = f"repro-{secrets.token_hex(8)}"
        self._sent: dict[int, _Sent] = {}
        self._heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._told: list[Event] = []
        self._client: Any = None
        self._closing = threading.Event()

    def __enter__(self) -> DaskExecutor:
        """Connect; raises InputError where there is no scheduler, or none of its workers."""
        try:
            self._client = ENGINE.Client(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no scheduler answers at {self._address}: {error}",
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
        return self

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
        with suppress(Exception):
            self._client.close(timeout=PATIENCE)

    @property
    def free(self) -> int:
        """Return how many workers have nothing to do, as far as is known here."""
        if self._is_lost():
            return 1  # whoever submits hears of it
        with self._asking():
            places: int = sum(self._client.nthreads().values())
        return min(self._jobs, places) - len(self._sent)

    def submit(self, task: Task) -> None:
        """Give a task to the engine; see `Executor.submit`."""
        paths = {name: str(path.resolve()) for name, path in task.job.files.items()}
        sent = json.dumps(errand.parcel(task, paths), allow_nan=False)
        name = f"{self._name}-{task.number}"
        self._require_engine()
        if not task.folder.is_dir():
            where = InputError(f"{task.folder} is no folder for what comes out", None)
            self._told.append(Failed(task.number, where))
            return
        with self._asking():
            orders = ENGINE.Queue(name, client=self._client)
            future = self._client.submit(
                carry_out, sent, self._name, task.number, key=name, retries=0, pure=False
            )
        self._sent[task.number] = _Sent(task, future, orders)
        future.add_done_callback(self._ended(task.number))

    def proceed(self, number: int, seeds: Seeds) -> None:
        """Order a task to train; see `Executor.proceed`."""
        self._require_engine()
        sent = self._sent[number]
        sent.proceeded = True
        order = {"kind": "proceed", "attempt": sent.attempt, "seeds": seeds}
        with self._asking():
            sent.orders.put(json.dumps(order))

    def cancel(self, number: int) -> None:
        """Take a task back; nothing more is told of it."""
        sent = self._sent.pop(number, None)
        if sent is not None and not self._is_lost():
            with self._asking():
                sent.orders.put(json.dumps({"kind": "cancel", "attempt": sent.attempt}))
                sent.future.cancel(force=True)

    def wait(self, seconds: float) -> list[Event]:
        """Return what the tasks said, at the latest after ``seconds``."""
        end = time.monotonic() + seconds
        told, self._told = self._told, []
        while not told and (left := end - time.monotonic()) > 0:
            try:
                heard = [self._heard.get(timeout=left)]
            except queue.Empty:
                self._require_engine()
                break
            with suppress(queue.Empty):
                while True:
                    heard.append(self._heard.get_nowait())
            for kind, what in heard:
                if kind == "deaf":
                    self._require_engine()
                    raise self._lost(what)
                starts = {number: sent.attempt for number, sent in self._sent.items()}
                news = self._said(what) if kind == "said" else self._over(what)
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
        if message["kind"] == "prepared":
            return [Prepared(number, message["message"], sent.place)]
        words = message["message"]
        return [Progressed(number, words["stage"], words["done"], words["total"])]

    def _over(self, number: int) -> list[Event]:
        """Return what became of a task that the engine is through with."""
        sent = self._sent.get(number)
        if sent is None:
            return []
        if sent.future.status == "cancelled" or self._is_lost():
            self._require_engine()
        self._sent.pop(number)
        try:
            brought = Brought(**sent.future.result(timeout=PATIENCE))
        except Exception as error:  # whatever the engine makes of a lost worker
            where = f" on {sent.place}" if sent.place else ""
            return [Failed(number, TrainingError(f"lost{where}: {_short(error)}"))]
        finally:
            with suppress(Exception):
                sent.orders.close()
        try:
            errand.keep(brought.files, sent.task.folder, sent.place)
        except TrainingError as error:
            return [Failed(number, error)]
        if brought.message is not None:
            return [Finished(number, brought.message)]
        told = brought.error or {
            "kind": "TrainingError",
            "problem": f"the worker {sent.place} dropped it",
            "hint": None,
            "tail": "",
        }
        return [Failed(number, errand.error_of(told))]

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
                self._heard.put(("deaf", f"is gone: {_short(error)}"))
                return
            except Exception as error:  # whatever it was, nobody would hear the tasks any more
                self._heard.put(("deaf", f"does not tell what tasks say: {_short(error)}"))
                return

    def _ended(self, number: int) -> Any:
        """Return what is called when the engine is through with a task."""
        return lambda _: self._heard.put(("over", number))

    def _is_lost(self) -> bool:
        return self._client.status not in ("running", "connecting")

    def _require_engine(self) -> None:
        if self._is_lost():
            raise self._lost()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Raise ExecutorLostError for a call that the engine does not answer."""
        try:
            yield
        except (OSError, TimeoutError, CancelledError) as error:
            raise self._lost() from error

    def _lost(self, how: str = "is gone") -> ExecutorLostError:
        return ExecutorLostError(
            f"the scheduler at {self._address} {how}",
            "start it again, and the sweep goes on where it stopped",
        )


class _DaskLine:
    """What a task says, and hears, through the scheduler."""

    def __init__(self, name: str, number: int) -> None:
        worker = ENGINE.get_worker()
        self._worker, self._key = worker, worker.get_current_task()
        self._number, self._attempt = number, secrets.token_hex(8)
        self.place: str = worker.address
        client = ENGINE.get_client()
        self._events = ENGINE.Queue(name, client=client)
        self._orders = ENGINE.Queue(f"{name}-{number}", client=client)
        self._say({"kind": "started", "place": self.place})

    def tell(self, message: Message) -> None:
        """Tell the coordinator something."""
        self._say(message)

    def order(self, seconds: float) -> Message | None:
        """Return the next order for this start of the task."""
        try:
            order: Message = json.loads(self._orders.get(timeout=seconds))
        except TimeoutError:
            return None
        return order if order["attempt"] == self._attempt else None

    def is_wanted(self) -> bool:
        """Return whether the engine still has this task as one that runs."""
        task = self._worker.state.tasks.get(self._key)
        return task is not None and task.state not in GONE

    def _say(self, message: Message) -> None:
        told = {**message, "number": self._number, "attempt": self._attempt}
        self._events.put(json.dumps(told, allow_nan=False))


def carry_out(sent: str, name: str, number: int) -> Mapping[str, Any]:
    """Run one task, in a worker of the engine; the parts of what is `Brought`."""
    brought = errand.run(json.loads(sent), _DaskLine(name, number))
    return {"message": brought.message, "error": brought.error, "files": dict(brought.files)}


def _short(error: BaseException) -> str:
    """Return an error of the engine in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
