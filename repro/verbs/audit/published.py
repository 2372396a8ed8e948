"""How far this workspace has published its log at each place, so that one that was put back shows.

A place with an older checkpoint of this log looks like one that is merely behind. What was
published there is kept in a derived file: whoever deletes it loses the warning and nothing else.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import CheckpointError, NoteError
from repro.audit_log.formats.checkpoint import parse_checkpoint
from repro.audit_log.formats.note import split
from repro.audit_log.storage.layout import MAX_CHECKPOINT
from repro.stores.store import local
from repro.verbs.audit.continuing import Standing

_FOLDER = "derived/published"


def keep(directory: Path, address: str, note: bytes) -> None:
    """Keep the checkpoint that was published at ``address``; where that cannot be, nothing is."""
    path = _path(directory, address)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, note)


def set_back(directory: Path, address: str, there: Standing) -> str:
    """Return what to say of a place that publishes less than was published there; else nothing."""
    try:
        note = read_small(_path(directory, address), MAX_CHECKPOINT)
        before = parse_checkpoint(split(note)[0]).size
    except (OSError, NoteError, CheckpointError):
        return ""
    if before <= there.size:
        return ""
    return (
        f"{address} publishes {there.size} records, and {before} were published there from here: "
        "it was put back from an older copy, or emptied; whoever watches it should know"
    )


def _path(directory: Path, address: str) -> Path:
    folder = local(address)
    name = address if folder is None else str(folder.resolve())
    return directory / _FOLDER / sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
