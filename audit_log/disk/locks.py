"""Locks between processes: ``flock`` on files that hold nothing and are never unlinked.

Not POSIX record locks: those drop as soon as any descriptor of the file closes. The file is
opened anew for each acquisition, so two holders in one process exclude each other too, and a
forked child never inherits a lock that it believes to be its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SAFE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OPEN: Final = os.O_RDWR | os.O_CREAT | _SAFE


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
