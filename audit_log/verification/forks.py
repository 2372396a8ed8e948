"""Two signed checkpoints of one log that contradict each other: proof that can be carried on.

The evidence is one canonical JSON object (RFC 8785), and whoever holds it needs only the log's
public key:

    format     "repro-audit v1 fork"
    older      the text of the signed note with the smaller size (or, of equal sizes, one of them)
    newer      the text of the other signed note
    root       what the first records of ``newer`` really hash to, 64 hexadecimal digits
    proof      RFC 6962 consistency proof from ``root`` at the size of ``older`` to the root of
               ``newer``: a list of 64 hexadecimal digits each

The newer tree has ``root`` over its first records, and the older note signs another: no log can
have grown from one to the other. Of equal sizes the two roots say all: ``root`` is that of
``newer`` and ``proof`` is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import sync_directory, write_new
from repro.audit_log.errors import CanonicalError, CheckpointError, LogUnusableError, NoteError
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note
from repro.audit_log.formats.note_key import Verifier
from repro.audit_log.formats.tree import Frontier, verify_consistency

from .faults import Report

FORMAT: Final = "repro-audit v1 fork"
MAX_EVIDENCE: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Fork:
    """What evidence shows: one log, two heads, and that no proof can join them."""

    older: Checkpoint
    newer: Checkpoint
    root: bytes
    """Root over the first ``older.size`` records of the newer tree; not the root of ``older``."""


def make_evidence(
    older: bytes, newer: bytes, sizes: tuple[int, int], leaves: Iterable[bytes]
) -> bytes:
    """Return evidence of two signed notes; ``leaves`` are the leaf hashes of ``newer``."""
    root, proof = _from_leaves(*sizes, leaves)
    value = {
        "format": FORMAT,
        "older": older.decode(),
        "newer": newer.decode(),
        "root": root.hex(),
        "proof": [node.hex() for node in proof],
    }
    return canonical(value)


def make_evidence_of_equals(older: bytes, newer: bytes, root: bytes) -> bytes:
    """Return evidence of two signed notes of one size, ``root`` being that of ``newer``."""
    value = {"format": FORMAT, "older": older.decode(), "newer": newer.decode()}
    return canonical({**value, "root": root.hex(), "proof": []})


def check_evidence(data: bytes, verifiers: Sequence[Verifier]) -> Fork:
    """Return what ``data`` proves; raise `NoteError` if it proves nothing.

    ``verifiers`` are the public keys of the log; both notes must be signed by one that is named
    after the origin. Nothing else is needed, neither the log nor this project's other files.
    """
    older_note, newer_note, root, proof = _parse(data)
    older, newer = _opened(older_note, verifiers), _opened(newer_note, verifiers)
    if older.origin != newer.origin:
        raise NoteError(f"two logs: {older.origin} and {newer.origin}")
    if older.size > newer.size:
        raise NoteError("the older note has more records than the newer")
    if root == older.root:
        raise NoteError("the two notes do not contradict each other")
    if not verify_consistency(older.size, root, newer.size, newer.root, proof):
        raise NoteError("the tree hashes do not lead to the newer root")
    return Fork(older, newer, root)


def write_evidence(report: Report, directory: Path) -> Path | None:
    """Write the evidence in ``report`` to a file of its own; return where, None if there is none.

    Durable on return; its name is that of its content, so that it can be written twice.
    """
    if not report.fork:
        return None
    data = report.fork.encode()
    path = directory / f"fork-{sha256(data).hexdigest()[:32]}.json"
    try:
        write_new(path, data)
        sync_directory(directory)
    except OSError as error:
        raise LogUnusableError(f"cannot write evidence to {path}: {error.strerror}") from error
    return path


def _parse(data: bytes) -> tuple[str, str, bytes, list[bytes]]:
    if len(data) > MAX_EVIDENCE:
        raise NoteError(f"longer than {MAX_EVIDENCE} bytes")
    try:
        value = parse(data)
    except CanonicalError as error:
        raise NoteError(f"not evidence of a fork: {error}") from None
    match value:
        case {
            "format": str(format_),
            "older": str(older),
            "newer": str(newer),
            "root": str(root),
            "proof": list(proof),
            **rest,
        } if format_ == FORMAT and not rest:
            return older, newer, _hash(root), [_hash(node) for node in proof]
    raise NoteError("not evidence of a fork")


def _hash(text: object) -> bytes:
    try:
        if isinstance(text, str) and len(text) == 64 and text == text.lower():
            return bytes.fromhex(text)
    except ValueError:
        pass
    raise NoteError("not 64 hexadecimal digits")


def _opened(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    try:
        opened = open_note(note.encode(), verifiers)
        checkpoint = parse_checkpoint(opened.text)
    except CheckpointError as error:
        raise NoteError(f"not a checkpoint: {error}") from None
    # A key signs for the origin that it is named after; a witness has signed what it was shown.
    if all(verified.verifier.name != checkpoint.origin for verified in opened.verified):
        raise NoteError(f"not signed by a key of {checkpoint.origin}")
    return checkpoint


def _from_leaves(old: int, new: int, leaves: Iterable[bytes]) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the root at ``old`` and the proof to ``new`` (RFC 6962 §2.1.2), in flat memory."""
    wanted = list(_subtrees(old, new))
    trees = {(low, high): Frontier() for low, high in [*wanted, (0, old)]}
    for index, leaf in enumerate(leaves):
        if index == new:
            break
        for (low, high), tree in trees.items():
            if low <= index < high:
                tree.append(leaf)
    return trees[0, old].root(), tuple(trees[place].root() for place in wanted)


def _subtrees(old: int, new: int) -> Iterator[tuple[int, int]]:
    """Yield the subtrees, first and behind-last leaf, whose roots are the proof, in its order."""
    if old in (0, new):
        return
    path: list[tuple[int, int]] = []
    low, high, whole = 0, new, True
    while high != old:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if old <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low, whole = middle, False
    if not whole:
        path.append((low, high))
    yield from reversed(path)
