"""Removing the lines of a sealed segment, when the log says that it may be done.

The order, under every lock that a signer holds:

1. `<first>.leaves` and `<first>.pending` are made, durable: what stays, before anything goes
2. a record `erasure` is appended, durable and signed
3. `<first>.pending` becomes `<first>.pruned`
4. the openings that only lines of `<first>.jsonl` need are deleted, then the file is removed

A crash after 1 leaves files that `finish` removes, after 2 or 3 one that it completes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from repro.audit_log.disk.sync import sync_directory, write_new
from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.commitment import COMMITTED
from repro.audit_log.formats.digests import digest_bytes
from repro.audit_log.formats.record import ENDS, PLANNED, Record, decode, line_hash
from repro.audit_log.formats.retention import check_retention
from repro.audit_log.formats.tree import leaf_hash

from . import openings
from .layout import SEGMENTS, read_checkpoint
from .pruned import KEPT, format_pruned, read_pruned
from .segments import Part, Text, path_of
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


def require_over(text: Text, segment: int, today: date, covered: int) -> tuple[int, ...]:
    """Raise `LogUnusableError` unless the retention of ``segment`` has passed by ``today``.

    What the seal says holds until a later ``approval`` with the subject ``retention`` says
    otherwise of this segment; one that shortens it only if it is among the ``covered`` records.
    Returns the record that shortened it, if that is why it has passed.
    """
    retention: object = None
    shortened: tuple[int, ...] = ()
    for line in text.lines_with(b'"keep_until":'):
        record = _decoded(line)
        body = record.body
        if body.get("segment") != segment:
            continue
        if record.type == "segment.sealed":
            retention = body.get("retention")
        elif record.type == "approval" and body.get("subject") == "retention":
            new = {name: body.get(name) for name in ("keep_until", "policy")}
            is_shorter = _ends_before(new, retention)
            if record.seq >= covered and is_shorter:
                continue
            retention, shortened = new, (record.seq,) if is_shorter else ()
    if not isinstance(retention, dict):
        raise LogUnusableError(f"nothing in the log says how long segment {segment} is kept")
    try:
        last = check_retention(retention)
    except RecordError as error:
        raise LogUnusableError(f"the retention of segment {segment}: {error}") from None
    if today <= last:
        raise LogUnusableError(f"segment {segment} is kept until {last.isoformat()}")
    return shortened


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
        elif record.type in PLANNED:
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


def carry_out(directory: Path, first: int) -> int:
    """Remove the lines of a segment whose erasure is committed, and what opens only these.

    Returns how many openings went. Those that a line which stays still needs stay too.
    """
    folder = directory / SEGMENTS
    pending = path_of(directory, first, "pending")
    if pending.exists():
        pending.rename(path_of(directory, first, "pruned"))
        sync_directory(folder)
    gone = 0
    if path_of(directory, first).exists():
        gone = _remove_openings(directory, first)
        path_of(directory, first).unlink()
    sync_directory(folder)
    return gone


def finish(directory: Path) -> None:
    """Complete or take back what a crash left half done; lock held."""
    folder = directory / SEGMENTS
    if not folder.is_dir():
        return
    covered = read_checkpoint(directory).size
    for pending in sorted(path for path in folder.glob("*.pending") if path.stem.isdecimal()):
        first = int(pending.stem)
        text = Text.open(directory)
        if is_erased(text, first, covered):
            carry_out(directory, first)
        elif not is_erased(text, first):  # else it waits for a checkpoint
            pending.unlink()
            path_of(directory, first, "leaves").unlink(missing_ok=True)
            sync_directory(folder)
    for pruned in sorted(path for path in folder.glob("*.pruned") if path.stem.isdecimal()):
        if pruned.with_suffix(".jsonl").exists():
            carry_out(directory, int(pruned.stem))
    for leaves in sorted(folder.glob("*.leaves")):
        waits = leaves.with_suffix(".pending").exists()
        if leaves.with_suffix(".jsonl").exists() and not waits:
            leaves.unlink()  # died before what stays was written
            sync_directory(folder)


def require_signed(directory: Path, size: int, root: bytes) -> None:
    """Raise `LogCorruptError` unless the lines have the root of the last checkpoint.

    What is kept of a segment could otherwise be made of lines that somebody has changed.
    """
    if root_from_lines(directory, size) != root:
        raise LogCorruptError(f"the first {size} records are not those that were signed")


def is_erased(text: Text, first: int, covered: int | None = None) -> bool:
    """Return whether a record of ``text`` says that the segment from ``first`` on is erased.

    Only a record among the first ``covered``, if that is given.
    """
    for line in text.lines_with(b'"what":"segment"'):
        record = _decoded(line)
        body = record.body
        is_covered = covered is None or record.seq < covered
        says = (body.get("what"), body.get("first")) == ("segment", first)
        if record.type == "erasure" and says and is_covered:
            return True
    return False


def _ends_before(new: Mapping[str, object], old: object) -> bool:
    """Return whether ``new`` keeps less long than ``old``; what is no retention keeps for ever."""
    try:
        until = check_retention(new)
    except RecordError:
        return False
    try:
        return not isinstance(old, dict) or until < check_retention(old)
    except RecordError:
        return True


def _remove_openings(directory: Path, first: int) -> int:
    """Delete what opens only lines that are pruned; how many. The lines are still there."""
    text = Text.open(directory)
    going: set[bytes] = set()
    staying: set[bytes] = set()
    kept = read_pruned(path_of(directory, first, "pruned"), first).kept
    for part in text.parts:
        into = going if part.first == first and part.pruned is None else staying
        for line, _ in part.pieces():
            into.update(COMMITTED.findall(line))
        if part.pruned is not None:
            for line in part.pruned.kept.values():
                staying.update(COMMITTED.findall(line))
    for line in kept.values():
        staying.update(COMMITTED.findall(line))
    there = [
        digest
        for digest in (found.decode() for found in sorted(going - staying))
        if openings.path_of(directory, digest).exists()
    ]
    openings.discard(directory, there)
    if there:
        sync_directory(directory / openings.OPENINGS)
    return len(there)


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
