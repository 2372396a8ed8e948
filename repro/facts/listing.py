"""Data files as a document names them: a file, a folder with all that is in it, or a pattern.

What is found depends on names alone, never on the order in which a file system lists them. Names
that begin with ``.`` or ``_`` are left out, as Hive, Spark and Arrow do with files of their own,
unless a pattern says them. Folders that are links are followed, but never into themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from repro.errors import InputError

HINT = "dataset.files in CONFIG/data/dataset.yaml names files from the workspace's root"
_PATTERN = frozenset("*?[")
_ANY_DEPTH = "**"
_HIDDEN = (".", "_")


def files_of(root: Path, name: str) -> dict[str, Path]:
    """Return every file that ``name`` means below ``root``, by its own name, in order of names.

    Raises InputError if there is none, or if one of them cannot be read as data: what is neither
    file nor folder, a link that leads nowhere or back to its own folder, a name that is not UTF-8.
    """
    path = root / name
    if path.is_file():
        return {name: path}
    if path.is_dir():
        found = {str(at): path for at, path in _below(root, PurePosixPath(name), ())}
        if not found:
            raise InputError(f"no data files in the folder {name}", HINT)
        return _in_order(found)
    if os.path.lexists(path):
        raise InputError(f"{name} is {_strange(path)}", HINT)
    if not _PATTERN.intersection(name):
        raise InputError(f"no such data file: {name}", HINT)
    start = PurePosixPath("/" if name.startswith("/") else "")
    parts = PurePosixPath(name).relative_to(start).parts
    found = {str(at): path for at, path in _matching(root, start, parts, ())}
    if not found:
        raise InputError(f"no data file matches {name}", HINT)
    return _in_order(found)


def _in_order(found: dict[str, Path]) -> dict[str, Path]:
    """Return the files by name; InputError for a name that no document can hold."""
    for name in found:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError as error:
            shown = ascii(name)
            raise InputError(f"{shown}: the name is not UTF-8", "rename the file") from error
    return dict(sorted(found.items()))


def _below(
    root: Path, folder: PurePosixPath, above: tuple[str, ...]
) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield every file in a folder and in those below it."""
    above = _entered(root, folder, above)
    for name in _names(root, folder):
        if not name.startswith(_HIDDEN):
            yield from _file_or_below(root, folder / name, above)


def _file_or_below(
    root: Path, at: PurePosixPath, above: tuple[str, ...]
) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield a file, or every file in a folder."""
    path = root / at
    if path.is_file():
        yield at, path
    elif path.is_dir():
        yield from _below(root, at, above)
    else:
        raise InputError(f"{at} is {_strange(path)}", HINT)


def _matching(
    root: Path, folder: PurePosixPath, parts: Sequence[str], above: tuple[str, ...]
) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield every file below a folder whose name fits the pattern's parts."""
    head, rest = parts[0], parts[1:]
    if head in (os.curdir, os.pardir) or not _PATTERN.intersection(head):
        if rest and (root / folder / head).is_dir():
            yield from _matching(root, folder / head, rest, above)
        elif not rest and os.path.lexists(root / folder / head):
            yield from _file_or_below(root, folder / head, above)
        return
    if head == _ANY_DEPTH:
        above = _entered(root, folder, above)
        yield from _matching(root, folder, rest or ("*",), above)
    for name in _names(root, folder):
        if name.startswith(_HIDDEN) and not head.startswith(name[0]):
            continue
        at = folder / name
        if head == _ANY_DEPTH:
            if (root / at).is_dir():
                yield from _matching(root, at, parts, above)
        elif fnmatchcase(name, head):
            if not rest:
                yield from _file_or_below(root, at, above)
            elif (root / at).is_dir():
                yield from _matching(root, at, rest, above)


def _entered(root: Path, folder: PurePosixPath, above: tuple[str, ...]) -> tuple[str, ...]:
    """Return the real folders that were entered, this one the last; InputError for a loop."""
    real = os.path.realpath(root / folder)
    if real in above:
        raise InputError(
            f"{folder} is a link to a folder that it lies in: its files would have no end",
            "remove the link, or name the files by a pattern that leaves it out",
        )
    return (*above, real)


def _names(root: Path, folder: PurePosixPath) -> list[str]:
    """Return what lies in a folder, sorted."""
    try:
        return sorted(path.name for path in (root / folder).iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}", HINT) from error


def _strange(path: Path) -> str:
    """Return in words what a path is that is neither file nor folder."""
    if path.is_symlink():
        return "a link that leads nowhere, or round in a circle"
    return "neither a file nor a folder"
