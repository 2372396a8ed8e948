"""Small tables and the real one, as the resolved configuration would describe them."""

from importlib.resources import files

import numpy as np
import pytest

from repro.pipeline.panel import build_panel
from repro.pipeline.table import read_panel

DAY = 86_400_000_000_000
PRICES = ("Open", "High", "Low", "Close", "Adj Close")


@pytest.fixture(scope="session")
def dataset_of():
    """Return a function that makes a dataset document, with some keys replaced."""

    def make(**changed):
        document = {
            "name": "us_stocks_daily",
            "format": "csv",
            "time": {"column": "Date", "format": "%Y-%m-%d", "timezone": "UTC"},
            "symbol": {"column": "Ticker"},
            "columns": {**dict.fromkeys(PRICES, "float64"), "Volume": "int64"},
            "interval": "1d",
            "symbols": None,
            "start": None,
            "end": None,
            "max_rows_per_symbol": None,
            "min_rows_per_symbol": 1,
            "short_symbols": "refuse",
            "sort": False,
            "duplicates": "refuse",
        }
        assert changed.keys() <= document.keys()
        return document | changed

    return make


@pytest.fixture(scope="session")
def small(dataset_of):
    """Return a function that makes the document of a table `s,d,x,n`."""

    def make(**changed):
        kept = {
            "time": {"column": "d", "format": "%Y-%m-%d", "timezone": "UTC"},
            "symbol": {"column": "s"},
            "columns": {"x": "float64", "n": "int64"},
        }
        return dataset_of(**(kept | changed))

    return make


@pytest.fixture(scope="session")
def real_bytes():
    return files("repro.template").joinpath("data", "stocks.csv.gz").read_bytes()


@pytest.fixture(scope="session")
def real_panel(real_bytes, dataset_of):
    return read_panel([("stocks.csv.gz", real_bytes)], dataset_of())


@pytest.fixture(scope="session")
def panel_of():
    """Return a function: {symbol: {column: values}} → panel, one row a day."""

    def make(table, first_day=0):
        symbols = tuple(sorted(table))
        sizes = [len(next(iter(table[symbol].values()))) for symbol in symbols]
        names = table[symbols[0]].keys()
        return build_panel(
            symbols,
            np.repeat(np.arange(len(symbols), dtype=np.int32), sizes),
            np.concatenate([(np.arange(size) + first_day) * DAY for size in sizes]),
            {name: np.concatenate([np.array(table[s][name]) for s in symbols]) for name in names},
        )

    return make
