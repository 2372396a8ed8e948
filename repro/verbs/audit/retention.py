"""``repro audit seal · retain · prune``: segments, how long they are kept, and their removal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.disk.locks import shared
from repro.audit_log.errors import LogUnusableError, RecordError
from repro.audit_log.formats.retention import check_retention
from repro.audit_log.storage import hold, pruning
from repro.audit_log.storage.layout import LOG_LOCK, read_checkpoint, require_directory
from repro.audit_log.storage.segments import Part, Text
from repro.audit_log.storage.store import utc_now
from repro.errors import InputError, UsageError
from repro.verbs.audit.log import cosigner, log_directory, open_log_to_sign
from repro.verbs.audit.words import require_words
from repro.verbs.observer import Warn, unheard


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment, and the record that this command wrote of it."""

    number: int
    first: int
    """Its first record."""
    count: int
    """Its records, the seal included."""
    record: int | None
    """None if nothing was written."""


def seal(root: Path, keep_until: str | None, policy: str | None, warn: Warn = unheard) -> Segment:
    """End the active segment, to be kept until a day under a policy if these are given.

    UsageError for a day that is none, InputError if the active segment is empty.
    """
    if (keep_until is None) != (policy is None):
        raise UsageError(
            "a retention is a day and a policy", "give --keep-until and --policy, or neither"
        )
    retention = None
    if keep_until is not None and policy is not None:
        retention = _retention(keep_until, policy)
    log = open_log_to_sign(root, warn)
    done = log.seal(retention=retention)
    if done is None:
        raise InputError(
            "there is nothing to seal: the active segment is empty",
            "it fills with the next command that writes to the log",
        )
    cosigner(log, warn)()
    part = max(_sealed(log.directory), key=lambda number: number.first)
    return Segment(part.number, part.first, part.count, done.seq)


def retain(root: Path, segment: int, keep_until: str, policy: str, warn: Warn = unheard) -> Segment:
    """Record until when a sealed segment is kept; what was said of it before no longer counts."""
    retention = _retention(keep_until, policy)
    found, _ = _of(log_directory(root), segment)
    log = open_log_to_sign(root, warn)
    body = {"subject": "retention", "segment": segment, **retention}
    seq = log.append("approval", body).seq
    log.commit()
    cosigner(log, warn)()
    return Segment(segment, found.first, found.count, seq)


def would_prune(root: Path, segment: int) -> Segment:
    """Return the segment whose lines would be removed; nothing is changed.

    LogUnusableError naming the hold, or the day, if it must not be pruned now.
    """
    directory = log_directory(root)
    found, text = _of(directory, segment)
    why = _held(directory)
    if why is not None:
        raise LogUnusableError(
            f"segment {segment} is under legal hold: {why}",
            "a hold ends with: repro audit hold lift ID --reason TEXT",
        )
    try:
        covered = read_checkpoint(directory).size
        pruning.require_over(text, segment, utc_now().date(), covered)
    except LogUnusableError as error:
        raise LogUnusableError(
            error.problem,
            f"to say how long: repro audit retain {segment} --keep-until DATE --policy TEXT",
        ) from None
    return found


def prune(root: Path, segment: int, reason: str, warn: Warn = unheard) -> Segment:
    """Remove the lines of a segment whose retention has passed; every proof stays possible."""
    require_words("reason", reason)
    found = would_prune(root, segment)
    log = open_log_to_sign(root, warn)
    done = log.prune(segment, reason=reason, held=lambda: _held(log.directory))
    cosigner(log, warn)()
    return Segment(segment, found.first, found.count, done.seq)


def _held(directory: Path) -> str | None:
    held = hold.in_force(directory)
    return f"{held[0].id!r} of record {held[0].seq} is in force" if held else None


def _retention(keep_until: str, policy: str) -> Mapping[str, str]:
    require_words("policy", policy)
    retention = {"keep_until": keep_until, "policy": policy}
    try:
        check_retention(retention)
    except RecordError:
        raise UsageError(f"not a date: {keep_until!r}", "write it as in 2036-01-31") from None
    return retention


def _text(directory: Path) -> Text:
    require_directory(directory)
    with shared(directory / LOG_LOCK):
        return Text.open(directory).require_sound()


def _of(directory: Path, segment: int) -> tuple[Segment, Text]:
    text = _text(directory)
    pruning.part_of(text, segment)
    return _segment(text.parts, segment), text


def _sealed(directory: Path) -> list[Segment]:
    parts = _text(directory).parts
    return [_segment(parts, number) for number in range(len(parts) - 1)]


def _segment(parts: tuple[Part, ...], number: int) -> Segment:
    first = parts[number].first
    return Segment(number, first, parts[number + 1].first - first, None)
