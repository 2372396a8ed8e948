"""Stored columns as the declared type: exactly, or not at all.

    declared   what a column may be stored as
    float64    floats up to 64 bits; whole numbers that it holds exactly; nothing but nulls
    int64      whole numbers without nulls, none beyond 64 bits with sign
    symbol     text; whole numbers, as their digits
    time       a timestamp of any unit, with a zone or local to the declared one; a date; text

Each may be a dictionary of these. Nothing else is: no decimal, no truth value, no object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from repro.errors import InputError
from repro.pipeline.cells import EXACT, require_symbols
from repro.pipeline.cells import times_of as read_times
from repro.pipeline.offsets import one_offset
from repro.pipeline.panel import Column, Ints
from repro.pipeline.places import first_few
from repro.pipeline.times import stored_times
from repro.pipeline.wanted import Wanted

_SHOWN = 5
_UTC: Final = ("UTC", "Etc/UTC", "Z", "+00:00", "GMT")


def numbers_of(
    name: str, columns: Mapping[str, Any], types: Mapping[str, str]
) -> dict[str, Column]:
    """Return the columns as the declared types, (n,) each.

    Raises InputError that names each column with its stored type and the declared one, or the rows
    (from 1) whose values are not of the declared type.
    """
    plain = {column: _decoded(stored) for column, stored in columns.items()}
    wrong = [c for c, stored in plain.items() if not _is_allowed(stored.type, types[c])]
    if wrong:
        said = [
            f"column {c!r} is stored as {columns[c].type}, which {types[c]} cannot hold exactly"
            for c in wrong[:_SHOWN]
        ]
        more = [f"and {len(wrong) - _SHOWN} more columns"] if len(wrong) > _SHOWN else []
        raise InputError(
            "\n".join([*(f"{name}: {line}" for line in said), *more]),
            "write the column as numbers of the declared type, or declare another type",
        )
    found: dict[str, Column] = {}
    faults: list[tuple[int, str]] = []
    for column, stored in plain.items():
        read = _floats if types[column] == "float64" else _wholes
        found[column], bad = read(stored)
        faults += [(row, f"column {column!r}: {what}") for row, what in bad]
    if faults:
        raise InputError(
            first_few(name, faults, "row"), "correct the values, or declare another type"
        )
    return found


def symbols_of(name: str, column: str, stored: Any) -> npt.NDArray[np.object_]:
    """Return the symbol of each row as text; InputError for another type, or a missing symbol."""
    plain = _decoded(stored)
    _require_no_null(name, column, plain, "is empty")
    if pa.types.is_integer(plain.type):
        digits: npt.NDArray[np.object_] = plain.to_numpy().astype(str).astype(object)
        return digits
    if not _is_text(plain.type):
        raise InputError(
            f"{name}: column {column!r} is stored as {stored.type}, which is no symbol",
            "write symbols as text or as whole numbers",
        )
    texts = _texts(plain)
    places = np.arange(1, len(texts) + 1, dtype=np.int64)
    require_symbols(name, column, texts, places, "row")
    zero = [row for row, text in enumerate(texts, start=1) if "\0" in text]
    if zero:
        faults = [(row, f"column {column!r} holds a zero byte") for row in zero]
        raise InputError(first_few(name, faults, "row"))
    return texts


def times_of(name: str, wanted: Wanted, stored: Any) -> tuple[Ints, str | None]:
    """Return times as nanoseconds since 1970-01-01 UTC, and how they are stored.

    That is the name of their zone or offset, empty for none, or None for what has no zone: dates,
    and text without offsets. Raises InputError for what is no time, and for two offsets.
    """
    column, plain = str(wanted.time), _decoded(stored)
    _require_no_null(name, column, plain, "is missing")
    kind = plain.type
    if _is_text(kind):
        texts = _texts(plain)
        places = np.arange(1, len(texts) + 1, dtype=np.int64)
        times = read_times(name, wanted, texts, places, "row")
        return times, one_offset(name, wanted, texts, places, "row")
    if pa.types.is_timestamp(kind):
        unit, zone = kind.unit, None if kind.tz is not None else wanted.timezone
    elif pa.types.is_date(kind):
        unit, zone = "D" if pa.types.is_date32(kind) else "ms", wanted.timezone
    else:
        raise InputError(
            f"{name}: column {column!r} is stored as {stored.type}, which is no time",
            "write it as a timestamp, as a date, or as text in the declared format",
        )
    whole = plain.cast(pa.int32()) if pa.types.is_date32(kind) else plain.cast(pa.int64())
    moments = whole.to_numpy().astype(np.int64).view(f"datetime64[{unit}]")
    times, good = stored_times(moments, zone)
    if not good.all():
        said = f"is not a time between 1677 and 2262 in {zone or 'UTC'}"
        faults = [
            (row + 1, f"column {column!r}: {moments[row]} {said}")
            for row in np.flatnonzero(~good).tolist()
        ]
        raise InputError(first_few(name, faults, "row"), "correct the times")
    return times, _zone_of(kind)


def _zone_of(kind: Any) -> str | None:
    """Return the zone in which a column stores times, empty for local ones; None for no times."""
    if not pa.types.is_timestamp(kind):
        return None
    if kind.tz is None:
        return ""
    return "UTC" if kind.tz in _UTC else str(kind.tz)


def _is_allowed(kind: Any, declared: str) -> bool:
    if declared == "int64":
        return bool(pa.types.is_integer(kind))
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind))


def _is_text(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _decoded(stored: Any) -> Any:
    """Return a column with a dictionary's values in place of their numbers."""
    if pa.types.is_dictionary(stored.type):
        return stored.cast(stored.type.value_type)
    return stored


