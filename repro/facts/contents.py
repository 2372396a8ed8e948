"""Files and directories that a command reads or writes, by content, and what has changed below one.

A directory is named by the digest of its tree: every file below it, sorted by path. Links are
followed: what counts is what a program would read there. The list has each file's BLAKE3 alone: who
can compute the digest of a tree has that, and no second hash below it would make it any stronger.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repro.audit_log.formats.digests import payload_digest
from repro.errors import InputError
from repro.facts.file_digest import digest_data

TREE_CONTEXT: Final = "repro-audit v1 tree"

State = tuple[int, int, int, int]
"""What changes with a file, as a look at its directory tells it."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file or a tree, by content."""

    blake3: str
    """Of a tree: BLAKE3 in derive-key mode over its canonical list of files."""
    sha256: str | None
    """None for a tree, and for a file of which it was not asked for."""
    size: int
    """Bytes, all files together."""
    files: int | None
    """How many; None for a file."""

    def facts(self) -> dict[str, Any]:
        """Return what is recorded."""
        if self.files is None:
            second = {} if self.sha256 is None else {"sha256": self.sha256}
            return {"kind": "file", "blake3": self.blake3, **second, "size": self.size}
        return {"kind": "tree", "tree": self.blake3, "files": self.files, "size": self.size}


def content_of(
    path: Path, name: str, without: Collection[str] = (), *, sha256: bool = False
) -> Content:
    """Return what lies at ``path``, which messages call ``name``.

    Directories below it that are called one of ``without`` are passed over. Of a file, ``sha256``
    asks for that digest too.

    Raises InputError for what is not there, cannot be read, or is neither a file nor a directory.
    """
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            _require_file(path, name)
            one = digest_data(path, sha256=sha256)
            return Content(one.blake3, one.sha256, one.size, None)
        listed, total = [], 0
        for below, file in sorted(_files(path, "", (), name, without)):
            _require_file(file, f"{name}/{below}")
            found = digest_data(file)
            listed.append([_text(below, name), found.blake3, str(found.size)])
            total += found.size
    except FileNotFoundError as error:
        raise _missing(path, name, error) from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    return Content(payload_digest(TREE_CONTEXT, listed), None, total, len(listed))


def _missing(path: Path, name: str, error: FileNotFoundError) -> InputError:
    """Return what is not there: the whole, or a part of a tree, which is a link or was taken away.

    A tree that is gone by now went while it was read, and is called by its own name.
    """
    there = Path(os.fsdecode(error.filename or path))
    if there == path or not path.exists():
        return InputError(f"no such file or directory: {name}")
    shown = f"{name}/{there.relative_to(path).as_posix()}"
    shown = shown.encode("utf-8", "backslashreplace").decode()
    if there.is_symlink():
        said = f"{shown} is a link to {str(there.readlink())!r}, and nothing is there"
        return InputError(said, "remove the link, or put there what it names")
    return InputError(f"{shown} was taken away while it was read")


def states_below(folder: Path, without: Collection[str]) -> dict[str, State]:
    """Return the state of each file below ``folder``, by path; links are not followed.

    A link to a directory is one of them. ``without`` are real paths of directories that are passed
    over. What cannot be looked at is left out.
    """
    found: dict[str, State] = {}
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = sorted(
            name for name in folders if os.path.realpath(Path(place, name)) not in without
        )
        for name in sorted([*files, *links]):
            path = Path(place, name)
            try:
                state = _state(path.lstat())
            except OSError:
                continue
            found[path.relative_to(folder).as_posix()] = state
    return found


def states_at(path: Path) -> dict[str, State]:
    """Return the state of the file at ``path``, or of each below it; empty if there is none."""
    try:
        if path.is_dir():
            return states_below(path, ())
        return {"": _state(path.stat())}
    except OSError:
        return {}


def touched(before: Mapping[str, State], after: Mapping[str, State]) -> Sequence[str]:
    """Return the paths that are new, changed or gone, sorted."""
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def _state(seen: os.stat_result) -> State:
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def _files(
    folder: Path, below: str, above: tuple[str, ...], name: str, without: Collection[str]
) -> Iterator[tuple[str, Path]]:
    """Yield every file below ``folder`` with its path in the tree; InputError for a loop."""
    real = os.path.realpath(folder)
    if real in above:
        raise InputError(f"{name}: a link in it leads back to where it lies: {below.rstrip('/')}")
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        path = Path(entry.path)
        if entry.is_dir():
            if entry.name not in without:
                inside = f"{below}{entry.name}/"
                yield from _files(path, inside, (*above, real), name, without)
        else:
            yield f"{below}{entry.name}", path


def _require_file(path: Path, name: str) -> None:
    """Raise InputError for a pipe, a socket or a device: reading one may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise InputError(f"{name} is neither a file nor a directory", "copy it into a file first")


def _text(below: str, name: str) -> str:
    """Return a path in a tree as it is listed; InputError for one that no text can hold."""
    try:
        below.encode()
    except UnicodeEncodeError:
        shown = below.encode("utf-8", "backslashreplace").decode()
        raise InputError(f"{name}: the name of a file in it is not UTF-8: {shown}") from None
    return below
