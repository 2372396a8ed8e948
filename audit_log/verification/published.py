"""Verify a log from its published form: static files of C2SP tlog-tiles (see `formats.tiled`).

The entries are the lines, so the log is put together again in a temporary folder, segments and
what remains of pruned ones included, and `verify` judges that as it does any copy without
openings. Judged here is what only the published form has: that each entry has the leaf hash that
the tiles say, that each tile is what those below it hash to, that none is missing, and that what
earlier checkpoints needed is the beginning of what this one does.
"""

from __future__ import annotations

import shutil
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Unpack

from repro.audit_log.errors import CheckpointError, LogUnusableError, NoteError
from repro.audit_log.formats import tiled
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import split
from repro.audit_log.formats.record import MAX_LINE, line_hash
from repro.audit_log.formats.tree import HASH_SIZE, leaf_hash, root
from repro.audit_log.storage.layout import CHECKPOINT, LINES, MAX_CHECKPOINT, VKEY
from repro.audit_log.storage.pruned import format_pruned
from repro.audit_log.storage.segments import SEALED, path_of, seal_of

from .asked import Asked
from .faults import EXIT, Fault, Report, ordered, verdict_of
from .older import Older, look
from .source import Source
from .verify import verify

MAX_FAULTS: Final = 20
_NOTHING: Final = (
    "nothing is published there: there is no file checkpoint in it (what is named must be the "
    "folder that holds `checkpoint` and `tile`)"
)
_NO_BEGINNING: Final = "is of an earlier checkpoint, and no beginning of what is there now"


def verify_published(source: Source, **asked: Unpack[Asked]) -> Report:
    """Return what can be said about the log that ``source`` publishes.

    It is downloaded once, to a temporary folder. Nothing is raised for a place that has no
    checkpoint, or has files that `source` finds to be there and cannot read.
    """
    with tempfile.TemporaryDirectory(prefix="repro-published-") as folder:
        rebuilt = _Rebuilt(Path(folder))
        unread = _take(source, rebuilt)
        asked["without_openings"] = True
        report = verify(rebuilt.folder, **asked)
    # What could not be read is no fault of what was made of the rest.
    faults = (Fault(None, "missing", unread),) if unread else (*report.faults, *rebuilt.faults)
    verdict = verdict_of(faults)
    is_good = EXIT[verdict] < 3
    checked = f"{rebuilt.tiles} tiles, {rebuilt.bundles} bundles of entries"
    if rebuilt.older:
        checked += f", {rebuilt.older} partial ones of earlier checkpoints"
    return replace(
        report,
        verdict=verdict,
        exit_status=EXIT[verdict],
        level=report.level if is_good else -1,
        attained=report.attained if is_good else (),
        not_proven=report.not_proven if is_good else (),
        faults=ordered(faults),
        # Keys are not published: whoever verifies has them from somewhere else.
        warnings=tuple(text for text in report.warnings if not text.startswith(VKEY)),
        checked=(*report.checked, checked),
        not_checked=(*report.not_checked, *rebuilt.unread),
    )


def _take(source: Source, rebuilt: _Rebuilt) -> str:
    """Put the log together; return what kept it from being read, in words, or nothing."""
    try:
        note = source.read(tiled.CHECKPOINT, MAX_CHECKPOINT)
        if note is None:
            return _NOTHING
        (rebuilt.folder / CHECKPOINT).write_bytes(note)
        checkpoint = _checkpoint(note)
        if checkpoint is not None:
            rebuilt.take(source, checkpoint.size)
    except LogUnusableError as error:
        return error.problem
    return ""


def _checkpoint(note: bytes) -> Checkpoint | None:
    """Return what a note says; None if it is no checkpoint, which `verify` will say, too."""
    try:
        return parse_checkpoint(split(note)[0])
    except (NoteError, CheckpointError):
        return None


