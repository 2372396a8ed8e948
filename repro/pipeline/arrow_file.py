"""Parquet and Feather files → the wanted columns, from the very bytes that were digested.

The one module that imports pyarrow: the worker loads it only if the dataset is in one of these
formats. Everything is read by one thread, and what is read is validated before it is used, since
Arrow takes the offsets in a damaged file at their word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from repro.errors import InputError
from repro.pipeline.arrow_values import numbers_of, symbols_of, times_of
from repro.pipeline.places import listed, require_columns
from repro.pipeline.unpacking import FEATHER, PARQUET, foreign
from repro.pipeline.wanted import Cells, Wanted

ONE_THREAD: Final = 1
_MAGIC: Final = {"parquet": PARQUET, "feather": FEATHER}


def make_ready() -> None:
    """Give Arrow's pools one thread each, and load what it would load at its first conversion."""
    pa.set_cpu_count(ONE_THREAD)
    pa.set_io_thread_count(ONE_THREAD)
    pa.chunked_array([[0]]).to_numpy()


def read_arrow(name: str, raw: bytes, form: str, wanted: Wanted) -> Cells:
    """Return the wanted columns of a file in the declared format, ``parquet`` or ``feather``.

    Raises InputError, with file and column, for a stored type that is not exactly the declared
    one; with rows (from 1) for values that are not; and for a file that is cut off or damaged.
    """
    if not raw.startswith(_MAGIC[form]):
        raise foreign(name, raw, form)
    if not raw.endswith(_MAGIC[form]) or len(raw) <= 2 * len(_MAGIC[form]):
        raise _damaged(name, "its end is missing")
    try:
        table = (_parquet if form == "parquet" else _feather)(name, raw, wanted)
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(name, " ".join(str(error).split())) from error
    if table.num_rows == 0:
        raise InputError(f"{name}: columns, but no rows")
    return _cells(name, table, wanted)


def header_of(name: str, raw: bytes, form: str) -> tuple[str, ...]:
    """Return the names of a file's columns, or nothing if it cannot be read."""
    try:
        if form == "parquet":
            return tuple(_parquet_file(raw).schema_arrow.names)
        return tuple(_feather_file(raw, None).schema.names)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return ()


def _cells(name: str, table: Any, wanted: Wanted) -> Cells:
    symbol = time = zone = None
    if wanted.symbol is not None:
        symbol = symbols_of(name, wanted.symbol, table.column(wanted.symbol))
    if wanted.time is not None:
        time, zone = times_of(name, wanted, table.column(wanted.time))
    return Cells(
        numbered=np.arange(1, table.num_rows + 1, dtype=np.int64),
        counted="row",
        symbol=symbol,
        time=time,
        numbers=numbers_of(name, {c: table.column(c) for c in wanted.numbers}, wanted.numbers),
        zone=zone,
    )


def _parquet_file(raw: bytes) -> Any:
    return pa.parquet.ParquetFile(
        pa.BufferReader(raw), pre_buffer=False, page_checksum_verification=True
    )


def _parquet(name: str, raw: bytes, wanted: Wanted) -> Any:
    file = _parquet_file(raw)
    _require(name, file.schema_arrow.names, wanted)
    if not wanted.columns:
        return file.read(columns=[], use_threads=False)
    # A name that is asked for also brings columns that begin with it and a dot.
    table = file.read(columns=list(wanted.columns), use_threads=False)
    return table.select(list(wanted.columns))


def _feather_file(raw: bytes, fields: Sequence[int] | None) -> Any:
    options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=fields)
    return pa.ipc.open_file(pa.BufferReader(raw), options=options)


def _feather(name: str, raw: bytes, wanted: Wanted) -> Any:
    schema = _feather_file(raw, None).schema
    _require(name, schema.names, wanted)
    fields = [schema.get_field_index(column) for column in wanted.columns]
    return _feather_file(raw, fields or [0]).read_all().select(list(wanted.columns))


def _require(name: str, header: Sequence[str], wanted: Wanted) -> None:
    """Raise InputError for columns that are not there, or there twice."""
    require_columns(name, header, wanted.columns)
    counts = Counter(header)
    twice = [column for column in wanted.columns if counts[column] > 1]
    if twice:
        raise InputError(f"{name}: the file names {listed(twice)} more than once")


def _damaged(name: str, why: str) -> InputError:
    hint = "the file is truncated or damaged: fetch it again"
    return InputError(f"{name}: cannot be read: {why[:300]}", hint)
