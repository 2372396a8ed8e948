"""A second builder of notes, cosignatures, policies and proofs, written from the C2SP texts alone.

It imports nothing of the project: only hashlib, base64, struct and the bare signing primitives.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from . import reference


@dataclass(frozen=True)
class Key:
    """A private key under a name, of the type 0x01, 0x04 or 0x06."""

    name: str
    seed: int
    kind: int = 1

    def private(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        """Return the bare private key."""
        seed = bytes([self.seed]) * 32
        if self.kind == 6:
            return MLDSA44PrivateKey.from_seed_bytes(seed)
        return Ed25519PrivateKey.from_private_bytes(seed)

    def public(self) -> bytes:
        """Return type and public key."""
        return bytes([self.kind]) + self.private().public_key().public_bytes_raw()

    def key_id(self) -> bytes:
        """Return the key id."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.public()).digest()[:4]

    def vkey(self) -> str:
        """Return the key as text."""
        return "+".join((self.name, self.key_id().hex(), base64.b64encode(self.public()).decode()))

    def line(self, text: str, time: int = 0) -> str:
        """Return a signature line over a checkpoint (or, with type 0x01, over any text)."""
        stamp = b"" if self.kind == 1 else struct.pack(">Q", time)
        signature = self.private().sign(self.message(text, time))
        data = base64.b64encode(self.key_id() + stamp + signature).decode()
        return f"\N{EM DASH} {self.name} {data}\n"

    def message(self, text: str, time: int) -> bytes:
        """Return what is signed."""
        if self.kind == 1:
            return text.encode()
        if self.kind == 4:
            return b"cosignature/v1\ntime %d\n" % time + text.encode()
        origin, size, root = text.split("\n")[:3]
        return cosigned_message(
            self.name.encode(), time, origin.encode(), 0, int(size), base64.b64decode(root)
        )


def cosigned_message(
    cosigner: bytes, timestamp: int, origin: bytes, start: int, end: int, root: bytes
) -> bytes:
    """Return the structure ``cosigned_message`` of tlog-cosignature (RFC 8446 presentation)."""
    return struct.pack(
        f">12sB{len(cosigner)}sQB{len(origin)}sQQ32s",
        b"subtree/v1\n\0",
        len(cosigner),
        cosigner,
        timestamp,
        len(origin),
        origin,
        start,
        end,
        root,
    )


def checkpoint(origin: str, leaves: list[bytes]) -> str:
    """Return the text of the checkpoint over leaf *data*."""
    root = base64.b64encode(reference.mth(leaves)).decode()
    return f"{origin}\n{len(leaves)}\n{root}\n"


def note(text: str, *keys: Key, time: int = 0) -> bytes:
    """Return the note of ``text``, signed by each key."""
    return (text + "\n" + "".join(key.line(text, time) for key in keys)).encode()


def proof(index: int, leaves: list[bytes], signed: bytes, extra: bytes | None = None) -> bytes:
    """Return a tlog-proof."""
    lines = ["c2sp.org/tlog-proof@v1"]
    if extra is not None:
        lines.append("extra " + base64.b64encode(extra).decode())
    lines.append(f"index {index}")
    lines += [base64.b64encode(node).decode() for node in reference.path(index, leaves)]
    return ("\n".join(lines) + "\n\n").encode() + signed


def consistency(old: int, leaves: list[bytes]) -> bytes:
    """Return a consistency proof's file."""
    nodes = reference.proof(old, leaves) if old else []
    return b"".join(base64.b64encode(node) + b"\n" for node in nodes)
