"""``repro runs push``: sealed runs, by digest, to a folder or a store that others fetch them from.

With each run goes its proof: the records of the run under the log's signature. Whoever pulls it
needs the log's public key and nothing else of this workspace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.formats.bundle import MAX_BUNDLE
from repro.audit_log.formats.note_key import format_vkey
from repro.config.documents.workspace import MARKER, find_root
from repro.errors import InputError, IntegrityError, UsageError
from repro.runs import layout
from repro.runs.finding import find
from repro.runs.manifest import (
    Manifest,
    digest_of,
    format_manifest,
    manifest_of,
    manifest_path,
    object_path,
)
from repro.runs.sealed import Run
from repro.stores.store import Store, open_store, require_outside
from repro.stores.transfer import give
from repro.verbs.audit.exporting import bundled
from repro.verbs.audit.log import require_as_logged
from repro.verbs.audit.reading import Reader, reading
from repro.verbs.audit.vouching import Trust, vouched


@dataclass(frozen=True, slots=True)
class Pushed:
    """A run that is in a store now."""

    run: str
    manifest: str
    """BLAKE3 of its manifest: with the run's name it says which run is meant, wherever it is."""
    destination: str
    """The address."""
    files: int
    """How many files it has."""
    sent: int
    """Files that were not there."""
    mended: int
    """Files that were there with other bytes than their name says, and were replaced."""
    sent_bytes: int
    """Bytes of the files that were sent."""
    proof: str
    """Whether its manifest and proof were ``there``, were ``sent``, or one of them was ``mended``:
    what was there did not hold, and was replaced."""


def push(start: Path, references: Sequence[str], address: str) -> tuple[Pushed, ...]:
    """Put runs at ``address``; what is there already is not sent again.

    IntegrityError for a run that is not what was sealed, InputError if its records are not
    committed or the store cannot be used, UsageError for a run of another log.
    """
    root = find_root(start.resolve())
    if not references:
        raise UsageError("name the runs to push", "repro runs push @latest DEST")
    named = [find(root, reference) for reference in references]
    runs = tuple({(run.log, run.name): run for run in named}.values())
    for run in runs:
        if run.log:
            raise UsageError(
                f"run {run.name} was pulled: only the log that it is of can vouch for it",
                "push it from the workspace where it was trained",
            )
    require_as_logged(root, *runs)
    require_outside(address, root, layout.LOG, layout.RESULTS, MARKER)
    store = open_store(address, make=True)
    with reading(root) as reader:
        return tuple(_push(reader, store, run) for run in runs)


def _push(reader: Reader, store: Store, run: Run) -> Pushed:
    completed = [f for f in reader.of_run(run.name) if f.record.type == "run.completed"]
    if len(completed) != 1:
        raise IntegrityError(f"the log completes run {run.name} {len(completed)} times")
    proof = bundled(reader, [run.name]).data  # before anything is sent: it may not be committed
    record, origin = completed[0].record, reader.head.checkpoint.origin
    manifest = manifest_of(origin, record.seq, record.body)
    folder = layout.runs(reader.root) / run.name
    done: dict[str, int] = {"there": 0, "sent": 0, "mended": 0}
    size = 0
    for path, digest in manifest.files:
        state = give(store, object_path(digest.blake3), folder / path, digest)
        done[state] += 1
        size += 0 if state == "there" else digest.size
    data = format_manifest(manifest)
    name = digest_of(data)
    bundle = manifest_path(run.name, name, "bundle")
    before = store.read(bundle, MAX_BUNDLE + 1)
    states = ["there"]
    if before is None or not _is_proof(reader, before, manifest):
        _write(store, bundle, proof)
        states.append("sent" if before is None else "mended")
    before = store.read(manifest_path(run.name, name), len(data) + 1)
    if before != data:
        _write(store, manifest_path(run.name, name), data)  # last: whoever sees it finds the rest
        states.append("sent" if before is None else "mended")
    return Pushed(
        run.name,
        name,
        store.shown,
        len(manifest.files),
        done["sent"],
        done["mended"],
        size,
        next(state for state in ("mended", "sent", "there") if state in states),
    )


def _is_proof(reader: Reader, data: bytes, manifest: Manifest) -> bool:
    """Return whether a bundle that is there proves this run by the keys that are in force."""
    try:
        vouched(data, Trust(tuple(map(format_vkey, reader.head.keys))), manifest)
    except (InputError, IntegrityError):
        return False
    return True


def _write(store: Store, name: str, data: bytes) -> None:
    store.write(name, data)
    if store.read(name, len(data) + 1) != data:
        raise InputError(
            f"{store.shown}/{name} does not give back what was put there",
            "the store is damaged, or somebody else writes there: try again, or elsewhere",
        )
