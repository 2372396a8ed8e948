"""Files → panel: which rows are used, in which order, and what is refused by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.errors import InputError
from repro.pipeline.cells import read_cells
from repro.pipeline.csv_layout import lay_out
from repro.pipeline.panel import Column, Ints, Panel, build_panel
from repro.pipeline.times import day_start, iso

_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of all files, each with the place that it came from."""

    files: tuple[str, ...]
    symbols: tuple[str, ...]
    """All that are asked for, sorted; some may have no rows."""
    file: Ints
    line: Ints
    symbol: Ints
    time: Ints
    columns: Mapping[str, Column]

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> _Rows:
        """Return these rows, by index or mask."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(
            self,
            file=self.file[rows],
            line=self.line[rows],
            symbol=self.symbol[rows],
            time=self.time[rows],
            columns=columns,
        )

    def place(self, row: int) -> str:
        """Return ``file:line`` of a row."""
        return f"{self.files[self.file[row]]}:{self.line[row]}"

    def key(self, row: int) -> str:
        """Return the symbol and time of a row."""
        return f"{self.symbols[self.symbol[row]]} {iso(int(self.time[row]))}"


def read_panel(files: Sequence[tuple[str, bytes]], dataset: Mapping[str, Any]) -> Panel:
    """Return the panel of (shown name, raw bytes) files under a resolved dataset document.

    Files are read in the order of their names, whatever the order given.  A file must have the
    times of each symbol in ascending order (symbols may alternate) unless ``sort`` is true; keys
    must be unique over all files.  Then the rows are limited, in this order: ``symbols``,
    ``start``/``end`` (whole days in the dataset's time zone, both included), duplicates,
    ``max_rows_per_symbol`` (the newest), ``min_rows_per_symbol``.

    Raises InputError for everything that cannot be used, with file and line where there is one.
    """
    if dataset["format"] != "csv":
        raise InputError(f"data format {dataset['format']!r} cannot be read", "give CSV")
    if not files:
        raise InputError("the dataset has no files")
    rows = _select_days(_select_symbols(_gather(sorted(files), dataset), dataset), dataset)
    if not dataset["sort"]:
        _require_ascending(rows)
    rows = rows.take(np.lexsort((rows.time, rows.symbol)))
    total = len(rows.time)
    rows = _settle_duplicates(rows, dataset["duplicates"])
    duplicates = total - len(rows.time)
    rows = _newest(rows, dataset["max_rows_per_symbol"])
    return _panel(rows, dataset, duplicates)


def _gather(files: Sequence[tuple[str, bytes]], dataset: Mapping[str, Any]) -> _Rows:
    """Return all rows of all files, with symbols numbered in sorted order."""
    layouts = [lay_out(name, raw) for name, raw in files]
    cells = [read_cells(layout, dataset) for layout in layouts]
    texts = np.concatenate([c.symbol for c in cells])
    symbols = tuple(sorted(set(texts.tolist())))
    number = {symbol: i for i, symbol in enumerate(symbols)}
    sizes = [len(layout.lines) for layout in layouts]
    return _Rows(
        files=tuple(layout.name for layout in layouts),
        symbols=symbols,
        file=np.repeat(np.arange(len(layouts), dtype=np.int64), sizes),
        line=np.concatenate([layout.lines for layout in layouts]),
        symbol=np.fromiter((number[text] for text in texts), dtype=np.int64, count=len(texts)),
        time=np.concatenate([c.time for c in cells]),
        columns={
            name: np.concatenate([c.numbers[name] for c in cells]) for name in dataset["columns"]
        },
    )


def _select_symbols(rows: _Rows, dataset: Mapping[str, Any]) -> _Rows:
    if dataset["symbols"] is None:
        return rows
    if dataset["symbol"] is None:
        raise InputError("symbols are listed, but the dataset has no symbol column")
    wanted = tuple(sorted(set(dataset["symbols"])))
    if unknown := [symbol for symbol in wanted if symbol not in rows.symbols]:
        known = ", ".join(rows.symbols)
        raise InputError(f"no rows of symbol {', '.join(unknown)}", f"the data have {known}")
    number = np.array([rows.symbols.index(symbol) for symbol in wanted], dtype=np.int64)
    kept = rows.take(np.isin(rows.symbol, number))
    return replace(kept, symbols=wanted, symbol=np.searchsorted(number, kept.symbol))


def _select_days(rows: _Rows, dataset: Mapping[str, Any]) -> _Rows:
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


def _require_ascending(rows: _Rows) -> None:
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
        f" on line {ordered.line[row - 1]}{more}",
        "sort each symbol's rows by time, or say `sort: true` in the dataset",
    )


def _settle_duplicates(rows: _Rows, rule: str) -> _Rows:
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


def _newest(rows: _Rows, limit: int | None) -> _Rows:
    if limit is None:
        return rows
    counts = np.bincount(rows.symbol, minlength=len(rows.symbols))
    ends = np.cumsum(counts)
    return rows.take(ends[rows.symbol] - np.arange(len(rows.time)) <= limit)


def _panel(rows: _Rows, dataset: Mapping[str, Any], duplicates: int) -> Panel:
    """Return the panel without the symbols that are too short, if they may be dropped."""
    counts = np.bincount(rows.symbol, minlength=len(rows.symbols))
    least = max(1, int(dataset["min_rows_per_symbol"]))
    short = [(rows.symbols[i], int(counts[i])) for i in np.flatnonzero(counts < least).tolist()]
    if short and dataset["short_symbols"] == "refuse":
        named = ", ".join(f"{symbol} ({count})" for symbol, count in short)
        raise InputError(
            f"symbols with fewer than {least} rows: {named}",
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
    )
