"""The record ``key.rotated``: the log's keys are replaced, and both the old and the new say so.

Its body is ``{"note": …, "vkeys": […]}``. The keys are those that are in force from then on, the
Ed25519 key first, then the ML-DSA-44 key if there is one, all named after the origin. The note is
a signed note (see `note`) whose text is:

    repro-audit key rotation v1                   what is signed, so that it is nothing else
    repro.log/5f0c…                               origin
    seq 12                                        the record that holds this note
    prev 9b1d…                                    hash of the line before it
    repro.log/5f0c…+3f1a09c2+AbQ…                 the new keys, one on each line

It is signed by the Ed25519 key in force before and by the new Ed25519 key. ML-DSA-44 keys do not
sign it: kind 0x06 (C2SP tlog-cosignature) signs checkpoints and nothing else. So a new ML-DSA-44
key is vouched for by Ed25519 alone.

With N the ``seq`` of the record, checkpoints of a size up to N are signed by the old keys, those
of a size beyond N by the new ones. Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from repro.audit_log.errors import NoteError, RecordError

from .note import open_note, sign
from .note_key import (
    ED25519,
    MLDSA44_COSIGNATURE,
    Signer,
    Verifier,
    format_vkey,
    parse_vkey,
    verifier_of,
)
from .record import Record

TYPE: Final = "key.rotated"
PURPOSE: Final = "repro-audit key rotation v1"
_SETS: Final = ((ED25519,), (ED25519, MLDSA44_COSIGNATURE))


def rotation_text(origin: str, seq: int, prev: str, vkeys: Sequence[str]) -> str:
    """Return the text that both keys sign."""
    lines = (PURPOSE, origin, f"seq {seq}", f"prev {prev}", *vkeys)
    return "".join(f"{line}\n" for line in lines)


def rotation_body(
    seq: int, prev: str, old: Sequence[Signer], new: Sequence[Signer]
) -> dict[str, object]:
    """Return the body of record ``seq``, which replaces the keys ``old`` by ``new``.

    ``prev`` is the hash of the line before it. Each sequence holds an Ed25519 key.
    """
    vkeys = [format_vkey(verifier_of(signer)) for signer in new]
    pair = [ed25519(old), ed25519(new)]
    note = sign(rotation_text(new[0].name, seq, prev, vkeys), pair)
    return {"note": note.decode(), "vkeys": vkeys}


def read_rotation(
    record: Record, origin: str, in_force: Sequence[Verifier]
) -> tuple[Verifier, ...]:
    """Return the new keys of a ``key.rotated`` record.

    `RecordError` unless it is well-formed, speaks of this record of the log ``origin``, and is
    signed by an Ed25519 key among ``in_force`` and by the new one.
    """
    note, vkeys = record.body.get("note"), record.body.get("vkeys")
    if record.body.keys() != {"note", "vkeys"}:
        raise RecordError("its body is not exactly note and vkeys")
    if not isinstance(note, str) or not isinstance(vkeys, list):
        raise RecordError("its note is not a text or its vkeys are not a list")
    new = _keys(origin, vkeys)
    if set(new) & set(in_force):
        raise RecordError("it names a key that is already in force")
    old = [key for key in in_force if key.kind == ED25519]
    try:
        opened = open_note(note.encode(errors="replace"), [*old, new[0]])
    except NoteError as error:
        raise RecordError(f"its note cannot be believed: {error}") from None
    if opened.text != rotation_text(origin, record.seq, record.prev, vkeys):
        raise RecordError("its note speaks of another log, another record or other keys")
    signed = {verified.verifier for verified in opened.verified}
    if not signed & set(old):
        raise RecordError("it is not signed by the key in force")
    if new[0] not in signed:
        raise RecordError("it is not signed by the new key")
    return new


def _keys(origin: str, vkeys: Sequence[object]) -> tuple[Verifier, ...]:
    try:
        new = tuple(parse_vkey(str(vkey)) for vkey in vkeys)
    except NoteError as error:
        raise RecordError(f"it names a key that is none: {error}") from None
    if tuple(key.kind for key in new) not in _SETS:
        raise RecordError("its keys are not Ed25519, and after it at most ML-DSA-44")
    if any(key.name != origin for key in new):
        raise RecordError("it names a key of another origin")
    return new


def ed25519(signers: Sequence[Signer]) -> Signer:
    """Return the Ed25519 key among ``signers``; ValueError if there is none."""
    for signer in signers:
        if signer.kind == ED25519:
            return signer
    raise ValueError("no Ed25519 key")
