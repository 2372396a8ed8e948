"""``repro init``: a workspace with commented configuration, a real example panel, and a log."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from repro.audit_log.errors import LogError
from repro.config.documents.files import documents_below
from repro.config.documents.legacy import places_of
from repro.config.documents.workspace import MARKER
from repro.errors import InputError, UsageError
from repro.verbs.audit.log import DIRECTORY, create_log
from repro.verbs.workspace.editors import schema_files, write_whole

TEMPLATE = "repro.template"


@dataclass(frozen=True, slots=True)
class Workspace:
    """What was made: paths below the root, and where the log's key lies."""

    root: Path
    added: tuple[str, ...]
    kept: tuple[str, ...]
    key_directory: Path | None
    """Where the private key lies; None if the log was there already."""
    vkey: str | None


def initialise(root: Path, add_missing: bool = False, passphrase: str | None = None) -> Workspace:
    """Make a workspace in ``root``; return what was added.

    The log's new key is put under ``passphrase``, if there is one.

    Raises UsageError if there is one already, unless only what is missing is to be added, or if
    documents stand in older places, over which the new ones would win; InputError if the directory
    cannot be written. A file that exists is never touched.
    """
    root = root.resolve()
    present = [name for name in (MARKER, DIRECTORY) if (root / name).exists()]
    if present and not add_missing:
        raise UsageError(
            f"{root} has a workspace already: it holds {' and '.join(present)}",
            "to add only what is missing: repro init --add-missing",
        )
    if old := _older(root / MARKER):
        raise UsageError(
            f"documents stand in older places: {old[0]}"
            + (f" and {len(old) - 1} more" if old[1:] else ""),
            "what would be added would be read in their place; first: repro config migrate",
        )
    if DIRECTORY not in present and any((root / "RESULTS" / "runs").glob("*")):
        raise UsageError(
            f"{root} holds sealed runs, but no log that knows them",
            "a new log could not vouch for them: put the log back, or move RESULTS away",
        )
    added: list[str] = []
    kept: list[str] = []
    made_root, log = not root.exists(), None
    try:
        root.mkdir(parents=True, exist_ok=True)
        log = None if (root / DIRECTORY).exists() else create_log(root, passphrase)
        for name, content in _content():
            (added if _write_new(root / name, content) else kept).append(name)
    except (OSError, LogError) as error:
        _undo(root, added, made_root, made_log=log is not None)
        if isinstance(error, LogError):
            raise
        raise InputError(
            f"cannot write {error.filename or root}: {error.strerror}",
            "choose a directory that can be written, with space left",
        ) from error
    if log is None:
        return Workspace(root, tuple(added), (*kept, DIRECTORY), None, None)
    added.append(DIRECTORY)
    vkey = (root / DIRECTORY / "log.vkey").read_text("utf-8").splitlines()[0]
    return Workspace(root, tuple(added), tuple(kept), log.keys.directory(log.origin), vkey)


def _older(base: Path) -> list[str]:
    """Return the files below ``base`` that stand where an older layout had them."""
    files = (path.relative_to(base) for path in documents_below(base) if path.suffix == ".yaml")
    return [f"{MARKER}/{path.as_posix()}" for path in places_of(files)]


def _undo(root: Path, added: list[str], made_root: bool, made_log: bool) -> None:
    """Take away what a failed attempt made, so that the next one finds nothing half-done."""
    for name in added:
        (root / name).unlink(missing_ok=True)
    if made_log:  # another process may have made the one that is there
        shutil.rmtree(root / DIRECTORY, ignore_errors=True)
    for folder in sorted({p for name in added for p in Path(name).parents}, reverse=True):
        if folder != Path():
            with suppress(OSError):  # it holds what was there before
                (root / folder).rmdir()
    if made_root:
        with suppress(OSError):
            root.rmdir()


def _content() -> Iterator[tuple[str, bytes]]:
    """Yield the path below the root and the bytes of every file of a new workspace."""
    base = files(TEMPLATE)
    for name, content in _tree(files(f"{TEMPLATE}.{MARKER}"), MARKER):
        if name.endswith(".yaml"):
            yield name, content
    yield from _tree(base.joinpath("data"), "data")
    yield ".gitignore", base.joinpath("gitignore").read_bytes()
    yield from schema_files().items()


def _tree(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield every file below a folder of the package."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        name = f"{prefix}/{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _tree(entry, name)
        elif entry.is_file():
            yield name, entry.read_bytes()


def _write_new(path: Path, content: bytes) -> bool:
    """Write a file that is not there, whole or not at all; return whether it was written."""
    if path.exists() or path.is_symlink():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return True
