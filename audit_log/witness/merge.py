"""Cosignatures into a note that has some already. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from repro.audit_log.errors import NoteError
from repro.audit_log.formats.cosignature import cosigned_at
from repro.audit_log.formats.note import MAX_SIGNATURES, Signature, Verified, signature_line, split


def merge(note: bytes, lines: Iterable[Verified]) -> bytes:
    """Return ``note`` with the cosignatures ``lines``, which `open_note` found good for its text.

    Every line that is there stays, in its place, but an older cosignature of the same key, or one
    that the key never made, gives way. `NoteError` if the note is malformed or has no room.
    """
    text, signatures = split(note)
    present = list(signatures)
    for line in lines:
        new = line.signature
        at = next((i for i, s in enumerate(present) if _place(s) == _place(new)), None)
        if at is None:
            present.append(new)
            continue
        before = cosigned_at(line.verifier, text, present[at].signature)
        if before is None or (line.time is not None and line.time > before):
            present[at] = new
    if len(present) > MAX_SIGNATURES:
        raise NoteError(f"no room: a note holds at most {MAX_SIGNATURES} signatures")
    return f"{text}\n{''.join(map(signature_line, present))}".encode()


def _place(signature: Signature) -> tuple[str, bytes]:
    return signature.name, signature.key_id
