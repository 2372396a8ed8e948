"""Bytes that are on the disk when a call returns: whole writes, replaced files, directories.

Every function lets `OSError` through: what a failure means depends on who asked.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Without blocking: somebody may have put a pipe where a file should be."""


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put ``data`` at ``path``, whole or not at all, and durable on return."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write_new(temporary, data, mode)
    temporary.replace(path)
    sync_directory(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``data`` to the file ``path`` and sync it; the directory is not synced.

    What a crash has left there is written over. `OSError` for a pipe, and for a file that has
    another name too: who put it there wants something else to be written over.
    """
    descriptor = os.open(path, _NEW, mode)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(errno.EEXIST, f"not a file of its own: {path}")
        os.ftruncate(descriptor, 0)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append(path: Path, data: bytes) -> None:
    """Add ``data`` to the file ``path`` with one write, and sync it."""
    descriptor = os.open(path, _APPEND)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, f"a short write to {path}")
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_small(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file that is no link, at most ``limit`` of them."""
    descriptor = os.open(path, _READ)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"not a regular file: {path}")
        parts, rest = [], limit
        while rest and (part := os.read(descriptor, rest)):
            parts.append(part)
            rest -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)
