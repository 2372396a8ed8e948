"""One price of 1e250 must be told before anything is trained on it, whatever the family."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline import features, targets
from repro.pipeline.magnitudes import require_summable
from repro.pipeline.samples import Samples, build_samples

DAY = 86_400_000_000_000
RETURN = {"name": "r1", "formula": {"kind": "return", "column": "px", "periods": 1}, "lag": 0}
TARGET = {
    "name": "fwd",
    "task": "regression",
    "formula": {"kind": "forward_return", "column": "px"},
    "horizon": 1,
}


def samples_of(panel):
    matrix = features.compute(panel, [RETURN])
    return build_samples(panel, matrix, targets.compute(panel, TARGET), TARGET)


def made(values, labels):
    rows = len(labels)
    return Samples(
        X=np.array(values, dtype=float).reshape(rows, -1),
        y=np.array(labels, dtype=float),
        time=np.arange(rows, dtype=np.int64) * DAY,
        label_end=np.arange(rows, dtype=np.int64) * DAY,
        symbol=np.zeros(rows, dtype=np.int32),
        symbols=("-",),
        names=tuple(f"f{n}" for n in range(np.array(values).reshape(rows, -1).shape[1])),
        dropped={},
    )


def test_one_huge_price_is_refused_by_feature_target_symbol_and_date(panel_of):
    good = [1.0, 2.0, 3.0, 2.0, 1.5, 2.5]
    bad = [1.0, 2.0, 1e250, 2.0, 1.5, 2.5]
    panel = panel_of({"AA": {"px": good}, "BB": {"px": bad}})
    with pytest.raises(InputError) as refused:
        require_summable(samples_of(panel), "fwd", timed=True)
    said = refused.value.problem
    assert "feature r1 goes from -1 to 5e+249 (at BB 1970-01-03)" in said
    assert "target fwd goes from -1 to 5e+249 (at BB 1970-01-02)" in said
    assert refused.value.hint is not None
    assert "rescale" in refused.value.hint


def test_a_table_without_times_and_symbols_names_the_row_and_how_many_more():
    samples = made([[1.0], [-1.6e286], [2e285], [np.nan]], [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(InputError, match=r"feature f0 goes from -1.6e\+286 to 2e\+285 \(at row "):
        require_summable(samples, "y", timed=False)
    with pytest.raises(InputError, match="and 1 more rows"):
        require_summable(samples, "y", timed=False)


def test_many_features_are_counted_beyond_the_first_few():
    with pytest.raises(InputError, match=r"f4 .*; and 4 more: the squares"):
        require_summable(made([[1e300] * 9, [1.0] * 9], [1.0, 2.0]), "y", timed=True)


@settings(deadline=None, max_examples=60, database=None, derandomize=True)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
def test_what_is_let_through_can_be_squared_and_added_up(values):
    samples = made([[v] for v in values], [0.0] * len(values))
    try:
        require_summable(samples, "y", timed=True)
    except InputError:
        assert max(map(abs, values)) > 1e150
        return
    with np.errstate(over="raise"):
        differences = np.array(values)[:, None] - np.array(values)[None, :]
        assert np.isfinite(np.square(differences).sum(axis=1)).all()
        assert np.isfinite(np.std(values))
