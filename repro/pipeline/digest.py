"""The identity of a table: a Merkle tree over symbol, column and block of dates.

    block   derive(BLOCK,  "<f8" | "<i8", the values, little-endian, every NaN 0x7ff8000000000000)
    column  derive(COLUMN, "<f8" | "<i8", for each block in order: its label, its 32 bytes)
    symbol  derive(SYMBOL, for each column by code point: length of its name (uint32 LE),
                           its name (UTF-8), its 32 bytes)
    root    payload_digest(ROOT, {"unit", "columns": names by code point, "symbols": {symbol: hex}})

The times of the rows (int64 nanoseconds since 1970-01-01 UTC) are a column of their own, whose name
is empty.  Nothing here knows about files: how the table was packed cannot change the root.
-0.0 and 0.0 are different values here, as 1/x can tell them apart.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from blake3 import blake3

from repro.audit_log.formats.digests import derive
from repro.errors import InputError
from repro.pipeline.locate import DIGITS, TIMES
from repro.pipeline.merkle import Unit, root_digest, symbol_digest
from repro.pipeline.panel import Column, Ints, Panel, segments

BLOCK_CONTEXT: Final = "repro-audit v1 dataset block"
COLUMN_CONTEXT: Final = "repro-audit v1 dataset column"
MOST_LEAVES: Final = 65_536
"""Blocks are calendar months (UTC) unless that takes more leaves than this: then years.  Without
times they are 4,096 rows, or 65,536 of them."""

_UNITS: Final[Mapping[bool, tuple[Unit, Unit]]] = {
    True: ("month", "year"),
    False: ("4096 rows", "65536 rows"),
}
"""Whether rows have times → the unit, and the one where that would take too many leaves."""
_CUT: Final[dict[Unit, str]] = {"month": "datetime64[M]", "year": "datetime64[Y]"}
_ROWS: Final[dict[Unit, int]] = {"4096 rows": 4096, "65536 rows": 65_536}
_LEAD: Final = 1 << 16
"""Bytes of a block that are hashed at once with its tag; a power of two chunks of BLAKE3."""
_NAN: Final = np.frombuffer(struct.pack("<Q", 0x7FF8 << 48), dtype="<f8")[0]


@dataclass(frozen=True, slots=True)
class SymbolTree:
    """The leaves of one symbol."""

    blocks: tuple[str, ...]
    """Labels in order, ``2000-03`` or ``2000``, or the number of the block's first row, of twelve
    digits; only blocks that hold rows."""
    leaves: Mapping[str, tuple[str, ...]]
    """Column name (empty: times) → one digest a block, 64 hexadecimal digits."""
    columns: Mapping[str, str]
    """Column name (empty: times) → its digest."""
    digest: str


@dataclass(frozen=True, slots=True)
class DatasetTree:
    """The tree of a table; equal roots mean equal typed values in equal order."""

    unit: Unit
    symbols: Mapping[str, SymbolTree]
    root: str

    def locators(self) -> dict[str, Any]:
        """Return truncated leaves for ``locate.differences``, as a JSON value."""
        return {
            "unit": self.unit,
            "symbols": {
                symbol: {
                    "blocks": list(tree.blocks),
                    "columns": {
                        column: "".join(leaf[:DIGITS] for leaf in leaves)
                        for column, leaves in tree.leaves.items()
                    },
                }
                for symbol, tree in self.symbols.items()
            },
        }


def dataset_tree(panel: Panel, columns: Sequence[str]) -> DatasetTree:
    """Return the tree over these columns of a panel, in any order, and the times of its rows.

    Raises InputError if the panel lacks one of the columns.
    """
    if missing := [column for column in columns if column not in panel.columns]:
        raise InputError(f"no column {', '.join(map(repr, missing))} in the data")
    names = sorted(set(columns))
    unit, coarse = _UNITS[panel.timed]
    cuts = _cut_all(panel, unit)
    if sum(len(cut.starts) for cut in cuts) * (len(names) + 1) > MOST_LEAVES:
        unit = coarse
        cuts = _cut_all(panel, unit)
    table = {TIMES: panel.time} | {name: panel.columns[name] for name in names}
    buffers = {name: _canonical(values) for name, values in table.items()}
    symbols = {
        symbol: _symbol_tree(buffers, cut) for symbol, cut in zip(panel.symbols, cuts, strict=True)
    }
    digests = {symbol: tree.digest for symbol, tree in symbols.items()}
    return DatasetTree(unit, symbols, root_digest(unit, names, digests))


@dataclass(frozen=True, slots=True)
class _Cut:
    """How the rows of one symbol are cut into blocks."""

    labels: tuple[str, ...]
    starts: tuple[int, ...]
    """The first row of each block, counted in the panel."""
    end: int
    """The row after the last one."""


def _cut_all(panel: Panel, unit: Unit) -> list[_Cut]:
    return [_cut(panel.time, rows, unit) for rows in segments(panel)]


def _cut(time: Ints, rows: slice, unit: Unit) -> _Cut:
    """Return the cut of one symbol; its times ascend, so that only the blocks' bounds are sought.

    To bring every time to its month takes longer than to hash a column.
    """
    own = time[rows]
    if unit in _ROWS:
        return _cut_rows(own, rows, _ROWS[unit])
    first, last = own[[0, -1]].view("datetime64[ns]").astype(_CUT[unit])
    blocks = np.arange(first, last + 1)
    # The end of the last block is not among them: it may lie beyond what nanoseconds hold.
    bounds = blocks[1:].astype("datetime64[ns]").astype(np.int64)
    starts = np.concatenate(([0], np.searchsorted(own, bounds)))
    filled = np.diff(starts, append=len(own)) > 0
    labels = np.datetime_as_string(blocks[filled]).tolist()
    return _Cut(tuple(labels), tuple((rows.start + starts[filled]).tolist()), rows.stop)


def _cut_rows(numbers: Ints, rows: slice, size: int) -> _Cut:
    """Return the cut of one symbol whose rows are known by ascending numbers."""
    blocks = np.arange(numbers[0] // size, numbers[-1] // size + 1) * size
    starts = (rows.start + np.searchsorted(numbers, blocks)).tolist()
    return _Cut(tuple(f"{first:012}" for first in blocks.tolist()), tuple(starts), rows.stop)


def _canonical(values: Column) -> tuple[bytes, memoryview]:
    """Return the type's tag and the values as canonical little-endian bytes, 8 a row.

    They are not copied unless a NaN among them has other bits than ours.
    """
    if values.dtype.kind == "f":
        # The minimum is NaN exactly if a value is, and the quickest way of asking.
        if np.isnan(values.min(initial=np.inf)):
            missing = np.isnan(values)
            ours = np.count_nonzero(values.view(np.int64) == _NAN.view(np.int64))
            if ours != np.count_nonzero(missing):
                values = np.where(missing, _NAN, values)
        return b"<f8", _bytes(values.astype("<f8", copy=False))
    return b"<i8", _bytes(values.astype("<i8", copy=False))


def _bytes(values: Column) -> memoryview:
    return np.ascontiguousarray(values).data.cast("B")


def _symbol_tree(buffers: Mapping[str, tuple[bytes, memoryview]], cut: _Cut) -> SymbolTree:
    hex_labels = [label.encode("ascii").hex() for label in cut.labels]
    bounds = [8 * row for row in (*cut.starts, cut.end)]
    leaves: dict[str, tuple[str, ...]] = {}
    columns: dict[str, str] = {}
    for column, (tag, buffer) in buffers.items():
        leaves[column] = tuple(_leaves(tag, buffer, bounds))
        framed_leaves = "".join(map("".join, zip(hex_labels, leaves[column], strict=True)))
        columns[column] = derive(COLUMN_CONTEXT, tag, bytes.fromhex(framed_leaves))
    return SymbolTree(cut.labels, leaves, columns, symbol_digest(columns))


def _leaves(tag: bytes, buffer: memoryview, bounds: Sequence[int]) -> list[str]:
    """Return the digest of each block, from the byte offsets between which the blocks lie.

    The same as ``derive(BLOCK_CONTEXT, tag, block)``. There are thousands of blocks, so the context
    is hashed once, and the tag goes in together with the values: alone it would leave the rest of a
    block across the borders of BLAKE3's chunks, which then are hashed one at a time.
    """
    fresh = blake3(derive_key_context=BLOCK_CONTEXT)
    digests = []
    for start, end in pairwise(bounds):
        hasher = fresh.copy()
        lead = min(start + _LEAD - len(tag), end)
        hasher.update(b"".join((tag, buffer[start:lead])))
        if lead < end:
            hasher.update(buffer[lead:end])
        digests.append(hasher.digest().hex())  # `hexdigest` takes twice as long
    return digests
