"""What was signed while the lines were read: a checkpoint beyond the one that was read first.

An erasure counts only where a signed checkpoint covers its record: anybody can append a line. Who
erases commits the record before anything is deleted, and a verifier reads the checkpoint before the
lines. So where something is gone by a record beyond that checkpoint, the checkpoint is read again,
and only then is anybody accused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.audit_log.errors import CheckpointError, LogError, NoteError, RecordError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, split
from repro.audit_log.formats.note_key import ED25519
from repro.audit_log.formats.record import Record, decode
from repro.audit_log.formats.rotation import TYPE
from repro.audit_log.formats.tree import Frontier, leaf_hash
from repro.audit_log.storage.layout import read_note

from .reading import Text
from .rotations import Rotations
from .survey import Reading
from .trust import Case

ERASURE = "erasure"
_SHOWN = tuple(f',"type":"{type_}"}}'.encode() for type_ in (ERASURE, TYPE))


@dataclass(frozen=True, slots=True)
class Later:
    """A checkpoint that the log's keys signed over the lines that were read, and over more."""

    size: int
    """Records that it covers."""
    erasures: tuple[Record, ...] = ()
    """The records ``erasure`` among those that it covers and that were not read before."""


def read_later(case: Case, reading: Reading, rotations: Rotations) -> Later:
    """Return what the log's checkpoint covers now; what it covered before if none is better.

    It counts only if it is of the same log, larger, signed by the keys that the lines lead to, and
    over the very lines that were read. Where there was no checkpoint, that is said elsewhere, and
    every record is taken as covered.
    """
    if case.own is None:
        return Later(reading.walk.size)
    try:
        note = read_note(case.directory)
        now = parse_checkpoint(split(note)[0])
        if now.origin == case.own.origin and now.size > case.own.size:
            return _believed(case, reading, rotations, note, now) or Later(case.own.size)
    except (LogError, OSError, CheckpointError, NoteError, RecordError, ValueError):
        pass  # what cannot be read or believed covers nothing more
    return Later(case.own.size)


def _believed(
    case: Case, reading: Reading, rotations: Rotations, note: bytes, now: Checkpoint
) -> Later | None:
    """Return what ``now`` covers if it is signed and over the lines that were read."""
    keys = Rotations()
    keys.resume(rotations.state())
    frontier, beyond = Frontier(), []
    for leaf in reading.leaves():
        if frontier.size == now.size:
            break
        frontier.append(leaf)
    if frontier.size < now.size and reading.text is not None:
        text = Text(case.directory, None if reading.text.is_locked else 0.0)
        for leaf, line in _beyond(text, reading.whole, frontier.size):
            if frontier.size == now.size:
                break
            frontier.append(leaf)
            if line.endswith(_SHOWN):
                beyond.append(decode(line))
    if frontier.size != now.size or frontier.root() != now.root:
        return None
    for record in beyond:
        if record.type == TYPE and any(keys.see(record)):
            return None
    verified = open_note(note, keys.keys_at(now.size)).verified
    if not any(one.verifier.kind == ED25519 for one in verified):
        return None
    return Later(now.size, tuple(record for record in beyond if record.type == ERASURE))


def _beyond(text: Text, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield leaf hash and line of each record from record ``size``, at byte ``offset``, on.

    The line is empty where it is gone: a segment may have been sealed and pruned meanwhile.
    """
    for part in text.parts:
        if part.pruned is not None:
            for seq, leaf in enumerate(part.pruned.leaves(), part.first):
                if seq >= size:
                    yield leaf, part.pruned.kept.get(seq, b"")
        elif part.end > offset:
            yield from ((leaf_hash(line), line) for line, whole in part.pieces(offset) if whole)
