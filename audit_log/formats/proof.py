"""Proofs that travel as files: an entry is in a log, one checkpoint continues another.

Inclusion (C2SP tlog-proof v1, by convention ``NAME.tlog-proof``):

    c2sp.org/tlog-proof@v1
    extra b3BhcXVl                                 base64 of anything, not authenticated, if any
    index 3
    9fD1…=                                         hashes from the leaf's sibling up to the root's
    …                                              child, each on a line; at most 63
                                                   an empty line
    example.org/log                                the signed checkpoint, verbatim
    …

Consistency: the hashes alone, each on a line, as in the body of add-checkpoint (C2SP
tlog-witness); no line at all where the old tree is empty, or as large as the new one.
Pure: bytes in, values out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from repro.audit_log.errors import NoteError, NotIncludedError, ProofError, QuorumError

from .checkpoint import MAX_SIZE, Checkpoint
from .note import MAX_NOTE
from .note_key import decode_base64
from .policy import Judgement, Policy
from .tree import (
    HASH_SIZE,
    implied_roots,
    inclusion_length,
    verify_consistency,
    verify_inclusion,
)

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63
"""Hashes in a proof: a tree of fewer than 2^63 leaves is not higher."""
MAX_EXTRA: Final = 65_536
"""Bytes of extra data."""
MAX_PROOF: Final = MAX_NOTE + 100_000
"""Bytes of an inclusion proof, its checkpoint included."""
_HASH_LINE: Final = 45
"""Bytes of a hash in base64, with its newline."""
MAX_CONSISTENCY: Final = MAX_HASHES * _HASH_LINE
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That an entry stands at a place in a log; nothing of it has been checked."""

    index: int
    """From 0 on."""
    hashes: tuple[bytes, ...]
    """Of 32 bytes each, from the leaf's sibling up to the root's child."""
    checkpoint: bytes
    """The signed note, verbatim."""
    extra: bytes | None = None
    """Not empty. Whoever passes the proof on can change it: trust nothing in it."""


