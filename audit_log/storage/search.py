"""Records of a log that hold certain bytes, found without decoding the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repro.audit_log.errors import LogCorruptError, RecordError
from repro.audit_log.formats.record import Record, decode

from .segments import lines_with


def lines_holding(directory: Path, needle: bytes) -> Iterator[bytes]:
    """Yield each whole line of the log that holds ``needle``, in order."""
    yield from lines_with(directory, needle)


def records_of(directory: Path, type_: str) -> Iterator[Record]:
    """Yield each record of one type; `LogCorruptError` for a line that names it and is none."""
    ending = f',"type":"{type_}"}}'.encode()
    for line in lines_holding(directory, ending):
        if line.endswith(ending):
            try:
                yield decode(line)
            except RecordError as error:
                raise LogCorruptError(f"a line of type {type_} is no record: {error}") from None
