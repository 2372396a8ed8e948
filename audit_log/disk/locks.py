"""Locks between processes: ``flock`` on files that hold nothing and are never unlinked.

Not POSIX record locks: those drop as soon as any descriptor of the file closes. `exclusive` and
`shared` open the file anew for each acquisition, so two holders in one process exclude each other
too. A `Lock` keeps it open, for who takes it often and has a mutex; a forked child closes what it
inherited before anything else, so that it neither holds nor drops the lock of its parent.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakSet

_SAFE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OPEN: Final = os.O_RDWR | os.O_CREAT | _SAFE


class Lock:
    """The lock at one path, for one user at a time in one process."""

    __slots__ = ("__weakref__", "_identity", "_number", "_path")

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = os.fspath(path)
        self._number = -1
        self._identity = (0, 0)
        _open_locks.add(self)

    def acquire(self) -> None:
        """Hold the lock alone; wait for it as long as it takes."""
        while True:
            if self._number < 0:
                self._number = os.open(self._path, _OPEN, 0o644)
                found = os.fstat(self._number)
                self._identity = (found.st_dev, found.st_ino)
            fcntl.flock(self._number, fcntl.LOCK_EX)
            # A file that somebody removed or replaced protects from nobody.
            try:
                there = os.lstat(self._path)
            except FileNotFoundError:
                pass
            else:
                if (there.st_dev, there.st_ino) == self._identity:
                    return
            self.close()

    def release(self) -> None:
        """Let the next one have it."""
        if self._number >= 0:  # not in a child that was forked meanwhile
            fcntl.flock(self._number, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file, which drops the lock unless a forked child has it open too."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        """Close the file."""
        self.close()


_open_locks: Final[WeakSet[Lock]] = WeakSet()


def _close_inherited() -> None:
    for lock in tuple(_open_locks):
        lock.close()


os.register_at_fork(after_in_child=_close_inherited)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock at ``path`` alone; wait for it as long as it takes."""
    descriptor = os.open(path, _OPEN, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Unlocked by name, not only by closing: a child forked meanwhile has the same
        # descriptor, and would keep the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold the lock at ``path`` together with other readers; no lock if there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFE)
    except FileNotFoundError:  # a copy of a log need not carry the lock files: nobody writes it
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
