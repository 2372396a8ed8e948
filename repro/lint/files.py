"""Which files are looked at: those named, and the Python files below the folders named."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from repro.errors import InputError

STDIN = "-"
STDIN_NAME = "<stdin>"
_ENDINGS = (".py", ".pyw")
LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is still read: its tree takes a hundred times as much memory."""


def python_files(paths: Sequence[str], exclude: Sequence[str]) -> Iterator[str]:
    """Yield each file once, as it is reached from ``paths``, in order; STDIN as it is.

    A file that is named is taken whatever it is called. Below a folder: regular files with the
    ending of Python, links to folders not followed; hidden folders, ``__pycache__`` and virtual
    environments (with ``pyvenv.cfg``) left out. ``exclude`` are shell patterns for a whole path or
    for one of its parts. Raises InputError for a path that is not there or cannot be listed.
    """
    seen: set[str] = set()
    for path in paths:
        for file in [path] if path == STDIN else _under(path, exclude):
            real = file if file == STDIN else os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def content(file: str) -> bytes:
    """Return the bytes of a file; raises OSError, and ValueError if it is too large."""
    if file == STDIN:
        data = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with Path(file).open("rb") as stream:
            data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    return data


def _under(path: str, exclude: Sequence[str]) -> Iterator[str]:
    """Yield the files that one path means."""
    if not path:  # Path would take it for the working directory
        raise InputError("a path is empty", "for the working directory, write .")
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}", "name files or folders that are there, or -"
        ) from error
    except ValueError as error:  # a null character
        raise InputError(f"{path!r} is no path: {error}") from error
    if stat.S_ISDIR(mode):
        yield from _below(os.path.normpath(path), exclude)
    elif not stat.S_ISREG(mode):
        raise InputError(f"{path} is neither a file nor a folder", "for standard input, write -")
    elif not _is_excluded(path, exclude):
        yield path


def _below(folder: str, exclude: Sequence[str]) -> Iterator[str]:
    """Yield the Python files below a folder, sorted by their parts."""
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror or error}", "leave it out with --exclude"
        ) from error
    for entry in entries:
        path = entry.name if folder == os.curdir else entry.path
        if _is_excluded(path, exclude):
            continue
        if entry.is_dir(follow_symlinks=False):
            hidden = entry.name.startswith(".") or entry.name == "__pycache__"
            if not hidden and not Path(entry.path, "pyvenv.cfg").exists():
                yield from _below(path, exclude)
        elif entry.name.endswith(_ENDINGS) and _is_file(entry):
            yield path


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry can be opened without waiting; a dead link is for the caller."""
    return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())


def _is_excluded(path: str, exclude: Sequence[str]) -> bool:
    """Return whether a pattern means the path, or one of its parts."""
    if not exclude:
        return False
    tidy = os.path.normpath(path).replace(os.sep, "/")
    parts = tidy.split("/")
    heads = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
    return any(
        fnmatchcase(text, pattern.removeprefix("./").rstrip("/"))
        for pattern in exclude
        for text in (*parts, *heads)
    )
