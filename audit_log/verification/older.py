"""The files of a published log that its checkpoint does not need: older partial tiles, and others.

A partial tile stays until the full one is there, for whoever still has its checkpoint. It has only
one content, the beginning of what is needed now, so a changed one is found out by that. What no
checkpoint covers yet, or has a name of no tile, says nothing about the log: it is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from repro.audit_log.formats import tiled
from repro.audit_log.formats.tree import HASH_SIZE, leaf_hash

from .source import Source

_NAME: Final = re.compile(r"(x?)([0-9]{3})(\.p)?", re.ASCII)
_LEVEL: Final = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]", re.ASCII)
_GROUP: Final = 1000


@dataclass(slots=True)
class Older:
    """What else lies there. Mutable: made by `look`, and counts what was compared."""

    source: Source
    is_listed: bool = True
    """Whether the place tells names: many a web server does not."""
    compared: int = 0
    beyond: int = 0
    """Files that the checkpoint does not cover, or not all of."""
    strange: list[str] = field(default_factory=list)
    """Files and folders whose name is none of a tile."""
    _widths: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    def wrong_tiles(self, tile: tiled.Tile, hashes: bytes) -> list[str]:
        """Return the older partial tiles that are no beginning of this one."""
        found = []
        for width in self._widths.get((tile.folder, tile.index), ()):
            path = tiled.path_of(tile.folder, tile.index, width)
            data = self._read(path, tiled.WIDTH * HASH_SIZE)
            if data is not None and data != hashes[: width * HASH_SIZE]:
                found.append(path)
        return found

    def wrong_bundles(
        self, index: int, entries: Sequence[bytes | None], hashes: bytes
    ) -> list[str]:
        """Return the older partial bundles with an entry that is not the one of its leaf hash.

        ``entries`` are those of the bundle that is needed: with them most are known by their bytes.
        """
        found = []
        for folder in (tiled.ENTRIES, tiled.REMAINING):
            for width in self._widths.get((folder, index), ()):
                path = tiled.path_of(folder, index, width)
                data = self._read(path, tiled.MAX_BUNDLE)
                if data is None or data == tiled.format_bundle(entries[:width]):
                    continue
                there = tiled.parse_bundle(data, width)
                if there is None or not _fit(there, hashes, is_holed=folder == tiled.REMAINING):
                    found.append(path)
        return found

    def _read(self, path: str, limit: int) -> bytes | None:
        """Return what a file holds; None if its publisher has removed it meanwhile."""
        data = self.source.read(path, limit + 1)
        self.compared += data is not None
        return data

    def words(self) -> tuple[str, ...]:
        """Return what was not looked at, in words."""
        found = []
        if not self.is_listed:
            found.append("partial tiles of earlier checkpoints: the place does not list its files")
        if self.beyond:
            found.append(f"{self.beyond} tiles or bundles there that the checkpoint does not cover")
        if self.strange:
            found.append(f"{len(self.strange)} other things there, such as {self.strange[0]}")
        return tuple(found)

    def names(self, folder: str) -> list[str]:
        """Return what is known to lie directly in a folder."""
        names = self.source.names(folder)
        self.is_listed &= names is not None
        return names or []

    def walk(self, folder: str, size: int, base: int = 0) -> None:
        """Sort the names below ``folder``: of a tree whose level has ``size`` hashes."""
        for name in self.names(folder):
            found, path = _NAME.fullmatch(name), f"{folder}/{name}"
            if found is None or (found[1] and (found[3] or base + int(found[2]) == 0)):
                self.set_aside(path)
                continue
            index = base + int(found[2])
            if found[1]:
                if index * _GROUP * tiled.WIDTH < size:  # else nothing below it is covered
                    self.walk(path, size, index * _GROUP)
                else:
                    self.beyond += 1
            elif found[3]:
                self._partial(path, folder, index, size)
            elif (index + 1) * tiled.WIDTH > size:
                self.beyond += 1

    def _partial(self, path: str, folder: str, index: int, size: int) -> None:
        top = "/".join(folder.split("/")[: 1 if folder.startswith(tiled.REMAINING) else 2])
        for name in self.names(path):
            width = tiled.width_of(name)
            if width is None:
                self.set_aside(f"{path}/{name}")
            elif index * tiled.WIDTH + width > size:
                self.beyond += 1
            elif index * tiled.WIDTH + width < size:
                self._widths.setdefault((top, index), []).append(width)

    def set_aside(self, path: str) -> None:
        """Take note of a name that is none of a tile."""
        if not path.rpartition("/")[2].startswith("."):  # a write that is under way, or was killed
            self.strange.append(path)


def look(source: Source, size: int) -> Older:
    """Return what lies at a place that publishes ``size`` records."""
    found = Older(source)
    tops = found.names("tile")
    found.is_listed &= bool(tops)  # it is not empty, whatever is said
    for name in tops:
        if f"tile/{name}" == tiled.ENTRIES:
            found.walk(tiled.ENTRIES, size)
        elif _LEVEL.fullmatch(name):
            found.walk(f"tile/{name}", size >> 8 * int(name))
        else:
            found.set_aside(f"tile/{name}")
    found.walk(tiled.REMAINING, size)
    return found


def _fit(entries: Sequence[bytes | None], hashes: bytes, *, is_holed: bool) -> bool:
    """Return whether entries are those of the leaf hashes; None stands for one that is gone."""
    return all(
        is_holed if line is None else leaf_hash(line) == hashes[start : start + HASH_SIZE]
        for line, start in zip(entries, range(0, len(hashes), HASH_SIZE), strict=False)
    )
