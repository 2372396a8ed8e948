"""A store behind fsspec: S3, GCS, Azure, SFTP and whatever else it has an implementation for.

How to log in is for fsspec and the store's own library to find: its configuration files
(``~/.config/fsspec``), ``FSSPEC_…`` variables, or what the vendor's tools use.
"""

from __future__ import annotations

import hashlib
import posixpath
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

from repro.audit_log.formats.digests import FileDigest
from repro.errors import InputError, ReproError, UsageError, in_checkout
from repro.stores import turns
from repro.stores.folder import copy_at_most, read_at_most
from repro.stores.store import Turn

WHOLE: Final = frozenset(
    {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"}
)
"""Protocols whose stores take a file whole or not at all. On others it is renamed into place."""
STREAMED: Final = frozenset({"http", "https"})
"""Protocols whose servers may give all of a file, however long, where a part of it is asked for."""
CACHES: Final = frozenset({"blockcache", "cached", "filecache", "simplecache"})
"""Protocols that give back what they kept, whatever is there: nothing read through them says what
the store holds."""
_CHUNK: Final = 1 << 20
_GOES_ON: Final = "nothing half-written counts there; the same command goes on from here"
_HINT: Final = {
    "list": "a store that lists nothing, as many a web server, gives a run that is named whole: "
    "RUN/DIGEST, as its push said",
    "read": "try again: what was fetched is kept",
    "remove": _GOES_ON,
    "write": _GOES_ON,
}
_EXTRA: Final = f"it needs a library that is not installed: {in_checkout('store')}"


@dataclass(frozen=True, slots=True)
class Remote:
    """The files below one path of an fsspec file system."""

    system: Any
    root: str
    shown: str
    whole: bool
    """Whether the store puts a file there whole or not at all by itself."""
    streamed: bool = False
    """Whether what is read must be cut here, as it comes."""

    @classmethod
    def open(cls, address: str, shown: str) -> Remote:
        """Return the store at ``address``; it is called ``shown`` to the user."""
        chain = [part.partition("://")[0] for part in address.split("::")]
        if cache := next((part for part in chain if part in CACHES), None):
            raise UsageError(
                f"{shown} is read through a cache, which may give back what is there no more",
                f"take {cache}:: away",
            )
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise InputError(f"cannot use {shown}", _EXTRA) from None
        try:
            system, root = url_to_fs(address)
        except ImportError as error:
            raise InputError(f"cannot use {shown}: {error}", "install what it names") from error
        except ValueError as error:
            raise UsageError(f"no store at {shown}: {error}") from error
        except Exception as error:  # whatever a vendor's library thinks of a login
            raise InputError(f"cannot use {shown}: {error}") from error
        return cls(
            system, root.rstrip("/"), shown.rstrip("/"), chain[0] in WHOLE, chain[0] in STREAMED
        )

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""
        with self._said("read", name):
            path = self._path(name)
            try:
                if self.streamed:
                    with self.system.open(path, "rb", block_size=0) as file:
                        return read_at_most(file, limit)
                data: bytes = self.system.cat_file(path, start=0, end=limit)
            except FileNotFoundError:
                return None
            return data[:limit]

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` at a name, whole or not at all."""
        with self._said("write", name), self._place(name) as path:
            self.system.pipe_file(path, data)

    def upload(self, name: str, path: Path) -> None:
        """Put a local file at a name, whole or not at all."""
        with self._said("write", name), self._place(name) as target:
            self.system.put_file(str(path), target)

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        with self._said("remove", name):
            try:
                self.system.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def names(self, folder: str) -> list[str]:
        """Return what lies directly in a folder, sorted."""
        with self._said("list", folder):
            try:
                found = self.system.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            names = {posixpath.basename(str(path).rstrip("/")) for path in found}
            return sorted(name for name in names if name and not name.startswith("."))

    def alone(self, turn: Turn) -> AbstractContextManager[None]:
        """Raise a flag there, and wait until it is the only one."""
        return turns.alone(self, turn)

    def download(self, name: str, path: Path, limit: int) -> bool:
        """Write at most ``limit`` bytes of a file to the new ``path``; return whether it is there.

        A store that gives more than it should must not fill the disk here.
        """
        with self._said("read", name):
            try:
                with (
                    self.system.open(self._path(name), "rb", cache_type="readahead") as file,
                    path.open("xb") as target,
                ):
                    copy_at_most(file, target, limit)
            except FileNotFoundError:
                path.unlink(missing_ok=True)
                return False
            return True

    def digest(self, name: str) -> FileDigest | None:
        """Return the digests of what can be read at a name; None if it is not there."""
        first, second, size = blake3(), hashlib.sha256(), 0
        with self._said("read", name):
            try:
                with self.system.open(self._path(name), "rb", cache_type="readahead") as file:
                    while chunk := file.read(_CHUNK):
                        first.update(chunk)
                        second.update(chunk)
                        size += len(chunk)
            except FileNotFoundError:
                return None
        return FileDigest(first.hexdigest(), second.hexdigest(), size)

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    @contextmanager
    def _place(self, name: str) -> Iterator[str]:
        """Give the path to write to, which then has the name."""
        path = self._path(name)
        if self.whole:
            yield path
            return
        folder, base = posixpath.split(path)
        self.system.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.{base}.{secrets.token_hex(4)}.tmp"
        try:
            yield temporary
            self.system.mv(temporary, path)
        except BaseException:
            if self.system.exists(temporary):
                self.system.rm_file(temporary)
            raise

    @contextmanager
    def _said(self, what: str, name: str) -> Iterator[None]:
        """Let what the store or the network refuses be an error of the user's.

        Each vendor's library has exceptions of its own, and not all of them are OSErrors.
        """
        try:
            # What a listing was a moment ago must not be believed: others write there, too. The
            # option against it is none that every implementation takes: SFTP's refuses it.
            self.system.invalidate_cache()
            yield
        except ReproError:
            raise
        except Exception as error:
            why = str(error) or type(error).__name__
            raise InputError(f"cannot {what} {self.shown}/{name}: {why}", _HINT[what]) from error
