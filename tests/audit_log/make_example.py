"""Make the worked example of docs/log-format.md, with nothing of the code under test.

    python tests/audit_log/make_example.py

prints its blocks by name. The key is public on purpose: 32 times the byte 0x2a.
"""

from __future__ import annotations

import base64
import hashlib
import sys

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "example.org/log"
SEED = b"\x2a" * 32
SALT = bytes(range(32))


def blocks() -> dict[str, str]:
    """Return every value that the document shows, by the name that it has there."""
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    typed = b"\x01" + key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + typed).digest()[:4]
    vkey = f"{ORIGIN}+{key_id.hex()}+{b64(typed)}"
    value = '{"host":"engine","how":"example","user":"ada"}'
    committed = blake3(
        SALT + f'["actor",{value}]'.encode(), derive_key_context="repro-audit v1 commitment"
    ).hexdigest()
    tool = '{"name":"example","version":"1"}'
    body = f'{{"format":"repro-audit v1","origin":"{ORIGIN}","vkeys":["{vkey}"]}}'
    first = (
        f'{{"actor":{{"commitment":"{committed}"}},"body":{body},"nonce":"{"0" * 32}",'
        f'"prev":"{"0" * 64}","seq":0,"time":"2025-01-31T12:00:00.000000Z","tool":{tool},'
        '"type":"log.created"}'
    ).encode()
    hash0 = line_hash(first)
    second = (
        f'{{"actor":{{"commitment":"{committed}"}},"body":{{"rate":0.05,"text":"é"}},'
        f'"nonce":"{"1" * 32}","prev":"{hash0}","seq":1,"time":"2025-01-31T12:00:01.000000Z",'
        f'"tool":{tool},"type":"incident"}}'
    ).encode()
    leaves = [hashlib.sha256(b"\x00" + line).digest() for line in (first, second)]
    root = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    text = f"{ORIGIN}\n2\n{b64(root)}\n"
    signature = key.sign(text.encode())
    note = f"{text}\n\u2014 {ORIGIN} {b64(key_id + signature)}\n"
    return {
        "vkey": vkey,
        "opening": f'{{"path":"actor","salt":"{SALT.hex()}","value":{value}}}',
        "commitment": committed,
        "line 0": first.decode(),
        "hash 0": hash0,
        "line 1": second.decode(),
        "hash 1": line_hash(second),
        "leaf 0": leaves[0].hex(),
        "leaf 1": leaves[1].hex(),
        "root": root.hex(),
        "checkpoint": note,
        "proof": f"c2sp.org/tlog-proof@v1\nindex 1\n{b64(leaves[0])}\n\n{note}",
    }


def b64(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode()


def line_hash(line: bytes) -> str:
    """Return the hash of a line."""
    return blake3(line, derive_key_context="repro-audit v1 line").hexdigest()


if __name__ == "__main__":
    for name, shown in blocks().items():
        sys.stdout.write(f"== {name}\n{shown}\n")
