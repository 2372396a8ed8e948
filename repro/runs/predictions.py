"""Two files of out-of-fold predictions, row by row, without numpy.

The file is a NumPy record array (NEP 1, format 1.0): a header that is a Python literal, then rows
of fixed size: symbol, time (nanoseconds UTC), fold, target, prediction; little-endian.
"""

from __future__ import annotations

import ast
import statistics
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from repro.errors import IntegrityError

MAGIC = b"\x93NUMPY"
_CODES = {"<i8": "q", "<i4": "i", "<f8": "d"}
Key = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class PredictionDifference:
    """How two sets of predictions differ, over the rows that both have."""

    rows: int
    """Rows that both have."""
    only_a: int
    only_b: int
    changed: int
    largest: float
    """Largest absolute difference."""
    largest_ulps: int
    """Largest distance in units in the last place."""
    correlation: float | None
    first: str | None
    """The first row that differs: fold, symbol and time."""


def compare(a: Path, b: Path, *, timed: bool = True) -> PredictionDifference:
    """Return how the predictions in two files differ; rows are matched by symbol and time.

    Unless they are ``timed``, the number of a row stands in the place of its time.
    """
    left, right = dict(_rows(a)), dict(_rows(b))
    common = [key for key in left if key in right]
    changed, largest, ulps, first = 0, 0.0, 0, None
    for key in common:
        x, y = left[key][1], right[key][1]
        distance = _ulps(x, y)
        if distance:
            changed += 1
            largest, ulps = max(largest, abs(x - y)), max(ulps, distance)
            if first is None:
                symbol, time = key
                moment = _date(time) if timed else f"row {time}"
                first = f"fold {left[key][0]}, {symbol.decode()}, {moment}"
    return PredictionDifference(
        rows=len(common),
        only_a=len(left) - len(common),
        only_b=len(right) - len(common),
        changed=changed,
        largest=largest,
        largest_ulps=ulps,
        correlation=_correlation([left[k][1] for k in common], [right[k][1] for k in common]),
        first=first,
    )


def _rows(path: Path) -> Iterator[tuple[Key, tuple[int, float]]]:
    """Yield key, fold and prediction of each row; raises IntegrityError for another format."""
    try:
        content = path.read_bytes()
        if content[:6] != MAGIC or content[6] != 1:
            raise ValueError("not a NumPy file of format 1")
        size = struct.unpack_from("<H", content, 8)[0]
        header = ast.literal_eval(content[10 : 10 + size].decode("latin-1"))
        fields: list[tuple[str, str]] = header["descr"]
        layout = "<" + "".join(_code(kind) for _, kind in fields)
        names = [name for name, _ in fields]
        picked = [names.index(n) for n in ("symbol", "time", "fold", "prediction")]
        unpacked: list[tuple[Any, ...]] = list(struct.iter_unpack(layout, content[10 + size :]))
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error) as error:
        raise IntegrityError(f"{path.name} cannot be read: {error}") from error
    symbol, time, fold, prediction = picked
    for row in unpacked:
        yield (row[symbol].rstrip(b"\0"), row[time]), (row[fold], row[prediction])


def _code(kind: str) -> str:
    """Return the struct code of a field's type."""
    return f"{int(kind[2:])}s" if kind.startswith("|S") else _CODES[kind]


def _ulps(x: float, y: float) -> int:
    """Return how many representable numbers lie between two; 0 only for the same bits."""
    return abs(_ordinal(x) - _ordinal(y))


def _ordinal(x: float) -> int:
    """Return the place of a float in the order of all floats; the two zeros are neighbours."""
    bits: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF) - 1


def _correlation(x: list[float], y: list[float]) -> float | None:
    """Return Pearson's correlation, or None where it is not defined or cannot be computed."""
    try:
        return statistics.correlation(x, y)
    except (ValueError, OverflowError):  # no spread, two infinities
        return None


def _date(nanoseconds: int) -> str:
    """Return a time as people read it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    midnight = moment.time().isoformat() == "00:00:00"
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%S")
