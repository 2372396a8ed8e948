"""Data files as they lie on the disk: where, how long, and their digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from repro.errors import InputError
from repro.facts.digest_cache import DigestCache
from repro.facts.file_digest import DataDigest
from repro.facts.listing import HINT, files_of


class DataFile(NamedTuple):
    """One file: its name as the configuration has it, and its content."""

    name: str
    path: Path
    blake3: str
    sha256: str | None
    """None if ``reproducibility.input_sha256`` does not ask for it."""
    size: int
    """Bytes."""

    def digests(self) -> dict[str, str]:
        """Return the digests by the names of their hash functions, as a worker tells them."""
        return DataDigest(self.blake3, self.sha256, self.size).digests()

    def facts(self) -> dict[str, Any]:
        """Return what is recorded; the path of this machine is not."""
        return {"name": self.name, **self.digests(), "size": self.size}


def locate(root: Path, names: Sequence[str], *, exact: bool = False) -> dict[str, Path]:
    """Return the path of each data file that ``names`` mean: files, folders and patterns.

    With ``exact``, as for what is sealed, each name is one file. Raises InputError for a name that
    means nothing, and for what cannot be a data file.
    """
    found: dict[str, Path] = {}
    for name in names:
        if exact and not (root / name).is_file():
            raise InputError(f"no such data file: {name}", HINT)
        found |= files_of(root, name)
    return found


def digest_files(
    paths: Mapping[str, Path], cache: DigestCache, *, sha256: bool = False
) -> tuple[DataFile, ...]:
    """Return each file with its digests, by name; raises InputError for one that cannot be read.

    One that ``cache`` knows and nobody has touched is not read.
    """
    files = []
    for name, path in sorted(paths.items()):
        try:
            files.append(DataFile(name, path, *cache.digest(name, path, sha256=sha256)))
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    return tuple(files)
