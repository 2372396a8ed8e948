"""What lies where in the directory of a log, and how its files are read."""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from blake3 import blake3

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import CheckpointError, LogCorruptError, LogUnusableError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.digests import FileDigest
from repro.audit_log.formats.note import MAX_NOTE, split
from repro.audit_log.formats.record import MAX_LINE

LINES: Final = "log.jsonl"
CHECKPOINT: Final = "checkpoint"
VKEY: Final = "log.vkey"
LOG_LOCK: Final = "log.lock"
SIGN_LOCK: Final = "sign.lock"
SUSPECT: Final = "suspect"
TORN: Final = "torn"
RUNNING: Final = "running"
SEGMENTS: Final = "segments"
STATE: Final = "derived/state.json"
PLANS: Final = "derived/plans.json"
TREE: Final = "derived/tree"

MAX_CHECKPOINT: Final = MAX_NOTE + 1
"""Bytes read of it: twenty witnesses with ML-DSA-44 keys are more than 64 KiB."""
_CHUNK: Final = 1 << 20


class Descriptor:
    """An open file that closes when its last user lets go of it."""

    __slots__ = ("number",)

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        """Open ``path``, which must be a regular file and no link."""
        self.number = -1
        # Without blocking: somebody may have put a pipe where a file should be.
        self.number = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(self.number).st_mode):
            raise OSError(f"not a regular file: {path}")

    def __del__(self) -> None:
        """Close the file."""
        if self.number >= 0:
            os.close(self.number)


def require_directory(directory: Path) -> None:
    """Raise `LogUnusableError` unless ``directory`` holds the lines of a log."""
    try:
        mode = directory.lstat().st_mode
    except FileNotFoundError:
        raise LogUnusableError(f"no log at {directory}: there is no such directory") from None
    except OSError as error:
        raise LogUnusableError(f"cannot read {directory}: {error.strerror}") from error
    if stat.S_ISLNK(mode):
        raise LogUnusableError(f"{directory} is a symbolic link: name the directory itself")
    if not stat.S_ISDIR(mode):
        raise LogUnusableError(f"{directory} is not a directory")
    lines = directory / LINES
    if lines.is_symlink():
        raise LogUnusableError(f"{lines} is a symbolic link")
    # Between the two steps of a roll there is none; the next writer makes it.
    if not lines.is_file() and not (directory / SEGMENTS).is_dir():
        raise LogUnusableError(f"no log at {directory}: {LINES} is missing")


def read_note(directory: Path) -> bytes:
    """Return the bytes of the checkpoint file; a log without one is an error."""
    path = directory / CHECKPOINT
    try:
        return read_small(path, MAX_CHECKPOINT)
    except FileNotFoundError:
        raise LogUnusableError(
            f"the checkpoint of the log is missing: {path}",
            "put back any copy of it that was kept, an older one too: the log goes on from there",
        ) from None
    except OSError as error:
        raise LogUnusableError(f"cannot read {path}: {error}") from error


def read_checkpoint(directory: Path) -> Checkpoint:
    """Return what the checkpoint file says; its signatures are not checked here."""
    try:
        text, _ = split(read_note(directory))
        return parse_checkpoint(text)
    except (NoteError, CheckpointError) as error:
        raise LogCorruptError(f"{directory / CHECKPOINT} is not a checkpoint: {error}") from None


def pieces(descriptor: int, start: int, end: int) -> Iterator[tuple[bytes, bool]]:
    """Yield each line from byte ``start`` on and whether a newline ends it, up to ``end``.

    Only the last piece may be without a newline. A line that is too long comes cut, right after
    the limit, so that memory stays flat whatever the file holds.
    """
    rest = b""
    skipping = False
    while start < end:
        chunk = os.pread(descriptor, min(_CHUNK, end - start), start)
        if not chunk:
            break
        start += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if skipping:
                skipping = False
            else:
                yield line, True
        if len(rest) > MAX_LINE + 1 and not skipping:
            skipping = True
            yield rest[: MAX_LINE + 1], True
        if skipping:
            rest = b""
    if rest:
        yield rest, False


def find(file: Descriptor, needle: bytes, size: int) -> Iterator[int]:
    """Yield the place of each ``needle`` in the first ``size`` bytes, not read at once."""
    size = min(size, os.fstat(file.number).st_size)  # a torn tail may have been cut meanwhile
    if size == 0:
        return
    with mmap.mmap(file.number, size, prot=mmap.PROT_READ) as view:
        place = view.find(needle)
        while place >= 0:
            yield place
            place = view.find(needle, place + 1)


def lines_with(file: Descriptor, needle: bytes, size: int) -> Iterator[bytes]:
    """Yield each whole line in the first ``size`` bytes that holds ``needle``, once."""
    size = min(size, os.fstat(file.number).st_size)  # a torn tail may have been cut meanwhile
    if size == 0:
        return
    with mmap.mmap(file.number, size, prot=mmap.PROT_READ) as view:
        place = view.find(needle)
        while place >= 0:
            end = view.find(b"\n", place)
            if end < 0:
                return
            yield view[view.rfind(b"\n", 0, place) + 1 : end]
            place = view.find(needle, end)


def digest_open(file: Descriptor, size: int) -> FileDigest:
    """Return the digests of the first ``size`` bytes of an open file."""
    first, second, offset = blake3(), hashlib.sha256(), 0
    while offset < size and (chunk := os.pread(file.number, min(_CHUNK, size - offset), offset)):
        first.update(chunk)
        second.update(chunk)
        offset += len(chunk)
    return FileDigest(first.hexdigest(), second.hexdigest(), offset)
