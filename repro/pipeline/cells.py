"""The cells of a CSV file, read as what was declared and never as what they look like."""

from __future__ import annotations

import io
import math
import re
import string
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.errors import InputError
from repro.pipeline.csv_layout import Layout
from repro.pipeline.panel import Column, Ints
from repro.pipeline.places import Counted, first_few, place, require_columns
from repro.pipeline.times import parse_times
from repro.pipeline.wanted import Cells, Wanted

MISSING = ("", "NaN", "nan")
"""What stands for a missing number in a float64 column; everything else must be a number."""

_WHOLE = re.compile(r"[+-]?[0-9]+")
_WHOLE_CHARACTERS = frozenset("+-" + string.digits)
_INT64 = range(-(2**63), 2**63)
_TOO_LONG = 20
"""Digits of no int64; Python refuses to read a number of thousands."""
# Correct rounding is the default since 3.1, which deprecates the argument that asked for it.
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
_PRECISION = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}


def read_cells(layout: Layout, wanted: Wanted) -> Cells:
    """Return the wanted columns of a file; columns that nobody declared are not looked at.

    Raises InputError, with file and line, for a missing column, an empty symbol, and everything
    that is not a number (or a time) of the declared type.
    """
    where = place(layout.name, min(1, int(layout.lines[0])), "line")
    require_columns(where, layout.header, wanted.columns)
    if not wanted.columns:
        return Cells(layout.lines, "line", None, None, {})
    keys = [key for key in (wanted.time, wanted.symbol) if key is not None]
    texts, numbers = _read(layout, keys, wanted.numbers)
    symbol = time = None
    if wanted.symbol is not None:
        symbol = texts[wanted.symbol]
        require_symbols(layout.name, wanted.symbol, symbol, layout.lines, "line")
    if wanted.time is not None:
        time = times_of(layout.name, wanted, texts[wanted.time], layout.lines, "line")
    return Cells(layout.lines, "line", symbol, time, numbers)


def _frame(layout: Layout, floats: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    """Return floats as float64 and texts exactly as written: "NA" is a symbol, not a missing one.

    Raises ValueError where a float is none.
    """
    frame = pd.read_csv(
        io.BytesIO(layout.text),
        engine="c",
        encoding="utf-8",
        usecols=[*floats, *texts],
        dtype=dict.fromkeys(floats, "float64") | dict.fromkeys(texts, object),
        na_values={column: list(MISSING) for column in floats},
        keep_default_na=False,
        index_col=False,
        low_memory=False,
        **_PRECISION,
    )
    if len(frame) != len(layout.lines):
        raise InputError(f"{layout.name}: {len(layout.lines)} records, of which {len(frame)} read")
    return frame


def _read(
    layout: Layout, keys: Sequence[str], types: Mapping[str, str]
) -> tuple[dict[str, npt.NDArray[np.object_]], dict[str, Column]]:
    """Return the keys as text and the numbers as declared."""
    if unknown := sorted(set(types.values()) - {"float64", "int64"}):
        raise AssertionError(f"columns of unknown types got past the schemas: {unknown}")
    floats = [column for column, kind in types.items() if kind == "float64"]
    # As text, because pandas reads 1.0 and 1e3 as whole numbers, the large ones rounded.
    wholes = [column for column, kind in types.items() if kind == "int64"]
    numbers: dict[str, Column] = {}
    try:
        frame = _frame(layout, floats, [*keys, *wholes])
        for column in types:
            values = frame[column].to_numpy()
            numbers[column] = _whole(values) if column in wholes else values.copy()
    except (ValueError, OverflowError) as error:
        _refuse_cells(layout, types)
        raise InputError(f"{layout.name}: cannot be read as declared: {error}") from error
    odd = [column for column in floats if _is_odd(numbers[column])]
    _refuse_cells(layout, dict.fromkeys(odd, "float64"))
    return {column: frame[column].to_numpy() for column in keys}, numbers


def _is_odd(values: Column) -> bool:
    """Return whether pandas may have read what we refuse: infinity, or words as 1 and 0.

    It reads True and False as numbers, where a column holds nothing else but missing cells.
    """
    words = (values == 0.0) | (values == 1.0) | np.isnan(values)
    return bool(np.isinf(values).any() or words.all())


def _whole(texts: npt.NDArray[np.object_]) -> Ints:
    if not _WHOLE_CHARACTERS.issuperset("".join(texts)):
        raise ValueError("not a whole number")
    return texts.astype(np.int64)


def _refuse_cells(layout: Layout, types: Mapping[str, str]) -> None:
    """Raise InputError if any cell cannot be read as its type, with the first few and a count."""
    if not types:
        return
    bad: list[tuple[int, str, str]] = []
    frame = _frame(layout, (), list(types))
    for column in types:
        texts = frame[column].to_numpy()
        codes, uniques = pd.factorize(texts)
        complaints = [_complaint(text, types[column]) for text in uniques]
        rows = np.flatnonzero(np.array([c is not None for c in complaints], dtype=bool)[codes])
        for row in rows.tolist():
            line = int(layout.lines[row])
            bad.append((line, column, f"{texts[row]!r} {complaints[codes[row]]}"))
    if bad:
        raise InputError(
            first_few(layout.name, [(line, f"column {c!r}: {said}") for line, c, said in bad]),
            "leave missing numbers empty, or declare another type in the dataset's columns",
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
    return "is not a whole number" if kind == "int64" else None


def require_symbols(
    name: str, column: str, symbols: npt.NDArray[np.object_], places: Ints, counted: Counted
) -> None:
    """Raise InputError for rows whose symbol is blank."""
    codes, uniques = pd.factorize(symbols)
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
