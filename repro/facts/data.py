"""Data files as they lie on the disk: where, how long, and their digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import digest_file
from repro.errors import InputError


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: its name as the configuration has it, and its content."""

    name: str
    path: Path
    blake3: str
    sha256: str
    size: int
    """Bytes."""

    def facts(self) -> dict[str, Any]:
        """Return what is recorded; the path of this machine is not."""
        facts = asdict(self)
        del facts["path"]
        return facts


def locate(root: Path, names: Sequence[str]) -> dict[str, Path]:
    """Return the path of each data file; raises InputError for one that is not there."""
    found: dict[str, Path] = {}
    for name in names:
        path = root / name
        if not path.is_file():
            raise InputError(
                f"no such data file: {name}",
                "dataset.files in CONFIG/data/dataset.yaml names files from the workspace's root",
            )
        found[name] = path
    return found


def digest_files(paths: dict[str, Path]) -> tuple[DataFile, ...]:
    """Return each file with its digests; raises InputError for one that cannot be read."""
    files = []
    for name, path in sorted(paths.items()):
        try:
            digest = digest_file(path)
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error
        files.append(DataFile(name, path, digest.blake3, digest.sha256, digest.size))
    return tuple(files)
