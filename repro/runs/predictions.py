"""Two files of out-of-fold predictions, row by row, without numpy."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import mul, ne, sub
from pathlib import Path
from typing import TypeAlias, TypeVar

from repro.errors import IntegrityError
from repro.runs.table import Key, PredictionTable, read

_HALF = 0.5
_BELOW_ZERO = -(2**63) - 1
"""What the bits of a negative float, as a signed integer, are taken from to give its place."""
Floats: TypeAlias = "array[float]"
Number = TypeVar("Number", int, float)
Values = tuple[float, ...]
"""What is predicted of one row."""


@dataclass(frozen=True, slots=True)
class PredictionDifference:
    """How two sets of predictions differ, over the rows that both have."""

    rows: int
    """Rows that both have."""
    only_a: int
    """Rows that the first run alone has."""
    only_b: int
    """Rows that the second run alone has."""
    changed: int
    """Rows of both whose bits differ."""
    largest: float | None
    """Largest absolute difference; None where one is no finite number, as of an infinity."""
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
    left, right = read(a), read(b)
    if left.classes != right.classes:
        raise IntegrityError(
            f"{a.name} has {left.classes} predictions a row, the other one has {right.classes}"
        )
    x, y = left.predicted(), right.predicted()
    common: Sequence[int] = range(left.rows)
    if not left.has_rows_of(right):
        places = {key: row for row, key in enumerate(right.keys())}
        pairs = [(row, places[key]) for row, key in enumerate(left.keys()) if key in places]
        common = [row for row, _ in pairs]
        x = _picked(x, common, left.classes)
        y = _picked(y, [row for _, row in pairs], left.classes)
    old, new = _bits(x), _bits(y)
    differing = list(map(ne, old, new))
    differs = any(differing)
    return PredictionDifference(
        rows=len(common),
        only_a=left.rows - len(common),
        only_b=right.rows - len(common),
        changed=_changed(differing, left.classes) if differs else 0,
        largest=_largest(x, y) if differs else 0.0,
        largest_ulps=_largest_ulps(old, new) if differs else 0,
        correlation=_correlation(x, y),
        first=_place(left, common, differing.index(True), timed) if differs else None,
    )


def _picked(values: Floats, rows: Iterable[int], classes: int) -> Floats:
    """Return the values of some rows, in the order of these."""
    if classes == 1:
        return array("d", [values[row] for row in rows])
    return array("d", [v for row in rows for v in values[row * classes : (row + 1) * classes]])


def _changed(differing: Sequence[bool], classes: int) -> int:
    """Return in how many rows a value differs."""
    if classes == 1:
        return sum(differing)
    return sum(map(any, zip(*[iter(differing)] * classes, strict=True)))


Table = Mapping[Key, Values]
"""What is predicted of each row, by symbol and time."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two sets of predictions are, over the rows that both have."""

    rows: int
    same_rows: float
    """The share of these rows whose bits are the same."""
    largest: float | None
    """Largest absolute difference; None where one is no finite number, as of an infinity."""
    correlation: float | None
    same_class: float | None
    """The share of rows for which both say the same class; None without rows."""


def table(path: Path) -> Table:
    """Return the predictions in a file; IntegrityError if it is no such table."""
    found = read(path)
    values = zip(*[iter(found.predicted())] * found.classes, strict=True)
    return dict(zip(found.keys(), values, strict=True))


def agreement(a: Table, b: Table) -> Agreement:
    """Return how alike two sets of predictions are; IntegrityError if they are of other classes."""
    pairs = [(x, b[key]) for key, x in a.items() if key in b]
    if any(len(x) != len(y) for x, y in pairs):
        raise IntegrityError("two replicates predict other classes")
    old, new = (array("d", [v for pair in pairs for v in pair[side]]) for side in (0, 1))
    classes = len(pairs[0][0]) if pairs else 1
    changed = _changed(list(map(ne, _bits(old), _bits(new))), classes)
    alike = sum(_class(x) == _class(y) for x, y in pairs)
    return Agreement(
        rows=len(pairs),
        same_rows=(len(pairs) - changed) / len(pairs) if pairs else 0.0,
        largest=_largest(old, new),
        correlation=_correlation(old, new),
        same_class=alike / len(pairs) if pairs else None,
    )


def _class(values: Values) -> int:
    """Return the likeliest class: of one number, whether it lies above one half."""
    if len(values) == 1:
        return int(values[0] > _HALF)
    return values.index(max(values))


def _place(table: PredictionTable, common: Sequence[int], value: int, timed: bool) -> str:
    """Return which row a value is of, and of several classes which class."""
    row, which = common[value // table.classes], value % table.classes
    symbol, time = table.key(row)
    moment = _date(time) if timed else f"row {time}"
    found = f"fold {table.fold(row)}, {symbol.decode()}, {moment}"
    return f"{found}, class {which}" if table.classes > 1 else found


def _largest(x: Floats, y: Floats) -> float | None:
    """Return the largest absolute difference; 0 without values, None if one is not finite."""
    steps: list[float] = list(map(sub, x.tolist(), y.tolist()))
    return _farthest(steps, 0.0) if all(map(math.isfinite, steps)) else None


def _largest_ulps(x: Sequence[int], y: Sequence[int]) -> int:
    """Return how many representable numbers lie between two at most, from the bits of both."""
    steps: list[int] = list(map(sub, _ordinals(x), _ordinals(y)))
    return _farthest(steps, 0)


def _farthest(steps: Sequence[Number], none: Number) -> Number:
    """Return how far from zero the farthest lies; ``none`` without any."""
    return max(max(steps), -min(steps)) if steps else none


def _bits(values: Floats) -> list[int]:
    """Return the bits of each float as a signed integer."""
    return memoryview(values).cast("B").cast("q").tolist()


def _ordinals(values: Sequence[int]) -> list[int]:
    """Return the place of each float, by its bits, among all floats; the zeros are neighbours."""
    return [bits if bits >= 0 else _BELOW_ZERO - bits for bits in values]


def _correlation(x: Floats, y: Floats) -> float | None:
    """Return Pearson's correlation, or None where it is not defined or cannot be computed."""
    if len(x) < 2:
        return None
    try:
        dx, dy = _centred(x), _centred(y)
        below = math.hypot(*dx) * math.hypot(*dy)
        found = math.fsum(map(mul, dx, dy)) / below
    except (ValueError, OverflowError, ZeroDivisionError):  # two infinities, too large, no spread
        return None
    known = math.isfinite(found) and math.isfinite(below)
    return max(-1.0, min(1.0, found)) if known else None


def _centred(values: Floats) -> list[float]:
    centre = math.fsum(values) / len(values)
    return [value - centre for value in values]


def _date(nanoseconds: int) -> str:
    """Return a time as people read it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    midnight = moment.time().isoformat() == "00:00:00"
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%S")
