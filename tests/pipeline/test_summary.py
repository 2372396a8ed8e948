import json

import pytest

from repro.pipeline.summary import summarize
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
