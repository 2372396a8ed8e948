"""Files → rows: each file read in its format, its folders' columns added, all put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.errors import InputError, in_checkout
from repro.pipeline.cells import read_cells
from repro.pipeline.csv_layout import Layout, lay_out
from repro.pipeline.panel import SINGLE, Column, Ints
from repro.pipeline.partitions import as_csv, partition_values, require_once
from repro.pipeline.places import Counted, place
from repro.pipeline.strangers import require_table_name
from repro.pipeline.times import spell
from repro.pipeline.wanted import Cells, Wanted, wanted_of

ARROW_READER = "repro.pipeline.arrow_file"
"""The module that reads Parquet and Feather; nothing else may load it."""
TIME_READER = "repro.pipeline.zoned_times"
"""The module that reads times with pandas."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of all files, each with the place that it came from."""

    files: tuple[str, ...]
    counted: Counted
    symbols: tuple[str, ...]
    """All that are asked for, sorted; some may have no rows."""
    file: Ints
    number: Ints
    """The place of a row in its file."""
    symbol: Ints
    time: Ints
    """Nanoseconds since 1970-01-01 UTC, or the row's number among those of its symbol, from 0."""
    timed: bool
    columns: Mapping[str, Column]

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Rows:
        """Return these rows, by index or mask."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(
            self,
            file=self.file[rows],
            number=self.number[rows],
            symbol=self.symbol[rows],
            time=self.time[rows],
            columns=columns,
        )

    def place(self, row: int) -> str:
        """Return the file of a row, and where in it the row stands."""
        return place(self.files[self.file[row]], int(self.number[row]), self.counted)

    def key(self, row: int) -> str:
        """Return the symbol and time of a row."""
        return f"{self.symbols[self.symbol[row]]} {spell(int(self.time[row]), timed=self.timed)}"


def arrow_reader() -> Any:
    """Return the module that reads Parquet and Feather, with all that it needs loaded.

    A worker calls this before it looks at what is loaded. Raises InputError without pyarrow.
    """
    try:
        module = import_module(ARROW_READER)
    except ModuleNotFoundError as error:
        raise InputError(
            f"Parquet and Feather cannot be read here: {error}",
            f"install what reads them: {in_checkout('parquet')}",
        ) from error
    module.make_ready()
    return module


def time_reader() -> Any:
    """Return the module that reads times beyond Python's own parser, with all that it needs loaded.

    Raises InputError without pandas.
    """
    try:
        return import_module(TIME_READER)
    except ModuleNotFoundError as error:
        raise InputError(
            f"times of this format cannot be read here: {error}",
            "install a family of trainers, or write times without fractions of seconds and zones",
        ) from error


def read_rows(files: Sequence[tuple[str, bytes]], dataset: Mapping[str, Any]) -> Rows:
    """Return all rows of all files, in this order, with symbols numbered in sorted order.

    Raises InputError for what cannot be read, and for files that keep times in different zones.
    """
    wanted = wanted_of(dataset)
    names = tuple(name for name, _ in files)
    form = str(dataset["format"])
    sources = []
    for name, raw in files:
        try:
            sources.append(_read(name, raw, form, wanted))
        except InputError as error:
            require_table_name(name, names, form, error)
            raise
    _require_one_zone(names, sources)
    sizes = [len(source.numbered) for source in sources]
    file = np.repeat(np.arange(len(files), dtype=np.int64), sizes)
    symbols, symbol = _numbered(sources)
    times = [source.time for source in sources if source.time is not None]
    return Rows(
        files=names,
        counted=sources[0].counted,
        symbols=symbols,
        file=file,
        number=np.concatenate([source.numbered for source in sources]),
        symbol=symbol,
        time=np.concatenate(times) if times else _counted_within(symbol),
        timed=bool(times),
        columns={
            name: np.concatenate([source.numbers[name] for source in sources])
            for name in wanted.numbers
        },
    )


def _read(name: str, raw: bytes, form: str, wanted: Wanted) -> Cells:
    """Return every wanted column of a file, some of them perhaps from the names of its folders."""
    given = {c: v for c, v in partition_values(name).items() if c in wanted.columns}
    inside = wanted.among(given, inside=False)
    if form == "csv":
        layout = lay_out(name, raw)
        require_once(name, given, layout.header)
        cells = read_cells(layout, inside)
    else:
        arrow = arrow_reader()
        require_once(name, given, arrow.header_of(name, raw, form) if given else ())
        cells = arrow.read_arrow(name, raw, form, inside)
    return _with_folders(name, given, wanted, cells) if given else cells


def _with_folders(name: str, given: Mapping[str, str], wanted: Wanted, cells: Cells) -> Cells:
    """Return the cells of a file with the columns that its folders give, the same in each row."""
    layout = Layout(name, as_csv(given), tuple(given), np.zeros(1, dtype=np.int64))
    folder = read_cells(layout, wanted.among(given, inside=True))
    rows = len(cells.numbered)
    everywhere = np.zeros(rows, dtype=np.int64)
    repeated = {column: value[everywhere] for column, value in folder.numbers.items()}
    return replace(
        cells,
        symbol=cells.symbol if folder.symbol is None else folder.symbol[everywhere],
        time=cells.time if folder.time is None else folder.time[everywhere],
        numbers={**cells.numbers, **repeated},
    )


def _require_one_zone(names: Sequence[str], sources: Sequence[Cells]) -> None:
    """Raise InputError if two files store times in different zones, or one of them in none."""
    stored = {
        source.zone: name
        for name, source in zip(names, sources, strict=True)
        if source.zone is not None
    }
    if len(stored) > 1:
        (one, first), (other, second) = sorted(stored.items())[:2]
        raise InputError(
            f"times are stored {_in_zone(one)} in {first} and {_in_zone(other)} in {second}",
            "write the times of all files in one zone, such as UTC",
        )


def _in_zone(zone: str) -> str:
    return f"in {zone}" if zone else "without a zone"


def _numbered(sources: Sequence[Cells]) -> tuple[tuple[str, ...], Ints]:
    """Return the symbols, sorted, and the number of each row's among them."""
    texts = [source.symbol for source in sources if source.symbol is not None]
    if not texts:
        return (SINGLE,), np.zeros(sum(len(s.numbered) for s in sources), dtype=np.int64)
    joined = np.concatenate(texts)
    symbols = tuple(sorted(set(joined.tolist())))
    number = {symbol: i for i, symbol in enumerate(symbols)}
    found = (number[text] for text in joined)
    return symbols, np.fromiter(found, dtype=np.int64, count=len(joined))


def _counted_within(symbol: Ints) -> Ints:
    """Return the number of each row among the rows of its symbol, from 0."""
    order = np.argsort(symbol, kind="stable")
    ordered = symbol[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    counted = np.empty(len(symbol), dtype=np.int64)
    counted[order] = np.arange(len(symbol), dtype=np.int64) - starts
    return counted
