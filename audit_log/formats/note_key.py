"""The keys that sign notes: names, key ids, their spelling as text, and the bare signatures.

A public key is written as text, a *vkey*: ``NAME+HEX(key id)+BASE64(KIND ‖ PUBLIC KEY)``. The key
id is the first 4 bytes of SHA-256(NAME ‖ 0x0A ‖ KIND ‖ PUBLIC KEY). Kinds (C2SP signed-note,
"Signature types"):

    0x01   Ed25519 (RFC 8032) over the text of the note
    0x04   Ed25519 cosignature, with a time (C2SP tlog-cosignature)
    0x06   ML-DSA-44 (FIPS 204) cosignature, with a time (C2SP tlog-cosignature)
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from repro.audit_log.errors import NoteError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

ED25519: Final = 0x01
ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06
KINDS: Final = MappingProxyType(
    {
        ED25519: "Ed25519",
        ED25519_COSIGNATURE: "Ed25519 cosignature",
        MLDSA44_COSIGNATURE: "ML-DSA-44 cosignature",
    }
)
COSIGNATURES: Final = frozenset({ED25519_COSIGNATURE, MLDSA44_COSIGNATURE})
KEY_SIZES: Final = MappingProxyType(
    {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
)
"""Bytes in a public key of each kind."""
SEED_SIZE: Final = 32
"""Bytes in a private key of each kind: the seed of RFC 8032 §5.1.5, or of FIPS 204 (xi)."""

_NAME: Final = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")


@dataclass(frozen=True)
class Verifier:
    """A public key with the name that it signs under."""

    name: str
    key: bytes
    """32 bytes (Ed25519) or 1,312 bytes (ML-DSA-44)."""
    kind: int = ED25519
    """The C2SP number of the kind of signature."""

    @cached_property
    def key_id(self) -> bytes:
        """The 4 bytes that point from a signature line to this key."""
        return key_id(self.name, self.kind, self.key)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the name that it signs under."""

    name: str
    seed: bytes
    """32 secret bytes."""
    kind: int = ED25519
    _private: list[Ed25519PrivateKey | MLDSA44PrivateKey] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    """The key made of the seed, once it was needed: making it costs as much as signing."""
    _public: list[Verifier] = field(default_factory=list, init=False, repr=False, compare=False)
    """Its public half, once it was needed: a commit asks for it six times."""

    def __repr__(self) -> str:
        """Return a text without the secret."""
        return f"Signer({self.name!r}, …)"


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """Return the key id of a public key (signed-note, "Signatures")."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_of(signer: Signer) -> Verifier:
    """Return the public half of ``signer``."""
    if not signer._public:
        key = private_key(signer).public_key().public_bytes_raw()
        signer._public.append(Verifier(signer.name, key, signer.kind))
    return signer._public[0]


def format_vkey(verifier: Verifier) -> str:
    """Return the text of a public key: ``NAME+HEX+BASE64``."""
    data = base64.b64encode(bytes([verifier.kind]) + verifier.key).decode()
    return f"{verifier.name}+{verifier.key_id.hex()}+{data}"


def parse_vkey(text: str) -> Verifier:
    """Return the public key that ``text`` spells; raise `NoteError` for any other text."""
    name, _, rest = text.partition("+")
    digits, _, encoded = rest.partition("+")
    data = decode_base64(encoded, "key")
    if not is_name(name):
        raise NoteError(f"not a key name: {name!r}")
    if not data or data[0] not in KINDS:
        kind = f"type 0x{data[0]:02x}" if data else "no type"
        raise NoteError(f"a key of {kind}, and not of 0x01, 0x04 or 0x06")
    if len(data) != 1 + KEY_SIZES[data[0]]:
        raise NoteError(f"a key of {len(data) - 1} bytes, not {KEY_SIZES[data[0]]}")
    verifier = Verifier(name, data[1:], data[0])
    if format_vkey(verifier) != text:  # also refuses a key id of something else
        raise NoteError(f"the key id {digits!r} is not that of the key")
    return verifier


def is_name(name: str) -> bool:
    """Return whether ``name`` may name a key: not empty, no white space, no plus sign."""
    return _NAME.fullmatch(name) is not None


def sign_bytes(signer: Signer, message: bytes) -> bytes:
    """Return the bare signature of ``message``: 64 bytes, or 2,420 for ML-DSA-44."""
    return private_key(signer).sign(message)


def is_signed(verifier: Verifier, message: bytes, signature: bytes) -> bool:
    """Return whether ``signature`` is that of ``message`` by the key of ``verifier``."""
    # Imported when needed: appending to a log and asking for help need no key, and this import
    # costs more than everything else here.
    from cryptography.exceptions import InvalidSignature

    try:
        if verifier.kind == MLDSA44_COSIGNATURE:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

            MLDSA44PublicKey.from_public_bytes(verifier.key).verify(signature, message)
        else:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

            Ed25519PublicKey.from_public_bytes(verifier.key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def private_key(signer: Signer) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    """Return the key made of the seed of ``signer``."""
    if not signer._private:
        if signer.kind == MLDSA44_COSIGNATURE:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

            signer._private.append(MLDSA44PrivateKey.from_seed_bytes(signer.seed))
        else:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            signer._private.append(Ed25519PrivateKey.from_private_bytes(signer.seed))
    return signer._private[0]


def decode_base64(text: str, what: str) -> bytes:
    """Return the bytes of a base64 text (RFC 4648 §4) that is spelled in the one canonical way."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise NoteError(f"the {what} is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise NoteError(f"the {what} is not canonical base64")
    return data
