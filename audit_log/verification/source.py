"""Where a published log is read: names and bytes, wherever they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import LogUnusableError


class Source(Protocol):
    """Where the files of a published log are read."""

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""

    def names(self, folder: str) -> list[str] | None:
        """Return what lies directly in a folder; nothing if it is not there.

        None where the place does not tell, as many a web server.
        """


@dataclass(frozen=True, slots=True)
class Directory:
    """A published log in a local folder."""

    root: Path

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file; `LogUnusableError` if it is there and cannot be read."""
        try:
            return read_small(self.root / name, limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LogUnusableError(f"cannot read {self.root / name}: {error}") from error

    def names(self, folder: str) -> list[str]:
        """Return what lies directly in a folder."""
        try:
            return sorted(path.name for path in (self.root / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise LogUnusableError(f"cannot read {self.root / folder}: {error}") from error
