"""Checkpoints (C2SP tlog-checkpoint v1.0.0): the signed head of a log.

The text of the note is three lines: origin, size in decimal, root in base64. Lines after these
are extensions; ours has none and we accept none.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from repro.audit_log.errors import CheckpointError

from .note import is_name
from .tree import EMPTY_ROOT, HASH_SIZE

MAX_ORIGIN = 255


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many records a log has, and the root over them."""

    origin: str
    size: int
    root: bytes
    """32 bytes (RFC 6962)."""


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the three lines of ``checkpoint``."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that ``text`` spells; raise `CheckpointError` for any other text."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise CheckpointError("not exactly three lines")
    origin, digits, encoded = lines[:3]
    if not is_name(origin) or len(origin.encode()) > MAX_ORIGIN:
        raise CheckpointError("the first line is not an origin")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
        raise CheckpointError("the second line is not a decimal size")
    try:
        root = base64.b64decode(encoded.encode(), validate=True)
    except binascii.Error:
        raise CheckpointError("the third line is not base64") from None
    if len(root) != HASH_SIZE:
        raise CheckpointError(f"the root has {len(root)} bytes, not {HASH_SIZE}")
    checkpoint = Checkpoint(origin, int(digits), root)
    if checkpoint.size == 0 and root != EMPTY_ROOT:
        raise CheckpointError("the root over no records is not that of the empty tree")
    # Parse, then format again: only the one canonical spelling is accepted.
    if format_checkpoint(checkpoint) != text:
        raise CheckpointError("not in canonical form")
    return checkpoint
