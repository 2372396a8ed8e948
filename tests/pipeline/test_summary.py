import json

import numpy as np
import pytest

from repro.pipeline.summary import QUANTILES, describe, summarize
from repro.pipeline.times import NEVER, iso


def test_columns_and_symbols_are_summed_up_as_json(panel_of):
    panel = panel_of({"A": {"x": [1.0, float("nan"), 3.0]}, "B": {"x": [5.0]}}, 365)
    found = json.loads(json.dumps(summarize(panel), allow_nan=False))
    x = {"dtype": "float64", "count": 3, "missing": 1, "min": 1.0, "max": 5.0}
    assert found["columns"]["x"] == x | {"mean": 3.0, "std": 2.0}
    assert found["symbols"]["A"] == {"rows": 3, "first": "1971-01-01", "last": "1971-01-03"}
    assert found["rows"] == 4


def test_what_has_no_value_is_null_and_large_whole_numbers_are_digits(panel_of):
    found = summarize(panel_of({"A": {"x": [float("nan")], "n": [2**60], "h": [1e308]}}))["columns"]
    assert [found["x"][k] for k in ("min", "max", "mean", "std")] == [None] * 4
    assert (found["n"]["min"], found["n"]["std"]) == (str(2**60), None)
    assert found["h"]["mean"] == 1e308


def test_the_real_data_are_summed_up(real_panel):
    found = summarize(real_panel)
    assert found["rows"] == 12154
    assert found["symbols"]["GOOG"] == {"rows": 2148, "first": "2004-08-19", "last": "2013-03-01"}
    assert found["columns"]["Close"]["missing"] == 0


def test_a_description_is_by_symbol_and_column_and_nothing_is_rounded(panel_of):
    nan = float("nan")
    panel = panel_of({"A": {"x": [nan, 0.1, nan, 0.3, nan]}, "B": {"x": [1e-300]}}, 365)
    found = json.loads(json.dumps(describe(panel), allow_nan=False))
    a = found["symbols"]["A"]
    assert {k: a[k] for k in ("rows", "first", "last")} == {
        "rows": 5,
        "first": "1971-01-01",
        "last": "1971-01-05",
    }
    x = a["columns"]["x"]
    assert {k: x[k] for k in ("count", "missing", "min", "max", "mean", "first", "last")} == {
        "count": 2,
        "missing": 3,
        "min": 0.1,
        "max": 0.3,
        "mean": 0.2,
        "first": "1971-01-02",
        "last": "1971-01-04",
    }
    share = 0.25 * (0.3 - 0.1)
    assert x["quantiles"]["0.25"] == pytest.approx(0.1 + share, rel=1e-15)
    assert found["symbols"]["B"]["columns"]["x"]["quantiles"]["0.99"] == 1e-300
    assert found["columns"]["x"]["count"] == 3


def test_a_column_without_values_has_no_quantiles_and_no_dates(panel_of):
    found = describe(panel_of({"A": {"x": [float("nan")], "n": [2**60], "h": [1e308]}}))["columns"]
    assert set(found["x"]["quantiles"].values()) == {None}
    assert (found["x"]["first"], found["x"]["last"]) == (None, None)
    assert found["n"]["quantiles"]["0.5"] == float(2**60)
    wide = describe(panel_of({"A": {"x": [-1.7e308, 1.7e308]}}))["columns"]["x"]
    assert (wide["min"], wide["max"]) == (-1.7e308, 1.7e308)
    json.dumps(wide, allow_nan=False)


def test_the_quantiles_of_the_real_data_are_those_of_sorted_values(real_panel):
    found = describe(real_panel)["symbols"]["IBM"]["columns"]["Close"]
    (rows,) = np.nonzero(real_panel.symbol == real_panel.symbols.index("IBM"))
    values = sorted(real_panel.columns["Close"][rows].tolist())
    for share in QUANTILES:
        place = share * (len(values) - 1)
        low = int(place)
        between = values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (
            place - low
        )
        assert found["quantiles"][str(share)] == pytest.approx(between, rel=1e-14)
    assert (found["first"], found["last"]) == ("2000-03-01", "2013-03-01")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01"),
        (10**9, "1970-01-01T00:00:01Z"),
        (-(10**6), "1969-12-31T23:59:59.999Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (NEVER, "2262-04-11T23:47:16.854775807Z"),
    ],
)
def test_a_time_is_written_as_short_as_it_is_exact(nanoseconds, text):
    assert iso(nanoseconds) == text
