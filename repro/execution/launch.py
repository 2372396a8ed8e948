"""The launcher: starts a worker in its environment, talks to it, and always learns its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from repro.errors import DeterminismError, InputError, ReproError, TrainingError
from repro.execution import compiled
from repro.execution.environment import FLAGS, variables
from repro.execution.failures import last_line
from repro.execution.protocol import Channel, Message, ProtocolError
from repro.execution.variation import NONE, Variation
from repro.execution.waiting import status_of

BOOTSTRAP = """
import gc, sys
gc.disable()
sys.stdout.reconfigure(line_buffering=True)
from _blake2 import blake2b
from importlib.machinery import SourceFileLoader
from marshal import loads
from os import fsencode
def kept(number):
    if number < 0:
        return {}
    with open(number, "rb") as file:
        data = file.read()
    if blake2b(data[32:], digest_size=32).digest() != data[:32]:
        return {}
    return {place: code for _, place, code in loads(data[32:]).values()}
KEPT = kept(int(sys.argv[4]))
class Source(SourceFileLoader):
    def get_code(self, name):
        path = self.get_filename(name)
        source = self.get_data(path)
        place = blake2b(fsencode(path) + b"\\0" + source, digest_size=32).digest()
        code = KEPT.get(place)
        return self.source_to_code(source, path) if code is None else loads(code)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.argv[5:]:
            return None
        for finder in sys.meta_path[sys.meta_path.index(self) + 1:]:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if type(spec.loader) is SourceFileLoader:
                    spec.loader = Source(spec.loader.name, spec.loader.path)
                return spec
sys.meta_path.insert(0, Finder())
from importlib import import_module
main = import_module(sys.argv[3]).main
gc.enable()
raise SystemExit(main())
"""
"""The worker's first lines: our own modules, and those of the trainers' packages, are compiled from
the sources that are digested, or were before (`compiled`), and never taken from a bytecode file of
the installation, which may be stale or forged. What is being loaded is no garbage to collect."""
NOTHING_KEPT = -1
"""What stands for the descriptor of the file with bytecode where there is none."""
OURS = "repro"
"""Our own top-level package."""
TAIL = 4000
"""Bytes of a dead worker's output that are kept in the log."""
WINDOW = 1 << 16
"""Bytes of it that are looked through for the line where it died."""
LAST_WORDS = 1.0
"""Seconds that a worker has to say where it hangs."""
GRACE = 5.0
"""Seconds that a worker has to end after it said that it is done."""

_ERRORS: Mapping[str, type[ReproError]] = {
    "input": InputError,
    "determinism": DeterminismError,
    "training": TrainingError,
}


class WorkerError(TrainingError):
    """The worker died, hung or broke the protocol; ``tail`` is the end of what it printed."""

    def __init__(self, problem: str, hint: str | None, tail: str) -> None:
        """Keep the tail beside the problem."""
        super().__init__(problem, hint)
        self.tail = tail


@dataclass(frozen=True, slots=True)
class Room:
    """Where a worker runs and under what."""

    directory: Path
    """Its working directory, the only place where it may write."""
    level: str
    threads: int
    variation: Variation = NONE
    """What is otherwise than the level has it, to see whether it makes a difference."""
    main: str = "repro.execution.worker"
    """The module whose ``main`` the process runs."""
    packages: tuple[str, ...] = ()
    """The trainers' top-level packages, which are compiled from their sources as our own is."""


