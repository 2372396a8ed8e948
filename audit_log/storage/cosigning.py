"""Cosignatures of witnesses into the checkpoint that stands. Pure: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence

from repro.audit_log.errors import LogCorruptError, LogUnusableError, NoteError
from repro.audit_log.formats.note import MAX_SIGNATURES, Signature, signature_line, split

from .layout import MAX_CHECKPOINT


def with_cosignatures(standing: bytes, note: bytes, origin: str) -> bytes | None:
    """Return the checkpoint ``standing`` with every cosignature of ``note`` beside its own lines.

    None if ``note`` is of another text: the log has gone on, or was put back. A cosignature that
    stands there stays, unless ``note`` has a later one of the same key. `LogUnusableError` if
    ``note`` is none or there is no room, `LogCorruptError` if what the log itself has signed the
    text with is not the same.
    """
    try:
        text, present = split(standing)
    except NoteError as error:
        raise LogCorruptError(f"the checkpoint of the log is none: {error}") from None
    try:
        new_text, offered = split(note)
    except NoteError as error:
        raise LogUnusableError(f"what was cosigned is no checkpoint: {error}") from None
    if new_text != text:
        return None
    if _own(offered, origin) != _own(present, origin):
        raise LogCorruptError(
            "the log's own signatures under the cosigned checkpoint are not those that stand",
            "look at the log: repro audit verify",
        )
    merged = list(present)
    for line in offered:
        at = next((i for i, s in enumerate(merged) if _place(s) == _place(line)), None)
        if at is None:
            merged.append(line)
        elif line.name != origin and _time(line) > _time(merged[at]):
            merged[at] = line
    data = f"{text}\n{''.join(map(signature_line, merged))}".encode()
    if len(merged) > MAX_SIGNATURES or len(data) > MAX_CHECKPOINT:
        raise LogUnusableError(
            f"a checkpoint with {len(merged)} signatures has no room",
            "ask fewer witnesses, or give each of them one key",
        )
    return data


def _own(lines: Sequence[Signature], origin: str) -> list[Signature]:
    return [line for line in lines if line.name == origin]


def _place(line: Signature) -> tuple[str, bytes]:
    return line.name, line.key_id


def _time(line: Signature) -> int:
    """Return when a cosigner says that it signed: what its signature begins with."""
    return int.from_bytes(line.signature[:8], "big")
