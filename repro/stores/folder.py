"""A store that is a folder: files come by rename, durable, and links are not followed."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from repro.audit_log.disk.locks import Lock
from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats.digests import FileDigest, digest_file
from repro.errors import InputError, UsageError
from repro.stores.store import Turn

_ABSENT: Final = (errno.ENOENT, errno.ENOTDIR)
_CHUNK: Final = 1 << 20
_LOCK: Final = ".publish.lock"
"""In the folder itself, which all that write there see; empty, and never removed."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""What lies there already, such as a link to a file of somebody else's, is not written to."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files below one folder."""

    root: Path

    @classmethod
    def open(cls, root: Path, *, make: bool = False) -> Folder:
        """Return the store in ``root``, made if asked; UsageError if it is no folder."""
        with _said(root):
            if make:
                root.mkdir(parents=True, exist_ok=True)
        if not root.is_dir():
            raise UsageError(f"no store at {root}: there is no such folder", "name one that exists")
        return cls(root)

    @property
    def shown(self) -> str:
        """The folder, as it was named."""
        return str(self.root)

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""
        try:
            return read_small(self._path(name), limit)
        except OSError as error:
            self._require_absent(error, name)
            return None

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` at a name, whole or not at all, durable on return."""
        self._put(name, lambda path: write_new(path, data))

    def upload(self, name: str, path: Path) -> None:
        """Put a local file at a name, whole or not at all, durable on return."""

        def copy(target: Path) -> None:
            descriptor = os.open(target, _NEW, 0o644)
            with open(descriptor, "wb") as made, path.open("rb") as source:  # noqa: PTH123
                shutil.copyfileobj(source, made, _CHUNK)
                made.flush()
                os.fsync(made.fileno())

        self._put(name, copy)

    def remove(self, name: str) -> None:
        """Take a file away, and the folder of partial tiles that it leaves empty."""
        path = self._path(name)
        with _said(path):
            path.unlink(missing_ok=True)
            if path.parent.name.endswith(".p"):
                try:
                    path.parent.rmdir()
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, *_ABSENT):
                        raise

    def names(self, folder: str) -> list[str]:
        """Return what lies directly in a folder; what a killed writer left is not named."""
        try:
            there = os.listdir(self._path(folder))  # noqa: PTH208 (names, not paths)
        except OSError as error:
            self._require_absent(error, folder)
            return []
        return sorted(name for name in there if not name.startswith("."))

    @contextmanager
    def alone(self, turn: Turn) -> Iterator[None]:
        """Hold the folder's lock, which needs no name and ends with its process."""
        path = self.root / _LOCK
        lock = Lock(path)
        try:
            with _said(path):
                # As open to others as their umask makes it: who may write here may lock here.
                with suppress(FileExistsError):
                    os.close(os.open(path, _NEW, 0o666))
                try:
                    lock.acquire()
                except LogUnusableError as error:
                    raise InputError(
                        f"somebody else publishes at {self.shown}: {error}",
                        "wait until that is done, or see what that process is",
                    ) from error
            yield
        finally:
            lock.release()
            lock.close()

    def download(self, name: str, path: Path, limit: int) -> bool:
        """Copy at most ``limit`` bytes to the new ``path``; `OSError` if it cannot be written."""
        source = self._path(name)
        try:
            if not stat.S_ISREG(source.lstat().st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(source))
            file = source.open("rb")
        except OSError as error:
            self._require_absent(error, name)
            return False
        with file, path.open("xb") as target:
            copy_at_most(file, target, limit)
        return True

    def digest(self, name: str) -> FileDigest | None:
        """Return the digests of a file; None if it is not there."""
        path = self._path(name)
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            return digest_file(path)
        except OSError as error:
            self._require_absent(error, name)
            return None

    def _path(self, name: str) -> Path:
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise AssertionError(f"not a name in a store: {name!r}")
        for folder in relative.parents:
            if folder.parts and (self.root / folder).is_symlink():
                raise InputError(
                    f"{self.root / folder} is a link: what it leads to is no part of the store",
                    "put a folder there in its place, or name the one it leads to as the store",
                )
        return self.root / relative

    def _put(self, name: str, write: Callable[[Path], None]) -> None:
        path = self._path(name)
        with _said(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            temporary.unlink(missing_ok=True)
            try:
                write(temporary)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            sync_directory(path.parent)

    def _require_absent(self, error: OSError, name: str) -> None:
        """Raise InputError unless ``error`` says that a file of the store is not there."""
        if error.errno in _ABSENT and self.root.is_dir():
            return
        path = self.root / name
        if what := _instead_of_file(path):
            raise InputError(
                f"{path} is {what}, and no file: nothing of it is taken for the store's",
                "move it away, and do again what put the store there: push the run, or publish "
                "with --check",
            ) from error
        raise InputError(f"cannot read {self.root / name}: {error.strerror or error}") from error


def _instead_of_file(path: Path) -> str:
    """Return what lies where a file should; nothing if that is one, or cannot be looked at."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return ""
    if stat.S_ISREG(mode):
        return ""
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder"}
    return kinds.get(stat.S_IFMT(mode), "a device, a pipe or a socket")


def copy_at_most(source: BinaryIO, target: BinaryIO, limit: int) -> None:
    """Copy what ``source`` has, and no more than ``limit`` bytes of it."""
    while limit > 0 and (chunk := source.read(min(_CHUNK, limit))):
        target.write(chunk)
        limit -= len(chunk)


def read_at_most(source: BinaryIO, limit: int) -> bytes:
    """Return what ``source`` has, and no more than ``limit`` bytes of it."""
    target = io.BytesIO()
    copy_at_most(source, target, limit)
    return target.getvalue()


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Let what the disk refuses be an error of the user's."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}",
            "what was there before is unchanged; the same command goes on from here",
        ) from error
