"""The lines of a log as one text, though they lie in several files.

    segments/000000000000.jsonl     the records from 0 on; the last one is `segment.sealed`
    segments/000000004096.leaves    a pruned segment: the leaf hash of each record, 32 bytes each,
    segments/000000004096.pruned    and what its lines said that must stay known
    log.jsonl                       the active file: where records are appended; it may be empty

A file is named by the ``seq`` of its first record. Offsets are those in the text of all lines that
were ever written: what was pruned keeps its bytes in the count. Sealed files never change, so a
`Text` is a snapshot: open files, and how long the active one was.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import sync_directory
from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.record import MAX_LINE, Record, decode

from . import layout
from .layout import LINES, SEGMENTS, Descriptor, pieces
from .pruned import Pruned, read_pruned

SEALED: Final = b',"type":"segment.sealed"}'
"""How the line of a seal ends: ``type`` is the last member of a canonical line."""
_NAME: Final = re.compile(r"([0-9]{12})\.(jsonl|leaves|pruned|pending)", re.ASCII)
_LIKE_OURS: Final = re.compile(r"[^.].*\.(jsonl|leaves|pruned|pending)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the text, or what was kept of it."""

    path: Path
    first: int
    """The ``seq`` of its first record."""
    start: int
    """Where its first byte stands in the whole text."""
    size: int
    """Its bytes in the text."""
    file: Descriptor | None
    """None where there are no lines: pruned, or an active file that a crash left unmade."""
    pruned: Pruned | None = None

    @property
    def end(self) -> int:
        """Where the next part begins."""
        return self.start + self.size

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, bool]]:
        """Yield its lines between two offsets of the whole text, as `layout.pieces` does."""
        if self.file is not None:
            stop = self.end if end is None else min(end, self.end)
            first = max(0, start - self.start)
            yield from pieces(self.file.number, first, stop - self.start)


@dataclass(frozen=True, slots=True)
class Text:
    """All lines of a log at one moment. The last of ``parts`` is the active file."""

    parts: tuple[Part, ...]
    problems: tuple[str, ...]
    """Which segment files are missing, foreign, linked or out of order; none in a sound log."""
    oddities: tuple[str, ...] = ()
    """What lies among the segments, left by an editor, a desktop, a file system; hurts nobody."""

    @classmethod
    def open(cls, directory: Path) -> Text:
        """Return the text as it stands; `OSError` if it cannot be read.

        No lock is needed for the files to belong together. Whoever wants the last line whole holds
        the log's lock, shared or alone.
        """
        names = _names(directory)
        while True:
            try:
                text = _open(directory, names)
            except FileNotFoundError:
                text = None
            # Rolled or pruned meanwhile: what was opened may not belong together.
            again = _names(directory)
            if again == names:
                if text is None:
                    raise FileNotFoundError(2, f"{LINES} is missing", str(directory / LINES))
                return text
            names = again

    @property
    def active(self) -> Part:
        """The file where records are appended."""
        return self.parts[-1]

    @property
    def size(self) -> int:
        """How many bytes there are, what was pruned included."""
        return self.active.end

    def require_sound(self) -> Text:
        """Return itself; raise `LogCorruptError` naming the first file that is not as it must."""
        if self.problems:
            raise LogCorruptError(self.problems[0])
        return self

    def read(self, count: int, offset: int) -> bytes:
        """Return up to ``count`` bytes from ``offset`` on; fewer at the end or where pruned."""
        found = b""
        for part in self.parts:
            if part.end > offset and count > 0:
                if part.file is None:
                    break
                rest = min(count, part.end - offset)
                data = os.pread(part.file.number, rest, offset - part.start)
                found += data
                offset, count = offset + len(data), count - len(data)
                if len(data) < rest:
                    break
        return found

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, bool]]:
        """Yield each line that is still there and whether a newline ends it; see `Part`."""
        for part in self.parts:
            if part.end > start:
                yield from part.pieces(start, end)

    def first_line(self) -> bytes:
        """Return the line of record 0, whole; empty if there is none."""
        pruned = self.parts[0].pruned
        if pruned is not None:
            return pruned.kept.get(0, b"")
        line, whole = next(self.parts[0].pieces(), (b"", False))
        return line if whole else b""

    def find(self, needle: bytes) -> Iterator[int]:
        """Yield the place of each occurrence of ``needle`` in the lines that are there."""
        for part in self.parts:
            if part.file is not None:
                for place in layout.find(part.file, needle, part.size):
                    yield part.start + place

    def lines_with(self, needle: bytes) -> Iterator[bytes]:
        """Yield each whole line that holds ``needle``, once; of pruned parts, the kept lines."""
        for part in self.parts:
            if part.pruned is not None:
                yield from (line for _, line in part.pruned.sorted() if needle in line)
            elif part.file is not None:
                yield from layout.lines_with(part.file, needle, part.size)


def lines_with(directory: Path, needle: bytes) -> Iterator[bytes]:
    """Yield each whole line of the log in ``directory`` that holds ``needle``, once."""
    return Text.open(directory).lines_with(needle)


def path_of(directory: Path, first: int, suffix: str = "jsonl") -> Path:
    """Return where the segment whose first record is ``first`` lies."""
    return directory / SEGMENTS / f"{first:012}.{suffix}"


def last_line(part: Part) -> bytes:
    """Return the last line of ``part``; empty if it has none, or if no newline ends it."""
    if part.file is None or part.size == 0:
        return b""
    start = max(0, part.size - MAX_LINE - 2)
    window = os.pread(part.file.number, part.size - start, start)
    if not window.endswith(b"\n"):
        return b""
    return window[window.rfind(b"\n", 0, -1) + 1 : -1]


