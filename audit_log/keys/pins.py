"""Which log lies where: for each directory that held a log, the origin of that log.

    KEYS/_pins/<SHA-256 of the resolved path>.pin      the origin, then the path for people to read

The origin that the lines in a workspace name is their own word. A machine that keeps the keys of
two logs would believe either in the place of the other; so it remembers which one it saw where.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats.checkpoint import MAX_ORIGIN
from repro.audit_log.formats.note_key import is_name

FOLDER: Final = "_pins"
"""No origin's directory can have this name: see `keystore`."""


def read(root: Path, directory: Path) -> str | None:
    """Return the origin of the log that was first seen in ``directory``; None if none was.

    None also for a user who may not look: appending and verifying need no key store.
    `LogUnusableError` if the file is there and says nothing.
    """
    path = _path(root, directory)
    try:
        text = read_small(path, 65_536).decode()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        reason = error.strerror or str(error)
        raise LogUnusableError(f"cannot read which log lies here, {path}: {reason}") from error
    except UnicodeDecodeError:
        text = ""
    origin, newline, _ = text.partition("\n")
    if not newline or not is_name(origin) or len(origin.encode()) > MAX_ORIGIN:
        raise LogUnusableError(
            f"does not say which log lies here: {path}",
            "remove this file only if you know that the log is the one that belongs here",
        )
    return origin


def places(root: Path, origin: str) -> tuple[str, ...]:
    """Return the directories in which ``origin`` was seen, as they were written for people."""
    found = []
    for path in sorted((root / FOLDER).glob("*.pin")):
        try:
            lines = read_small(path, 65_536).decode().split("\n")
        except (OSError, UnicodeDecodeError):
            continue  # reading the pin itself says what is wrong with it
        if lines[0] == origin and len(lines) > 1:
            found.append(lines[1])
    return tuple(sorted(found))


def write(root: Path, directory: Path, origin: str) -> None:
    """Remember ``origin`` as the log in ``directory``, durable on return."""
    path = _path(root, directory)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)  # of parents, mkdir makes none private
    path.parent.mkdir(exist_ok=True, mode=0o700)
    readable = str(directory.resolve()).encode("ascii", "backslashreplace")
    replace(path, origin.encode() + b"\n" + readable + b"\n", 0o600)


def _path(root: Path, directory: Path) -> Path:
    name = sha256(os.fsencode(directory.resolve())).hexdigest()
    return root / FOLDER / f"{name}.pin"
