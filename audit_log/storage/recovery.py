"""What a crash, a full disk or a failed sync leaves behind, and how it is put right.

Nothing is thrown away: a torn tail goes to a side file before it is cut, and a `log.recovered`
record says so. The side file is named ``.pending`` until that record is on the disk, so that a
crash in the middle of a repair is itself repaired.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.errors import LogCorruptError, LogSuspectError, LogUnusableError
from repro.audit_log.formats.digests import digest_bytes

from .layout import LINES, LOG_LOCK, SUSPECT, TORN, Descriptor, read_checkpoint
from .lines import Lines
from .segments import Part, Text
from .tail import Tail

_Append = Callable[[Sequence[tuple[str, Mapping[str, object]]]], object]
_CHUNK = 1 << 20
FAILED_SYNC = "a failed sync: the lines were written anew"


def write_whole(descriptor: int, data: bytes | bytearray, offset: int) -> None:
    """Write ``data`` at the end with one write; undo it and raise if not all of it fits."""
    problem = "a short write"
    try:
        if os.write(descriptor, data) == len(data):
            return
    except OSError as error:
        problem = error.strerror or str(error)
    # Under the lock nobody else has written after ``offset``.
    os.ftruncate(descriptor, offset)
    raise LogUnusableError(
        f"nothing was appended to the log, {LINES}: {problem}", "is there space left for AUDIT_LOG?"
    )


def cut_torn(directory: Path, file: Lines, tail: Tail) -> None:
    """Move the bytes beyond ``tail`` to a side file and cut them; lock held.

    `finish_interrupted` then records it.
    """
    checkpoint = read_checkpoint(directory)
    if tail.size < checkpoint.size:
        raise LogCorruptError(f"record {tail.size} is cut short, and a checkpoint covers it")
    here = tail.offset - file.start
    end = os.fstat(file.number).st_size
    data = os.pread(file.number, end - here, here)
    digest = digest_bytes(data)
    torn = directory / TORN
    torn.mkdir(exist_ok=True)
    write_new(torn / f"{tail.offset}-{digest.blake3[:16]}.pending", data)
    sync_directory(torn)
    sync_directory(directory)
    os.ftruncate(file.number, here)


def finish_interrupted(directory: Path, append: _Append) -> None:
    """Record every side file that no record names yet; lock held."""
    torn = directory / TORN
    if not torn.is_dir():
        return
    for pending in sorted(torn.glob("*.pending")):
        stem, _, kind = pending.name.removesuffix(".pending").partition(".")
        name = f"{TORN}/{stem}.bin"
        needle = f'"kept":"{name}"'.encode()
        if not any(True for _ in Text.open(directory).find(needle)):
            digest = digest_bytes(pending.read_bytes())
            body = {
                "blake3": digest.blake3,
                "kept": name,
                "offset": int(stem.partition("-")[0]),
                "reason": FAILED_SYNC if kind == SUSPECT else "an unterminated tail",
                "sha256": digest.sha256,
                "size": digest.size,
            }
            append([("log.recovered", body)])
        _sync_lines(directory)
        pending.rename(directory / name)
        sync_directory(torn)


def refuse_suspect(path: Path) -> None:
    """Raise `LogSuspectError` if ``path``, the file `SUSPECT` of a log, says that a sync failed."""
    if os.path.lexists(path):
        reason = read_small(path, 4096).decode(errors="replace").strip()
        raise LogSuspectError(
            f"the log is suspect: a sync has failed ({reason})",
            "open the log again: that writes the uncommitted records anew",
        )


def mark_suspect(directory: Path, reason: str) -> None:
    """Tell every writer that what is not committed may not be on the disk."""
    write_new(directory / SUSPECT, f"{reason}\n".encode())
    sync_directory(directory)


def heal_suspect(directory: Path) -> None:
    """Write the lines anew into another file and swap it in, if a sync has failed.

    The segment before the active file too: the sync that failed may have been of its last lines.
    What `SUSPECT` said becomes a side file, which `finish_interrupted` records.
    """
    path = directory / SUSPECT
    if not path.exists():
        return
    with exclusive(directory / LOG_LOCK):
        if not path.exists():  # somebody else was faster
            return
        text, torn = Text.open(directory), directory / TORN
        for part in text.parts[-2:]:
            if part.file is not None:
                _write_anew(directory, part)
        torn.mkdir(exist_ok=True)
        path.rename(torn / f"{text.size}-{secrets.token_hex(8)}.{SUSPECT}.pending")
        sync_directory(torn)
        sync_directory(directory)


def _write_anew(directory: Path, part: Part) -> None:
    target = directory / f".{part.path.name}.new"
    _copy(part.path, target)
    target.replace(part.path)
    sync_directory(part.path.parent)
    sync_directory(directory)


def _copy(source: Path, target: Path) -> None:
    write_new(target, b"")
    old, new = Descriptor(source), Descriptor(target, os.O_WRONLY | os.O_APPEND)
    offset = 0
    while chunk := os.pread(old.number, _CHUNK, offset):
        offset += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(new.number, rest) :]
    os.fsync(new.number)


def _sync_lines(directory: Path) -> None:
    file = Descriptor(directory / LINES)
    os.fdatasync(file.number)
