"""``repro audit publish``: the log as static files that any C2SP tlog-tiles client reads.

Tiles and entries go first, the checkpoint last: whoever reads it finds all that it covers. What is
there already is never written over by other bytes. Openings, keys and what is not committed stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.formats import tiled
from repro.audit_log.storage.entries import entries, pruned_ranges
from repro.errors import IntegrityError
from repro.runs.layout import RESULTS
from repro.stores.store import Store, open_store, require_outside
from repro.verbs.audit.continuing import Standing, standing
from repro.verbs.audit.log import DIRECTORY, open_log_to_sign
from repro.verbs.audit.reading import READ_ONLY, Reader, reading
from repro.verbs.observer import Warn, unheard

LOCK: Final = "derived/publish.lock"
"""Two publishers of one log take turns; it may be deleted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a publication is to do besides publishing what is new."""

    check: bool = False
    """Hold everything that is there against the log, and put back what is missing."""
    withdraw: bool = False
    """Take away the entries there of records that were pruned here."""
    evidence: Path | None = None
    """A folder for the proof, if what is there and what is here are a fork."""
    sign: bool = False
    """Commit what is durable first; that needs the private key."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published."""

    destination: str
    """The address."""
    origin: str
    size: int
    """Records that the published checkpoint covers."""
    before: int
    """Records that the checkpoint covered that was there before."""
    pending: int
    """Records that are durable here and in no checkpoint yet."""
    written: int
    """Files that were written, the checkpoint among them."""
    size_bytes: int
    """Their bytes."""
    compared: int
    """Files that were there already, with the bytes that they must have."""
    removed: int
    """Partial tiles that a full one has replaced, and entries that were withdrawn."""
    pruned: int
    """Records whose entries were pruned here: of these only the leaf hashes are published."""
    withheld: int
    """Records that are here and in no bundle there, since others of their 256 were pruned."""
    still_there: tuple[str, ...]
    """Bundles there that hold entries of records that were pruned here."""

    def as_json(self) -> dict[str, Any]:
        """Return every field as a JSON value."""
        names = ("destination", "origin", "size", "before", "pending", "written")
        more = ("compared", "removed", "pruned", "withheld")
        found = {name: getattr(self, name) for name in (*names, *more)}
        return {**found, "bytes": self.size_bytes, "still_there": list(self.still_there)}


