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

from repro.audit_log.formats.digests import derive
from repro.errors import InputError
from repro.pipeline.locate import DIGITS, TIMES
from repro.pipeline.merkle import Unit, root_digest, symbol_digest
from repro.pipeline.panel import Column, Ints, Panel, segments

BLOCK_CONTEXT: Final = "repro-audit v1 dataset block"
COLUMN_CONTEXT: Final = "repro-audit v1 dataset column"
MOST_LEAVES: Final = 65_536
"""Blocks are calendar months (UTC) unless that takes more leaves than this: then years."""

_CUT: Final[dict[Unit, str]] = {"month": "datetime64[M]", "year": "datetime64[Y]"}
_NAN: Final = np.frombuffer(struct.pack("<Q", 0x7FF8 << 48), dtype="<f8")[0]


@dataclass(frozen=True, slots=True)
class SymbolTree:
    """The leaves of one symbol."""

    blocks: tuple[str, ...]
    """Labels in order, ``2000-03`` or ``2000``; only blocks that hold rows."""
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
    unit: Unit = "month"
    if _count_blocks(panel, unit) * (len(names) + 1) > MOST_LEAVES:
        unit = "year"
    table = {TIMES: panel.time} | {name: panel.columns[name] for name in names}
    buffers = {name: _canonical(values) for name, values in table.items()}
    symbols = {
        symbol: _symbol_tree(panel.time[rows], buffers, rows, unit)
        for symbol, rows in zip(panel.symbols, segments(panel), strict=True)
    }
    digests = {symbol: tree.digest for symbol, tree in symbols.items()}
    return DatasetTree(unit, symbols, root_digest(unit, names, digests))


def _count_blocks(panel: Panel, unit: Unit) -> int:
    block = _blocks(panel.time, unit)
    changes = (block[1:] != block[:-1]) | (panel.symbol[1:] != panel.symbol[:-1])
    return int(np.count_nonzero(changes)) + 1


def _blocks(time: Ints, unit: Unit) -> Ints:
    """Return the number of the calendar block that each time lies in."""
    blocks: Ints = time.view("datetime64[ns]").astype(_CUT[unit]).astype(np.int64)
    return blocks


def _canonical(values: Column) -> tuple[bytes, bytes]:
    """Return the type's tag and the values as canonical little-endian bytes, 8 a row."""
    if values.dtype.kind == "f":
        missing = np.isnan(values)
        same = np.where(missing, _NAN, values) if missing.any() else values
        return b"<f8", same.astype("<f8", copy=False).tobytes()
    return b"<i8", values.astype("<i8", copy=False).tobytes()


def _symbol_tree(
    time: Ints, buffers: Mapping[str, tuple[bytes, bytes]], rows: slice, unit: Unit
) -> SymbolTree:
    block = _blocks(time, unit)
    starts = np.concatenate(([0], np.flatnonzero(block[1:] != block[:-1]) + 1))
    labels = tuple(np.datetime_as_string(block[starts].view(_CUT[unit])).tolist())
    hex_labels = [label.encode("ascii").hex() for label in labels]
    bounds = [*((rows.start + starts) * 8).tolist(), rows.stop * 8]
    leaves: dict[str, tuple[str, ...]] = {}
    columns: dict[str, str] = {}
    for column, (tag, buffer) in buffers.items():
        leaves[column] = tuple(_leaves(tag, buffer, bounds))
        framed_leaves = "".join(map("".join, zip(hex_labels, leaves[column], strict=True)))
        columns[column] = derive(COLUMN_CONTEXT, tag, bytes.fromhex(framed_leaves))
    return SymbolTree(labels, leaves, columns, symbol_digest(columns))


def _leaves(tag: bytes, buffer: bytes, bounds: Sequence[int]) -> list[str]:
    """Return the digest of each block, from the byte offsets between which the blocks lie."""
    return [derive(BLOCK_CONTEXT, tag, buffer[a:b]) for a, b in pairwise(bounds)]
