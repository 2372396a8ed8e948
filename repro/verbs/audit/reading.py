"""The workspace's log as it is read: its signed head, and records by number, run, type and end.

Nothing is locked for longer than it takes to see how long the log is, and nothing but derived
files is written; on a disk that cannot be written, those go to a temporary folder.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from repro.audit_log.disk.locks import shared
from repro.audit_log.errors import (
    CanonicalError,
    CheckpointError,
    LogCorruptError,
    NoteError,
    RecordError,
    UnknownSignerError,
)
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, split
from repro.audit_log.formats.note_key import Verifier, format_vkey
from repro.audit_log.formats.record import MAX_LINE, Record, decode
from repro.audit_log.formats.tree import leaf_hash
from repro.audit_log.storage import layout
from repro.audit_log.storage.search import records_of
from repro.audit_log.storage.segments import Part, Text
from repro.audit_log.storage.tiles import Tiles
from repro.audit_log.verification.rotations import Rotations
from repro.errors import InputError, IntegrityError, ReproError, UsageError
from repro.runs.finding import find
from repro.verbs.audit.log import DIRECTORY

_BLOCK: Final = 1 << 16
READ_ONLY: Final = {errno.EROFS, errno.EACCES, errno.EPERM}
_CANDIDATES: Final = 10
LOOK: Final = "look at it: repro audit verify"
COMMIT_FIRST: Final = "sign what is there: repro audit checkpoint --sign"


@dataclass(frozen=True, slots=True)
class Head:
    """The log's checkpoint, signed by the key that the log names as in force."""

    note: bytes
    """The text and its signatures: the file that somebody else should keep."""
    text: str
    """What is signed: origin, size and root."""
    checkpoint: Checkpoint
    keys: tuple[Verifier, ...]

    @property
    def vkey(self) -> str:
        """The Ed25519 key as text."""
        return format_vkey(self.keys[0])


@dataclass(frozen=True, slots=True)
class Found:
    """A record as it stands in the log."""

    line: bytes
    """Raw, without its newline."""
    record: Record
    committed: bool
    """Whether a signed checkpoint covers it: then it is the record of the signed tree."""


class Reader:
    """The log at one moment. Make it with `reading`."""

    def __init__(self, root: Path, text: Text, head: Head, tiles: Tiles) -> None:
        """Use `reading` instead."""
        self.root, self.directory = root, root / DIRECTORY
        self.text, self.head, self.tiles = text, head, tiles

    @property
    def committed(self) -> int:
        """How many records the checkpoint covers."""
        return self.head.checkpoint.size

    def size(self) -> int:
        """Return how many whole records there are."""
        for _, line in newest_lines(self.text):
            return self._found(line).record.seq + 1
        return self.committed

    def at(self, seq: int) -> Found:
        """Return record ``seq``.

        UsageError if there is none, InputError if it was pruned, IntegrityError or
        `LogCorruptError` if it is not what was signed.
        """
        if seq < self.committed:
            if self.pruned(seq):
                raise InputError(
                    f"record {seq} was pruned: only its leaf hash is kept",
                    f"it can still be proven to be there: repro audit prove {seq}",
                )
            line = self.tiles.line_at(seq)
            # A line that was changed makes the tree anew, and then has its leaf there.
            self.tiles.believe(self.head.checkpoint)
            return Found(line, decoded(line, seq), True)
        for _, line in newest_lines(self.text):
            found = self._found(line)
            if found.record.seq == seq:
                return found
            if found.record.seq < seq:
                break
        size = self.size()
        raise UsageError(f"there is no record {seq}", f"the log has records 0 to {size - 1}")

    def pruned(self, seq: int) -> bool:
        """Return whether the line of a committed record is gone."""
        part = next(part for part in reversed(self.text.parts) if part.first <= seq)
        return part.pruned is not None and seq not in part.pruned.kept

    def newest(self, count: int) -> Iterator[Found]:
        """Yield the newest ``count`` records that are there, the oldest of them first."""
        start = self.text.size
        for offset, _ in islice(newest_lines(self.text), count):
            start = offset
        for line, whole in self.text.pieces(start):
            if whole:
                yield self._found(line)

    def end(self) -> int:
        """Return where the last whole line ends, as an offset of the text."""
        part = self.text.active
        torn = next((piece for piece, whole in part.pieces(_last_start(part)) if not whole), b"")
        return part.end - len(torn)

    def of_run(self, run: str) -> Iterator[Found]:
        """Yield every record whose body names ``run``, in order."""
        for line in self.text.lines_with(f'"run":"{run}"'.encode()):
            found = self._found(line)
            if found.record.body.get("run") == run:
                yield found

    def of_type(self, type_: str) -> Iterator[Found]:
        """Yield every record of one type, in order."""
        ending = f',"type":"{type_}"}}'.encode()
        for line in self.text.lines_with(ending):
            if line.endswith(ending):
                yield self._found(line)

    def run_called(self, reference: str) -> str:
        """Return the name of the run that ``reference`` names.

        As `repro.runs.sealed.find` resolves it; else a run that was never sealed, by its name in
        the log or a unique beginning of it. UsageError if there is none, or several.
        """
        try:
            return find(self.root, reference).name
        except ReproError as error:
            if not reference or reference[0] in "@." or "/" in reference:
                raise
            refused = error
        names: set[str] = set()
        try:
            needle = b'"run":' + canonical(reference)[:-1]
        except CanonicalError:
            raise refused from None
        for line in self.text.lines_with(needle):
            run = self._found(line).record.body.get("run")
            if run == reference:
                return reference
            if isinstance(run, str) and run.startswith(reference):
                names.add(run)
        if len(names) == 1:
            return names.pop()
        if names:
            listed = ", ".join(sorted(names)[:_CANDIDATES])
            raise UsageError(f"{reference!r} names {len(names)} runs", f"candidates: {listed}")
        raise refused

    def _found(self, line: bytes) -> Found:
        """Return a line as a record; if the checkpoint covers it, it must be the signed one."""
        record = decoded(line)
        committed = record.seq < self.committed
        if committed and self.tiles.leaf(record.seq) != leaf_hash(line):
            raise IntegrityError(
                f"record {record.seq} is not the one that was signed",
                LOOK,
            )
        return Found(line, record, committed)


