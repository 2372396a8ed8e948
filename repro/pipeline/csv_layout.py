"""The layout of a CSV file: its bytes unpacked, its header, and the line each record begins on.

What is refused here is the shape of the file; ``cells`` reads what stands in it.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.places import listed
from repro.pipeline.unpacking import unpack

if TYPE_CHECKING:
    import _csv

_SHOWN = 5
_QUOTE = b'"'
_BLANK = b" \t"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_BLOCK = 1 << 15
"""Records whose fields are texts at one time: these take ten times the memory of bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One CSV file whose records all have as many fields as its header."""

    name: str
    """As shown to the user."""
    text: bytes
    """Unpacked, UTF-8, without byte order mark."""
    header: tuple[str, ...]
    lines: Ints
    """(n,) line on which each record begins; the first line of the file is 1."""

    def blocks(self, columns: Sequence[str]) -> Iterator[dict[str, Sequence[str]]]:
        """Yield the fields of some columns, exactly as written, of so many records at a time."""
        at = {column: self.header.index(column) for column in columns}
        if _QUOTE in self.text:
            rows = (fields for fields in _rows(self.text) if not _is_blank(fields))
            next(rows)  # the header
            while block := list(islice(rows, _BLOCK)):
                yield {column: [fields[i] for fields in block] for column, i in at.items()}
            return
        width = len(self.header)
        records = [line for line in self.text.splitlines() if b"," in line or line.strip(_BLANK)]
        for start in range(1, len(records), _BLOCK):  # cut at every comma at once
            fields = b",".join(records[start : start + _BLOCK]).decode().split(",")
            yield {column: fields[i::width] for column, i in at.items()}


def lay_out(name: str, raw: bytes) -> Layout:
    """Return the layout of a CSV file, plain or compressed.

    Raises InputError if it is empty, truncated, no UTF-8 text, has no records, names a column
    twice, or has a record with too few or too many fields.
    """
    text = unpack(name, raw)
    _require_text(name, text)
    lines, widths = _records(name, text)
    if len(lines) == 0:
        raise InputError(f"{name}: the file is empty", "give a file with a header and rows")
    header = _header(name, text, int(lines[0]))
    if len(lines) == 1:
        raise InputError(f"{name}:{lines[0]}: a header, but no rows")
    _require_even(name, lines, widths, header)
    return Layout(name, text, header, lines[1:])


def _require_text(name: str, text: bytes) -> None:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: not UTF-8 text", "save the file as UTF-8") from error
    if (at := text.find(b"\0")) >= 0:
        line = text.count(b"\n", 0, at) + 1
        raise InputError(f"{name}:{line}: a zero byte: not a text file")


def _records(name: str, text: bytes) -> tuple[Ints, Ints]:
    """Return line and number of fields of each record that is not blank, the header included.

    Raises InputError with the line on which the record begins that cannot be read.
    """
    if _QUOTE not in text:  # ten times as fast as the csv module
        contents = text.splitlines()
        widths = np.array([content.count(b",") + 1 for content in contents], dtype=np.int64)
        lone = np.flatnonzero(widths == 1).tolist()
        blank = [i for i in lone if not contents[i].strip(_BLANK)]
        used = np.delete(np.arange(len(contents), dtype=np.int64), blank)
        return used + 1, widths[used]
    rows = _rows(text)
    records, line = [], 1
    try:
        for fields in rows:
            if not _is_blank(fields):
                records.append((line, len(fields)))
            line = rows.line_num + 1
    except csv.Error as error:
        hint = "look for a quote that is not closed in the record that begins there"
        raise InputError(f"{name}:{line}: not CSV: {error}", hint) from error
    found = np.array(records, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _rows(text: bytes) -> _csv.Reader:
    """Return a reader of the rows, decoded as they are read."""
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    return csv.reader(lines, strict=True)


def _is_blank(fields: list[str]) -> bool:
    return len(fields) < 2 and not "".join(fields).strip(" \t")


def _header(name: str, text: bytes, line: int) -> tuple[str, ...]:
    header = next(fields for fields in _rows(text) if not _is_blank(fields))
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        names = listed(twice, _SHOWN)
        raise InputError(f"{name}:{line}: the header names {names} more than once")
    return tuple(header)


def require_commas(name: str, line: int, header: Sequence[str]) -> None:
    """Raise InputError for a header of one name that holds what other tables put in between."""
    found = [words for mark, words in _SEPARATORS.items() if mark in header[0]]
    if len(header) == 1 and found:
        raise InputError(
            f"{name}:{line}: separated by {found[0]}; write commas",
            "write the table with commas between cells and a point in numbers",
        )


def _require_even(name: str, lines: Ints, widths: Ints, header: Sequence[str]) -> None:
    uneven = np.flatnonzero(widths != widths[0]).tolist()
    if not uneven:
        return
    require_commas(name, int(lines[0]), header)
    first = uneven[0]
    more = [f"line {lines[row]} has {widths[row]}" for row in uneven[1:_SHOWN]]
    if len(uneven) > _SHOWN:
        more.append(f"{len(uneven) - _SHOWN} more lines")
    also = f" (also {', '.join(more)})" if more else ""
    raise InputError(
        f"{name}:{lines[first]}: {widths[first]} fields where the header has {widths[0]}{also}",
        "quote fields that hold a comma; a cut-off last line means a truncated file",
    )
