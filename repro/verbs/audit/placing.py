"""The files of one publication: written where they are new, compared where they are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from repro.audit_log.formats import tiled
from repro.audit_log.storage.entries import entries, pruned_ranges
from repro.errors import IntegrityError
from repro.stores.store import Store
from repro.verbs.audit.continuing import Standing
from repro.verbs.audit.reading import Reader


@dataclass(slots=True)
class Placing:
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
    not_compared: int = 0
    removed: int = 0
    pruned: int = 0
    withheld: int = 0
    still_there: list[str] = field(default_factory=list)
    _listed: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Records to publish."""
        return self.reader.committed

    def compare_edge(self) -> None:
        """Compare the last tile of each level that is in use there; count what is not looked at.

        They are a few small files however long the log is, and what is added goes on from them.
        """
        for tile in tiled.edge(self.start):
            self._put_tile(tile)
            self.not_compared += tile.index
            if tile.level == 0:
                self._put_bundle(tile.index, tile.width)
                holed = sum(index < tile.index for index, _ in self._holed())
                self.not_compared += tile.index - holed

    def compare_left(self) -> None:
        """Compare partial tiles and bundles of what is new: a publisher was killed who wrote them.

        If they are of another history, no checkpoint says so, and verification would stumble.
        """
        for tile in tiled.tiles(self.size, self.start):
            self._compare_partial(tile, self.before)

    def write_tiles(self) -> None:
        """Write the hashes."""
        for tile in tiled.tiles(self.size, self.start):
            self._put_tile(tile)

    def write_entries(self) -> None:
        """Write each bundle whose entries are all here."""
        for index, width in tiled.bundles(self.size, self.start):
            self._put_bundle(index, width)

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
        for tile in tiled.tiles(self.size):
            self._compare_partial(tile, 0)

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

    def read_back(self) -> None:
        """Look again at the checkpoint and the last tiles: somebody else may have written, too."""
        note = self.reader.head.note
        is_ours = self.store.read(tiled.CHECKPOINT, len(note) + 1) == note
        if not is_ours or not all(self._is_there(tile) for tile in tiled.edge(self.size)):
            raise IntegrityError(
                f"somebody else has written to {self.store.shown} meanwhile: what was published "
                "is not what is there",
                f"one machine publishes a log; look at it: repro audit verify --from "
                f"{self.store.shown}",
            )

    def _is_there(self, tile: tiled.Tile) -> bool:
        """Return whether a tile, and the bundle below it, is what this log has for it."""
        data = self.reader.tiles.tile(tile.level, tile.index, tile.width)
        if self.store.read(tile.path, len(data) + 1) != data:
            return False
        if tile.level > 0 or self._is_holed(tile.index, tile.width):
            return True
        found = entries(self.reader.text, self.reader.tiles, tile.index, tile.width)
        data = tiled.format_bundle(found)
        path = tiled.path_of(tiled.ENTRIES, tile.index, tile.width)
        return self.store.read(path, len(data) + 1) == data

    def clean(self, *, withdraw: bool, check: bool) -> None:
        """Remove partial tiles that full ones have replaced, and pruned entries if asked.

        With ``check`` also those that a publisher left who was killed before it removed them.
        """
        full = (tile for tile in tiled.tiles(self.size) if tile.width == tiled.WIDTH)
        for tile in full if check else tiled.replaced(self.size, self.before):
            folders = [tile.folder]
            folders += [tiled.ENTRIES, tiled.REMAINING] if tile.level == 0 else []
            for folder in folders:
                if not check or self._has_partial(folder, tile.index):
                    self._remove_partial(folder, tile.index)
        for index, _ in self._holed():
            for path in self._bundles_there(index):
                if withdraw:
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
        return self._covers(self.before, tiled.Tile(level, index, width))

    @staticmethod
    def _covers(size: int, tile: tiled.Tile) -> bool:
        """Return whether a tree of ``size`` records has all of a tile."""
        return (tile.index * tiled.WIDTH + tile.width) << 8 * tile.level <= size

    def _names(self, folder: str) -> frozenset[str]:
        """Return what lay directly in a folder when it was first asked for."""
        if folder not in self._listed:
            self._listed[folder] = frozenset(self.store.names(folder))
        return self._listed[folder]

    def _has_partial(self, folder: str, index: int) -> bool:
        """Return whether partial tiles of this one lay there."""
        parent, _, name = tiled.path_of(folder, index).rpartition("/")
        return f"{name}.p" in self._names(parent)

    def _compare_partial(self, tile: tiled.Tile, beyond: int) -> None:
        """Compare what is there of a tile and its bundle that covers more records than these."""

        def smaller(folder: str) -> Iterator[int]:
            for width in self._partial(folder, tile.index):
                if width < tile.width and not self._covers(beyond, replace(tile, width=width)):
                    yield width

        for width in smaller(tile.folder):
            self._put_tile(replace(tile, width=width))
        for width in smaller(tiled.ENTRIES) if tile.level == 0 else ():
            self._put_bundle(tile.index, width)

    def _partial(self, folder: str, index: int) -> list[int]:
        """Return the widths of the partial tiles of this one that are there, ascending."""
        if not self._has_partial(folder, index):
            return []
        found = map(tiled.width_of, self.store.names(f"{tiled.path_of(folder, index)}.p"))
        return sorted(width for width in found if width is not None)

    def _bundles_there(self, index: int) -> list[str]:
        """Return where entries of a bundle are published: its file, and older partial ones."""
        path = tiled.path_of(tiled.ENTRIES, index)
        parent, _, name = path.rpartition("/")
        there = [path] if name in self._names(parent) else []
        return there + [f"{path}.p/{width}" for width in self._partial(tiled.ENTRIES, index)]

    def _put_tile(self, tile: tiled.Tile) -> None:
        data = self.reader.tiles.tile(tile.level, tile.index, tile.width)
        self._put(tile.path, data, self._is_old(tile.level, tile.index, tile.width))

    def _put_bundle(self, index: int, width: int) -> None:
        """Write or compare a bundle, unless a record of it was pruned."""
        if self._is_holed(index, width):
            return
        found = entries(self.reader.text, self.reader.tiles, index, width)
        path = tiled.path_of(tiled.ENTRIES, index, width)
        self._put(path, tiled.format_bundle(found), self._is_old(0, index, width))

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
            if tiled.width_of(name) is not None:  # what else lies there was not put there by us
                self.store.remove(f"{below}/{name}")
                self.removed += 1
