"""What a crash, a full disk or a failed sync leaves behind, and how it is put right.

Nothing is thrown away: a torn tail goes to a side file before it is cut, and a `log.recovered`
record says so. The side file is named ``.pending`` until that record is on the disk, so that a
crash in the middle of a repair is itself repaired.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from repro.audit_log.disk.locks import exclusive, exclusive_if_free
from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.errors import LogCorruptError, LogSuspectError, LogUnusableError
from repro.audit_log.formats.digests import digest_bytes
from repro.audit_log.formats.record import MAX_LINE

from .layout import (
    LINES,
    LOG_LOCK,
    SIGN_LOCK,
    SUSPECT,
    TORN,
    Descriptor,
    digest_open,
    read_checkpoint,
)
from .lines import Lines
from .segments import Part, Text
from .tail import Tail

_Append = Callable[[Sequence[tuple[str, Mapping[str, object]]]], object]
_CHUNK = 1 << 20
FAILED_SYNC = "a failed sync: the lines were written anew"
ASIDE = "aside"
"""The kind of side file that `aside` makes."""
_REASONS = {
    "": "an unterminated tail",
    SUSPECT: FAILED_SYNC,
    ASIDE: "set aside",
}
WHY = "reason"
"""The kind of file that says why, until the record does."""
_SIDE = re.compile(r"([0-9]{1,15})-[0-9a-f]{16}(?:\.(suspect|aside))?\.pending", re.ASCII)
_CUT = re.compile(r"([0-9]{1,15})-[0-9a-f]{16}\.aside", re.ASCII)
_LEFT = re.compile(r"\.(checkpoint|log\.vkey)\.[0-9]+\.tmp|\.(log|[0-9]{12})\.jsonl\.new", re.ASCII)
MAX_REASON = 2_000
"""Bytes."""
_MOST = 1 << 30
"""Bytes of a side file that are read: no writer has left more."""


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
    torn = side_folder(directory)
    write_new(torn / f"{tail.offset}-{digest.blake3[:16]}.pending", data)
    sync_directory(torn)
    sync_directory(directory)
    os.ftruncate(file.number, here)


def finish_interrupted(directory: Path, append: _Append) -> None:
    """Record every side file that no record names yet; lock held."""
    torn = directory / TORN
    if not os.path.lexists(torn):
        return
    side_folder(directory)
    _settle_aside(directory)
    for pending in sorted(torn.glob("*.pending")):
        match = _SIDE.fullmatch(pending.name)
        if match is None:
            continue  # nothing of ours
        stem, kind = pending.name.partition(".")[0], match[2] or ""
        name = f"{TORN}/{stem}.bin"
        needle = f'"kept":"{name}"'.encode()
        file = _side_file(pending)
        if not any(True for _ in Text.open(directory).find(needle)):
            digest = digest_open(file, _MOST)
            body = {
                "blake3": digest.blake3,
                "kept": name,
                "offset": int(match[1]),
                "reason": _REASONS[kind] + _why(torn / f"{stem}.{WHY}"),
                "sha256": digest.sha256,
                "size": digest.size,
            }
            append([("log.recovered", body)])
        _sync_lines(directory)
        pending.rename(directory / name)
        (torn / f"{stem}.{WHY}").unlink(missing_ok=True)
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
    if not os.path.lexists(path):
        return
    with exclusive(directory / LOG_LOCK):
        if not os.path.lexists(path):  # somebody else was faster
            return
        _side_file(path)
        text, torn = Text.open(directory), side_folder(directory)
        for part in text.parts[-2:]:
            if part.file is not None:
                write_anew(directory, part, part.size)
        path.rename(torn / f"{text.size}-{secrets.token_hex(8)}.{SUSPECT}.pending")
        sync_directory(torn)
        sync_directory(directory)


def sweep(directory: Path) -> None:
    """Remove the temporary files of whoever died while it signed or wrote lines anew.

    Under the locks of those who make them; nothing if somebody is signing now.
    """
    left = sorted(path for path in directory.iterdir() if _LEFT.fullmatch(path.name))
    if left:
        with exclusive_if_free(directory / SIGN_LOCK) as is_ours:
            if is_ours:
                with exclusive(directory / LOG_LOCK):
                    for path in left:
                        with suppress(FileNotFoundError, IsADirectoryError):
                            path.unlink()


def side_folder(directory: Path) -> Path:
    """Return the folder of side files, made if it is not there; no link is followed."""
    torn = directory / TORN
    torn.mkdir(exist_ok=True)
    if torn.is_symlink():
        raise LogUnusableError(f"{torn} is a symbolic link")
    return torn


def _side_file(path: Path) -> Descriptor:
    """Open what is to become a side file; `LogUnusableError` if it is none that we have made."""
    try:
        file = Descriptor(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or "not a regular file"
        raise LogUnusableError(
            f"cannot read what a repair has left, {path}: {reason}", "remove it, if it is not yours"
        ) from None
    if os.fstat(file.number).st_size > _MOST:
        raise LogUnusableError(f"{path} is larger than what any repair leaves")
    return file


def _why(path: Path) -> str:
    try:
        return f": {read_small(path, MAX_REASON).decode(errors='replace')}"
    except OSError:
        return ""


def _settle_aside(directory: Path) -> None:
    """Bring to its end what `aside` has begun: recorded if the lines are cut, undone if not."""
    torn = directory / TORN
    for side in sorted(torn.glob(f"*.{ASIDE}")):
        match = _CUT.fullmatch(side.name)
        if match is None:
            continue
        file = _side_file(side)
        line = os.pread(file.number, MAX_LINE + 1, 0)
        line = line[: line.find(b"\n") + 1] or line
        if Text.open(directory).read(len(line), int(match[1])) == line:
            side.unlink()
        else:
            side.rename(torn / f"{side.name}.pending")
        sync_directory(torn)


def write_anew(directory: Path, part: Part, size: int) -> None:
    """Put a new file with the first ``size`` bytes of ``part`` in its place, durable."""
    target = directory / f".{part.path.name}.new"
    _copy(part.path, target, size)
    target.replace(part.path)
    sync_directory(part.path.parent)
    sync_directory(directory)


def _copy(source: Path, target: Path, size: int) -> None:
    write_new(target, b"")
    old, new = Descriptor(source), Descriptor(target, os.O_WRONLY | os.O_APPEND)
    offset = 0
    while chunk := os.pread(old.number, min(_CHUNK, size - offset), offset):
        offset += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(new.number, rest) :]
    os.fsync(new.number)


def _sync_lines(directory: Path) -> None:
    file = Descriptor(directory / LINES)
    os.fdatasync(file.number)
