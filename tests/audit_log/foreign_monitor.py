"""A monitor of a published log, written from c2sp.org/tlog-tiles, signed-note and RFC 6962 alone.

It imports nothing of the project (``mth`` is the tests' own), and reads a folder as a client
reads a URL prefix.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .reference import mth


def coded(n: int) -> str:
    """Return <N>: three digits a path element, all but the last with an x."""
    digits = str(n)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + part for part in parts[:-1]] + parts[-1:])


def fetch(prefix: Path, kind: str, n: int, width: int) -> bytes:
    """GET <prefix>/tile/<kind>/<N>[.p/<W>]."""
    suffix = "" if width == 256 else f".p/{width}"
    return (prefix / f"tile/{kind}/{coded(n)}{suffix}").read_bytes()


def checkpoint(prefix: Path, vkey: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of the checkpoint, signed by the Ed25519 key ``vkey``."""
    name, key_id, key = vkey.split("+", 2)
    kind_and_key = base64.b64decode(key)
    assert kind_and_key[0] == 1
    assert hashlib.sha256(name.encode() + b"\n" + kind_and_key).hexdigest()[:8] == key_id
    text, _, signatures = (prefix / "checkpoint").read_text("utf-8").rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        assert dash == "\N{EM DASH}"
        raw = base64.b64decode(blob)
        if signer == name and raw[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(kind_and_key[1:]).verify(raw[4:], text.encode())
            break
    else:
        raise AssertionError("not signed by the key")
    origin, size, root = text.splitlines()[:3]
    return origin, int(size), base64.b64decode(root)


def entries(prefix: Path, size: int) -> list[bytes]:
    """Return every entry, from the bundles."""
    found = []
    for n in range((size + 255) // 256):
        bundle = fetch(prefix, "entries", n, min(256, size - 256 * n))
        while bundle:
            (length,) = struct.unpack(">H", bundle[:2])
            assert len(bundle) >= 2 + length
            found.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert len(found) == size
    return found


def tree_from_tiles(prefix: Path, size: int) -> bytes:
    """Return the root, from the rightmost tiles of every level alone, as a light client does."""

    def mth_of(low: int, high: int) -> bytes:
        count = high - low
        if count & (count - 1) == 0:
            level, rest = 0, count
            while rest >= 256:
                level, rest = level + 1, rest // 256
            index = low // 256**level
            width = size // 256**level - index // 256 * 256
            tile = fetch(prefix, str(level), index // 256, min(256, width))
            hashes = [tile[32 * i : 32 * i + 32] for i in range(len(tile) // 32)]
            return up(hashes[index % 256 : index % 256 + rest])
        k = 1 << ((count - 1).bit_length() - 1)
        return node(mth_of(low, low + k), mth_of(low + k, high))

    return mth_of(0, size)


def up(hashes: list[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node(left, right) for left, right in pairs]
    return hashes[0]


def node(left: bytes, right: bytes) -> bytes:
    """Return an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def monitor(prefix: Path, vkey: str) -> list[bytes]:
    """Read a log as a monitor: all entries, held against the signed root and all tiles."""
    _, size, root = checkpoint(prefix, vkey)
    found = entries(prefix, size)
    assert mth(found) == root
    assert tree_from_tiles(prefix, size) == root
    level, hashes = 0, [hashlib.sha256(b"\x00" + entry).digest() for entry in found]
    while hashes:
        for n in range((len(hashes) + 255) // 256):
            tile = hashes[256 * n : 256 * n + 256]
            assert fetch(prefix, str(level), n, len(tile)) == b"".join(tile)
        full = len(hashes) // 256
        hashes = [up(hashes[256 * n : 256 * n + 256]) for n in range(full)]
        level += 1
    return found
