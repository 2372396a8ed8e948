"""Files → panel: which rows are used, in which order, and what is refused by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from repro.errors import InputError, named
from repro.pipeline.panel import Panel, build_panel
from repro.pipeline.reading import Rows, read_rows
from repro.pipeline.times import day_start, iso

_SHOWN = 5


def read_panel(files: Sequence[tuple[str, bytes]], dataset: Mapping[str, Any]) -> Panel:
    """Return the panel of (shown name, raw bytes) files under a resolved dataset document.

    Files are read in the order of their names, whatever the order given.  A file must have the
    times of each symbol in ascending order (symbols may alternate) unless ``sort`` is true; keys
    must be unique over all files.  Without times, a row's key is its number among the rows of its
    symbol, in the order of reading.  Then the rows are limited, in this order: ``symbols``,
    ``start``/``end`` (whole days in the dataset's time zone, both included), duplicates,
    ``max_rows_per_symbol`` (the newest), ``min_rows_per_symbol``.

    Raises InputError for everything that cannot be used, with file and line where there is one.
    """
    if not files:
        raise InputError("the dataset has no files")
    rows = _select_days(_select_symbols(read_rows(sorted(files), dataset), dataset), dataset)
    if not dataset["sort"]:
        _require_ascending(rows)
    rows = rows.take(np.lexsort((rows.time, rows.symbol)))
    total = len(rows.time)
    rows = _settle_duplicates(rows, dataset["duplicates"])
    duplicates = total - len(rows.time)
    rows = _newest(rows, dataset["max_rows_per_symbol"])
    return _panel(rows, dataset, duplicates)


def _select_symbols(rows: Rows, dataset: Mapping[str, Any]) -> Rows:
    if dataset["symbols"] is None:
        return rows
    if dataset["symbol"] is None:
        raise InputError("symbols are listed, but the dataset has no symbol column")
    wanted = tuple(sorted(set(dataset["symbols"])))
    if unknown := [symbol for symbol in wanted if symbol not in rows.symbols]:
        known = ", ".join(map(named, rows.symbols))
        missing = ", ".join(map(named, unknown))
        raise InputError(f"no rows of symbol {missing}", f"the data have {known}")
    number = np.array([rows.symbols.index(symbol) for symbol in wanted], dtype=np.int64)
    kept = rows.take(np.isin(rows.symbol, number))
    return replace(kept, symbols=wanted, symbol=np.searchsorted(number, kept.symbol))


def _select_days(rows: Rows, dataset: Mapping[str, Any]) -> Rows:
    if not rows.timed:
        return rows
    timezone = dataset["time"]["timezone"]
    used = np.ones(len(rows.time), dtype=bool)
    if dataset["start"] is not None:
        used &= rows.time >= day_start(dataset["start"], timezone)
    if dataset["end"] is not None:
        used &= rows.time < day_start(dataset["end"], timezone, days_later=1)
    if not used.any():
        first, last = iso(int(rows.time.min())), iso(int(rows.time.max()))
        raise InputError("no rows between start and end", f"the data run from {first} to {last}")
    return rows.take(used)


def _require_ascending(rows: Rows) -> None:
    """Raise InputError if a file has a row that is older than the row of its symbol before it."""
    order = np.lexsort((rows.symbol, rows.file))
    ordered = rows.take(order)
    same = (ordered.file[1:] == ordered.file[:-1]) & (ordered.symbol[1:] == ordered.symbol[:-1])
    older = np.flatnonzero(same & (ordered.time[1:] < ordered.time[:-1])) + 1
    if len(older) == 0:
        return
    row = int(min(older, key=lambda r: order[r]))
    more = f" ({len(older) - 1} more such rows)" if len(older) > 1 else ""
    raise InputError(
        f"{ordered.place(row)}: {ordered.key(row)} stands after {ordered.key(row - 1)}"
        f" on {ordered.counted} {ordered.number[row - 1]}{more}",
        "sort each symbol's rows by time, or say `sort: true` in the dataset",
    )


def _settle_duplicates(rows: Rows, rule: str) -> Rows:
    """Return sorted rows with each key once; they were in reading order before the stable sort."""
    again = (rows.symbol[1:] == rows.symbol[:-1]) & (rows.time[1:] == rows.time[:-1])
    if not again.any():
        return rows
    if rule == "keep_first":
        return rows.take(np.concatenate(([True], ~again)))
    if rule == "keep_last":
        return rows.take(np.concatenate((~again, [True])))
    repeated = (np.flatnonzero(again) + 1).tolist()
    said = [
        f"{rows.place(row)}: {rows.key(row)} again, first at {rows.place(row - 1)}"
        for row in repeated[:_SHOWN]
    ]
    if len(repeated) > _SHOWN:
        said.append(f"and {len(repeated) - _SHOWN} more")
    raise InputError(
        "\n".join(said), "remove one, or say `duplicates: keep_first` or `keep_last` in the dataset"
    )


def _newest(rows: Rows, limit: int | None) -> Rows:
    if limit is None:
        return rows
    counts = np.bincount(rows.symbol, minlength=len(rows.symbols))
    ends = np.cumsum(counts)
    return rows.take(ends[rows.symbol] - np.arange(len(rows.time)) <= limit)


def _panel(rows: Rows, dataset: Mapping[str, Any], duplicates: int) -> Panel:
    """Return the panel without the symbols that are too short, if they may be dropped."""
    counts = np.bincount(rows.symbol, minlength=len(rows.symbols))
    least = max(1, int(dataset["min_rows_per_symbol"]))
    short = [(rows.symbols[i], int(counts[i])) for i in np.flatnonzero(counts < least).tolist()]
    if short and dataset["short_symbols"] == "refuse":
        told = ", ".join(f"{named(symbol)} ({count})" for symbol, count in short)
        raise InputError(
            f"symbols with fewer than {least} rows: {told}",
            "list the others under `symbols`, lower `min_rows_per_symbol`,"
            " or say `short_symbols: drop`",
        )
    kept = np.flatnonzero(counts >= least)
    if len(kept) == 0:
        raise InputError(f"no symbol has {least} rows", "lower `min_rows_per_symbol`")
    rows = rows.take(np.isin(rows.symbol, kept))
    return build_panel(
        tuple(rows.symbols[i] for i in kept.tolist()),
        np.searchsorted(kept, rows.symbol).astype(np.int32),
        rows.time,
        rows.columns,
        dropped_symbols=tuple(short),
        dropped_duplicates=duplicates,
        timed=rows.timed,
    )
