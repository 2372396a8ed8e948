"""``repro runs pull``: sealed runs of another log, verified, kept apart, and said to be pulled.

A run comes with the records that vouch for it, under a key that somebody here trusts. It lies in
``RESULTS/pulled/<log>/<RUN>``, never among the runs that were trained here, and the log here says
in ``run.pulled`` whose it is. A run of this log itself goes back to where it was sealed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.formats.bundle import MAX_BUNDLE
from repro.audit_log.storage.store import Log
from repro.config.documents.workspace import find_root
from repro.errors import InputError, IntegrityError, UsageError
from repro.execution.interrupts import deferred
from repro.runs import layout
from repro.runs.manifest import (
    DIGEST,
    MAX_MANIFEST,
    NAME,
    RUNS,
    Manifest,
    digest_of,
    manifest_path,
    object_path,
    parse_manifest,
)
from repro.runs.sealed import Run, faults, load_run, require_whole
from repro.runs.sources import remember
from repro.runs.staging import names_locked, put, staging
from repro.stores.store import Store, local, open_store
from repro.stores.transfer import take
from repro.verbs.audit.log import completed_in, cosigner, open_log_to_sign, origin_here, pulled_from
from repro.verbs.audit.vouching import Trust, Vouched, vouched
from repro.verbs.observer import Warn, unheard


@dataclass(frozen=True, slots=True)
class Pulled:
    """A run that is here now, whole."""

    run: str
    manifest: str
    """BLAKE3 of its manifest."""
    source: str
    """The address that it came from."""
    origin: str
    """The log that vouches for it."""
    own: bool
    """Whether that is the log of this workspace."""
    trust: str
    """``key``, ``policy`` or ``self-asserted``: why that log was believed."""
    folder: Path
    """The run's own folder."""
    files: int
    """How many files it has."""
    fetched: int
    """Files that were fetched now; the others were here already."""
    record: int | None
    """The place in the log here of a ``run.pulled`` that was made now."""
    new: bool
    """Whether it was not here before."""


def pull(
    start: Path, wanted: Sequence[str], address: str, trust: Trust, warn: Warn = unheard
) -> tuple[Pulled, ...]:
    """Fetch runs from ``address``; each is verified before it is put in its place.

    A run is named by its name or a unique beginning of it, and where several logs have one of that
    name, also by the beginning of its manifest's digest: ``RUN/DIGEST``. UsageError if there is no
    such run, InputError if nothing says whose log vouches for it or a file is not there,
    IntegrityError if anything is not what the log says.
    """
    root = find_root(start.resolve())
    if not wanted:
        raise UsageError("name the runs to pull", "repro runs pull 0123456789ab-1 SRC")
    store = open_store(address)
    log = open_log_to_sign(root, warn)
    cosign = cosigner(log, warn)
    named = dict.fromkeys(_named(store, text) for text in wanted)
    return tuple(_pull(root, store, log, cosign, run, digest, trust) for run, digest in named)


def _pull(
    root: Path,
    store: Store,
    log: Log,
    cosign: Callable[[], None],
    name: str,
    digest: str,
    trust: Trust,
) -> Pulled:
    manifest = _manifest(store, name, digest)
    proof = store.read(manifest_path(name, digest, "bundle"), MAX_BUNDLE + 1)
    if proof is None:
        raise InputError(
            f"{store.shown} has no proof of run {name}: its bundle is missing", "push it again"
        )
    by = vouched(proof, trust, manifest)
    folder = "" if manifest.origin == origin_here(root) else layout.log_folder(manifest.origin)
    target = layout.pulled(root) / folder / name if folder else layout.runs(root) / name
    seq, fetched, is_new = None, 0, not os.path.lexists(target)
    if is_new:
        with staging(root) as place:
            fetched = _fetch(root, store, manifest, place.folder / "part")
            built = _build(root, place.folder / name, manifest)
            run = load_run(built, folder)
            _require_sound(root, run, manifest, "nothing was taken: its log sealed it as it is")
            with deferred(), names_locked(root):
                if folder:
                    seq = _record(root, log, manifest, digest, by, folder)
                put(place, built, target)
        if folder:
            remember(root, folder, name, _lasting(store))
        for _, content in manifest.files:
            (layout.incoming(root) / content.blake3).unlink(missing_ok=True)
    else:
        if folder:
            remember(root, folder, name, _lasting(store))
        again = f"move {target} away, and pull it again"
        _require_sound(root, load_run(target, folder), manifest, again)
        if folder:
            with deferred():
                seq = _record(root, log, manifest, digest, by, folder)
    if seq is not None:
        cosign()
    return Pulled(
        run=name,
        manifest=digest,
        source=store.shown,
        origin=manifest.origin,
        own=not folder,
        trust=by.trust,
        folder=target,
        files=len(manifest.files),
        fetched=fetched,
        record=seq,
        new=is_new,
    )