@contextmanager
def reading(root: Path) -> Iterator[Reader]:
    """Give the workspace's log at this moment, its checkpoint checked against its own keys.

    Raises InputError if there is none, IntegrityError or `LogError` if it cannot be believed.
    """
    directory = require_log(root)
    head = signed_head(directory)  # before the lines: they can only be more
    text = open_text(directory)
    with ExitStack() as stack:
        tiles = Tiles(directory)
        try:
            tiles.catch_up(text, head.checkpoint.size)
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            spare = stack.enter_context(tempfile.TemporaryDirectory(prefix="repro-tree-"))
            tiles = Tiles(directory, Path(spare))
            tiles.catch_up(text, head.checkpoint.size)
        tiles.believe(head.checkpoint)
        yield Reader(root, text, head, tiles)


def require_log(root: Path) -> Path:
    """Return the directory of the workspace's log; InputError if there is none."""
    directory = root / DIRECTORY
    if not os.path.lexists(directory):
        raise InputError(
            f"no log: {directory} does not exist",
            "a missing log is never taken for an empty one; put it back",
        )
    layout.require_directory(directory)
    return directory


def open_text(directory: Path) -> Text:
    """Return the lines as they stand; the last one may be torn."""
    with shared(directory / layout.LOG_LOCK):
        return Text.open(directory).require_sound()


def signed_head(directory: Path) -> Head:
    """Return the log's checkpoint; IntegrityError unless a key that the log names has signed it.

    The records are looked through for rotations only if the first key has not signed.
    """
    note = layout.read_note(directory)
    try:
        text, _ = split(note)
        checkpoint = parse_checkpoint(text)
        rotations = keys_named(directory, rotated=False)
        try:
            keys = _signed_by(note, checkpoint, rotations)
        except UnknownSignerError:
            keys = _signed_by(note, checkpoint, keys_named(directory, rotated=True))
    except (NoteError, CheckpointError) as error:
        raise IntegrityError(
            f"the checkpoint of the log cannot be believed: {error}", LOOK
        ) from error
    return Head(note, text, checkpoint, keys)


def keys_named(directory: Path, *, rotated: bool) -> Rotations:
    """Return which keys the log names: in record 0, and in its rotations if they are wanted."""
    found = Rotations()
    first = open_text(directory).first_line()
    faults = list(found.see(decoded(first, 0)))
    for record in records_of(directory, "key.rotated") if rotated else ():
        faults.extend(found.see(record))
    if faults or found.origin is None or not found.epochs:
        why = faults[0].message if faults else "record 0 does not say what log it is"
        raise IntegrityError(why, LOOK)
    return found


def _signed_by(note: bytes, checkpoint: Checkpoint, rotations: Rotations) -> tuple[Verifier, ...]:
    if checkpoint.origin != rotations.origin:
        raise CheckpointError(f"it is of {checkpoint.origin}, the log is {rotations.origin}")
    keys = rotations.keys_at(checkpoint.size)
    open_note(note, [key for key in keys if key.name == checkpoint.origin])
    return keys


def newest_lines(text: Text) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each whole line that is there, the newest first."""
    for part in reversed(text.parts):
        yield from _backwards(part)


def _backwards(part: Part) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of one part that a newline ends, the last first, with their offsets."""
    if part.file is None:
        return
    place, rest, whole = part.size, b"", False
    while place:
        count = min(_BLOCK, place)
        place -= count
        data = os.pread(part.file.number, count, place) + rest
        end, pieces = place + len(data), data.split(b"\n")
        if not whole and len(pieces) > 1:
            end -= len(pieces.pop()) + 1  # empty, or torn: no newline ends it
            whole = True
        rest = pieces[0]
        for line in reversed(pieces[1:]):
            yield part.start + end - len(line), line
            end -= len(line) + 1
        if len(rest) > _BLOCK + MAX_LINE:
            raise LogCorruptError("the log has a line that is too long to be a record")
    if whole:
        yield part.start, rest


def _last_start(part: Part) -> int:
    """Return an offset of the text from which on only what no newline ends is read."""
    if part.file is None:
        return part.end
    start = max(0, part.size - MAX_LINE - 2)
    window = os.pread(part.file.number, part.size - start, start)
    return part.start + start + window.rfind(b"\n") + 1


def decoded(line: bytes, seq: int | None = None) -> Record:
    """Return the record that a line is; IntegrityError if it is none."""
    try:
        return decode(line)
    except RecordError as error:
        which = "a line of the log" if seq is None else f"record {seq}"
        raise IntegrityError(f"{which} is no record: {error}", LOOK) from error
