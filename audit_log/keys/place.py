"""The directories of a key store: how they are named, and that nobody else can write there."""

from __future__ import annotations

import os
import re
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from repro.audit_log.errors import LogUnusableError

_MOST: Final = 255
"""Bytes in a file's name."""
_BEGINNING: Final = 180


def file_name(origin: str) -> str:
    """Return a name for ``origin`` that every file system keeps apart from other origins'.

    At most 255 bytes. In a whole name every escape has two underscores; a shortened one has a
    single underscore, before the digest, so that the two are never the same.
    """
    safe = re.sub(r"[^a-z0-9.-]", lambda match: f"_{match[0].encode().hex()}_", origin)
    safe = f"_2e_{safe[1:]}" if safe.startswith(".") else safe
    if len(safe) <= _MOST:
        return safe
    beginning = safe.replace("_", "")[:_BEGINNING]
    return f"{beginning}_{sha256(origin.encode()).hexdigest()}"


def require_own(root: Path, directory: Path) -> None:
    """Raise `LogUnusableError` if others may put another ``directory`` in place, or have done so.

    Nothing is said of what is not there. Reading is a matter of the files' own modes.
    """
    try:
        if stat.S_ISLNK(os.lstat(directory).st_mode):
            raise LogUnusableError(
                f"the directory of a private key is a symbolic link: {directory}",
                "put the directory itself there, or set REPRO_KEYS to where it lies",
            )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    for place in (root, directory):
        try:
            mode = stat.S_IMODE(place.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        if mode & 0o022:
            raise LogUnusableError(
                f"others may replace the private key: {place} has mode {mode:04o}",
                "make it yours alone: mode 0700",
            )
