"""How a dataset's root is made of the digests of its columns (see ``digest`` for the leaves).

Standard library and the log's digests only: the notary makes the root of a saved fingerprint again
without loading a table.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from repro.audit_log.formats.digests import derive, payload_digest
from repro.pipeline.locate import TIMES

SYMBOL_CONTEXT: Final = "repro-audit v1 dataset symbol"
ROOT_CONTEXT: Final = "repro-audit v1 dataset root"

Unit = Literal["month", "year", "4096 rows", "65536 rows"]


def symbol_digest(columns: Mapping[str, str]) -> str:
    """Return the digest of one symbol from those of its columns, the times among them (hex)."""
    framed: list[bytes] = []
    for column in sorted(columns):
        name = column.encode("utf-8")
        framed += [struct.pack("<I", len(name)), name, bytes.fromhex(columns[column])]
    return derive(SYMBOL_CONTEXT, *framed)


def root_digest(unit: str, columns: Iterable[str], symbols: Mapping[str, str]) -> str:
    """Return the root over the digests of all symbols, each of which has these columns (hex)."""
    names = sorted({TIMES, *columns})
    return payload_digest(ROOT_CONTEXT, {"unit": unit, "columns": names, "symbols": dict(symbols)})
