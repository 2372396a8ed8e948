"""A command of the user's as a child: its streams are ours, and it hears every request to stop."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from repro.errors import NotExecutableError, NotFoundError
from repro.execution.environment import UMASK, settings, variables
from repro.execution.interrupts import requests
from repro.execution.orphans import adopting

SYSTEM_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
"""What is on the path of every command, after the directory of its executable."""
NOT_FOR_SCRIPTS: Final = frozenset({"PYTHONSAFEPATH"})
"""What is for our worker alone: a script may import what lies beside it."""
GRACE: Final = 5.0
"""Seconds that a command has to end after it was told that its time is over."""
PR_SET_PDEATHSIG: Final = 1
LATE: Final = 124
"""Exit status where the time was over, as of timeout(1)."""
NOT_STARTED: Final = 126
SIGNALLED: Final = 128
"""Exit status where a signal ended the command, less its number, as of a shell."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be run, and under what."""

    arguments: Sequence[str]
    """As they were typed, the command first."""
    executable: Path
    level: str
    threads: int
    scratch: Path
    """A directory for its temporary files, and its home."""
    seconds: float | None = None
    """How long it may take."""
    to_stderr: bool = False
    """Whether what it prints goes to the standard error, since the standard output is taken."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: by itself, by a signal, or before it began."""

    status: int | None
    """Its exit status; None unless it exited."""
    signal: str | None = None
    """The name of the signal that ended it."""
    number: int = 0
    """The number of that signal."""
    stopped: bool = False
    """Whether somebody asked it to stop."""
    late: bool = False
    """Whether it was ended because its time was over."""
    failure: str | None = None
    """Why it could not be started."""
    left_running: int = 0
    """Processes that it started and that still run: they may write what was digested already."""

    @property
    def exit_status(self) -> int:
        """Return what a shell would say of it."""
        if self.late:
            return LATE
        if self.failure is not None:
            return NOT_STARTED
        return SIGNALLED + self.number if self.status is None else self.status


def resolve(name: str, path: str | None) -> Path:
    """Return the executable that ``name`` means, absolute, links as they are.

    A name without a slash is looked for in ``path``. NotFoundError (exit status 127) if there is
    none, NotExecutableError (126) if it may not be executed, as shells have it.
    """
    if "/" in name:
        if not Path(name).exists():
            raise NotFoundError(f"no such command: {name}", "is the path right?")
        if not Path(name).is_file() or not os.access(name, os.X_OK):
            raise NotExecutableError(f"{name} cannot be executed", f"a file, and: chmod +x {name}")
        return Path(name).absolute()
    found = shutil.which(name, path=path)
    if found is None:
        raise NotFoundError(f"no such command: {name}", "it is looked for where PATH says")
    return Path(found).absolute()


def environment(command: Command, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a command: the level's, and a path that is declared."""
    made = variables(command.level, command.threads, str(command.scratch), inherited)
    kept = {name: value for name, value in made.items() if name not in NOT_FOR_SCRIPTS}
    return {**kept, "PATH": f"{command.executable.parent}:{SYSTEM_PATH}"}


def recorded(level: str, threads: int) -> dict[str, str]:
    """Return what of it decides bits, with words in place of what is a place of this machine."""
    kept = {k: v for k, v in settings(level, threads).items() if k not in NOT_FOR_SCRIPTS}
    return {**kept, "PATH": f"EXECUTABLE:{SYSTEM_PATH}", "HOME": "SCRATCH", "TMPDIR": "SCRATCH"}


def carry_out(command: Command, inherited: Mapping[str, str]) -> Ended:
    """Run a command to its end, in the working directory that we have.

    A request to stop is passed on and waited for, never taken as our own. On a terminal the command
    stays in our process group, so that it may use the terminal, and the terminal tells it of
    Ctrl-C; elsewhere it has a group of its own, and the whole of it is told.
    """
    shared = any(map(_is_terminal, range(3)))
    heard: list[int] = []
    processes: list[subprocess.Popen[bytes]] = []

    def tell(number: int) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                if not shared:
                    os.killpg(process.pid, number)
                elif process.returncode is None:
                    os.kill(process.pid, number)

    def stop(number: int, _: FrameType | None) -> None:
        heard.append(number)
        if not (shared and number == signal.SIGINT):
            tell(number)

    with _handled(stop), adopting() as orphans:
        try:
            processes.append(_start(command, environment(command, inherited), shared))
        except (OSError, subprocess.SubprocessError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return Ended(None, stopped=bool(heard), failure=reason)
        for number in tuple(heard):  # heard while there was nobody to tell
            tell(number)
        late = not _waited(processes[0], command.seconds)
        if late:
            tell(signal.SIGTERM)
            _waited(processes[0], GRACE)
            tell(signal.SIGKILL)
        code = processes[0].wait()
        left = orphans(GRACE)
    if code >= 0:
        return Ended(code, stopped=bool(heard), late=late, left_running=left)
    return Ended(None, _name(-code), -code, stopped=bool(heard), late=late, left_running=left)


def _start(command: Command, made: Mapping[str, str], shared: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.arguments,
        executable=command.executable,
        env=made,
        stdout=sys.stderr.fileno() if command.to_stderr else None,
        umask=UMASK,
        process_group=None if shared else 0,
        preexec_fn=_dying_with(os.getpid()),
    )


def _waited(process: subprocess.Popen[bytes], seconds: float | None) -> bool:
    """Wait; return whether the process has ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _dying_with(notary: int) -> Callable[[], None]:
    """Return what a child does before the command begins: it will not outlive its notary."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def ask() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != notary:
                os._exit(SIGNALLED + signal.SIGKILL)

    return ask


@contextmanager
def _handled(stop: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Give requests to stop to ``stop``; a child's end must not be thrown away meanwhile."""
    before = {number: signal.signal(number, stop) for number in requests()}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_terminal(number: int) -> bool:
    try:
        return os.isatty(number)
    except OSError:
        return False


def _name(number: int) -> str:
    """Return the name of a signal; those for real-time use have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
