"""A file of out-of-fold predictions as columns, without numpy.

The file is a NumPy record array (NEP 1, format 1.0): a header that is a Python literal, then rows
of fixed size: symbol, time (nanoseconds UTC), fold, target, prediction (a number, or one for each
class); little-endian. Columns are cut out of the rows by ``struct`` and by slices with a step,
which is what makes a million rows cheap: no row becomes an object unless somebody asks for it.
"""

from __future__ import annotations

import ast
import hashlib
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from repro.errors import IntegrityError

MAGIC = b"\x93NUMPY"
_HEADER = 10 + 0xFFFF
"""Bytes that a header has at most, in format 1."""
_CODES = {"<i8": "q", "<i4": "i", "<f8": "d"}
_COLUMNS = ("symbol", "time", "fold", "target", "prediction")
_UNREADABLE = (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError)
Key = tuple[bytes, int]
"""Symbol and time, or the number of a row where rows have no times."""


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a column lies in each row."""

    start: int
    code: str
    count: int

    @property
    def format(self) -> str:
        return self.code if self.code.endswith("s") else f"{self.count}{self.code}"

    @property
    def size(self) -> int:
        return struct.calcsize(f"<{self.format}")


@dataclass(frozen=True, slots=True)
class PredictionTable:
    """The rows of one file."""

    rows: int
    _content: bytes = field(repr=False)
    _size: int
    _fields: Mapping[str, _Field]

    @property
    def classes(self) -> int:
        """Return how many numbers are predicted of each row."""
        return self._fields["prediction"].count

    def keys(self) -> list[Key]:
        """Return symbol and time of each row."""
        symbols = (symbol.rstrip(b"\0") for (symbol,) in self._cut("symbol"))
        return list(zip(symbols, (time for (time,) in self._cut("time")), strict=True))

    def predicted(self) -> array[float]:
        """Return what is predicted, row by row: of several classes ``classes`` numbers a row."""
        values = array("d", self._packed("prediction"))
        if sys.byteorder == "big":
            values.byteswap()
        return values

    def folds(self) -> list[int]:
        """Return the test fold of each row."""
        return list(chain.from_iterable(self._cut("fold")))

    def targets(self) -> list[float]:
        """Return the label of each row."""
        return list(chain.from_iterable(self._cut("target")))

    def key(self, row: int) -> Key:
        """Return symbol and time of one row."""
        symbol, time = self._at("symbol", row), self._at("time", row)
        return symbol.rstrip(b"\0"), time

    def fold(self, row: int) -> int:
        """Return the test fold of one row."""
        return int(self._at("fold", row))

    def scored(self) -> str:
        """Return SHA-256 of which rows these are and of their labels, whatever was predicted."""
        symbols = (symbol.rstrip(b"\0") for (symbol,) in self._cut("symbol"))
        found = hashlib.sha256(b"\0".join(symbols))
        for name in ("time", "target"):
            found.update(self._packed(name))
        return found.hexdigest()

    def has_rows_of(self, other: PredictionTable) -> bool:
        """Return whether both have the same rows in the same order, seen at a glance.

        False says nothing: the same symbols may be stored at another width.
        """
        for name in ("symbol", "time"):
            if self.rows != other.rows or self._fields[name].size != other._fields[name].size:
                return False
            ours, theirs = self._fields[name].start, other._fields[name].start
            for byte in range(self._fields[name].size):
                mine = self._content[ours + byte :: self._size]
                if mine != other._content[theirs + byte :: other._size]:
                    return False
        return True

    def _packed(self, name: str) -> bytes:
        """Return the bytes of a column, row by row."""
        one = self._fields[name]
        found = bytearray(self.rows * one.size)
        for byte in range(one.size):  # a slice with a step for each byte of a row: no row by row
            found[byte :: one.size] = self._content[one.start + byte :: self._size]
        return bytes(found)

    def _cut(self, name: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values of a column, row by row."""
        one = self._fields[name]
        after = self._size - one.start - one.size
        return struct.iter_unpack(f"<{one.start}x{one.format}{after}x", self._content)

    def _at(self, name: str, row: int) -> Any:
        one = self._fields[name]
        place = row * self._size + one.start
        return struct.unpack_from(f"<{one.format}", self._content, place)[0]


def read(path: Path) -> PredictionTable:
    """Return the predictions in a file; raises IntegrityError for another format."""
    try:
        content = path.read_bytes()
        begin, shape, fields, size = _header(content)
        rows, left = divmod(len(content) - begin, size)
        if left or (rows,) != shape:
            raise ValueError(f"{rows} whole rows where its header says {shape}")
        return PredictionTable(rows, content[begin:], size, fields)
    except (*_UNREADABLE, struct.error) as error:
        raise IntegrityError(f"{path.name} cannot be read: {error}") from error


def rows_sha256(path: Path) -> str:
    """Return SHA-256 of the rows in a file, in hex; raises IntegrityError for another format."""
    try:
        with path.open("rb") as file:
            begin, shape, _, size = _header(file.read(_HEADER))
            rows, left = divmod(path.stat().st_size - begin, size)
            if left or (rows,) != shape:
                raise ValueError(f"{rows} whole rows where its header says {shape}")
            file.seek(begin)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (*_UNREADABLE, struct.error) as error:
        raise IntegrityError(f"{path.name} cannot be read: {error}") from error


def classes_in(path: Path) -> int:
    """Return how many numbers a file predicts of each row; as ``read``, but its rows are not."""
    try:
        with path.open("rb") as file:
            fields = _header(file.read(_HEADER))[2]
    except (*_UNREADABLE, struct.error) as error:
        raise IntegrityError(f"{path.name} cannot be read: {error}") from error
    return fields["prediction"].count


def _header(content: bytes) -> tuple[int, tuple[int, ...], dict[str, _Field], int]:
    """Return where the rows begin, how many there are, the columns, and the size of a row."""
    if content[:6] != MAGIC or content[6] != 1:
        raise ValueError("not a NumPy file of format 1")
    begin = 10 + struct.unpack_from("<H", content, 8)[0]
    header = ast.literal_eval(content[10:begin].decode("latin-1"))
    return begin, tuple(header["shape"]), *_fields(header["descr"])


def _fields(described: list[tuple[Any, ...]]) -> tuple[dict[str, _Field], int]:
    """Return the columns that are read, and the size of a row; raises ValueError if one lacks."""
    found, start = {}, 0
    for name, kind, *shape in described:
        (count,) = shape[0] if shape else (1,)
        code = f"{int(kind[2:])}s" if kind.startswith("|S") else _CODES[kind]
        found[name] = _Field(start, code, int(count))
        start += found[name].size
    missing = [name for name in _COLUMNS if name not in found]
    if missing:
        raise ValueError(f"no field {missing[0]}")
    return found, start
