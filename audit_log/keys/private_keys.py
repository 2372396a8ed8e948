"""Private keys as text, and the file that holds them: read with suspicion, replaced whole.

    PRIVATE+KEY+NAME+HEX(key id)+BASE64(KIND ‖ seed)      one line for each key

A seed has 32 bytes for every kind; the key id is that of the public key.
"""

from __future__ import annotations

import base64
import errno
import os
import stat
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import replace, sync_directory
from repro.audit_log.errors import LogUnusableError, NoteError
from repro.audit_log.formats.note_key import KINDS, SEED_SIZE, Signer, verifier_of

MAX_SIZE: Final = 16_384
_PREFIX: Final = "PRIVATE+KEY+"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def format_keys(signers: tuple[Signer, ...]) -> bytes:
    """Return the lines of private keys."""
    return "".join(_format(signer) for signer in signers).encode()


def parse_keys(data: bytes) -> tuple[Signer, ...]:
    """Return the private keys in ``data``; `NoteError` unless it is lines of them, of one name."""
    try:
        lines = data.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        raise NoteError("not UTF-8") from None
    signers = tuple(_parse(line) for line in lines)
    if not signers or len({signer.name for signer in signers}) > 1:
        raise NoteError("no key, or keys of different names")
    if len({signer.kind for signer in signers}) < len(signers):
        raise NoteError("two keys of one kind")
    return signers


def read_secret(path: Path) -> bytes:
    """Return the bytes of a private key's file, at most `MAX_SIZE` of them.

    FileNotFoundError if there is none; `LogUnusableError` naming it for a link, a directory, a
    file that others may read, one that is too long, and one that cannot be read.
    """
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LogUnusableError(f"the private key {path} is a symbolic link") from None
        raise LogUnusableError(f"cannot read the private key {path}: {error.strerror}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise LogUnusableError(f"the private key {path} is a directory")
        if not stat.S_ISREG(mode):
            raise LogUnusableError(f"the private key {path} is not a regular file")
        if stat.S_IMODE(mode) & 0o077:
            raise LogUnusableError(
                f"the private key {path} is open to others (mode {stat.S_IMODE(mode):04o})",
                "make it yours alone: mode 0600",
            )
        data = os.read(descriptor, MAX_SIZE + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_SIZE:
        raise LogUnusableError(f"not a private key: {path} (longer than {MAX_SIZE} bytes)")
    return data


def replace_secret(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, durable on return, and write zeros over what lay there."""
    with _Former(path):
        replace(path, data, 0o600)


def rename_secret(source: Path, target: Path) -> None:
    """Move ``source`` over ``target``, durable on return, and write zeros over what lay there."""
    with _Former(target):
        source.replace(target)
        sync_directory(target.parent)


def sweep(directory: Path) -> None:
    """Remove half-made key files that a crash left; the key's lock is held."""
    for path in sorted(directory.glob(".*.key.*.tmp")):
        path.unlink(missing_ok=True)


class _Former:
    """The file that another takes the place of, wiped once its name is gone.

    Wiped is not erased: a journal, a snapshot, a backup or the flash below may keep a copy. A
    crash between the two leaves the bytes in blocks that are free.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = -1

    def __enter__(self) -> None:
        try:
            self._number = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            self._number = -1

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._number < 0:
            return
        try:
            if kind is None:
                os.pwrite(self._number, bytes(os.fstat(self._number).st_size), 0)
                os.fsync(self._number)
        finally:
            os.close(self._number)


def _format(signer: Signer) -> str:
    data = base64.b64encode(bytes([signer.kind]) + signer.seed).decode()
    return f"{_PREFIX}{signer.name}+{verifier_of(signer).key_id.hex()}+{data}\n"


def _parse(line: str) -> Signer:
    # The shape after the prefix is that of a public key's text; only the key id differs.
    name, _, rest = line.removeprefix(_PREFIX).partition("+")
    try:
        data = base64.b64decode(rest.strip().partition("+")[2], validate=True)
    except ValueError:
        raise NoteError("not base64") from None
    if len(data) != 1 + SEED_SIZE or data[0] not in KINDS:
        raise NoteError("not a private key")
    signer = Signer(name, data[1:], data[0])
    if _format(signer) != line:
        raise NoteError("not a private key")
    return signer
