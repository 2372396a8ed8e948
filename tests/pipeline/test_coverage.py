"""How much of a panel a run is made of, and which symbols vanish from it without an error."""

from dataclasses import replace

import numpy as np
import pytest

from repro.pipeline import features, targets
from repro.pipeline.coverage import coverage
from repro.pipeline.routing import of_symbol
from repro.pipeline.samples import build_samples

NAN = float("nan")
FEATURE = {"name": "f", "formula": {"kind": "column", "column": "x"}, "lag": 0}
TARGET = {
    "name": "y",
    "task": "regression",
    "formula": {"kind": "column", "column": "y"},
    "horizon": 0,
}


@pytest.fixture
def found(panel_of):
    panel = panel_of(
        {
            "AA": {"x": [1.0, 2.0, NAN], "y": [1.0, 3.0, 2.0]},
            "BB": {"x": [1.0, 2.0, 3.0], "y": [NAN, NAN, NAN]},
            "CC": {"x": [NAN, NAN, 4.0], "y": [1.0, 2.0, NAN]},
        }
    )
    labels = targets.compute(panel, TARGET)
    samples = build_samples(panel, features.compute(panel, [FEATURE]), labels, TARGET)
    return panel, labels, samples


def test_rows_and_symbols_are_counted_and_what_vanished_is_named_with_why(found):
    assert coverage(*found, None) == {
        "rows": 2,
        "of_rows": 9,
        "symbols": 1,
        "of_symbols": 3,
        "left_out": [
            {"symbol": "BB", "rows": 3, "why": "no label"},
            {"symbol": "CC", "rows": 3, "why": "no feature"},
        ],
    }


def test_of_a_run_of_one_symbol_only_that_counts(found):
    panel, labels, samples = found
    counted = coverage(panel, labels, of_symbol(samples, "AA"), "AA")
    assert (counted["rows"], counted["of_rows"]) == (2, 3)
    assert (counted["symbols"], counted["of_symbols"], counted["left_out"]) == (1, 1, [])


def test_a_symbol_that_was_dropped_for_its_length_is_among_those_left_out(found):
    panel, labels, samples = found
    panel = replace(panel, dropped_symbols=(("ZZ", 2),))
    counted = coverage(panel, labels, samples, None)
    assert counted["of_symbols"] == 4
    assert counted["left_out"][-1] == {"symbol": "ZZ", "rows": 2, "why": "too few rows"}
    assert np.sum([one["rows"] for one in counted["left_out"]]) == 8
