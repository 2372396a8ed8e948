"""Signed notes (C2SP signed-note v1.0.0) with Ed25519 keys: text, an empty line, signatures.

    example.org/log                               the text, each line ended by a newline
    3
    9fD1…=
                                                  an empty line; the last one separates
    — example.org/log Az3grl…=                    em dash, space, name, space, base64

The base64 of a signature line holds a key id of 4 bytes and the signature. The key id is the
first 4 bytes of SHA-256(NAME ‖ 0x0A ‖ TYPE ‖ PUBLIC KEY). A public key is written as text, a
*vkey*: ``NAME+HEX(key id)+BASE64(TYPE ‖ PUBLIC KEY)``. TYPE is 0x01 for Ed25519.

Signatures of unknown keys are ignored; a bad signature of a known key refuses the whole note.
Pure: bytes and keys in, values out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from repro.audit_log.errors import NoteError, UnknownSignerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519: Final = 0x01
MAX_SIGNATURES: Final = 100
"""Signature lines in a note; the specification asks for at least 16."""
MAX_NOTE: Final = 1_000_000
_DASH: Final = "\u2014 "


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name that it signs under."""

    name: str
    key: bytes
    """32 bytes, Ed25519 (RFC 8032)."""

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that point from a signature line to this key."""
        return key_id(self.name, ED25519, self.key)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the name that it signs under."""

    name: str
    seed: bytes
    """32 secret bytes (RFC 8032 §5.1.5)."""
    _private: list[Ed25519PrivateKey] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    """The key made of the seed, once it was needed: making it costs as much as signing."""

    def __repr__(self) -> str:
        """Return a text without the secret."""
        return f"Signer({self.name!r}, …)"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note that at least one known key has signed."""

    text: str
    verified: tuple[Signature, ...]
    unknown: tuple[Signature, ...]


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """Return the key id of a public key (signed-note, "Signatures")."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_of(signer: Signer) -> Verifier:
    """Return the public half of ``signer``."""
    return Verifier(signer.name, _private_key(signer).public_key().public_bytes_raw())


def format_vkey(verifier: Verifier) -> str:
    """Return the text of a public key: ``NAME+HEX+BASE64``."""
    data = base64.b64encode(bytes([ED25519]) + verifier.key).decode()
    return f"{verifier.name}+{verifier.key_id.hex()}+{data}"


def parse_vkey(text: str) -> Verifier:
    """Return the public key that ``text`` spells; raise `NoteError` for any other text."""
    name, _, rest = text.partition("+")
    digits, _, encoded = rest.partition("+")
    data = _decode(encoded, "key")
    if not is_name(name):
        raise NoteError(f"not a key name: {name!r}")
    if len(data) != 33 or data[0] != ED25519:
        raise NoteError("not an Ed25519 key of type 0x01")
    verifier = Verifier(name, data[1:])
    if format_vkey(verifier) != text:  # also refuses a key id of something else
        raise NoteError(f"the key id {digits!r} is not that of the key")
    return verifier


def is_name(name: str) -> bool:
    """Return whether ``name`` may name a key: not empty, no white space, no plus sign."""
    return (
        bool(name)
        and "+" not in name
        and not any(c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name)
    )


def sign(text: str, signers: Iterable[Signer]) -> bytes:
    """Return the note of ``text`` with one signature line for each signer."""
    if not _is_text(text):
        raise NoteError("the text holds control characters or does not end in a newline")
    lines = []
    for signer in signers:
        verifier = verifier_of(signer)
        if not is_name(signer.name):
            raise NoteError(f"not a key name: {signer.name!r}")
        raw = _private_key(signer).sign(text.encode())
        lines.append(signature_line(Signature(signer.name, verifier.key_id, raw)))
    if not lines:
        raise NoteError("a note needs at least one signature")
    return f"{text}\n{''.join(lines)}".encode()


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

    `NoteError` if the note is malformed or a known key's signature is bad; `UnknownSignerError`
    if no known key has signed.
    """
    text, signatures = split(data)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: list[Signature] = []
    unknown: list[Signature] = []
    for signature in signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            unknown.append(signature)
        elif not _is_signed(verifier, text.encode(), signature.signature):
            raise NoteError(f"the signature of {signature.name} is not valid")
        else:
            verified.append(signature)
    if not verified:
        names = ", ".join(dict.fromkeys(s.name for s in unknown))
        raise UnknownSignerError(f"signed by no known key (only by: {names})")
    return Note(text, tuple(verified), tuple(unknown))


def _private_key(signer: Signer) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not signer._private:
        signer._private.append(Ed25519PrivateKey.from_private_bytes(signer.seed))
    return signer._private[0]


def _is_signed(verifier: Verifier, message: bytes, signature: bytes) -> bool:
    # Imported when needed: appending to a log and asking for help need no key, and this import
    # costs more than everything else here.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(verifier.key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse_line(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise NoteError("a signature line does not start with an em dash and a space")
    name, _, encoded = line[len(_DASH) :].partition(" ")
    data = _decode(encoded, "signature")
    if not is_name(name) or len(data) < 5:
        raise NoteError("a signature line without name, key id or signature")
    return Signature(name, data[:4], data[4:])


def _decode(text: str, what: str) -> bytes:
    """Return the bytes of a base64 text that is spelled in the one canonical way."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise NoteError(f"the {what} is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise NoteError(f"the {what} is not canonical base64")
    return data


def _is_text(text: str) -> bool:
    return text.endswith("\n") and not any(c < " " and c != "\n" for c in text)
