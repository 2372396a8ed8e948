"""The executor `ray`: tasks of a Ray cluster, each starting the strict child.

One task of the engine is one point, and never tried again: a plan has one outcome. What tasks say,
and what they are ordered, passes through a mailbox, an actor on the node of the coordinator that
ends with it. Ray ends a process of its own, without a word, when it asked the head node something
and had no answer for a minute: so it is the mailbox that asks, this process waits with a limit, and
whether the head node listens is looked at before every call.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import ray

from repro.errors import InputError, ReproError, UsageError
from repro.execution.executor import Event, Failed, Seeds, Setup, Task, Warn, unheard
from repro.sweeping.apart import quiet, same_signals
from repro.sweeping.engine import OnEngine, Sent, parcel, short
from repro.sweeping.errand import Message
from repro.sweeping.mailbox import PATIENCE, Mailbox, carry_out, mark

ENGINE: Final[Any] = ray
"""Its types say less than its manual."""
START: Final = 60.0
"""Seconds for the first process of a node to start."""
ANSWER: Final = 20.0
"""Seconds for the head node to answer; after a minute it would be too late to say anything."""
STEP: Final = 0.5
"""Seconds between two looks at whether the head node listens."""
HELD: Final = 10.0
"""Seconds that the mailbox holds an unanswered question."""
ID: Final = "ray.io/node-id"
"""The label that the engine gives each node itself."""
THREADS: Final = "ray_"
"""How the names of its threads begin: one prints what it hears of lost nodes, whatever is asked."""
HINT: Final = "`ray start --head` starts one and tells its address; `auto` is the one of this node"


def open_ray(setup: Setup) -> RayExecutor:
    """Return the executor of a cluster; UsageError without its address, or with a client's."""
    if not setup.address:
        raise UsageError(
            "the executor `ray` needs the address of a cluster", f"say --address HOST:6379; {HINT}"
        )
    host, _, port = setup.address.rpartition(":")
    if setup.address != "auto" and ("/" in host or not host or not port.isdecimal()):
        raise UsageError(
            f"{setup.address} is no address of a Ray cluster",
            "say --address HOST:6379 or auto, on a machine that is a node of the cluster itself",
        )
    return RayExecutor(setup.address, setup.jobs, setup.warn)


@dataclass(slots=True)
class _Sent(Sent):
    """A task that the engine has."""

    ticket: int = 0
    """What it is called where it runs: another each time that it is given."""


