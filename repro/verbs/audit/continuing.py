"""What a store publishes already, and whether the log here continues it; else the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NoReturn, Protocol

from repro.audit_log.errors import CheckpointError, NoteError
from repro.audit_log.formats import tiled
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, split
from repro.audit_log.formats.tree import HASH_SIZE, Frontier
from repro.audit_log.storage.layout import MAX_CHECKPOINT
from repro.audit_log.verification.forks import make_evidence, make_evidence_of_equals
from repro.errors import InputError, IntegrityError
from repro.verbs.audit.files import write_files
from repro.verbs.audit.reading import Reader, keys_named


class Readable(Protocol):
    """Where a log is published."""

    @property
    def shown(self) -> str:
        """Its address as it may be shown."""

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The checkpoint that a store has: one that the log here continues."""

    note: bytes = b""
    """Empty if there is none."""
    size: int = 0


def standing(reader: Reader, store: Readable, evidence: Path | None = None) -> Standing:
    """Return what is published, known to be a beginning of the log that ``reader`` reads.

    InputError if another log is published there; IntegrityError if what is there is not signed by
    this log, is more than is here, or contradicts it. Proof of a fork is written to a file of its
    own in the folder ``evidence``.
    """
    if evidence is not None and not evidence.is_dir():
        raise InputError(f"no folder for evidence: {evidence}", "make it first")
    note = store.read(tiled.CHECKPOINT, MAX_CHECKPOINT)
    if note is None:
        return Standing()
    there, here = _checkpoint(reader, store, note), reader.head.checkpoint
    if there.size <= here.size:
        if reader.tiles.root(there.size) == there.root:
            return Standing(note, there.size)
        _forked(reader, store, note, there, evidence)
    leaves = list(_leaves(store, there.size))
    if _root(leaves, there.size) != there.root:
        raise IntegrityError(
            f"{store.shown} publishes {there.size} records, {here.size} are here, and its tiles "
            "do not lead to its own checkpoint",
            f"keep both as they are; look at it: repro audit verify --from {store.shown}",
        )
    if _root(leaves, here.size) != here.root:
        _forked(reader, store, note, there, evidence)
    raise IntegrityError(
        f"the log was rolled back: {store.shown} publishes {there.size} records, and the "
        f"checkpoint here covers {here.size} of them",
        "records are lost here: AUDIT_LOG was put back from an older copy, or cut. Look for the "
        "newer one, and append nothing until it is found",
    )


def _checkpoint(reader: Reader, store: Readable, note: bytes) -> Checkpoint:
    """Return a published checkpoint, signed by a key of the log here."""
    try:
        found = parse_checkpoint(split(note)[0])
    except (NoteError, CheckpointError) as error:
        raise IntegrityError(
            f"what {store.shown} has for a checkpoint is none: {error}",
            "it was not written by repro, or it was changed; keep it, and publish elsewhere",
        ) from None
    origin = reader.head.checkpoint.origin
    if found.origin != origin:
        raise InputError(
            f"{store.shown} publishes another log: {found.origin}, and this one is {origin}",
            "each log has a place of its own: name another one",
        )
    rotations = keys_named(reader.directory, rotated=True)
    keys = dict.fromkeys(key for epoch in rotations.epochs for key in epoch.keys)
    try:
        open_note(note, list(keys))
    except NoteError as error:
        raise IntegrityError(
            f"the checkpoint at {store.shown} is not signed by this log: {error}",
            "it was changed, or somebody else signs in this log's name; keep it as it is",
        ) from None
    return found


def _forked(
    reader: Reader, store: Readable, note: bytes, there: Checkpoint, evidence: Path | None
) -> NoReturn:
    """Raise what is to be said of two signed notes that contradict each other; write the proof."""
    here, own = reader.head.checkpoint, reader.head.note
    if there.size == here.size:
        data = make_evidence_of_equals(note, own, here.root)
    elif there.size < here.size:
        ours = (reader.tiles.leaf(number) for number in range(here.size))
        data = make_evidence(note, own, (there.size, here.size), ours)
    else:
        theirs = _leaves(store, there.size)
        data = make_evidence(own, note, (here.size, there.size), theirs)
    hint = "the proof of it, which anybody can check: the same command with --evidence DIR"
    if evidence is not None:
        path = evidence / f"fork-{sha256(data).hexdigest()[:32]}.json"
        if not path.exists():
            write_files({path: data})
        hint = f"the proof is in {path}; check it: repro-verify fork {path} --vkey KEY"
    raise IntegrityError(
        f"forked: this log signed {there.size} records that {store.shown} publishes, and "
        f"{here.size} that are here, and neither continues the other; nothing was written",
        hint,
    )


def _leaves(store: Readable, size: int) -> Iterator[bytes]:
    """Yield the leaf hashes that a store publishes."""
    for index, width in tiled.bundles(size):
        for wide in dict.fromkeys((width, tiled.WIDTH)):
            path = tiled.path_of("tile/0", index, wide)
            data = store.read(path, tiled.WIDTH * HASH_SIZE + 1)
            if data is not None and len(data) == wide * HASH_SIZE:
                break
        else:
            return
        for number in range(width):
            yield data[number * HASH_SIZE : (number + 1) * HASH_SIZE]


def _root(leaves: list[bytes], size: int) -> bytes | None:
    """Return the root over the first ``size`` leaves; None if there are fewer."""
    if len(leaves) < size:
        return None
    frontier = Frontier()
    for leaf in leaves[:size]:
        frontier.append(leaf)
    return frontier.root()