def is_seal_before(part: Part, offset: int) -> bool:
    """Return whether the line of ``part`` that ends at ``offset`` is a seal."""
    end = offset - part.start - 1
    start = end - len(SEALED)
    return (
        part.file is not None
        and start > 0
        and (os.pread(part.file.number, len(SEALED), start) == SEALED)
    )


def roll(directory: Path, first: int) -> None:
    """Give the sealed active file its name among the segments, and begin a new one; lock held.

    Its lines are durable. A crash after the rename leaves no active file: `begin_active` makes it.
    """
    target = path_of(directory, first)
    if not target.parent.is_dir():
        target.parent.mkdir()
        sync_directory(directory)
    if os.path.lexists(target):
        raise LogCorruptError(f"{SEGMENTS}/{target.name} is there before its segment is rolled")
    (directory / LINES).rename(target)
    sync_directory(target.parent)
    sync_directory(directory)
    begin_active(directory)


def begin_active(directory: Path) -> None:
    """Make an empty active file if a crash in the middle of a roll left none; lock held."""
    path = directory / LINES
    if os.path.lexists(path) or not any(map(_NAME.fullmatch, _names(directory))):
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o644))
    sync_directory(directory)


def seal_of(line: bytes) -> Record | None:
    """Return the record if ``line`` is a seal whose numbers can be read, else None."""
    try:
        record = decode(line)
    except RecordError:
        return None
    match record.body:
        case {"first": int(), "count": int(), "segment": int()}:
            return record if record.type == "segment.sealed" else None
        case _:
            return None


def _names(directory: Path) -> tuple[str, ...]:
    """Return the names of all files of segments, in order."""
    folder = directory / SEGMENTS
    if folder.is_symlink():
        raise LogUnusableError(f"{folder} is a symbolic link")
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except FileNotFoundError:
        return ()


def _open(directory: Path, names: tuple[str, ...]) -> Text:
    problems, oddities = list[str](), list[str]()
    suffixes: dict[int, set[str]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None:
            target = problems if _LIKE_OURS.fullmatch(name) else oddities
            target.append(f"{SEGMENTS}/{name} is not a file of this log")
        elif (directory / SEGMENTS / name).is_symlink():
            problems.append(f"{SEGMENTS}/{name} is a symbolic link")
        else:
            suffixes.setdefault(int(match[1]), set()).add(match[2])
    parts: list[Part] = []
    expected = start = 0
    for first, found in sorted(suffixes.items()):
        part = _part(directory, first, start, found, problems)
        if part is None:
            continue
        if first != expected:
            problems.append(_misplaced(first, expected))
        expected = _next_first(part, problems)
        start = part.end
        parts.append(part)
    try:
        file = Descriptor(directory / LINES)
        size = os.fstat(file.number).st_size
        parts.append(Part(directory / LINES, expected, start, size, file))
        begins = _first_seq(parts[-1])
        if begins is not None and begins > expected:
            problems.append(
                f"{SEGMENTS}/{expected:012}.jsonl is missing: {LINES} begins with record {begins}"
            )
    except FileNotFoundError:
        if not parts:
            raise
        parts.append(Part(directory / LINES, expected, start, 0, None))
    return Text(tuple(parts), tuple(problems), tuple(oddities))


def _part(
    directory: Path, first: int, start: int, found: set[str], problems: list[str]
) -> Part | None:
    path = path_of(directory, first)
    if "jsonl" in found:  # also while it is being pruned: the lines are the last thing to go
        file = Descriptor(path)
        return Part(path, first, start, os.fstat(file.number).st_size, file)
    if {"leaves", "pruned"} <= found:
        try:
            pruned = read_pruned(path_of(directory, first, "pruned"), first)
        except LogCorruptError as error:
            problems.append(error.problem)
            return None
        return Part(path, first, start, pruned.size, None, pruned)
    problems.append(f"{SEGMENTS}/{path.name} is missing, and only a part of what replaces it is")
    return None


def _misplaced(first: int, expected: int) -> str:
    name = f"{SEGMENTS}/{first:012}.jsonl"
    if first > expected:
        return f"{SEGMENTS}/{expected:012}.jsonl is missing: the next segment is {name}"
    return f"{name} begins before record {expected}, where the segment before it ends"


def _next_first(part: Part, problems: list[str]) -> int:
    """Return the ``seq`` after the last record of a segment, as its seal says."""
    if part.pruned is not None:
        return part.first + part.pruned.count
    seal = seal_of(last_line(part))
    name = f"{SEGMENTS}/{part.path.name}"
    if seal is None:
        problems.append(f"{name} does not end with its seal")
    elif seal.body["first"] != part.first:
        problems.append(f"{name} ends with the seal of the segment from {seal.body['first']} on")
    elif seal.seq != part.first + int(str(seal.body["count"])):
        problems.append(f"{name} ends with record {seal.seq}: the seal counts otherwise")
    return part.first if seal is None else seal.seq + 1


def _first_seq(part: Part) -> int | None:
    line, whole = next(part.pieces(part.start, part.start + MAX_LINE + 1), (b"", False))
    try:
        return decode(line).seq if whole else None
    except RecordError:
        return None


def body_of_seal(text: Text, count: int, retention: Mapping[str, str] | None) -> dict[str, object]:
    """Return the body of the seal for the active file, which holds ``count`` records."""
    part = text.active
    if part.file is None:
        raise AssertionError("the active file is open")
    digest = layout.digest_open(part.file, part.size)
    body: dict[str, object] = {
        "blake3": digest.blake3,
        "bytes": digest.size,
        "count": count,
        "first": part.first,
        "segment": len(text.parts) - 1,
        "sha256": digest.sha256,
    }
    return body if retention is None else {**body, "retention": dict(retention)}
