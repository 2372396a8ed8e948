"""The call ``add-checkpoint`` (C2SP tlog-witness v1.0.0): requests and answers. Pure.

old 20852014                     the size that the witness is thought to hold
PlRNCrwHpqhGrupue0L7gxbj…        up to 63 hashes: the proof of RFC 6962 §2.1.2, in base64
                                 an empty line
example.com/behind-the-sofa      the checkpoint, a signed note
…
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from repro.audit_log.errors import CheckpointError, NoteError
from repro.audit_log.formats.checkpoint import MAX_SIZE, Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import Signature, signature_line, split
from repro.audit_log.formats.note_key import decode_base64
from repro.audit_log.formats.tree import HASH_SIZE, verify_consistency

PATH: Final = "/add-checkpoint"
MAX_PROOF: Final = 63
MAX_BODY: Final = 262_144
"""Bytes of a request or an answer: some 75 signatures of the largest kind."""
TEXT: Final = "text/plain; charset=utf-8"
SIZE_TYPE: Final = "text/x.tlog.size"

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class RequestError(ValueError):
    """A body that is no add-checkpoint request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks of a witness."""

    old: int
    """The size of the tree that the proof starts from."""
    proof: tuple[bytes, ...]
    """At most 63 hashes of 32 bytes."""
    note: bytes
    """The signed checkpoint; no signature of it is checked yet."""
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a witness: an HTTP status, a body, and the type of the body."""

    status: int
    body: str
    content_type: str = TEXT


def parse_request(body: bytes) -> Request:
    """Return the request in ``body``; raise `RequestError` for anything else."""
    head, separator, note = body.partition(b"\n\n")
    if not separator:
        raise RequestError("no empty line before the checkpoint")
    try:
        first, *rest = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise RequestError("the lines before the checkpoint are not ASCII") from None
    word, _, digits = first.partition(" ")
    old = parse_size(digits)
    if word != "old" or old is None:
        raise RequestError("the first line is not `old` and a size")
    if len(rest) > MAX_PROOF:
        raise RequestError(f"more than {MAX_PROOF} hashes")
    try:
        proof = tuple(decode_base64(line, "hash") for line in rest)
        checkpoint = parse_checkpoint(split(note)[0])
    except (NoteError, CheckpointError) as error:
        raise RequestError(str(error)) from None
    if any(len(node) != HASH_SIZE for node in proof):
        raise RequestError(f"a hash that has not {HASH_SIZE} bytes")
    return Request(old, proof, note, checkpoint)


def format_request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """Return the body that asks to cosign ``note``, proven from size ``old``."""
    lines = [f"old {old}", *(base64.b64encode(node).decode() for node in proof)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + note


def parse_size(text: str) -> int | None:
    """Return the size that ``text`` spells in decimal; None for any other text."""
    if not _NUMBER.fullmatch(text):
        return None
    size = int(text)
    return size if size <= MAX_SIZE else None


def judge(request: Request, latest: Checkpoint) -> Answer | None:
    """Return why ``request``, whose signature is good, is refused; None if it is to be cosigned.

    ``latest`` is what was cosigned last for this origin: size 0 if nothing was.
    """
    new = request.checkpoint
    if request.old > new.size:
        return Answer(400, "the old size is beyond that of the checkpoint\n")
    if request.old != latest.size:
        return Answer(409, f"{latest.size}\n", SIZE_TYPE)
    if is_contradiction(new, latest):
        return Answer(409, "another root was cosigned for this size\n")
    if not verify_consistency(latest.size, latest.root, new.size, new.root, request.proof):
        return Answer(422, "the proof does not lead from the latest cosigned tree to this one\n")
    return None


def is_contradiction(one: Checkpoint, other: Checkpoint) -> bool:
    """Return whether two checkpoints of one log, both signed, prove that it lies."""
    return one.size == other.size and one.root != other.root


def cosigned(signatures: Iterable[Signature]) -> Answer:
    """Return the answer that hands out cosignatures."""
    return Answer(200, "".join(signature_line(signature) for signature in signatures))