class Worker:
    """One worker process, from its start to its end; a context manager that leaves none behind."""

    def __init__(self, room: Room, seconds: int | None = None) -> None:
        """Start the process; it waits for its request. ``seconds`` is only for messages."""
        self.room = room
        self._limit = "" if seconds is None else f" of {seconds} seconds"
        self.at = ""
        """What the worker is at, as it is told if it dies."""
        self._output = room.directory / "worker.log"
        scratch = room.directory / "scratch"
        scratch.mkdir()
        set_for_it = variables(room.level, room.threads, str(scratch), os.environ)
        self.variables = {**set_for_it, **room.variation.variables}
        to_worker = os.pipe()
        to_notary = os.pipe()
        fds = (to_worker[0], to_notary[1])
        with self._output.open("wb") as output, compiled.opened() as kept:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, *FLAGS, "-c", BOOTSTRAP, *map(str, fds), room.main),
                    *(str(NOTHING_KEPT if kept is None else kept), *sorted({OURS, *room.packages})),
                ],
                env=self.variables,
                cwd=room.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=fds if kept is None else (*fds, kept),
                start_new_session=True,
                umask=room.variation.umask,
            )
        os.close(to_worker[0])
        os.close(to_notary[1])
        self._channel = Channel(to_notary[0], to_worker[1])

    def __enter__(self) -> Worker:
        """Return the worker."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process and everything it started."""
        self.stop()
        self._channel.close()

    def stop(self) -> None:
        """Kill the process group, if it still lives."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message; a worker that is gone is a WorkerError that says how it ended."""
        try:
            self._channel.send(kind, **fields)
        except ProtocolError as error:
            raise self._death() from error

    def expect(
        self,
        kind: str,
        deadline: float | None = None,
        progress: Callable[[Message], None] | None = None,
    ) -> Message:
        """Return the next message of ``kind``, passing progress on; raises as `hear` does."""
        while True:
            message = self.hear(kind, deadline)
            if message["kind"] == kind:
                return message
            if progress is not None:
                progress(message)

    def fileno(self) -> int:
        """Return the descriptor that can be read when the worker has said something."""
        return self._channel.fileno()

    @property
    def has_message(self) -> bool:
        """Whether a whole message has come that nobody has heard yet."""
        return self._channel.has_message

    def hear(self, kind: str, deadline: float | None = None) -> Message:
        """Return the next message, which is of ``kind`` or of progress.

        Raises the error that the worker reports (InputError, DeterminismError, TrainingError), or
        WorkerError if it died, was too slow, or said something else.
        """
        try:
            message = self._channel.receive(deadline)
        except TimeoutError:
            at = self._stop_and_ask_where()
            raise WorkerError(
                f"the worker was stopped: it took longer than its limit{self._limit}{at}",
                "raise reproducibility.time_limit_seconds",
                self.tail(),
            ) from None
        except ProtocolError as error:
            raise self._death() from error
        if message["kind"] in ("progress", kind):
            return message
        if message["kind"] == "error":
            raise self._reported(message)
        self.stop()
        raise WorkerError(
            f"the worker said {message['kind']!r} where {kind!r} was due", None, self.tail()
        )

    def finish(self) -> None:
        """Wait for the process to end by itself; raises WorkerError if it does not end well."""
        try:
            status = status_of(self._process, GRACE)
        except subprocess.TimeoutExpired:
            self.stop()
            raise WorkerError("the worker did not end", None, self.tail()) from None
        if status != 0:
            raise self._death()

    def tail(self) -> str:
        """Return the end of what the worker printed."""
        return self._printed()[-TAIL:]

    def _printed(self) -> str:
        """Return the last that the worker printed, but for Python's list of what it had loaded."""
        try:
            with self._output.open("rb") as output:
                output.seek(max(0, self._output.stat().st_size - WINDOW))
                text = output.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return re.sub(r"\n*Extension modules: .*\n?", "\n", text)

    def _reported(self, message: Message) -> ReproError:
        """Return the error that the worker reported before it ended."""
        self._wait_or_stop()
        kind = _ERRORS.get(str(message.get("error")))
        problem, hint = str(message.get("problem")), message.get("hint")
        if kind is None:
            return WorkerError(f"the worker failed: {problem}", hint, self.tail())
        error = kind(problem, hint)
        error.tail, error.is_unfit = self.tail(), bool(message.get("unfit"))
        return error

    def _death(self) -> ReproError:
        """Return how a worker ended that ended without a word."""
        self._wait_or_stop()
        status = self._process.returncode
        tail = self.tail()
        if status < 0:
            name = signal.Signals(-status).name
            hint = (
                "the kernel kills a process so when memory runs out; look at its log"
                if -status == signal.SIGKILL
                else None
            )
            if -status == signal.SIGSYS:
                return self._refused_by_the_kernel()
            return WorkerError(
                f"the worker was killed by a signal: {name}{self._while()}", hint, tail
            )
        said = tail.strip().rpartition("\n")[2][:300]
        last = f"; its last words: {said}" if said else ""
        memory = "memory" in said.lower()
        hint = "give it more memory, or train on less data" if memory else None
        return WorkerError(
            f"the worker ended with status {status}{self._while()}{last}", hint, tail
        )

    def _refused_by_the_kernel(self) -> DeterminismError:
        """Return the error for a system call that the guards' filter let nobody make."""
        error = DeterminismError(
            "guard: compiled code started a process or a thread, or opened an internet socket"
            f"{self._while()}"
        )
        error.tail = self.tail()
        return error

    def _while(self) -> str:
        """Return what the worker was at, and the line of a library that it last ran, if known."""
        line = last_line(self._printed())
        known = (self.at, f"in {line}" if line else "")
        return "".join(f", {words}" for words in known if words)

    def _stop_and_ask_where(self) -> str:
        """Stop a worker that hangs; return where it was, if it can still say so."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGABRT)  # Python writes its lines, and ends
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(LAST_WORDS)
        self.stop()
        return self._while()

    def _wait_or_stop(self) -> None:
        """Give the process a moment to end by itself, then end it."""
        end = time.monotonic() + GRACE
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        self.stop()
