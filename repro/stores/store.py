"""What a store is, and how the text that names one is read.

A name is relative, with ``/`` between its parts. What is written is there whole or not at all, also
when the writer is killed; whoever writes may be killed between two writes.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from repro.audit_log.formats.digests import FileDigest
from repro.errors import UsageError

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z0-9+.-]+)*)://", re.ASCII)
_SECRET: Final = re.compile(r"(://)[^/@]*@|\?.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody who wants to be the only one that writes to a store for a while."""

    name: str
    """Who: a name for a file, the same each time, of somebody who is never there twice at once."""
    text: str
    """What others are told of it; anybody can read it."""
    take_over: bool = False
    """Whether the turn of somebody who ended without saying so is over."""


class Store(Protocol):
    """Files by name. Every method raises InputError if the store cannot be used."""

    @property
    def shown(self) -> str:
        """Its address as it may be shown and written down: without a user, a password, a query."""

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` at a name, over what is there; durable, and whole or not at all."""

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""

    def names(self, folder: str) -> list[str]:
        """Return what lies directly in a folder, sorted; nothing if it is not there."""

    def alone(self, turn: Turn) -> AbstractContextManager[None]:
        """Keep all others out that ask for a turn, too; wait a minute for whoever has it."""

    def upload(self, name: str, path: Path) -> None:
        """Put a local file at a name, as `write` does; it is not read at once."""

    def download(self, name: str, path: Path, limit: int) -> bool:
        """Write at most ``limit`` bytes of a file to the new file ``path``; return whether it is.

        `OSError` may come through where ``path`` cannot be written.
        """

    def digest(self, name: str) -> FileDigest | None:
        """Return the digests of what can be read at a name; None if it is not there."""


def open_store(address: str, *, make: bool = False) -> Store:
    """Return the store that ``address`` names: a folder, ``file://``, or any of fsspec's.

    With ``make`` a folder that is not there is made. UsageError for an address that names none,
    InputError if it cannot be used, such as without the extra ``store``.
    """
    from repro.stores.folder import Folder

    if not address or "\0" in address:
        raise UsageError("no store has an empty name", "name a folder, or an address as s3://…")
    folder = local(address)
    if folder is not None:
        return Folder.open(folder, make=make)
    from repro.stores.remote import Remote

    return Remote.open(address, shown(address))


def local(address: str) -> Path | None:
    """Return the folder that an address names; None if it is not one of this machine."""
    found = _ADDRESS.match(address)
    if found is None:
        return Path(address)
    return Path(address[found.end() :]) if found[1] in ("file", "local") else None


def require_outside(address: str, root: Path, *names: str) -> None:
    """Raise UsageError for a store that would be the workspace, or lie in a folder of it."""
    folder = local(address)
    if folder is None:
        return
    named = folder.resolve()
    if named == root.resolve():
        raise UsageError(
            f"{address} is the workspace itself, which is no place for a store",
            "name a folder of its own, such as ../public",
        )
    for name in names:
        if named.is_relative_to((root / name).resolve()):
            raise UsageError(
                f"{address} lies in {root / name}, which is no place for a store",
                "name a folder elsewhere",
            )


def require_lasting(address: str) -> None:
    """Raise UsageError for a store that ends with this process, which is no use to a command."""
    found = re.match(r"(?:.*::)?memory://", address, re.DOTALL)
    if found is not None:
        raise UsageError(
            f"{shown(address)} is this command's own memory: what it holds is gone when it ends",
            "name a folder, or an address such as s3://…",
        )


def shown(address: str) -> str:
    """Return an address without the user, password and query that may be secret."""
    return _SECRET.sub(lambda match: match[1] or "", address)
