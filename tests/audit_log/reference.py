"""A slow and obvious second implementation of the formats, independent of the code under test.

Written from the documents alone: recursion as in RFC 6962, numbers as in ECMA-262, lines as in the
prose of the format. It imports nothing of the project.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from blake3 import blake3


def mth(leaves: list[bytes]) -> bytes:
    """Return MTH(D[n]) over leaf *data* (RFC 6962 §2.1)."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Return PATH(m, D[n]) (RFC 6962 §2.1.1)."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """Return PROOF(m, D[n]) (RFC 6962 §2.1.2)."""
    return subproof(m, leaves, True)


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b) (RFC 6962 §2.1.2)."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(n: int) -> int:
    """Return the largest power of two below n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def line_hash(line: bytes) -> str:
    """Return the hash of a line."""
    return blake3(line, derive_key_context="repro-audit v1 line").hexdigest()


def number(value: float) -> str:
    """Return Number::toString(value) (ECMA-262 6.1.6.1.20), finite values only."""
    if value == 0:
        return "0"
    if value < 0:
        return "-" + number(-value)
    parts = Decimal(repr(value)).normalize().as_tuple()
    s, k = "".join(map(str, parts.digits)), len(parts.digits)
    n = int(parts.exponent) + k
    if k <= n <= 21:
        return s + "0" * (n - k)
    if 0 < n <= 21:
        return s[:n] + "." + s[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + s
    e = ("+" if n - 1 > 0 else "-") + str(abs(n - 1))
    return s + "e" + e if k == 1 else s[0] + "." + s[1:] + "e" + e


def canonical(value: object) -> str:
    """Return the canonical text of a JSON value (RFC 8785)."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: list(key.encode("utf-16-be")))
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return '"' + "".join(map(character, value)) + '"'
    return json.dumps(value)


def character(c: str) -> str:
    """Return one character of a string as RFC 8785 §3.2.2.2 writes it."""
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"'}
    if c == "\\":
        return "\\\\"
    return short.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 32 else c)
