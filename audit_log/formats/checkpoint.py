"""Checkpoints (C2SP tlog-checkpoint v1.0.0): the signed head of a log.

The text of the note is three lines: origin, size in decimal, root in base64. Lines after these
are extensions, which nobody can audit: our log writes none and refuses to continue one that has.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from repro.audit_log.errors import CheckpointError

from .tree import EMPTY_ROOT, HASH_SIZE

MAX_ORIGIN: Final = 255
"""Bytes: the most that an ML-DSA-44 cosignature can speak of."""
MAX_SIZE: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many records a log has, and the root over them."""

    origin: str
    size: int
    """How many records it covers."""
    root: bytes
    """32 bytes (RFC 6962)."""
    extensions: tuple[str, ...] = ()
    """Opaque lines after the root."""


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the lines of ``checkpoint``, each ended by a newline."""
    root = base64.b64encode(checkpoint.root).decode()
    lines = (checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that ``text`` spells; raise `CheckpointError` for any other text."""
    *lines, end = text.split("\n")
    if len(lines) < 3 or end or not all(lines):
        raise CheckpointError("not at least three lines, each of them not empty")
    if any(character < " " for line in lines for character in line):
        raise CheckpointError("a control character")
    origin, digits, encoded = lines[:3]
    if len(origin.encode(errors="replace")) > MAX_ORIGIN:
        raise CheckpointError(f"the origin is longer than {MAX_ORIGIN} bytes")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
        raise CheckpointError("the second line is not a decimal size")
    try:
        root = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise CheckpointError("the third line is not base64") from None
    if len(root) != HASH_SIZE:
        raise CheckpointError(f"the root has {len(root)} bytes, not {HASH_SIZE}")
    checkpoint = Checkpoint(origin, int(digits), root, tuple(lines[3:]))
    if checkpoint.size > MAX_SIZE:
        raise CheckpointError("the second line is not a size below 2^63")
    if checkpoint.size == 0 and root != EMPTY_ROOT:
        raise CheckpointError("the root over no records is not that of the empty tree")
    # Parse, then format again: only the one canonical spelling is accepted.
    if format_checkpoint(checkpoint) != text:
        raise CheckpointError("not in canonical form")
    return checkpoint
