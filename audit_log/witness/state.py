"""What a witness has cosigned: one small file for each log, replaced whole.

    sha256 9f86d0…                   of all that follows
    example.com/behind-the-sofa      the checkpoint that was cosigned last, with its log's
    …                                signatures; before the first one: size 0, not signed

The file is made when a log becomes known, and is not removed when it is forgotten. So a missing
file never means "nothing cosigned yet": missing and damaged are errors, for this log alone. Next
to it lies ``<name>.lock``, which is only locked: reading, deciding, storing and signing happen
under it, in however many threads and processes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import CheckpointError, LogCorruptError, LogUnusableError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.tree import EMPTY_ROOT

_LIMIT: Final = 1_000_000
_HEAD: Final = b"sha256 "
_HINT: Final = (
    "ask the log for a checkpoint that this witness has cosigned and restore the file from it;"
    " to start at nothing would let the log show another history"
)


def file_name(origin: str) -> str:
    """Return a name for the files of ``origin``: readable, short, and different for each."""
    readable = re.sub(r"[^a-z0-9]+", "-", origin.lower())[:60].strip("-")
    return f"{readable}-{hashlib.sha256(origin.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Record:
    """What was cosigned last for one log."""

    checkpoint: Checkpoint
    note: bytes
    """The checkpoint with the log's signatures; without any at size 0."""


@dataclass(frozen=True, slots=True)
class Records:
    """The directory of the files. Every failure is a `LogError` that names the file."""

    directory: Path

    def path(self, origin: str) -> Path:
        """Return where the record of ``origin`` lies."""
        return self.directory / file_name(origin)

    @contextmanager
    def exclusive(self, origin: str) -> Iterator[None]:
        """Hold the record of ``origin`` alone, against threads and processes."""
        with exclusive(self.directory / f"{file_name(origin)}.lock"):
            yield

    def create(self, origin: str) -> None:
        """Say that nothing was cosigned for ``origin``, unless there is a record already."""
        with self.exclusive(origin):
            for left in sorted(self.directory.glob(f".{file_name(origin)}.*.tmp")):
                left.unlink()  # of a writer that was killed
            if self.path(origin).exists():
                self.read(origin)
            else:
                nothing = Checkpoint(origin, 0, EMPTY_ROOT)
                self.store(origin, format_checkpoint(nothing).encode())

    def read(self, origin: str) -> Record:
        """Return the record; `LogCorruptError` if it is missing or damaged."""
        path = self.path(origin)
        try:
            data = read_small(path, _LIMIT)
        except FileNotFoundError:
            raise LogCorruptError(f"the record of {origin} is gone: {path}", _HINT) from None
        except OSError as error:
            raise LogUnusableError(f"cannot read the witness' record {path}: {error}") from error
        head, _, note = data.partition(b"\n")
        try:
            if head != _HEAD + hashlib.sha256(note).hexdigest().encode():
                raise CheckpointError("torn or changed: its digest does not agree")
            text, separator, _ = note.decode().partition("\n\n")
            checkpoint = parse_checkpoint(text + separator[:1])
            if checkpoint.origin != origin:
                raise CheckpointError(f"it is that of {checkpoint.origin}")
        except (CheckpointError, UnicodeDecodeError) as error:
            raise LogCorruptError(
                f"the witness' record of {origin} is damaged: {path}: {error}", _HINT
            ) from None
        return Record(checkpoint, note)

    def store(self, origin: str, note: bytes) -> None:
        """Make ``note`` the record of ``origin``, durable on return; it is held `exclusive`.

        It is written even if nothing changes: whoever put the same bytes there before may have
        been killed before they were durable.
        """
        path = self.path(origin)
        head = _HEAD + hashlib.sha256(note).hexdigest().encode() + b"\n"
        try:
            replace(path, head + note)
        except OSError as error:
            raise LogUnusableError(f"cannot keep the witness' record {path}: {error}") from error