@dataclass(slots=True)
class _Rebuilt:
    """A log that is put together again from its entries. Mutable; used once."""

    folder: Path
    faults: list[Fault] = field(default_factory=list)
    tiles: int = 0
    bundles: int = 0
    older: int = 0
    """Partial tiles and bundles of earlier checkpoints that were compared."""
    unread: tuple[str, ...] = ()
    """What lies there and was not looked at, in words."""
    _first: int = 0
    """The first record of the segment that is being written."""
    _size: int = 0
    """How many records were taken so far."""
    _there: array[int] = field(default_factory=lambda: array("Q"))
    """Which records of this segment have their line."""

    def take(self, source: Source, size: int) -> None:
        """Read ``size`` entries and all tiles over them; what is wrong becomes a fault."""
        older = look(source, size)
        above = _Above(source, self.faults, older)
        holed = bool(source.names(tiled.REMAINING))
        lines = (self.folder / LINES).open("wb")
        leaves = (self.folder / "leaves").open("wb")
        try:
            for index, width in tiled.bundles(size):
                hashes = above.read(tiled.Tile(0, index, width))
                found = self._entries(source, index, width, holed) if hashes is not None else None
                if hashes is None or found is None:
                    return
                if not self._hold(index, found, hashes):
                    return
                for path in older.wrong_bundles(index, found, hashes):
                    self._fault("record", f"{path} {_NO_BEGINNING}")
                for number, line in enumerate(found):
                    leaves.write(hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE])
                    if line is not None:
                        lines.write(line + b"\n")
                        self._there.append(self._size)
                    self._size += 1
                    if line is not None and line.endswith(SEALED):
                        lines.close()
                        leaves.close()
                        self._close_segment(line)
                        lines = (self.folder / LINES).open("wb")
                        leaves = (self.folder / "leaves").open("wb")
                self.bundles += 1
                above.add(hashes)
            above.finish()
        finally:
            lines.close()
            leaves.close()
            (self.folder / "leaves").unlink()
            self.tiles, self.older, self.unread = above.count, older.compared, older.words()
        if len(self._there) != self._size - self._first:
            self._fault("missing", f"records from {self._first} on are not there, of no sealed one")

    def _entries(
        self, source: Source, index: int, width: int, holed: bool
    ) -> tuple[bytes | None, ...] | None:
        """Return the entries of a bundle, None for what was pruned; None if they are not there."""
        path = tiled.path_of(tiled.ENTRIES, index, width)
        whole = self._bundle(source, tiled.ENTRIES, index, width)
        if whole is not None and None in whole:
            self._fault("record", f"{path} has an empty entry")
        left = (
            self._bundle(source, tiled.REMAINING, index, width) if holed or whole is None else None
        )
        if whole is None and left is None:
            self._fault("missing", f"{path} is not there")
        pairs = zip(whole, left, strict=True) if whole is not None and left is not None else ()
        if any(line is not None and line != entry for entry, line in pairs):
            self._fault("record", f"{path} and what remains of it do not agree")
        return whole if left is None else left

    def _bundle(
        self, source: Source, folder: str, index: int, width: int
    ) -> tuple[bytes | None, ...] | None:
        """Return the entries of one file; where a partial one is gone, those of the full one."""
        for wide in dict.fromkeys((width, tiled.WIDTH)):
            path = tiled.path_of(folder, index, wide)
            data = source.read(path, tiled.MAX_BUNDLE + 1)
            if data is None:
                continue
            found = tiled.parse_bundle(data, wide)
            if found is None:
                self._fault("record", f"{path} is not a bundle of {wide} entries")
                return None
            return found[:width]
        return None

    def _hold(self, index: int, found: tuple[bytes | None, ...], hashes: bytes) -> bool:
        """Hold entries against their leaf hashes; return whether each is a line at all."""
        for number, line in enumerate(found):
            seq = index * tiled.WIDTH + number
            if line is None:
                continue
            if leaf_hash(line) != hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE]:
                self._fault("root", f"entry {seq} is not the one that its tile names", seq)
            if b"\n" in line or len(line) > MAX_LINE:
                self._fault("record", f"entry {seq} is not a line", seq)
                return False
        return True

    def _close_segment(self, seal: bytes) -> None:
        """Give a segment its name; of one whose lines were pruned, write what remains of it."""
        count, target = self._size - self._first, path_of(self.folder, self._first)
        target.parent.mkdir(exist_ok=True)
        if len(self._there) == count:
            (self.folder / LINES).replace(target)
        else:
            data = (self.folder / LINES).read_bytes()
            kept = dict(zip(self._there, data.split(b"\n")[:-1], strict=True))
            record = seal_of(seal)
            sealed = record.body.get("bytes") if record is not None else None
            size = (sealed if isinstance(sealed, int) else 0) + len(seal) + 1
            try:
                pruned = format_pruned(self._first, count, size, line_hash(seal), kept)
            except ValueError:  # a kept line that is no text, or a number out of bounds
                self._fault("record", f"what remains of the records from {self._first} on is none")
                pruned = b""
            target.with_suffix(".pruned").write_bytes(pruned)
            shutil.copyfile(self.folder / "leaves", target.with_suffix(".leaves"))
        self._first, self._there = self._size, array("Q")

    def _fault(self, code: str, message: str, seq: int | None = None) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(seq, code, message))


