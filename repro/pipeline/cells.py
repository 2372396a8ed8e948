"""The cells of a CSV file, read as what was declared and never as what they look like."""

from __future__ import annotations

import difflib
import io
import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.errors import InputError
from repro.pipeline.csv_layout import Layout
from repro.pipeline.panel import SINGLE, Column, Ints
from repro.pipeline.times import parse_times

MISSING = ("", "NaN", "nan")
"""What stands for a missing number in a float64 column; everything else must be a number."""

_SHOWN = 5
_WHOLE = re.compile(r"[+-]?[0-9]+")
_WHOLE_CHARACTERS = frozenset("+-" + string.digits)
_INT64 = range(-(2**63), 2**63)
# Correct rounding is the default since 3.1, which deprecates the argument that asked for it.
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
_PRECISION = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The declared columns of one file, in the order of its rows."""

    symbol: npt.NDArray[np.object_]
    """(n,) str"""
    time: Ints
    """(n,) nanoseconds since 1970-01-01 UTC"""
    numbers: Mapping[str, Column]
    """(n,) each"""


def read_cells(layout: Layout, dataset: Mapping[str, Any]) -> Cells:
    """Return the declared columns of a file; columns that nobody declared are not looked at.

    Raises InputError, with file and line, for a missing column, an empty symbol, and everything
    that is not a number (or a time) of the declared type.
    """
    types: Mapping[str, str] = dataset["columns"]
    time_column: str = dataset["time"]["column"]
    symbol_column = None if dataset["symbol"] is None else str(dataset["symbol"]["column"])
    keys = [time_column] if symbol_column is None else [time_column, symbol_column]
    _require_columns(layout, [*keys, *types])
    texts, numbers = _read(layout, keys, types)
    if symbol_column is None:
        symbol = np.full(len(layout.lines), SINGLE, dtype=object)
    else:
        symbol = texts[symbol_column]
        _require_symbols(layout, symbol_column, symbol)
    return Cells(symbol, _times(layout, dataset["time"], texts[time_column]), numbers)


def _require_columns(layout: Layout, wanted: Sequence[str]) -> None:
    missing = [column for column in wanted if column not in layout.header]
    if not missing:
        return
    guesses = [difflib.get_close_matches(column, layout.header, n=1) for column in missing]
    near = sorted({guess[0] for guess in guesses if guess})
    has = ", ".join(repr(column) for column in layout.header)
    hint = f"did you mean {' and '.join(repr(n) for n in near)}? " if near else ""
    names = ", ".join(repr(column) for column in missing)
    raise InputError(f"{layout.name}:1: no column {names}", f"{hint}the file has {has}")


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
            return None if int(text) in _INT64 else "does not fit int64"
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


def _require_symbols(layout: Layout, column: str, symbols: npt.NDArray[np.object_]) -> None:
    codes, uniques = pd.factorize(symbols)
    empty = np.array([not text.strip() for text in uniques], dtype=bool)[codes]
    if empty.any():
        lines = layout.lines[empty].tolist()
        raise InputError(
            first_few(layout.name, [(n, f"column {column!r} is empty") for n in lines])
        )


def _times(layout: Layout, declared: Mapping[str, Any], texts: npt.NDArray[np.object_]) -> Ints:
    times, good = parse_times(texts, declared["format"], declared["timezone"])
    if not good.all():
        said = f"is not a time written as {declared['format']} in {declared['timezone']}"
        faults = [
            (int(layout.lines[row]), f"column {declared['column']!r}: {texts[row]!r} {said}")
            for row in np.flatnonzero(~good).tolist()
        ]
        raise InputError(first_few(layout.name, faults), "correct the dates or the declared format")
    return times


def first_few(name: str, faults: Sequence[tuple[int, str]]) -> str:
    """Return the first faults by line, ``file:line: what`` each, and how many more there are."""
    ordered = sorted(faults)
    shown = [f"{name}:{line}: {said}" for line, said in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        shown.append(f"and {len(ordered) - _SHOWN} more")
    return "\n".join(shown)
