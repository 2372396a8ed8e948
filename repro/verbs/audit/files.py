"""Files that are handed out: new ones, whole or not there, durable, and never over another."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.verification.report import read_vkeys
from repro.errors import InputError, UsageError

_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links answer."""


def require_new(*paths: Path) -> None:
    """Raise UsageError for a path that exists, InputError for one whose folder does not."""
    for path in paths:
        if os.path.lexists(path):
            raise UsageError(f"{path} exists", "name another file with -o, or move this one away")
        if not path.parent.is_dir():
            raise InputError(f"cannot write {path}: there is no folder {path.parent}", "make it")


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write new files, all of them or none; durable on return.

    Raises what `require_new` raises, and InputError if the disk refuses.
    """
    require_new(*files)
    done: list[Path] = []
    try:
        for path, data in files.items():
            _write(path, data)
            done.append(path)
        for folder in dict.fromkeys(path.parent for path in files):
            sync_directory(folder)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise UsageError(f"{error.filename2 or error.filename} exists") from error
        name = error.filename or next(iter(files))
        raise InputError(
            f"cannot write {name}: {error.strerror or error}",
            "nothing was written; name a file elsewhere with -o",
        ) from error


def read_input(path: Path, limit: int, what: str) -> bytes:
    """Return the bytes of a file that a user names; InputError if it cannot be read or is too long.

    A link is followed: what a user names is the user's.
    """
    try:
        data = read_small(path.resolve(), limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot read {what} {path}: {reason}") from None
    if len(data) > limit:
        raise InputError(
            f"{path} has more than {limit} bytes: it is no {what.removeprefix('the ')}"
        )
    return data


def public_keys(given: Sequence[str]) -> tuple[str, ...]:
    """Return the public keys, as text, that arguments are, or that the files have that they name.

    Raises UsageError for one that is neither, as ``repro-verify`` does.
    """
    found: list[str] = []
    for text in given:
        try:
            found += read_vkeys(text)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"neither a public key nor a file of them: {text[:200]!r} ({reason})",
                "copy the key's text NAME+ID+BASE64, or name its file",
            ) from None
    return tuple(found)


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_new(temporary, data)
        try:
            os.link(temporary, path)  # unlike a rename, it never replaces
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, "exists", str(path)) from None
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
