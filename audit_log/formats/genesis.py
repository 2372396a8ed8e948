"""The first record, ``log.created``: which log this is, and the keys that sign it at first."""

from __future__ import annotations

from typing import Final

from repro.audit_log.errors import RecordError

from .record import Record

FORMAT: Final = "repro-audit v1"


def origin_of(record: Record | None) -> str:
    """Return the origin in a first record; raise `RecordError` if it is not one of this format."""
    return begun(record)[0]


def begun(record: Record | None) -> tuple[str, tuple[str, ...]]:
    """Return origin and public keys in a first record; raise `RecordError` if it is none."""
    if record is None or record.type != "log.created":
        raise RecordError("not log.created")
    if record.body.get("format") != FORMAT:
        raise RecordError(f"format {record.body.get('format')!r}, not {FORMAT!r}")
    origin, vkeys = record.body.get("origin"), record.body.get("vkeys")
    if not isinstance(origin, str) or not isinstance(vkeys, list) or not vkeys:
        raise RecordError("no origin or no keys")
    return origin, tuple(str(vkey) for vkey in vkeys)
