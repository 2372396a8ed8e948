"""Cosignatures (C2SP tlog-cosignature v1.1): a signature that says *when*, over a checkpoint.

The signature in a note's line is 8 bytes of time, big-endian, seconds since 1970, and then the bare
signature. What is signed:

    0x04 Ed25519      cosignature/v1 ⏎ time T ⏎, then the text of the note
    0x06 ML-DSA-44    "subtree/v1" ⏎ 0x00 ‖ len ‖ cosigner's name ‖ time[8] ‖ len ‖ origin
                      ‖ 0[8] ‖ size[8] ‖ root[32]            (``cosigned_message``, start = 0)
"""

from __future__ import annotations

from typing import Final

from repro.audit_log.errors import CheckpointError, NoteError

from .checkpoint import parse_checkpoint
from .note_key import MLDSA44_COSIGNATURE, Signer, Verifier, is_signed, sign_bytes

MAX_TIME: Final = 2**63 - 1
_LABEL: Final = b"subtree/v1\n\0"


def cosign(signer: Signer, text: str, time: int) -> bytes:
    """Return the timestamped signature of the checkpoint ``text`` at ``time`` (POSIX seconds)."""
    if not 0 <= time <= MAX_TIME:
        raise NoteError(f"not a time that can be signed: {time}")
    message = _message(signer.name, signer.kind, text, time)
    return time.to_bytes(8, "big") + sign_bytes(signer, message)


def cosigned_at(verifier: Verifier, text: str, signature: bytes) -> int | None:
    """Return the time of a cosignature over ``text``; None if it is not one by this key."""
    if len(signature) <= 8:
        return None
    time = int.from_bytes(signature[:8], "big")
    if time > MAX_TIME:
        return None
    try:
        message = _message(verifier.name, verifier.kind, text, time)
    except NoteError:
        return None
    return time if is_signed(verifier, message, signature[8:]) else None


def _message(name: str, kind: int, text: str, time: int) -> bytes:
    try:
        checkpoint = parse_checkpoint(text)  # a cosignature is about a tree, and about nothing else
    except CheckpointError as error:
        raise NoteError(f"only a checkpoint can be cosigned: {error}") from None
    if kind != MLDSA44_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    return b"".join(
        (
            _LABEL,
            _short(name),
            time.to_bytes(8, "big"),
            _short(checkpoint.origin),
            bytes(8),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise NoteError(f"a name of {len(data)} bytes cannot be cosigned: at most 255")
    return bytes([len(data)]) + data