def publish(
    root: Path, address: str, wanted: Wanted | None = None, warn: Warn = unheard
) -> Published:
    """Publish the signed log of a workspace at ``address``; only what is new is written.

    IntegrityError if another history of this log is there, or other bytes where they must be these;
    InputError if another log is there, or the store cannot be used.
    """
    wanted = wanted or Wanted()
    if wanted.sign:
        open_log_to_sign(root, warn)
    require_outside(address, root / DIRECTORY, root / RESULTS)
    store = open_store(address, make=True)
    with reading(root) as reader, _alone(reader.directory):
        there = standing(reader, store, wanted.evidence)
        work = _Work(reader, store, 0 if wanted.check else there.size, there.size)
        work.write_tiles()
        work.write_entries()
        work.write_remaining()
        if wanted.check:
            work.compare_older()
        work.write_checkpoint(there)
        work.clean(wanted)
        return Published(
            destination=store.shown,
            origin=reader.head.checkpoint.origin,
            size=reader.committed,
            before=there.size,
            pending=reader.size() - reader.committed,
            written=work.written,
            size_bytes=work.size_bytes,
            compared=work.compared,
            removed=work.removed,
            pruned=work.pruned,
            withheld=work.withheld,
            still_there=tuple(work.still_there),
        )


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let two publishers of one log take turns; on a disk that cannot be written there is none."""
    path = directory / LOCK
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(path))
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
        yield


@dataclass(slots=True)
class _Work:
    """One publication under way. Mutable; the methods are called once, in order."""

    reader: Reader
    store: Store
    start: int
    """What lies beyond these records is written, or compared where it is there."""
    before: int
    """Records that the checkpoint there covers: nothing below them is changed."""
    written: int = 0
    size_bytes: int = 0
    compared: int = 0
    removed: int = 0
    pruned: int = 0
    withheld: int = 0
    still_there: list[str] = field(default_factory=list)
    _listed: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Records to publish."""
        return self.reader.committed

    def write_tiles(self) -> None:
        """Write the hashes."""
        for tile in tiled.tiles(self.size, self.start):
            data = self.reader.tiles.tile(tile.level, tile.index, tile.width)
            self._put(tile.path, data, self._is_old(tile.level, tile.index, tile.width))

    def write_entries(self) -> None:
        """Write each bundle whose entries are all here."""
        for index, width in tiled.bundles(self.size, self.start):
            if self._is_holed(index, width):
                continue
            found = entries(self.reader.text, self.reader.tiles, index, width)
            path = tiled.path_of(tiled.ENTRIES, index, width)
            self._put(path, tiled.format_bundle(found), self._is_old(0, index, width))

    def write_remaining(self) -> None:
        """Write what remains of each bundle with a pruned record, old ones too."""
        for index, width in self._holed():
            found = entries(self.reader.text, self.reader.tiles, index, width)
            gone = found.count(None)
            self.pruned += gone
            is_whole = tiled.path_of(tiled.ENTRIES, index, width) in self._bundles_there(index)
            self.withheld += 0 if is_whole else width - gone
            path = tiled.path_of(tiled.REMAINING, index, width)
            data = tiled.format_bundle(found)
            there = self.store.read(path, len(data) + tiled.MAX_BUNDLE)
            if there != data:  # what remains grows less: it may be written over
                self._write(path, data)

    def compare_older(self) -> None:
        """Compare the partial tiles and bundles of earlier checkpoints, which are still there."""
        for tile in [tile for tile in tiled.tiles(self.size) if tile.width < tiled.WIDTH]:
            folders = [f"tile/{tile.level}", *([tiled.ENTRIES] if tile.level == 0 else [])]
            for folder in folders:
                below = f"{tiled.path_of(folder, tile.index)}.p"
                widths = [int(name) for name in self.store.names(below) if name.isdecimal()]
                for width in (width for width in widths if width < tile.width):
                    if folder != tiled.ENTRIES:
                        data = self.reader.tiles.tile(tile.level, tile.index, width)
                    elif self._is_holed(tile.index, width):
                        continue
                    else:
                        found = entries(self.reader.text, self.reader.tiles, tile.index, width)
                        data = tiled.format_bundle(found)
                    self._put(f"{below}/{width}", data, old=True)

    def write_checkpoint(self, there: Standing) -> None:
        """Write the signed note, last; it may only be newer than the one that is there."""
        if there.note == self.reader.head.note:
            self.compared += 1
            return
        if self.store.read(tiled.CHECKPOINT, len(there.note) + 1) != (there.note or None):
            raise IntegrityError(
                f"somebody else has changed the checkpoint at {self.store.shown} meanwhile",
                "one machine publishes a log; publish again, and look at what it says",
            )
        self._write(tiled.CHECKPOINT, self.reader.head.note)

    def clean(self, wanted: Wanted) -> None:
        """Remove partial tiles that full ones have replaced, and pruned entries if asked."""
        for tile in tiled.replaced(self.size, self.before):
            folders = [f"tile/{tile.level}"]
            folders += [tiled.ENTRIES, tiled.REMAINING] if tile.level == 0 else []
            for folder in folders:
                self._remove_partial(folder, tile.index)
        for index, _ in self._holed():
            for path in self._bundles_there(index):
                if wanted.withdraw:
                    self.store.remove(path)
                    self.removed += 1
                else:
                    self.still_there.append(path)

    def _holed(self) -> Iterator[tuple[int, int]]:
        """Yield index and width of each bundle with a pruned record among its own."""
        done = -1
        for first, count in pruned_ranges(self.reader.text):
            last = min(first + count, self.size) - 1
            for index in range(max(done + 1, first // tiled.WIDTH), last // tiled.WIDTH + 1):
                yield index, min(tiled.WIDTH, self.size - index * tiled.WIDTH)
                done = index

    def _is_holed(self, index: int, width: int) -> bool:
        low, high = index * tiled.WIDTH, index * tiled.WIDTH + width
        return any(
            first < high and low < first + count for first, count in pruned_ranges(self.reader.text)
        )

    def _is_old(self, level: int, index: int, width: int) -> bool:
        """Return whether the checkpoint there covers a tile, so that it is in use."""
        return (index * tiled.WIDTH + width) << 8 * level <= self.before

    def _bundles_there(self, index: int) -> list[str]:
        """Return where entries of a bundle are published: its file, and older partial ones."""
        path = tiled.path_of(tiled.ENTRIES, index)
        parent, _, name = path.rpartition("/")
        if parent not in self._listed:
            self._listed[parent] = frozenset(self.store.names(parent))
        there = [path] if name in self._listed[parent] else []
        if f"{name}.p" in self._listed[parent]:
            there += [f"{path}.p/{width}" for width in self.store.names(f"{path}.p")]
        return there

    def _put(self, path: str, data: bytes, old: bool) -> None:
        """Write a file that has only one content, or compare it where it is there.

        A beginning of it that no checkpoint covers is what a killed publisher of a store without
        whole writes has left.
        """
        there = self.store.read(path, len(data) + 1)
        if there == data:
            self.compared += 1
            return
        if there is not None and (old or not data.startswith(there)):
            raise IntegrityError(
                f"{self.store.shown}/{path} holds other bytes than this log: "
                f"{len(there)} bytes there, {len(data)} here",
                "it was left as it is: either what is there was changed, or the log here; keep "
                "both, and verify both: repro audit verify, and repro audit verify --from",
            )
        self._write(path, data)

    def _write(self, path: str, data: bytes) -> None:
        self.store.write(path, data)
        self.written += 1
        self.size_bytes += len(data)

    def _remove_partial(self, folder: str, index: int) -> None:
        below = f"{tiled.path_of(folder, index)}.p"
        for name in self.store.names(below):
            self.store.remove(f"{below}/{name}")
            self.removed += 1
