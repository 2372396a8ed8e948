"""Locks between processes: ``flock`` on files that hold nothing and are never unlinked.

Not POSIX record locks: those drop as soon as any descriptor of the file closes. `exclusive` and
`shared` open the file anew for each acquisition, so two holders in one process exclude each other
too. A `Lock` keeps it open, for who takes it often and has a mutex; a forked child closes what it
inherited before anything else, so that it neither holds nor drops the lock of its parent.

Anybody who can read the files can hold a lock for ever. So nobody waits longer than `PATIENCE`:
`LogUnusableError` then names the file and, where the system tells, who holds it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakSet

from repro.audit_log.errors import LogUnusableError

PATIENCE: Final = 60.0
"""Seconds."""
_HOLDERS: Final = Path("/proc/locks")
_FIRST_PAUSE, _LAST_PAUSE = 0.00002, 0.001
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

    def acquire(self, patience: float = PATIENCE) -> None:
        """Hold the lock alone; wait for it up to ``patience`` seconds."""
        while True:
            if self._number < 0:
                self._number = os.open(self._path, _OPEN, 0o644)
                found = os.fstat(self._number)
                self._identity = (found.st_dev, found.st_ino)
            _wait(self._number, fcntl.LOCK_EX, self._path, patience)
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
def exclusive(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock at ``path`` alone; wait for it up to ``patience`` seconds."""
    descriptor = os.open(path, _OPEN, 0o644)
    try:
        _wait(descriptor, fcntl.LOCK_EX, os.fspath(path), patience)
        yield
    finally:
        # Unlocked by name, not only by closing: a child forked meanwhile has the same
        # descriptor, and would keep the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


@contextmanager
def exclusive_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock at ``path`` alone if nobody else holds it; yield whether that is so."""
    descriptor = os.open(path, _OPEN, 0o644)
    try:
        is_ours = _try(descriptor, fcntl.LOCK_EX)
        try:
            yield is_ours
        finally:
            if is_ours:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


@contextmanager
def shared(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock at ``path`` together with other readers; no lock if there is no such file.

    Wait for it up to ``patience`` seconds.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFE)
    except FileNotFoundError:  # a copy of a log need not carry the lock files: nobody writes it
        yield
        return
    try:
        _wait(descriptor, fcntl.LOCK_SH, os.fspath(path), patience)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def holder_of(locks: str, inode: int, device: tuple[int, int]) -> int | None:
    """Return the process that holds a ``flock`` on a file; None if ``locks`` does not tell.

    ``locks`` is the text of ``/proc/locks`` (proc_locks(5)): one lock on a line, as in
    ``1: FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF``, the device in hexadecimal. A file system in
    layers tells another device there: then the inode alone decides, if it is on one line.
    """
    found: list[tuple[tuple[int, int], int]] = []
    for line in locks.splitlines():
        fields = line.split()
        try:
            major, minor, number = fields[5].split(":")
            if fields[1] == "FLOCK" and int(number) == inode:
                found.append(((int(major, 16), int(minor, 16)), int(fields[4])))
        except (IndexError, ValueError):  # also those who wait: "->" comes before their kind
            continue
    exact = [process for where, process in found if where == device]
    candidates = exact or [process for _, process in found]
    return candidates[0] if len(candidates) == 1 and candidates[0] > 0 else None


def _wait(descriptor: int, kind: int, path: str, patience: float) -> None:
    """Take a lock; `LogUnusableError` if somebody else still has it after ``patience`` seconds."""
    if _try(descriptor, kind):
        return
    deadline, pause = time.monotonic() + patience, _FIRST_PAUSE
    while time.monotonic() < deadline:
        time.sleep(pause)
        if _try(descriptor, kind):
            return
        pause = min(2 * pause, _LAST_PAUSE)
    file = os.fstat(descriptor)
    try:
        device = os.major(file.st_dev), os.minor(file.st_dev)
        holder = holder_of(_HOLDERS.read_text(), file.st_ino, device)
    except (OSError, UnicodeDecodeError):
        holder = None
    who = "another process" if holder is None else f"process {holder}"
    raise LogUnusableError(
        f"{path} is held by {who}, for more than {patience:g} seconds",
        "see what that process is; the log can be used again when it lets go or ends",
    )


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
