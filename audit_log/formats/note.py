"""Signed notes (C2SP signed-note v1.0.0): text, an empty line, signatures.

    example.org/log                               the text, each line ended by a newline
    3
    9fD1…=
                                                  an empty line; the last one separates
    — example.org/log Az3grl…=                    em dash, space, name, space, base64

The base64 of a signature line holds a key id of 4 bytes and the signature; see `note_key` for keys
and `cosignature` for signatures with a time. Signatures of unknown keys are ignored; a bad
signature of a known key refuses the whole note. ML-DSA-44 cosignatures speak of the first three
lines of a checkpoint only: where nobody else that is known has signed, a longer text is refused.
Pure: bytes and keys in, values out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from repro.audit_log.errors import BadSignatureError, NoteError, UnknownSignerError

from .cosignature import cosign, cosigned_at
from .note_key import (
    COSIGNATURES,
    MLDSA44_COSIGNATURE,
    Signer,
    Verifier,
    decode_base64,
    is_name,
    is_signed,
    sign_bytes,
    verifier_of,
)

MAX_SIGNATURES: Final = 100
"""Signature lines in a note; the specification asks for at least 16."""
MAX_NOTE: Final = 1_000_000
_COSIGNED_LINES: Final = 3
"""Lines of a checkpoint that an ML-DSA-44 cosignature covers."""
_DASH: Final = "\u2014 "
_CONTROL: Final = re.compile("[\0-\t\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that was found good."""

    verifier: Verifier
    signature: Signature
    time: int | None
    """When it was made, in POSIX seconds, as a cosigner says; None for a bare signature."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note that at least one known key has signed."""

    text: str
    verified: tuple[Verified, ...]
    """One for each known key that signed, in the order of the lines."""
    unknown: tuple[Signature, ...]


def sign(text: str, signers: Iterable[Signer], time: int = 0) -> bytes:
    """Return the note of ``text`` with one signature line for each signer.

    ``time`` (POSIX seconds) is what cosigners among them say; others ignore it.
    """
    if not _is_text(text):
        raise NoteError("the text holds control characters or does not end in a newline")
    lines = [signature_line(signature_of(text, signer, time)) for signer in signers]
    if not lines:
        raise NoteError("a note needs at least one signature")
    return f"{text}\n{''.join(lines)}".encode()


def signature_of(text: str, signer: Signer, time: int = 0) -> Signature:
    """Return the signature of ``text``; a cosigner signs for ``time`` (POSIX seconds)."""
    if not is_name(signer.name):
        raise NoteError(f"not a key name: {signer.name!r}")
    if signer.kind in COSIGNATURES:
        raw = cosign(signer, text, time)
    else:
        raw = sign_bytes(signer, text.encode())
    return Signature(signer.name, verifier_of(signer).key_id, raw)


def signature_line(signature: Signature) -> str:
    """Return one signature line with its newline."""
    data = base64.b64encode(signature.key_id + signature.signature).decode()
    return f"{_DASH}{signature.name} {data}\n"


def split(data: bytes) -> tuple[str, tuple[Signature, ...]]:
    """Return text and signatures of a note, none of them checked yet; raise if malformed."""
    if len(data) > MAX_NOTE:
        raise NoteError(f"a note of {len(data)} bytes is longer than {MAX_NOTE}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"not UTF-8 at byte {error.start}") from None
    if not _is_text(whole):
        raise NoteError("control characters, or no newline at the end")
    text, separator, block = whole.rpartition("\n\n")
    if not separator or not block:
        raise NoteError("no empty line with signatures after it")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"more than {MAX_SIGNATURES} signatures")
    return text + "\n", tuple(_parse_line(line) for line in lines)


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> Note:
    """Return the note in ``data`` once a key of ``verifiers`` has signed it.

    `NoteError` if the note is malformed; `BadSignatureError` if a known key's signature is bad;
    `UnknownSignerError` if no known key has signed the text, or not all of it.
    """
    text, signatures = split(data)
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise NoteError(f"two keys of {verifier.name} have one key id")
    partial = {place for place, key in known.items() if key.kind == MLDSA44_COSIGNATURE}
    verified: dict[tuple[str, bytes], Verified] = {}
    unknown: list[Signature] = []
    for signature in signatures:
        place = (signature.name, signature.key_id)
        if place not in known:
            unknown.append(signature)
            continue
        good = _verified(known[place], text, signature)
        if good is None:
            raise BadSignatureError(f"the signature of {signature.name} is not valid")
        verified.setdefault(place, good)
    if not verified:
        names = ", ".join(dict.fromkeys(s.name for s in unknown))
        raise UnknownSignerError(f"signed by no known key (only by: {names})")
    if text.count("\n") > _COSIGNED_LINES and all(place in partial for place in verified):
        raise UnknownSignerError("the lines after the third are signed by no known key")
    return Note(text, tuple(verified.values()), tuple(unknown))


def _verified(verifier: Verifier, text: str, signature: Signature) -> Verified | None:
    if verifier.kind in COSIGNATURES:
        time = cosigned_at(verifier, text, signature.signature)
        return None if time is None else Verified(verifier, signature, time)
    if is_signed(verifier, text.encode(), signature.signature):
        return Verified(verifier, signature, None)
    return None


def _parse_line(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise NoteError("a signature line does not start with an em dash and a space")
    name, _, encoded = line[len(_DASH) :].partition(" ")
    data = decode_base64(encoded, "signature")
    if not is_name(name) or len(data) < 5:
        raise NoteError("a signature line without name, key id or signature")
    return Signature(name, data[:4], data[4:])


def _is_text(text: str) -> bool:
    return text.endswith("\n") and not _CONTROL.search(text)