@dataclass(slots=True)
class _Above:
    """The tiles of a tree, each held against those below it. Mutable; used once."""

    source: Source
    faults: list[Fault]
    older: Older
    count: int = 0
    _levels: list[bytearray] = field(default_factory=list)
    """Of each level above 0 the hashes that its next tile must have, so far."""
    _done: list[int] = field(default_factory=list)

    def read(self, tile: tiled.Tile) -> bytes | None:
        """Return the hashes of a tile; None, and a fault, if it is not there."""
        for wide in dict.fromkeys((tile.width, tiled.WIDTH)):
            path = tiled.path_of(f"tile/{tile.level}", tile.index, wide)
            data = self.source.read(path, tiled.WIDTH * HASH_SIZE + 1)
            if data is None:
                continue
            if len(data) != wide * HASH_SIZE:
                self._fault("root", f"{path} has not {wide} hashes")
                return None
            self.count += 1
            for older in self.older.wrong_tiles(tile, data):
                self._fault("root", f"{older} {_NO_BEGINNING}")
            return data[: tile.width * HASH_SIZE]
        self._fault("missing", f"{tile.path} is not there")
        return None

    def add(self, hashes: bytes, level: int = 1) -> None:
        """Take in the hashes of a tile of the level below ``level``."""
        if len(hashes) < tiled.WIDTH * HASH_SIZE:
            return
        while len(self._levels) < level:
            self._levels.append(bytearray())
            self._done.append(0)
        expected = self._levels[level - 1]
        expected += root(_hashes(hashes))
        if len(expected) == tiled.WIDTH * HASH_SIZE:
            self._compare(level)

    def finish(self) -> None:
        """Compare the partial tiles at the right edge."""
        for number, expected in enumerate(self._levels):
            if expected:
                self._compare(number + 1)

    def _compare(self, level: int) -> None:
        expected, index = bytes(self._levels[level - 1]), self._done[level - 1]
        tile = tiled.Tile(level, index, len(expected) // HASH_SIZE)
        found = self.read(tile)
        if found is not None and found != expected:
            self._fault("root", f"{tile.path} is not what the tiles below it hash to")
        if tile.width == tiled.WIDTH:
            self._levels[level - 1] = bytearray()
            self._done[level - 1] += 1
            self.add(expected, level + 1)

    def _fault(self, code: str, message: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(None, code, message))


def _hashes(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), HASH_SIZE):
        yield data[start : start + HASH_SIZE]
