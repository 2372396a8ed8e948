"""A shared lock that is waited for only so long: who reads must not hang when somebody holds it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PATIENCE: Final = 10.0
"""Seconds; nobody who writes honestly holds a lock nearly as long, but for a large segment."""
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_PAUSE: Final = 0.01


@contextmanager
def shared_within(path: Path, seconds: float | None = None) -> Iterator[bool]:
    """Hold the lock at ``path`` together with other readers; yield whether that is so.

    False if somebody else still held it after ``seconds`` (`PATIENCE`). True without any lock if
    there is no such file, as in a copy of a log: nobody writes that. `OSError` if it is no file to
    be opened.
    """
    deadline = time.monotonic() + (PATIENCE if seconds is None else seconds)
    try:
        descriptor = os.open(path, _OPEN)
    except FileNotFoundError:
        yield True
        return
    try:
        while not (is_ours := _try(descriptor)) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        yield is_ours
    finally:
        # Unlocked by name: a child forked meanwhile has the same descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