def _named(store: Store, text: str) -> tuple[str, str]:
    """Return the name of a run and the digest of its manifest, as a user names them.

    Where both are given whole the store need not list anything.
    """
    begins, _, digest = text.partition("/")
    if NAME.fullmatch(begins) and DIGEST.fullmatch(digest):
        return begins, digest
    names = [begins] if NAME.fullmatch(begins) else store.names(RUNS)
    found = [
        (name, file.removesuffix(".json"))
        for name in names
        if name.startswith(begins) and NAME.fullmatch(name)
        for file in store.names(f"{RUNS}/{name}")
        if file.endswith(".json") and file.startswith(digest)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{name}/{manifest[:12]}" for name, manifest in found[:10])
        raise UsageError(f"{text!r} names {len(found)} runs in {store.shown}", f"one of: {listed}")
    there = ", ".join(store.names(RUNS)[:10])
    raise UsageError(
        f"no run in {store.shown} is called {text!r}",
        f"there are: {there}" if there else "no run was pushed there",
    )


def _manifest(store: Store, name: str, digest: str) -> Manifest:
    path = manifest_path(name, digest)
    data = store.read(path, MAX_MANIFEST + 1)
    if data is None:
        raise InputError(f"{store.shown} lacks {path}", "push the run again")
    if digest_of(data) != digest:
        raise IntegrityError(
            f"{store.shown}/{path} is not what its name says", "it was changed; push the run again"
        )
    found = parse_manifest(data, path)
    if found.run != name:
        raise IntegrityError(
            f"{store.shown}/{path} is of another run: {found.run}",
            "it was put there by hand; push the run again",
        )
    return found


def _fetch(root: Path, store: Store, manifest: Manifest, part: Path) -> int:
    """Have every file of a run at hand, by its digest; return how many had to be fetched."""
    folder = layout.incoming(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return sum(
            take(store, object_path(content.blake3), folder / content.blake3, content, part)
            for content in {digest.blake3: digest for _, digest in manifest.files}.values()
        )
    except OSError as error:
        raise InputError(
            f"the run could not be written: {error.strerror or error}",
            "what was fetched is kept: the same command goes on from there",
        ) from error


def _build(root: Path, folder: Path, manifest: Manifest) -> Path:
    """Lay the files of a run out; return its folder. What was fetched stays until it is sealed."""
    for path, content in manifest.files:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        source = layout.incoming(root) / content.blake3
        try:
            os.link(source, file)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, file)
    return folder


def _lasting(store: Store) -> str:
    """Return the address of a store as it may be named from another folder."""
    folder = local(store.shown)
    return store.shown if folder is None else str(folder.resolve())


def _require_sound(root: Path, run: Run, manifest: Manifest, hint: str) -> None:
    """Raise IntegrityError unless a run is what its manifest and its own snapshot say."""
    found = faults(run)
    inside = run.folder.relative_to(run.folder.parents[4]).as_posix()
    listed = {f"{inside}/{one['path']}": one["blake3"] for one in run.snapshot["artifacts"]}
    snapshot = f"{inside}/{layout.SNAPSHOT}"
    named = {path: content.blake3 for path, content in manifest.files}
    if {**listed, snapshot: named.get(snapshot)} != named:
        found.append("its snapshot lists other files than its log")
    keys = (run.group["execution_key"], run.snapshot["output_digest"])
    if keys != (manifest.execution_key, manifest.output_digest):
        found.append("its snapshot has other keys than its log")
    if found:
        raise IntegrityError(f"run {run.name} is not what was sealed: {found[0]}", hint)
    if not run.log:  # of this log: what stands here counts, not what came along
        require_whole(run, completed_in(root, run.name))


def _record(
    root: Path, log: Log, manifest: Manifest, digest: str, by: Vouched, folder: str
) -> int | None:
    """Say in the log here whose run it is, once; return the record's place if it was made now."""
    known = pulled_from(root, manifest.run, folder)
    if known is not None and known["manifest"] == digest:
        return None
    if known is not None:
        raise IntegrityError(
            f"another run {manifest.run} of {manifest.origin} was pulled here before",
            "a log completes a run once: ask its owner which of the two was signed",
        )
    below = f"{layout.RESULTS}/{layout.PULLED}/{folder}/{manifest.run}"
    body = {
        "run": manifest.run,
        "origin": manifest.origin,
        "record": manifest.record,
        "size": by.size,
        "trust": by.trust,
        "manifest": digest,
        "execution_key": manifest.execution_key,
        "output_digest": manifest.output_digest,
        "artifacts": manifest.artifacts(below),
    }
    appended = log.append("run.pulled", body)
    log.commit()
    return appended.seq
