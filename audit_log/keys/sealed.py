"""A private key under a passphrase: scrypt (RFC 7914) and ChaCha20-Poly1305 (RFC 8439).

    repro-audit sealed key v1 ORIGIN scrypt n=65536 r=8 p=1 SALT NONCE        the header
    BASE64(ciphertext ‖ tag)

SALT is 16 random bytes in hex, NONCE 12. The key of the cipher is scrypt of the passphrase (UTF-8,
normalised to NFC); the header line with its newline is the associated data. Its numbers are the
file's word and come before any check of it, so those that would cost too much are refused, and
those that would be too weak.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import unicodedata
from typing import Final

N: Final = 1 << 16
"""Cost of what is written: 64 MiB and about a fifth of a second."""
MAX_N: Final = 1 << 18
R: Final = 8
P: Final = 1
MAX_P: Final = 4

_MAGIC: Final = b"repro-audit sealed key "
_HEADER: Final = re.compile(
    r"v1 (?P<origin>[^\s+]+) scrypt n=(?P<n>[1-9]\d{0,18}) r=(?P<r>[1-9]\d{0,3}) "
    r"p=(?P<p>[1-9]\d{0,3}) (?P<salt>[0-9a-f]{32}) (?P<nonce>[0-9a-f]{24})",
    re.ASCII,
)


class SealError(ValueError):
    """Sealed bytes that cannot be opened, and why."""


def is_sealed(data: bytes) -> bool:
    """Return whether ``data`` claims to be under a passphrase."""
    return data.startswith(_MAGIC)


def seal(data: bytes, origin: str, passphrase: str) -> bytes:
    """Return ``data``, which belongs to ``origin``, under ``passphrase``."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    words = f"v1 {origin} scrypt n={N} r={R} p={P} {salt.hex()} {nonce.hex()}\n"
    header = _MAGIC + words.encode()
    cipher = ChaCha20Poly1305(_derive(passphrase, salt, N, P))
    return header + base64.b64encode(cipher.encrypt(nonce, data, header)) + b"\n"


def origin_of(data: bytes) -> str:
    """Return the origin that the header names; `SealError` if it is none or of another version."""
    return _header(data)[0]["origin"]


def unseal(data: bytes, passphrase: str) -> bytes:
    """Return what `seal` was given; `SealError` for anything else, or another passphrase."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    words, header, rest = _header(data)
    try:
        sealed = base64.b64decode(rest.removesuffix(b"\n"), validate=True)
    except binascii.Error:
        raise SealError("it is cut short or damaged") from None
    if len(sealed) < 16 or base64.b64encode(sealed) + b"\n" != rest:
        raise SealError("it is cut short or damaged")
    salt, nonce = bytes.fromhex(words["salt"]), bytes.fromhex(words["nonce"])
    cipher = ChaCha20Poly1305(_derive(passphrase, salt, int(words["n"]), int(words["p"])))
    try:
        return cipher.decrypt(nonce, sealed, header)
    except InvalidTag:
        raise SealError("the passphrase is wrong, or the file was changed") from None


def _header(data: bytes) -> tuple[dict[str, str], bytes, bytes]:
    line, newline, rest = data.partition(b"\n")
    text = line.removeprefix(_MAGIC).decode(errors="replace")
    if not text.startswith("v1 "):
        raise SealError("its version is not one that this program knows")
    found = _HEADER.fullmatch(text)
    if not newline or found is None:
        raise SealError("its header is cut short or damaged")
    words = found.groupdict()
    n, r, p = int(words["n"]), int(words["r"]), int(words["p"])
    if not N <= n <= MAX_N or n & (n - 1) or r != R or p > MAX_P:
        raise SealError(
            f"its parameters n={n} r={r} p={p} are out of bounds (n a power of two "
            f"from {N} to {MAX_N}, r {R}, p at most {MAX_P})"
        )
    return words, line + newline, rest


def _derive(passphrase: str, salt: bytes, n: int, p: int) -> bytes:
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    memory = 128 * R * (n + p + 2)
    return hashlib.scrypt(secret, salt=salt, n=n, r=R, p=p, maxmem=2 * memory, dklen=32)
