"""A log as static files: names and bytes of C2SP tlog-tiles v0.1.0. Pure.

    checkpoint                     the signed note
    tile/<L>/<N>[.p/<W>]           hashes of level L, 256 in a full tile, 32 bytes each
    tile/entries/<N>[.p/<W>]       entries: of each its length, a big-endian uint16, then its bytes
    remaining/<N>[.p/<W>]          ours, see below

An entry is the line of a record without its newline: what a leaf is the hash of. <N> is written in
groups of three digits, all but the last with an ``x`` before it: 1234067 is ``x001/x234/067``.

A bundle whose entries are not all there cannot be one of tlog-tiles. What remains of it, after
segments were pruned, lies outside of its name space in the same form, with nothing (length 0) where
an entry is gone; no record is an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 256
"""Hashes in a full tile, and entries in a full bundle."""
CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "tile/entries"
REMAINING: Final = "remaining"
MAX_BUNDLE: Final = WIDTH * (2 + 65_535)
"""Bytes in the largest bundle."""
_PARTIAL: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a tree: which, and how many hashes it has."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies."""
        return path_of(self.folder, self.index, self.width)

    @property
    def folder(self) -> str:
        """The folder of its level."""
        return f"tile/{self.level}"


def path_of(folder: str, index: int, width: int = WIDTH) -> str:
    """Return where the tile or bundle ``index`` lies in ``folder``, partial if ``width`` is less.

    ``folder`` is `ENTRIES`, `REMAINING` or ``tile/<L>``.
    """
    if index < 0 or not 0 < width <= WIDTH:
        raise AssertionError(f"no tile {index} of {width}")
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"{folder}/{'/'.join(reversed(groups))}{partial}"


def bundles(size: int, old: int = 0) -> Iterator[tuple[int, int]]:
    """Yield index and width of each bundle of ``size`` entries that one of ``old`` has not."""
    for index in range(old // WIDTH, -(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        if index * WIDTH + width > old:
            yield index, width


def tiles(size: int, old: int = 0) -> Iterator[Tile]:
    """Yield each tile of a tree of ``size`` leaves that one of ``old`` leaves has not."""
    level = 0
    while size:
        for index, width in bundles(size, old):
            yield Tile(level, index, width)
        size, old, level = size // WIDTH, old // WIDTH, level + 1


def edge(size: int) -> Iterator[Tile]:
    """Yield the last tile of each level of a tree of ``size`` leaves."""
    level = 0
    while size:
        index = (size - 1) // WIDTH
        yield Tile(level, index, size - index * WIDTH)
        size, level = size // WIDTH, level + 1


def width_of(name: str) -> int | None:
    """Return the width of the partial tile that has this name in its folder; None if none has."""
    return int(name) if _PARTIAL.fullmatch(name) and int(name) < WIDTH else None


def replaced(size: int, old: int) -> Iterator[Tile]:
    """Yield each partial tile of a tree of ``old`` leaves whose full one is in that of ``size``."""
    level = 0
    while old:
        width = old % WIDTH
        if width and old // WIDTH < size // WIDTH:
            yield Tile(level, old // WIDTH, width)
        size, old, level = size // WIDTH, old // WIDTH, level + 1


def format_bundle(entries: Sequence[bytes | None]) -> bytes:
    """Return the bytes of a bundle; None stands for an entry that is gone."""
    return b"".join(len(e or b"").to_bytes(2) + (e or b"") for e in entries)


def parse_bundle(data: bytes, width: int) -> tuple[bytes | None, ...] | None:
    """Return the ``width`` entries of a bundle; None if it has not just so many."""
    found: list[bytes | None] = []
    place = 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[start - 2 : start])
        if start > len(data) or place > len(data):
            return None
        found.append(data[start:place] or None)
    return tuple(found) if len(found) == width else None
