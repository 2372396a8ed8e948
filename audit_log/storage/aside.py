"""Setting lines aside that no checkpoint covers, so that a log which somebody spoiled can go on.

The lines become a side file in ``torn/``, and a record ``log.recovered`` says so. The order, under
both locks, so that nobody signs or appends meanwhile:

1. ``torn/<offset>-<digest>.aside`` holds the lines, ``.reason`` says why, both durable; nothing has
   gone from the log
2. a file without them takes the place of the active one
3. the side file becomes ``.aside.pending``, which `recovery.finish_interrupted` records

A crash before 2 leaves a side file that is removed, after it one that is recorded. Lines in a
segment that was sealed and not signed: the active file is set aside first, whole, and the segment
is made the active file again.
"""

from __future__ import annotations

from pathlib import Path

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import sync_directory, write_new
from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats.digests import digest_bytes
from repro.audit_log.keys.keystore import KeyStore

from . import creation, recovery, segments, tail
from .layout import LINES, LOG_LOCK, SIGN_LOCK, read_checkpoint
from .segments import Text

_CHUNK = 1 << 20


def cut(directory: Path, seq: int, reason: str, keys: KeyStore) -> None:
    """Move the lines from record ``seq`` on into ``torn/``; the next opening records it.

    Nobody in this process may hold a lock of the log. `LogUnusableError` if a checkpoint covers
    the record, here or beside the key, or if there is no such record; `LogCorruptError` if the
    lines before it are not those that were signed. ``reason`` is for people, at most 2,000 bytes.
    """
    said = reason.strip().encode(errors="replace")
    if not 0 < len(said) <= recovery.MAX_REASON:
        raise LogUnusableError(
            f"setting lines aside needs a reason, of at most {recovery.MAX_REASON} bytes"
        )
    with exclusive(directory / SIGN_LOCK), exclusive(directory / LOG_LOCK):
        segments.begin_active(directory)
        text = Text.open(directory).require_sound()
        checkpoint = read_checkpoint(directory)
        mark = keys.mark(creation.read_origin(directory))
        signed = max(checkpoint.size, mark.size if mark is not None else 0)
        if seq < signed:
            raise LogUnusableError(f"record {seq} is signed: a checkpoint covers {signed} records")
        end = tail.load(directory, text, checkpoint)
        offset = _start_of(text, end.offset, seq - end.size)
        if offset is None:
            raise LogUnusableError(f"there is no record {seq} in the log")
        while True:
            part = text.active
            if part.size and part.end > offset:
                _move(directory, text, max(offset, part.start), said)
            if offset >= part.start:
                return
            text.parts[-2].path.replace(directory / LINES)
            sync_directory(text.parts[-2].path.parent)
            sync_directory(directory)
            text = Text.open(directory).require_sound()


def _start_of(text: Text, offset: int, lines: int) -> int | None:
    """Return where the line begins that comes ``lines`` after the one at ``offset``."""
    while lines:
        chunk = text.read(_CHUNK, offset)
        if not chunk:
            return None
        place = -1
        while lines and (found := chunk.find(b"\n", place + 1)) >= 0:
            place, lines = found, lines - 1
        offset += len(chunk) if lines else place + 1
    return offset if offset < text.size else None


def _move(directory: Path, text: Text, offset: int, reason: bytes) -> None:
    part = text.active
    data = text.read(part.end - offset, offset)
    torn = recovery.side_folder(directory)
    name = f"{offset}-{digest_bytes(data).blake3[:16]}"
    side = torn / f"{name}.{recovery.ASIDE}"
    write_new(torn / f"{name}.{recovery.WHY}", reason)
    write_new(side, data)
    sync_directory(torn)
    sync_directory(directory)
    recovery.write_anew(directory, part, offset - part.start)
    side.rename(torn / f"{name}.{recovery.ASIDE}.pending")
    sync_directory(torn)
