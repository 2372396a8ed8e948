"""Guards in the worker against accident: sockets, subprocesses, writes outside, shielded imports.

They are an audit hook and an import finder. They stop a library that does more than it was asked
to; they are not a sandbox against malice, and they do not see clocks, ``os.urandom``, threads, or
files that C++ code opens.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import FrameType
from typing import Any

_SOCKETS = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"})
_PROCESSES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"}
)
_CHANGES = frozenset(
    {
        *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link"),
        *("os.symlink", "os.chmod", "os.chown", "os.utime", "shutil.rmtree", "sqlite3.connect"),
    }
)
_STANDARD = os.__file__.rpartition("/")[0]
_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class GuardError(BaseException):
    """A guard was touched. Not an Exception: a library must not be able to swallow it."""


def install(directory: str) -> None:
    """Refuse, from here on, sockets, subprocesses, and writes outside ``directory``.

    An audit hook cannot be taken out again: this is for a process that runs one job.
    """
    inside = os.path.realpath(directory) + os.sep
    busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy:
            return
        if event in _SOCKETS:
            raise GuardError(f"{event} {_where()}")
        if event in _PROCESSES:
            what = f" of {arguments[0]!r}" if arguments else ""
            raise GuardError(f"{event}{what} {_where()}")
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, (str, bytes)) and isinstance(flags, int) and flags & _WRITE:
                busy = True
                try:
                    outside = not _is_inside(os.fsdecode(path), inside)
                finally:
                    busy = False
                if outside:
                    raise GuardError(f"write to {os.fsdecode(path)} {_where()}")
        elif event in _CHANGES:
            busy = True
            try:
                named = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes))]
                outside = any(not _is_inside(path, inside) for path in named)
            finally:
                busy = False
            if outside:
                raise GuardError(f"{event} of {', '.join(named)} {_where()}")

    sys.addaudithook(hook)


def _is_inside(path: str, inside: str) -> bool:
    """Return whether a path lies in the run's directory, or is the null device."""
    return path == os.devnull or (os.path.realpath(path) + os.sep).startswith(inside)


def _where() -> str:
    """Return the library, file and line nearest to the deed."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        stdlib = file.startswith(_STANDARD) and "site-packages" not in file
        if not stdlib and not file.startswith("<") and file != __file__:
            name = str(frame.f_globals.get("__name__", "?")).partition(".")[0]
            return f"by {name} ({file.rpartition('/')[2]}:{frame.f_lineno})"
        frame = frame.f_back
    return "by the interpreter"


class Shield:
    """An import finder that keeps optional modules out, as if they were not installed."""

    def __init__(self, names: Sequence[str]) -> None:
        """Keep out each top-level name and everything below it."""
        self.names = frozenset(names)
        self.refused: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Raise ModuleNotFoundError for what is kept out, leave the rest to others."""
        top = name.partition(".")[0]
        if top in self.names:
            self.refused.add(top)
            raise ModuleNotFoundError(f"{name} is kept out of the worker", name=name)
        return None

    def raise_(self) -> None:
        """Put the shield before all other finders."""
        sys.meta_path.insert(0, self)
