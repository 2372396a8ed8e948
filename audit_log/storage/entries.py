"""Entries of a log by the bundle of 256 (C2SP tlog-tiles), each held against its leaf hash."""

from __future__ import annotations

from itertools import islice

from repro.audit_log.errors import LogCorruptError
from repro.audit_log.formats.tiled import WIDTH
from repro.audit_log.formats.tree import HASH_SIZE, leaf_hash

from .segments import Text
from .tiles import Tiles


def entries(text: Text, tiles: Tiles, index: int, width: int) -> tuple[bytes | None, ...]:
    """Return ``width`` lines from record 256 ``index`` on; None for each that was pruned.

    ``tiles`` has caught up with ``text`` so far. `LogCorruptError` for a line that has another
    leaf.
    """
    found: list[bytes | None] = []
    first = index * WIDTH
    for part, after in zip(text.parts, [*text.parts[1:], None], strict=True):
        seq = first + len(found)
        if len(found) == width or (after is not None and after.first <= seq):
            continue
        if part.pruned is not None:
            end = min(first + width, part.first + part.pruned.count)
            found += (part.pruned.kept.get(number) for number in range(seq, end))
        else:
            start = part.start if part.first == seq else tiles.place(index)
            lines = (line for line, whole in part.pieces(start) if whole)
            found += islice(lines, width - len(found))
    leaves = tiles.tile(0, index, width)
    for number, line in enumerate(found):
        leaf = leaves[number * HASH_SIZE : (number + 1) * HASH_SIZE]
        if line is not None and leaf_hash(line) != leaf:
            raise LogCorruptError(f"record {first + number} is not the one that was signed")
    if len(found) != width:
        raise LogCorruptError(f"record {first + len(found)} is not there")
    return tuple(found)


def pruned_ranges(text: Text) -> tuple[tuple[int, int], ...]:
    """Return first record and count of each pruned segment, in order."""
    return tuple((part.first, part.pruned.count) for part in text.parts if part.pruned is not None)
