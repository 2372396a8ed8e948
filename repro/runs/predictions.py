"""Two files of out-of-fold predictions, row by row, without numpy.

The file is a NumPy record array (NEP 1, format 1.0): a header that is a Python literal, then rows
of fixed size: symbol, time (nanoseconds UTC), fold, target, prediction (a number, or one for each
class); little-endian.
"""

from __future__ import annotations

import ast
import statistics
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from repro.errors import IntegrityError

MAGIC = b"\x93NUMPY"
_CODES = {"<i8": "q", "<i4": "i", "<f8": "d"}
_HALF = 0.5
Key = tuple[bytes, int]
Values = tuple[float, ...]
"""What is predicted of one row."""


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
    """Over all values of the rows that both have."""
    first: str | None
    """The first row that differs: fold, symbol and time, and the class if there are several."""


def compare(a: Path, b: Path, *, timed: bool = True) -> PredictionDifference:
    """Return how the predictions in two files differ; rows are matched by symbol and time.

    Unless they are ``timed``, the number of a row stands in the place of its time. Raises
    IntegrityError for a file that is no such table, or predicts other classes.
    """
    left, right = dict(_rows(a)), dict(_rows(b))
    common = [key for key in left if key in right]
    changed, largest, ulps, first = 0, 0.0, 0, None
    for key in common:
        (fold, x), (_, y) = left[key], right[key]
        if len(x) != len(y):
            raise IntegrityError(
                f"{a.name} has {len(x)} predictions a row, the other one has {len(y)}"
            )
        distances = list(map(_ulps, x, y))
        if any(distances):
            changed += 1
            largest = max(largest, *(abs(p - q) for p, q in zip(x, y, strict=True)))
            ulps = max(ulps, *distances)
            first = first or _place(fold, key, distances, timed)
    return PredictionDifference(
        rows=len(common),
        only_a=len(left) - len(common),
        only_b=len(right) - len(common),
        changed=changed,
        largest=largest,
        largest_ulps=ulps,
        correlation=_correlation(
            [value for key in common for value in left[key][1]],
            [value for key in common for value in right[key][1]],
        ),
        first=first,
    )


Table = Mapping[Key, Values]
"""What is predicted of each row, by symbol and time."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two sets of predictions are, over the rows that both have."""

    rows: int
    same_rows: float
    """The share of these rows whose bits are the same."""
    largest: float
    """Largest absolute difference."""
    correlation: float | None
    same_class: float | None
    """The share of rows for which both say the same class; None without rows."""


def table(path: Path) -> Table:
    """Return the predictions in a file; IntegrityError if it is no such table."""
    return {key: values for key, (_, values) in _rows(path)}


def agreement(a: Table, b: Table) -> Agreement:
    """Return how alike two sets of predictions are; IntegrityError if they are of other classes."""
    pairs = [(x, b[key]) for key, x in a.items() if key in b]
    if any(len(x) != len(y) for x, y in pairs):
        raise IntegrityError("two replicates predict other classes")
    same = sum(not any(map(_ulps, x, y)) for x, y in pairs)
    alike = sum(_class(x) == _class(y) for x, y in pairs)
    return Agreement(
        rows=len(pairs),
        same_rows=same / len(pairs) if pairs else 0.0,
        largest=max((abs(p - q) for x, y in pairs for p, q in zip(x, y, strict=True)), default=0.0),
        correlation=_correlation(
            [value for x, _ in pairs for value in x], [value for _, y in pairs for value in y]
        ),
        same_class=alike / len(pairs) if pairs else None,
    )


def _class(values: Values) -> int:
    """Return the likeliest class: of one number, whether it lies above one half."""
    if len(values) == 1:
        return int(values[0] > _HALF)
    return values.index(max(values))


def _place(fold: int, key: Key, distances: list[int], timed: bool) -> str:
    """Return which row differs, and of several classes the first that does."""
    symbol, time = key
    moment = _date(time) if timed else f"row {time}"
    row = f"fold {fold}, {symbol.decode()}, {moment}"
    which = next(n for n, distance in enumerate(distances) if distance)
    return f"{row}, class {which}" if len(distances) > 1 else row


def _rows(path: Path) -> Iterator[tuple[Key, tuple[int, Values]]]:
    """Yield key, fold and prediction of each row; raises IntegrityError for another format."""
    try:
        content = path.read_bytes()
        if content[:6] != MAGIC or content[6] != 1:
            raise ValueError("not a NumPy file of format 1")
        size = struct.unpack_from("<H", content, 8)[0]
        header = ast.literal_eval(content[10 : 10 + size].decode("latin-1"))
        fields: list[tuple[Any, ...]] = header["descr"]
        layout = "<" + "".join(_code(*field) for field in fields)
        picked = [_values(fields, name) for name in ("symbol", "time", "fold", "prediction")]
        unpacked: list[tuple[Any, ...]] = list(struct.iter_unpack(layout, content[10 + size :]))
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error) as error:
        raise IntegrityError(f"{path.name} cannot be read: {error}") from error
    symbol, time, fold = (where.start for where in picked[:3])
    prediction = picked[3]
    for row in unpacked:
        yield (row[symbol].rstrip(b"\0"), row[time]), (row[fold], row[prediction])


def _code(name: str, kind: str, shape: tuple[int, ...] = (1,)) -> str:
    """Return the struct code of a field, which is one value or a list of them."""
    if kind.startswith("|S"):
        return f"{int(kind[2:])}s"
    (count,) = shape
    return f"{int(count)}{_CODES[kind]}"


def _values(fields: list[tuple[Any, ...]], name: str) -> slice:
    """Return which of a row's unpacked values are those of a field."""
    start = 0
    for found, _, *shape in fields:
        count = shape[0][0] if shape else 1
        if found == name:
            return slice(start, start + count)
        start += count
    raise ValueError(f"no field {name}")


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
