"""``repro runs pulled``: the runs of other logs that are here, as the log here has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repro.audit_log.formats.digests import digest_file
from repro.audit_log.formats.record import Record
from repro.config.documents.workspace import find_root
from repro.errors import IntegrityError
from repro.runs import layout
from repro.runs.sealed import Run, load_run
from repro.runs.sources import source_of
from repro.verbs.audit.reading import reading

HERE: Final = "here"
CHANGED: Final = "changed"
GONE: Final = "gone"
UNLOGGED: Final = "not in the log"


@dataclass(frozen=True, slots=True)
class PulledRun:
    """One run of another log."""

    run: str
    """The name of the run, or of its folder."""
    origin: str | None
    """Its log; None if no record names it."""
    state: str
    """``here``; ``changed``: its snapshot is another, or a file is missing or of another size;
    ``gone``: its folder is not there; or ``not in the log``: it has a folder, and no record."""
    time: str | None
    """When it was pulled."""
    trust: str | None
    """Why its log was believed: ``key``, ``policy`` or ``self-asserted``."""
    record: int | None
    """The place in the log here of its newest ``run.pulled``."""
    manifest: str | None
    """BLAKE3 of its manifest."""
    execution_key: str | None
    output_digest: str | None
    target: str | None
    """By its snapshot; None unless that is the one that was pulled."""
    family: str | None
    """As the target is known."""
    source: str | None
    """Where it was pulled from last, if that is still known: the log does not say it."""
    folder: Path
    """The run's own folder."""


def all_pulled(start: Path) -> tuple[PulledRun, ...]:
    """Return every run that was pulled, the newest first; those that no record names come last.

    The bytes of its files are not read: ``repro audit verify --artifacts`` does.
    """
    root = find_root(start.resolve())
    base = layout.pulled(root)
    with reading(root) as log:
        named = {
            (layout.log_folder(str(found.record.body["origin"])), str(found.record.body["run"])): (
                found.record
            )
            for found in log.of_type("run.pulled")
        }
    made = []
    for (folder, name), record in sorted(named.items(), key=_newest_first):
        body = record.body
        state, run = _state(base / folder / name, folder, body)
        made.append(
            PulledRun(
                run=name,
                origin=str(body["origin"]),
                state=state,
                time=record.time,
                trust=str(body["trust"]),
                record=record.seq,
                manifest=str(body["manifest"]),
                execution_key=str(body["execution_key"]),
                output_digest=str(body["output_digest"]),
                target=None if run is None else str(run.snapshot["target"]),
                family=None if run is None else str(run.snapshot["family"]),
                source=source_of(root, folder, name),
                folder=base / folder / name,
            )
        )
    return (*made, *(_unlogged(path) for path in _folders(base) if _key(path) not in named))


def _newest_first(one: tuple[tuple[str, str], Record]) -> int:
    return -one[1].seq


def _state(whole: Path, folder: str, body: Mapping[str, Any]) -> tuple[str, Run | None]:
    """Return how a run lies there, and the run if its snapshot is the one that was pulled."""
    if not whole.is_dir():
        return GONE, None
    try:
        run = load_run(whole, folder)
        sizes = {path.name: path.lstat().st_size for path in sorted(run.folder.iterdir())}
        snapshot = digest_file(run.folder / layout.SNAPSHOT).blake3
    except (IntegrityError, OSError):
        return CHANGED, None
    known = {Path(one["path"]).name: one for one in body["artifacts"]}
    if known.get(layout.SNAPSHOT, {}).get("blake3") != snapshot:
        return CHANGED, None
    same = sizes == {name: int(one["size"]) for name, one in known.items()}
    return HERE if same else CHANGED, run


def _folders(base: Path) -> Iterator[Path]:
    yield from sorted(path for path in base.glob("*/*") if path.is_dir())


def _key(whole: Path) -> tuple[str, str]:
    return whole.parent.name, whole.name


def _unlogged(whole: Path) -> PulledRun:
    nothing = dict.fromkeys(
        (
            *("origin", "time", "trust", "record", "manifest", "execution_key", "output_digest"),
            *("target", "family", "source"),
        )
    )
    return PulledRun(run=whole.name, state=UNLOGGED, folder=whole, **nothing)