def parse_proof(data: bytes) -> TlogProof:
    """Return the proof that ``data`` spells; raise `ProofError` for any other bytes.

    The checkpoint in it is not looked at: see `check_proof`.
    """
    if len(data) > MAX_PROOF:
        raise ProofError(f"more than {MAX_PROOF} bytes")
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator:
        raise ProofError("no empty line with a checkpoint after it")
    first, *lines = _ascii(head).split("\n")
    if first != HEADER:
        raise ProofError(f"the first line is not {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _base64(lines.pop(0).removeprefix("extra "), "extra data")
    if not lines or not lines[0].startswith("index "):
        raise ProofError("no line with the index")
    index = _decimal(lines.pop(0).removeprefix("index "))
    proof = TlogProof(index, _hashes(lines), checkpoint, extra)
    _check_extra(extra)
    return proof


def format_proof(proof: TlogProof) -> bytes:
    """Return the bytes of a proof; `ProofError` if they could not be read again."""
    if not 0 <= proof.index <= MAX_SIZE:
        raise ProofError(f"no index: {proof.index}")
    _check_extra(proof.extra)
    extra = "" if proof.extra is None else f"extra {base64.b64encode(proof.extra).decode()}\n"
    head = f"{HEADER}\n{extra}index {proof.index}\n".encode()
    data = head + format_consistency(proof.hashes) + b"\n" + proof.checkpoint
    if len(data) > MAX_PROOF:
        raise ProofError(f"more than {MAX_PROOF} bytes")
    return data


def check_proof(proof: TlogProof, policy: Policy, leaf: bytes) -> Judgement:
    """Return what ``policy`` says of the checkpoint once ``proof`` has led from ``leaf`` to it.

    ``leaf`` is the hash of the entry (`tree.leaf_hash`). Raises what `Policy.judge` raises;
    `NotIncludedError` if the hashes do not lead to the signed root; `QuorumError` if the quorum
    has not cosigned it.
    """
    judgement = policy.judge(proof.checkpoint)
    checkpoint = judgement.checkpoint
    if proof.index >= checkpoint.size:
        raise NotIncludedError(
            f"the proof is of entry {proof.index}, the checkpoint of {checkpoint.size} entries"
        )
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        raise NotIncludedError(
            f"the hashes do not lead from this entry at {proof.index} to the signed root"
        )
    if not judgement.met:
        raise QuorumError(judgement.missing)
    return judgement


def proof_size(index: int, size: int, checkpoint: int, extra: int | None = None) -> int:
    """Return how many bytes the proof of entry ``index`` among ``size`` has.

    ``checkpoint`` and ``extra`` are the bytes of the signed note and of the extra data. At a
    billion entries and with a checkpoint of 200 bytes that is about 1.6 kB.
    """
    words = 0 if extra is None else len("extra \n") + 4 * ((extra + 2) // 3)
    head = len(HEADER) + len("\nindex \n") + len(str(index)) + words
    return head + _HASH_LINE * inclusion_length(index, size) + len("\n") + checkpoint


def parse_consistency(data: bytes) -> tuple[bytes, ...]:
    """Return the hashes of a consistency proof's file; raise `ProofError` for other bytes."""
    if len(data) > MAX_CONSISTENCY:
        raise ProofError(f"more than {MAX_HASHES} hashes")
    *lines, rest = _ascii(data).split("\n")
    if rest:
        raise ProofError("the last line does not end in a newline")
    return _hashes(lines)


def format_consistency(hashes: Sequence[bytes]) -> bytes:
    """Return the lines of ``hashes``; `ProofError` if one is none, or if they are too many."""
    if len(hashes) > MAX_HASHES or any(len(node) != HASH_SIZE for node in hashes):
        raise ProofError(f"more than {MAX_HASHES} hashes, or one that is not of {HASH_SIZE} bytes")
    return b"".join(base64.b64encode(node) + b"\n" for node in hashes)


def relation(
    old: Checkpoint, new: Checkpoint, hashes: Sequence[bytes]
) -> Literal["extends", "forked", "unjoined"]:
    """Return what ``hashes`` show of two checkpoints of one log, both of which it has signed.

    ``extends``: the new tree begins with all leaves of the old one. ``forked``: it does not, and
    that is proven: two roots of one size, or hashes that lead to the new root and to another old
    one (`tree.implied_roots`; an old size that is a power of two takes the root of these leaves in
    the new tree as the first hash). ``unjoined``: the hashes say nothing about the log.
    """
    if old.origin != new.origin or old.size > new.size:
        return "unjoined"
    if verify_consistency(old.size, old.root, new.size, new.root, hashes):
        return "extends"
    if old.size == new.size:
        return "unjoined" if old.root == new.root else "forked"
    roots = implied_roots(old.size, new.size, hashes)
    if roots is not None and roots[1] == new.root and roots[0] != old.root:
        return "forked"
    return "unjoined"


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_HASHES:
        raise ProofError(f"more than {MAX_HASHES} hashes")
    found = tuple(_base64(line, "hash") for line in lines)
    if any(len(node) != HASH_SIZE for node in found):
        raise ProofError(f"a hash that is not of {HASH_SIZE} bytes")
    return found


def _check_extra(extra: bytes | None) -> None:
    if extra is not None and not 1 <= len(extra) <= MAX_EXTRA:
        raise ProofError(f"extra data of {len(extra)} bytes: leave it out, or 1 to {MAX_EXTRA}")


def _decimal(text: str) -> int:
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise ProofError("the index is not a decimal number below 2^63 without leading zeros")
    return int(text)


def _base64(text: str, what: str) -> bytes:
    try:
        return decode_base64(text, what)
    except NoteError as error:
        raise ProofError(str(error)) from None


def _ascii(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise ProofError(f"not ASCII at byte {error.start}") from None
