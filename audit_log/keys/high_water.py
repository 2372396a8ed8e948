"""The file of the high-water mark: what a key was last about to sign, raised with one sync.

    <text of a checkpoint><newlines up to 512 bytes>      again and again; the last one counts

A mark is raised by adding a record, and nothing that stands is changed, so that a crash in the
middle costs only the new one, which nobody has signed under yet. It leaves less than 512 bytes, or,
where a file system grows a file before it has the bytes, NUL bytes in the last record: that record
is *torn*, and the one before it counts. Any other oddity is damage, and refused.

A torn file, a full one, and one bare text (as version 0.1 wrote it) are not added to but replaced.
A replaced file holds one record. Its name is made durable before the second record is written, so
a file of two or more has a durable name whoever died when, and one ``fdatasync`` raises its mark.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import append, read_small, replace, sync_directory
from repro.audit_log.errors import CheckpointError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint

SIZE: Final = 512
"""Bytes in a record; a checkpoint's text has at most 321, and a sector is never shared."""
FULL: Final = 64 * SIZE


def read(path: Path) -> Checkpoint:
    """Return the mark; `CheckpointError` or `UnicodeDecodeError` if the file is damaged."""
    data = read_small(path, FULL + 1)
    if len(data) > FULL:
        raise CheckpointError(f"longer than {FULL} bytes")
    end = _whole(data) or len(data)
    last = data[max(0, end - SIZE) : end]
    text = last.decode()
    mark = parse_checkpoint(text.rstrip("\n") + "\n" if len(last) == SIZE else text)
    if mark.extensions:
        raise CheckpointError("lines after the root")
    return mark


def write(path: Path, mark: Checkpoint) -> None:
    """Make ``mark`` the mark, durable on return; the key's lock is held."""
    record = format_checkpoint(mark).encode().ljust(SIZE, b"\n")
    try:
        data = read_small(path, FULL)
    except FileNotFoundError:
        data = b""
    if _whole(data) != len(data) or len(data) in (0, FULL):
        replace(path, record, 0o600)
        return
    if len(data) == SIZE:
        sync_directory(path.parent)
    append(path, record)


def _whole(data: bytes) -> int:
    """Return how many bytes of ``data`` are in records that are not torn."""
    end = len(data) - len(data) % SIZE
    if end == len(data) and b"\0" in data[-SIZE:]:
        end -= SIZE
    return end
