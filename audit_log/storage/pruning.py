"""Removing the lines of a sealed segment, when the log says that it may be done.

The order, under every lock that a signer holds:

1. `<first>.leaves` and `<first>.pending` are made, durable: what stays, before anything goes
2. a record `erasure` is appended, durable and signed
3. `<first>.pending` becomes `<first>.pruned`
4. `<first>.jsonl` is removed

A crash after 1 leaves files that `finish` removes, after 2 or 3 one that it completes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from repro.audit_log.disk.sync import sync_directory, write_new
from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.digests import digest_bytes
from repro.audit_log.formats.record import ENDS, Record, decode, line_hash
from repro.audit_log.formats.tree import leaf_hash

from .layout import SEGMENTS
from .pruned import KEPT, format_pruned
from .segments import Part, Text, check_retention, path_of
from .tail import root_from_lines

Held = Callable[[], str | None]
"""Says why nothing may be erased now; None if nothing forbids it."""


def part_of(text: Text, segment: int) -> Part:
    """Return the sealed segment of that number; `LogUnusableError` unless its lines are there."""
    if not 0 <= segment < len(text.parts) - 1:
        raise LogUnusableError(f"the log has no sealed segment {segment}")
    part = text.parts[segment]
    if part.pruned is not None:
        raise LogUnusableError(f"segment {segment} is pruned already")
    return part


def require_over(text: Text, segment: int, today: date) -> None:
    """Raise `LogUnusableError` unless the retention of ``segment`` has passed by ``today``.

    What the seal says holds until a later ``approval`` with the subject ``retention`` says
    otherwise of this segment.
    """
    retention: object = None
    for line in text.lines_with(b'"keep_until":'):
        record = _decoded(line)
        body = record.body
        if body.get("segment") != segment:
            continue
        if record.type == "segment.sealed":
            retention = body.get("retention")
        elif record.type == "approval" and body.get("subject") == "retention":
            retention = {name: body.get(name) for name in ("keep_until", "policy")}
    if not isinstance(retention, dict):
        raise LogUnusableError(f"nothing in the log says how long segment {segment} is kept")
    try:
        last = check_retention(retention)
    except RecordError as error:
        raise LogUnusableError(f"the retention of segment {segment}: {error}") from None
    if today <= last:
        raise LogUnusableError(f"segment {segment} is kept until {last.isoformat()}")


def prepare(directory: Path, text: Text, part: Part) -> Mapping[str, object]:
    """Make what stays of a segment; return the body of its erasure, without a reason.

    `LogUnusableError` if a plan in it has no end, `LogCorruptError` if it is not what was signed.
    """
    lines = [line for line, whole in part.pieces() if whole]
    kept: dict[int, bytes] = {}
    straddling: dict[str, tuple[int, bytes]] = {}
    for seq, line in enumerate(lines, part.first):
        record = _decoded(line)
        if record.type in KEPT:
            kept[seq] = line
        elif record.type == "run.planned":
            straddling[str(record.body.get("run"))] = (seq, line)
        elif record.type in ENDS and straddling.pop(str(record.body.get("run")), None) is None:
            kept[seq] = line  # of a plan in a segment before: the pair stays whole
    for run, (seq, line) in straddling.items():
        if not _is_ended(text, run):
            raise LogUnusableError(f"run {run}, planned in record {seq}, has no end in the log")
        kept[seq] = line
    data = format_pruned(part.first, len(lines), part.size, line_hash(lines[-1]), kept)
    body = {
        "count": len(lines),
        "first": part.first,
        "kept": digest_bytes(data).blake3,
        "what": "segment",
    }
    write_new(path_of(directory, part.first, "leaves"), b"".join(map(leaf_hash, lines)))
    write_new(path_of(directory, part.first, "pending"), data)
    sync_directory(directory / SEGMENTS)
    return body


def carry_out(directory: Path, first: int) -> None:
    """Remove the lines of a segment whose erasure is committed."""
    folder = directory / SEGMENTS
    pending = path_of(directory, first, "pending")
    if pending.exists():
        pending.rename(path_of(directory, first, "pruned"))
        sync_directory(folder)
    path_of(directory, first).unlink(missing_ok=True)
    sync_directory(folder)


def finish(directory: Path) -> None:
    """Complete or take back what a crash left half done; lock held."""
    folder = directory / SEGMENTS
    if not folder.is_dir():
        return
    left = {path.suffix: path for path in sorted(folder.iterdir())}
    if ".pending" in left:
        first = int(left[".pending"].stem)
        if is_erased(Text.open(directory), first):
            carry_out(directory, first)
        else:
            left[".pending"].unlink()
            path_of(directory, first, "leaves").unlink(missing_ok=True)
            sync_directory(folder)
    for pruned in folder.glob("*.pruned"):
        if pruned.with_suffix(".jsonl").exists():
            carry_out(directory, int(pruned.stem))
    for leaves in folder.glob("*.leaves"):
        if leaves.with_suffix(".jsonl").exists():  # died before what stays was written
            leaves.unlink()
            sync_directory(folder)


def require_signed(directory: Path, size: int, root: bytes) -> None:
    """Raise `LogCorruptError` unless the lines have the root of the last checkpoint.

    What is kept of a segment could otherwise be made of lines that somebody has changed.
    """
    if root_from_lines(directory, size) != root:
        raise LogCorruptError(f"the first {size} records are not those that were signed")


def is_erased(text: Text, first: int) -> bool:
    """Return whether a record of ``text`` says that the segment from ``first`` on is erased."""
    for line in text.lines_with(b'"what":"segment"'):
        record = _decoded(line)
        body = record.body
        if record.type == "erasure" and (body.get("what"), body.get("first")) == ("segment", first):
            return True
    return False


def _is_ended(text: Text, run: str) -> bool:
    return any(
        record.type in ENDS and record.body.get("run") == run
        for record in map(_decoded, text.lines_with(f'"run":"{run}"'.encode()))
    )


def _decoded(line: bytes) -> Record:
    try:
        return decode(line)
    except RecordError as error:
        raise LogCorruptError(f"a line of the log is no record: {error}") from None