class RayExecutor(OnEngine[_Sent]):
    """Points on the nodes of a Ray cluster, at most ``jobs`` at a time."""

    what = "the Ray cluster"
    silence = (OSError, TimeoutError, ENGINE.exceptions.RayError)

    def __init__(self, address: str, jobs: int, warn: Warn = unheard) -> None:
        """Connect to nobody yet."""
        super().__init__(address, jobs, warn)
        self._name = f"repro-{secrets.token_hex(8)}"
        self._leaving: list[Any] = []
        self._threads = 1
        """Of the task before: those of a sweep mostly have the same number."""
        self._refusing: frozenset[str] = frozenset()
        """Who refuses tasks as the last was, likewise."""

    def __enter__(self) -> RayExecutor:
        """Connect; raises InputError where there is no cluster, or none that computes."""
        if self._address != "auto" and not _listens(self._address, PATIENCE):
            raise InputError(
                f"no Ray cluster answers at {self._address}",
                f"is it running, and can this machine reach it? {HINT}",
            )
        try:
            with same_signals():
                ENGINE.init(
                    address=self._address,
                    namespace=self._name,
                    configure_logging=False,
                    logging_level=logging.CRITICAL,
                    log_to_driver=False,
                )
        except (OSError, RuntimeError, ValueError, ENGINE.exceptions.RayError) as error:
            raise InputError(
                f"the Ray cluster at {self._address} cannot be used: {short(error)}", HINT
            ) from error
        self._held = ExitStack()
        self._held.enter_context(quiet(THREADS))
        try:
            self._connect()
        except BaseException:
            _shut_down()
            self._held.close()
            raise
        return self

    def _connect(self) -> None:
        """Start the mailbox, and learn where the head node listens."""
        context = ENGINE.get_runtime_context()
        self._head = str(context.gcs_address)
        here = ENGINE.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            node_id=context.get_node_id(), soft=False
        )
        box = ENGINE.remote(num_cpus=0, scheduling_strategy=here)(Mailbox)
        self._box = box.remote()
        self._carry_out = ENGINE.remote(max_retries=0)(carry_out)
        try:
            ENGINE.get(self._box.is_wanted.remote(0), timeout=START)
        except (ENGINE.exceptions.RayError, TimeoutError) as error:
            raise InputError(
                f"no process starts on this node of the Ray cluster: {short(error)}",
                "the engine's logs say why, in /tmp/ray/session_latest/logs unless told otherwise",
            ) from error
        if not sum(self._cpus().values()):
            raise InputError(
                f"no node of the Ray cluster at {self._address} has a CPU to compute with",
                f"add one: ray start --address {self._head}",
            )
        self._hearing = self._box.hear.remote(HELD)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take back every task, and leave the cluster."""
        for number in list(self._sent):
            with suppress(Exception):  # the engine may be gone
                self.cancel(number)
        if self._leaving and not self._is_lost():
            with suppress(Exception):  # they clear their folders
                ENGINE.wait(self._leaving, num_returns=len(self._leaving), timeout=PATIENCE)
        with self._held, same_signals():
            _shut_down()

    @property
    def free(self) -> int:
        """Return how many more tasks the nodes have room for, as far as is known here."""
        if self._is_lost():
            return 1  # whoever submits hears of it
        fit = self._fit(self._cpus(), self._refusing)
        places = sum(int(each // self._threads) for each in fit.values())
        least = 0 if self._sent else 1  # one that finds no place anywhere is told so
        return max(min(self._jobs, places) - len(self._sent), least)

    def _give(self, task: Task, tries: int) -> None:
        """Let the engine start a task, on no node that refused one like it."""
        self._threads, self._refusing = task.job.threads, self._unfit.places(task)
        if problem := self._without_room(task):
            self._fails(task, problem)
            return
        self._given += 1
        nodes = self._cpus()
        refusing = sorted(nodes.keys() - self._fit(nodes, self._refusing).keys())
        wanted = {"scheduling_strategy": _not_on(refusing)} if refusing else {}
        carry_out = self._carry_out.options(
            num_cpus=self._threads, name=f"{self._name}-{task.number}", **wanted
        )
        with self._asking():
            future = carry_out.remote(parcel(task), self._box, self._given)
        self._sent[task.number] = _Sent(task, future, tries=tries, ticket=self._given)

    def proceed(self, number: int, seeds: Seeds) -> None:
        """Order a task to train; see `Executor.proceed`."""
        self._require_engine()
        with self._asking():
            order = json.dumps({"kind": "proceed", "seeds": seeds})
            self._box.put.remote(self._sent[number].ticket, order)

    def _taken_back(self, sent: _Sent) -> None:
        """Tell the task to stop, if it was started, or the engine not to start it."""
        self._leaving.append(sent.future)
        self._box.drop.remote(sent.ticket)
        if not sent.place:  # it may be waiting for room; who was started leaves by itself
            ENGINE.cancel(sent.future)

    def wait(self, seconds: float) -> list[Event]:
        """Return what the tasks said, at the latest after ``seconds``."""
        end = time.monotonic() + seconds
        told, self._told = self._told, []
        while not told and (left := end - time.monotonic()) > 0:
            self._require_engine()
            asked = {self._hearing: 0, **{sent.future: n for n, sent in self._sent.items()}}
            with self._asking():
                if not ENGINE.wait(list(asked), timeout=min(left, STEP))[0]:
                    continue
                ready = ENGINE.wait(list(asked), num_returns=len(asked), timeout=0)[0]
                if self._hearing in ready:
                    heard = ENGINE.get(self._hearing)
                    self._hearing = self._box.hear.remote(HELD)
                    told += [event for text in heard for event in self._said(json.loads(text))]
            for future in ready:
                sent = self._sent.get(asked[future])
                if sent is not None and sent.future == future:  # not given anew meanwhile
                    told += self._over(asked[future])
        return told or self._stranded()

    def _stranded(self) -> list[Event]:
        """Return that tasks fail which wait for room that no node has any more."""
        waiting = [sent.task for sent in self._sent.values() if not sent.place]
        found: list[Event] = []
        for task in waiting:
            if problem := self._without_room(task):
                self.cancel(task.number)
                found.append(Failed(task.number, problem))
        return found

    def _said(self, message: Message) -> list[Event]:
        """Return what a message of a task means."""
        tickets = {sent.ticket: number for number, sent in self._sent.items()}
        number = tickets.get(message["number"])
        if number is None:
            return []
        if message["kind"] == "started":
            self._sent[number].place = message["place"]
            return []
        return self._news(number, message)

    def _over(self, number: int) -> list[Event]:
        """Return what became of a task that the engine is through with."""
        try:
            result = ENGINE.get(self._sent[number].future, timeout=PATIENCE)
        except ENGINE.exceptions.LocalRayletDiedError as error:
            raise self._lost() from error
        except Exception as error:  # whatever the engine makes of a lost worker
            time.sleep(STEP)  # a node that is lost with it may be the head, which is seen later
            self._require_engine()
            # A node that is cut off may still train.
            self._box.drop.remote(self._sent[number].ticket)
            return [self._lost_one(number, error)]
        return self._home(number, result)

    def _without_room(self, task: Task) -> ReproError | None:
        """Return what is said of a task that no node has enough CPUs for, but for who refused."""
        nodes = self._cpus()
        fit = self._fit(nodes, self._unfit.places(task))
        if max(fit.values(), default=0) >= task.job.threads:
            return None
        most = max(nodes.values(), default=0)
        if most >= task.job.threads:
            return self._unfit.why(task)
        return InputError(
            f"no node of the Ray cluster at {self._address} has {task.job.threads} CPUs, as "
            f"many as the run has threads; the largest has {most:g}",
            "add a node, or lower the threads of the run",
        )

    def _cpus(self) -> dict[str, float]:
        """Return the CPUs of each node that is there."""
        with self._asking():
            found = ENGINE.get(self._box.cpus.remote(), timeout=ANSWER)
        return dict(found)

    @staticmethod
    def _fit(nodes: Mapping[str, float], refusing: Iterable[str]) -> dict[str, float]:
        """Return the nodes that are none of those at which tasks were refused."""
        marks = {place.rpartition(" ")[2] for place in refusing}
        return {node: cpus for node, cpus in nodes.items() if mark(node) not in marks}

    def _is_lost(self) -> bool:
        return not _listens(self._head, PATIENCE)


def _not_on(nodes: Iterable[str]) -> Any:
    """Return how the engine is told where a task must not be started."""
    strategies = ENGINE.util.scheduling_strategies
    return strategies.NodeLabelSchedulingStrategy(hard={ID: strategies.NotIn(*nodes)})


def _shut_down() -> None:
    """Leave the engine, unless that takes too long: it tells the head node, which may hang."""

    def leave() -> None:
        with suppress(Exception):
            ENGINE.shutdown()

    leaving = threading.Thread(target=leave, name=f"{THREADS}leaving", daemon=True)
    leaving.start()
    leaving.join(PATIENCE)


def _listens(address: str, seconds: float) -> bool:
    """Return whether somebody accepts connections there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except (OSError, OverflowError):
        return False
    return True
