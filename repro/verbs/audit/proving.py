"""Proofs that are handed out: a record is in the log, the log continues an older checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

from repro.audit_log.errors import CheckpointError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import MAX_NOTE, open_note, split
from repro.audit_log.formats.note_key import Verifier
from repro.audit_log.formats.proof import TlogProof, format_consistency, format_proof
from repro.audit_log.formats.record import ENDS, PLANNED
from repro.audit_log.formats.tree import leaf_hash
from repro.audit_log.storage.layout import CHECKPOINT
from repro.errors import InputError, IntegrityError, UsageError
from repro.verbs.audit.files import read_input, write_files
from repro.verbs.audit.reading import COMMIT_FIRST, Head, Reader, keys_named, reading
from repro.verbs.audit.showing import number_of

SUFFIX: Final = ".tlog-proof"


@dataclass(frozen=True, slots=True)
class Proven:
    """What was written for one record."""

    seq: int
    leaf: str
    """Its leaf hash, in hex."""
    proof: Path
    entry: Path | None
    """The raw line; None if it was pruned."""
    command: str
    """What checks it, for whoever has the key from somewhere else."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        entry = None if self.entry is None else str(self.entry)
        return {
            "seq": self.seq,
            "leaf_hash": self.leaf,
            "proof": str(self.proof),
            "entry": entry,
            "verify": self.command,
        }


@dataclass(frozen=True, slots=True)
class Continued:
    """What was written to show that the log continues an older checkpoint."""

    old: Checkpoint
    new: Checkpoint
    proof: Path
    command: str


def prove(root: Path, what: str, out: Path | None = None) -> tuple[Proven, ...]:
    """Write a ``.tlog-proof`` for a record, or for the plan and the end of a run, and the lines.

    ``what`` is a number or names a run. ``out`` is a file for a record, or a folder that exists.
    Nothing is overwritten. UsageError if there is no such record or no such run; InputError if it
    is not committed yet or cannot be written.
    """
    with reading(root) as reader:
        number = number_of(what)
        if number is not None:
            name, seqs = str(number), [number]
        else:
            run = reader.run_called(what)
            records = [found.record for found in reader.of_run(run)]
            seqs = [r.seq for r in records if r.type in ENDS | PLANNED]
            seqs = seqs or [record.seq for record in records]
            name = ""
            if not seqs:
                raise UsageError(f"the log says nothing of run {run}")
        folder = out if out is not None and out.is_dir() else None
        if out is not None and folder is None and len(seqs) > 1:
            raise UsageError(
                f"a run has {len(seqs)} proofs, and {out} is not a folder", "name one with -o"
            )
        made, files = [], {}
        for seq in seqs:
            stem = name or f"{run}-{seq}"
            path = (folder or Path()) / f"{stem}{SUFFIX}"
            if out is not None and folder is None:
                path = out
            one, data = _proven(reader, seq, path)
            made.append(one)
            files.update(data)
        write_files(files)
        return tuple(made)


def prove_consistency(root: Path, old: Path, out: Path | None = None) -> Continued:
    """Write the proof that the log continues the checkpoint in the file ``old``.

    IntegrityError if it does not: the older one is then evidence. InputError if ``old`` is no
    checkpoint of this log.
    """
    note = read_input(old, MAX_NOTE, "the checkpoint")
    with reading(root) as reader:
        older = parse_note(reader, note, old)
        newer = reader.head.checkpoint
        if older.size > newer.size:
            raise IntegrityError(
                f"the log was rolled back: {old} covers {older.size} records, the log's own "
                f"checkpoint {newer.size}",
                f"look at it: repro audit verify --checkpoint {quote(str(old))}",
            )
        if reader.tiles.root(older.size) != older.root:
            raise IntegrityError(
                f"the log does not continue {old}: its first {older.size} records are others",
                f"look at it: repro audit verify --checkpoint {quote(str(old))} --evidence DIR",
            )
        path = out or Path(f"{older.size}-{newer.size}.consistency")
        current = path.with_suffix(".checkpoint")
        if current == path:
            current = Path(f"{path}.checkpoint")
        proof = format_consistency(reader.tiles.prove_consistency(older, newer))
        write_files({path: proof, current: reader.head.note})
        words = ["repro-verify", "consistency", str(old), str(current), "--proof", str(path)]
        return Continued(older, newer, path, _command([*words, "--vkey", reader.head.vkey]))


def parse_note(reader: Reader, note: bytes, path: Path) -> Checkpoint:
    """Return the checkpoint that a file holds; InputError unless this log has signed it."""
    try:
        checkpoint = parse_checkpoint(split(note)[0])
        if checkpoint.origin != reader.head.checkpoint.origin:
            raise CheckpointError(f"it is of the log {checkpoint.origin}")
        rotations = keys_named(reader.directory, rotated=True)
        keys: list[Verifier] = [key for epoch in rotations.epochs for key in epoch.keys]
        open_note(note, keys)
    except (NoteError, CheckpointError) as error:
        raise InputError(
            f"{path} is not a checkpoint of this log: {error}",
            f"give what `repro audit checkpoint` printed, or a copy of {CHECKPOINT}",
        ) from None
    return checkpoint


def require_committed(head: Head, seq: int, size: int) -> None:
    """Raise UsageError if there is no record ``seq``, InputError if no checkpoint covers it."""
    if seq >= size:
        raise UsageError(f"there is no record {seq}", f"the log has records 0 to {size - 1}")
    if seq >= head.checkpoint.size:
        raise InputError(f"record {seq} is not committed yet", COMMIT_FIRST)


def _proven(reader: Reader, seq: int, path: Path) -> tuple[Proven, dict[Path, bytes]]:
    head = reader.head
    if seq >= reader.committed:
        require_committed(head, seq, reader.size())
    hashes = reader.tiles.prove(seq, head.checkpoint)
    files = {path: format_proof(TlogProof(seq, hashes, head.note))}
    entry = None
    words = ["repro-verify", "proof", str(path)]
    if reader.pruned(seq):
        leaf = reader.tiles.leaf(seq)
        words += ["--leaf", leaf.hex()]
    else:
        line = reader.at(seq).line
        leaf = leaf_hash(line)
        entry = path.with_suffix(".entry") if path.suffix == SUFFIX else Path(f"{path}.entry")
        files[entry] = line
        words += ["--entry", str(entry)]
    return Proven(seq, leaf.hex(), path, entry, _command([*words, "--vkey", head.vkey])), files


def _command(words: list[str]) -> str:
    return " ".join(quote(word) for word in words)
