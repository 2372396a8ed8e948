"""The cells of a CSV file, read as what was declared and never as what they look like."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.errors import InputError
from repro.pipeline.csv_layout import Layout, require_commas
from repro.pipeline.offsets import one_offset
from repro.pipeline.panel import Column, Floats, Ints
from repro.pipeline.places import Counted, first_few, place, require_columns
from repro.pipeline.times import parse_times
from repro.pipeline.uniques import factorize
from repro.pipeline.wanted import Cells, Wanted

MISSING = ("", "NaN", "nan")
"""What stands for a missing number in a float64 column; everything else must be a number."""

_WHOLE = re.compile(r"[+-]?[0-9]+")
_WHOLE_CHARACTERS = (string.digits + "+-").encode()
_NUMBER_CHARACTERS = (string.digits + "+-.eENan").encode()
"""Of numbers and of what is missing: a word of these that Python reads as a float is one of them,
but for ``nan`` in other letters."""
_INT64 = range(-(2**63), 2**63)
EXACT = 2**53
"""Up to this size every whole number is a float64."""
_TOO_LONG = 20
"""Digits of no int64; Python refuses to read a number of thousands."""
Texts = Sequence[str]


def read_cells(layout: Layout, wanted: Wanted) -> Cells:
    """Return the wanted columns of a file; columns that nobody declared are not looked at.

    Raises InputError, with file and line, for a missing column, an empty symbol, and everything
    that is not a number (or a time) of the declared type.
    """
    if not set(layout.header).issuperset(wanted.columns):
        require_commas(layout.name, int(layout.lines[0]) - 1, layout.header)
    where = place(layout.name, min(1, int(layout.lines[0])), "line")
    require_columns(where, layout.header, wanted.columns)
    if not wanted.columns:
        return Cells(layout.lines, "line", None, None, {})
    keys = [key for key in (wanted.time, wanted.symbol) if key is not None]
    texts, numbers = _read(layout, keys, wanted.numbers)
    symbol = time = zone = None
    if wanted.symbol is not None:
        symbol = texts[wanted.symbol]
        require_symbols(layout.name, wanted.symbol, symbol, layout.lines, "line")
    if wanted.time is not None:
        time = times_of(layout.name, wanted, texts[wanted.time], layout.lines, "line")
        zone = one_offset(layout.name, wanted, texts[wanted.time], layout.lines, "line")
    return Cells(layout.lines, "line", symbol, time, numbers, zone)


def _read(
    layout: Layout, keys: Sequence[str], types: Mapping[str, str]
) -> tuple[dict[str, npt.NDArray[np.object_]], dict[str, Column]]:
    """Return the keys as text and the numbers as declared."""
    if unknown := sorted(set(types.values()) - set(_READERS)):
        raise AssertionError(f"columns of unknown types got past the schemas: {unknown}")
    wanted = tuple(dict.fromkeys([*keys, *types]))
    texts: dict[str, list[str]] = {key: [] for key in keys}
    shared: dict[str, str] = {}
    numbers: dict[str, list[npt.NDArray[Any]]] = {column: [] for column in types}
    for block in layout.blocks(wanted):
        for key, found in texts.items():
            found += [shared.setdefault(text, text) for text in block[key]]
        for column, kind in types.items():
            try:
                numbers[column].append(_READERS[kind](block[column]))
            except (ValueError, OverflowError) as error:
                _refuse_cells(layout, types)
                raise InputError(f"{layout.name}: cannot be read as declared: {error}") from error
    joined = {column: np.concatenate(parts) for column, parts in numbers.items()}
    return {key: np.array(cells, dtype=object) for key, cells in texts.items()}, joined


def _floats(texts: Texts) -> Floats:
    """Return texts as floats, rounded correctly; ValueError for what is no number nor missing."""
    given = [text or "nan" for text in texts]
    if "".join(given).encode().translate(None, _NUMBER_CHARACTERS):
        return np.array([_float(text) for text in texts], dtype=np.float64)
    found = np.fromiter(map(float, given), dtype=np.float64, count=len(given))
    for row in np.flatnonzero(~(np.abs(found) < EXACT)).tolist():
        _float(texts[row])
    return found


def _float(text: str) -> float:
    complaint = _complaint(text, "float64")
    if complaint is not None:
        raise ValueError(f"{text!r} {complaint}")
    return float(text or "nan")


def _wholes(texts: Texts) -> Ints:
    if "".join(texts).encode().translate(None, _WHOLE_CHARACTERS):
        raise ValueError("not a whole number")
    return np.fromiter(map(int, texts), dtype=np.int64, count=len(texts))


_READERS: Mapping[str, Callable[[Texts], Column]] = {"float64": _floats, "int64": _wholes}


def _refuse_cells(layout: Layout, types: Mapping[str, str]) -> None:
    """Raise InputError if any cell cannot be read as its type, with the first few and a count."""
    bad: list[tuple[int, str, str]] = []
    before = 0
    for block in layout.blocks(tuple(types)):
        for column, kind in types.items():
            for row, text in enumerate(block[column], start=before):
                complaint = _complaint(text, kind)
                if complaint is not None:
                    bad.append((int(layout.lines[row]), column, f"{text!r} {complaint}"))
        before += len(next(iter(block.values())))
    if bad:
        raise InputError(
            first_few(layout.name, [(line, f"column {c!r}: {said}") for line, c, said in bad]),
            "write a missing number as an empty cell, NaN or nan, and nothing else; or declare"
            " another type in the dataset's columns",
        )


def _complaint(text: str, kind: str) -> str | None:
    """Return what is wrong with a cell, or None."""
    if kind == "int64":
        if _WHOLE.fullmatch(text):
            fits = len(text.lstrip("+-0")) < _TOO_LONG and int(text) in _INT64
            return None if fits else "does not fit int64"
        if text in MISSING:
            return "is missing, which an int64 column cannot hold"
    elif text in MISSING:
        return None
    try:
        number = float(text)
    except ValueError:
        return "is not a number"
    if "_" in text or not text.isascii() or math.isnan(number):
        return "is not a number"
    if math.isinf(number):
        return "is infinite"
    if abs(number) >= EXACT and _WHOLE.fullmatch(text.strip()) and int(text) != number:
        return "is a whole number beyond 2^53 that float64 cannot hold exactly"
    return "is not a whole number" if kind == "int64" else None


def require_symbols(
    name: str, column: str, symbols: npt.NDArray[np.object_], places: Ints, counted: Counted
) -> None:
    """Raise InputError for rows whose symbol is blank."""
    codes, uniques = factorize(symbols)
    empty = np.array([not text.strip() for text in uniques], dtype=bool)[codes]
    if empty.any():
        faults = [(n, f"column {column!r} is empty") for n in places[empty].tolist()]
        raise InputError(first_few(name, faults, counted))


def times_of(
    name: str, wanted: Wanted, texts: npt.NDArray[np.object_], places: Ints, counted: Counted
) -> Ints:
    """Return texts as nanoseconds since 1970-01-01 UTC; InputError for each that is no time."""
    column, form = wanted.time, wanted.time_format
    if form is None:
        raise InputError(
            f"{name}: column {column!r} holds times as text, and the dataset declares no format",
            'write it in `time.format`, like "%Y-%m-%d"',
        )
    times, good = parse_times(texts, form, wanted.timezone)
    if not good.all():
        said = f"is not a time written as {form} in {wanted.timezone}"
        faults = [
            (int(places[row]), f"column {column!r}: {texts[row]!r} {said}")
            for row in np.flatnonzero(~good).tolist()
        ]
        raise InputError(
            first_few(name, faults, counted), "correct the dates or the declared format"
        )
    return times
