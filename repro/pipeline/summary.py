"""What a panel looks like, in numbers for people: never part of an identity."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from repro.pipeline.panel import Column, Ints, Panel, segments
from repro.pipeline.times import spell

QUANTILES: Final = (0.01, 0.25, 0.5, 0.75, 0.99)
"""Shares of the values of a column at which a description gives a value."""

_LARGEST_EXACT: Final = 2**53 - 1


def summarize(panel: Panel) -> dict[str, Any]:
    """Return rows, and for each column and symbol its extent, as a JSON value.

    ``columns``: count and missing, min, max, mean, std (sample, of the values present; null where
    undefined).  ``symbols``: rows and the first and last time (ISO 8601,
    UTC), or row.
    """
    return {
        "rows": panel.rows,
        "columns": {name: _column(values) for name, values in sorted(panel.columns.items())},
        "symbols": {
            symbol: {
                "rows": rows.stop - rows.start,
                "first": spell(int(panel.time[rows.start]), timed=panel.timed),
                "last": spell(int(panel.time[rows.stop - 1]), timed=panel.timed),
            }
            for symbol, rows in zip(panel.symbols, segments(panel), strict=True)
        },
        "dropped_symbols": dict(panel.dropped_symbols),
        "dropped_duplicates": panel.dropped_duplicates,
    }


def describe(panel: Panel) -> dict[str, Any]:
    """Return a panel's columns, over all symbols and for each symbol, as a JSON value.

    Of each: what ``summarize`` has, ``quantiles`` (share → value, linear between neighbours, as
    float64), and ``first`` and ``last``, the times of the first and last value that is there.
    """
    columns = sorted(panel.columns.items())
    return {
        "columns": {
            name: _described(values, panel.time, timed=panel.timed) for name, values in columns
        },
        "symbols": {
            symbol: {
                "rows": rows.stop - rows.start,
                "first": spell(int(panel.time[rows.start]), timed=panel.timed),
                "last": spell(int(panel.time[rows.stop - 1]), timed=panel.timed),
                "columns": {
                    name: _described(values[rows], panel.time[rows], timed=panel.timed)
                    for name, values in columns
                },
            }
            for symbol, rows in zip(panel.symbols, segments(panel), strict=True)
        },
    }


def _described(values: Column, time: Ints, *, timed: bool) -> dict[str, Any]:
    there = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
    present, times = values[there], time[there]
    with np.errstate(over="ignore", invalid="ignore"):
        at = np.quantile(present, QUANTILES).tolist() if len(present) else [None] * len(QUANTILES)
    return {
        **_column(values),
        "quantiles": {str(q): _plain(x) for q, x in zip(QUANTILES, at, strict=True)},
        "first": spell(int(times.min()), timed=timed) if len(present) else None,
        "last": spell(int(times.max()), timed=timed) if len(present) else None,
    }


def _column(values: Column) -> dict[str, Any]:
    present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    count = len(present)
    with np.errstate(over="ignore", invalid="ignore"):
        floats = present.astype(np.float64, copy=False)
        mean = float(floats.mean()) if count else None
        std = float(floats.std(ddof=1)) if count > 1 else None
    return {
        "dtype": str(values.dtype),
        "count": count,
        "missing": len(values) - count,
        "min": _plain(present.min().item()) if count else None,
        "max": _plain(present.max().item()) if count else None,
        "mean": _plain(mean),
        "std": _plain(std),
    }


def _plain(number: float | int | None) -> float | int | str | None:
    """Return what JSON can hold: null for an overflow, digits for integers beyond 2^53 - 1."""
    if isinstance(number, int):
        return number if abs(number) <= _LARGEST_EXACT else str(number)
    return number if number is not None and math.isfinite(number) else None