def _missing(stored: Any) -> npt.NDArray[np.bool_]:
    missing: npt.NDArray[np.bool_] = pc.is_null(stored).to_numpy()
    return missing


def _require_no_null(name: str, column: str, stored: Any, what: str) -> None:
    if stored.null_count:
        rows = (np.flatnonzero(_missing(stored)) + 1).tolist()
        raise InputError(
            first_few(name, [(row, f"column {column!r} {what}") for row in rows], "row")
        )


def _texts(stored: Any) -> npt.NDArray[np.object_]:
    """Return text as objects; equal ones of a chunk are one object."""
    parts = [np.empty(0, dtype=object)]
    for chunk in stored.cast(pa.large_string()).dictionary_encode().chunks:
        words = np.array(chunk.dictionary.to_pylist(), dtype=object)
        parts.append(words[chunk.indices.to_numpy()])
    return np.concatenate(parts)


def _floats(stored: Any) -> tuple[Column, list[tuple[int, str]]]:
    """Return float64, null as NaN, and the rows (from 1) that it cannot hold, each with why."""
    if pa.types.is_null(stored.type):
        return np.full(len(stored), np.nan), []
    if pa.types.is_floating(stored.type):
        values = stored.to_numpy().astype(np.float64)
        return values, _said(np.isinf(values), values, "is infinite")
    whole = _filled(stored)
    values = whole.astype(np.float64)
    # Compared as Python's integers: those of 64 bits have no common type with a float.
    suspects = np.flatnonzero(np.abs(values) >= EXACT)
    wrong = np.zeros(len(whole), dtype=np.bool_)
    wrong[suspects] = [int(whole[n]) != int(values[n]) for n in suspects.tolist()]
    values[_missing(stored)] = np.nan
    return values, _said(
        wrong, whole, "is a whole number beyond 2^53 that float64 cannot hold exactly"
    )


def _wholes(stored: Any) -> tuple[Column, list[tuple[int, str]]]:
    """Return int64, and the rows (from 1) that it cannot hold, each with why."""
    whole, missing = _filled(stored), _missing(stored)
    faults = [
        (row + 1, "is missing, which an int64 column cannot hold")
        for row in np.flatnonzero(missing).tolist()
    ]
    if whole.dtype == np.uint64:
        faults += _said(whole > np.uint64(2**63 - 1), whole, "does not fit int64")
    return whole.astype(np.int64), faults


def _filled(stored: Any) -> npt.NDArray[Any]:
    """Return whole numbers of the stored type, with 0 in place of null."""
    filled: npt.NDArray[Any] = stored.fill_null(0).to_numpy()
    return filled


def _said(
    wrong: npt.NDArray[np.bool_], values: npt.NDArray[Any], what: str
) -> list[tuple[int, str]]:
    return [(row + 1, f"{values[row]} {what}") for row in np.flatnonzero(wrong).tolist()]
