"""Files that are to be read as documents: which there are, and which cannot be read, and why.

A file is looked at before it is opened: a pipe would never end, and a folder is no text.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from repro.config.text.document import SIZE_MAX
from repro.errors import UNREADABLE, Place, Problem, ProblemsError

ENDINGS = (".yaml", ".yml")

LINKED = "a link to a folder"
_ENDLESS = (stat.S_ISFIFO, stat.S_ISSOCK, stat.S_ISCHR, stat.S_ISBLK)
_KINDS = (
    (stat.S_ISDIR, "a directory", "a document is a file: move or rename the directory"),
    (stat.S_ISFIFO, "a pipe", "replace it by a regular file"),
    (stat.S_ISSOCK, "a socket", "replace it by a regular file"),
    (stat.S_ISCHR, "a device", "replace it by a regular file"),
    (stat.S_ISBLK, "a device", "replace it by a regular file"),
)


def unusable(path: Path, shown: str) -> Problem | None:
    """Return why the file at ``path``, called ``shown``, cannot be read; None if it can be."""
    try:
        if (problem := _of_another_kind(path.stat().st_mode, shown)) is not None:
            return problem
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return _refused(path, shown, error)
    return None


def content(path: Path, shown: str) -> bytes | Problem:
    """Return what is in the file at ``path``, or why it cannot be read.

    Of a file that is larger than any document no more than shows that it is.
    """
    try:
        if (problem := _of_another_kind(path.stat().st_mode, shown)) is not None:
            return problem
        with path.open("rb") as opened:
            return opened.read(SIZE_MAX + 1)
    except OSError as error:
        return _refused(path, shown, error)


def copied(base: Path, to: Path) -> None:
    """Copy what is called as a document below ``base`` to the same paths below ``to``.

    Nothing else is read. A link to a file is copied as the file, so that the copy can be written
    into. Raises ProblemsError for what cannot be read.
    """
    to.mkdir()
    for path in documents_below(base):
        relative = path.relative_to(base)
        found = content(path, f"{base.name}/{relative.as_posix()}")
        if isinstance(found, Problem):
            raise ProblemsError([found])
        (to / relative).parent.mkdir(parents=True, exist_ok=True)
        (to / relative).write_bytes(found)


def all_unusable(base: Path, shown: str) -> tuple[Problem, ...]:
    """Return what below ``base``, called ``shown``, cannot be read: documents and folders."""
    found: list[Problem] = []
    above = len(str(base))
    for path, error in _below(base):
        name = shown + path.as_posix()[above:]
        problem = unusable(path, name) if error is None else _refused(path, name, error)
        if problem is not None:
            found.append(problem)
    return tuple(found)


def any_endless(base: Path) -> bool:
    """Return whether something is called as a document below ``base`` whose reading may not end."""
    return any(map(_is_endless, documents_below(base)))


def documents_below(base: Path) -> list[Path]:
    """Return what is called as a document below ``base``, sorted; hidden things are left out.

    Links to folders are not followed.
    """
    return [path for path, error in _below(base) if error is None]


def unread(shown: str, message: str, hint: str) -> Problem:
    """Return the problem of a file that cannot be read."""
    return Problem(Place(shown, 1, 1, 1), "", message, UNREADABLE, hint)


def _of_another_kind(mode: int, shown: str) -> Problem | None:
    for is_one, what, hint in _KINDS:
        if is_one(mode):
            return unread(shown, f"cannot be read: it is {what}", hint)
    return None


def _is_endless(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return any(is_one(mode) for is_one in _ENDLESS)


def _below(base: Path) -> Iterator[tuple[Path, OSError | None]]:
    """Yield each path below ``base`` that is called as a document, and each folder that is shut."""
    shut: list[OSError] = []
    for folder, folders, files in os.walk(base, onerror=shut.append):
        while shut:
            error = shut.pop()
            yield Path(error.filename), error
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (Path(folder) / name).is_symlink():  # not followed, so it must not pass for a folder
                yield Path(folder) / name, OSError(errno.ELOOP, LINKED)
        for name in sorted([*folders, *files]):
            if name.endswith(ENDINGS) and not name.startswith("."):
                yield Path(folder) / name, None
    for error in shut:
        yield Path(error.filename), error


def _refused(path: Path, shown: str, error: OSError) -> Problem:
    if error.strerror == LINKED:
        message = f"cannot be read: {LINKED}, and nothing behind it would be"
        return unread(shown, message, "put the folder itself here, or links to its files")
    if isinstance(error, PermissionError):
        return unread(shown, "cannot be read: permission denied", "allow this user to read it")
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        message = f"cannot be read: a link to {str(path.readlink())!r}, which does not exist"
        return unread(shown, message, "mend the link, or remove it")
    reason = (error.strerror or type(error).__name__).lower()
    return unread(shown, f"cannot be read: {reason}", "make it a regular file that can be read")
