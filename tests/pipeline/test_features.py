import statistics

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.features import compute
from repro.pipeline.formulas import columns_of, is_level, lookback_of

C = "Close"
COLUMNS = ("Open", "High", "Low", C)
windows = st.integers(2, 12)
simple = st.one_of(
    st.fixed_dictionaries({"kind": st.just("column"), "column": st.just(C)}),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["lag", "return"]), "column": st.just(C), "periods": windows}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(
                ["rolling_mean", "rolling_std", "volatility", "zscore", "ratio_to_mean", "rsi"]
            ),
            "column": st.just(C),
            "window": windows,
        }
    ),
    st.just({"kind": "ratio", "numerator": C, "denominator": "Open"}),
    st.just({"kind": "spread", "high": "High", "low": "Low", "by": C}),
)
formulas = st.one_of(simple, st.builds(lambda f: {"kind": "rank", "formula": f}, simple))
seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=100, database=None, derandomize=True)


def feature(formula, lag=0):
    return {
        "name": "f",
        "formula": formula,
        "lookback": lookback_of(formula),
        "lag": lag,
        "allowed_horizons": "any",
        "version": 1,
    }


def prices(generator, rows, holes=0.05):
    """Return columns of random prices with some zeros and some cells missing."""
    table = {}
    for column in COLUMNS:
        values = np.exp(generator.normal(0, 0.1, rows).cumsum()) * 100
        values[generator.random(rows) < holes] = np.nan
        values[generator.random(rows) < holes / 2] = 0.0
        table[column] = values
    return table


def bits(values):
    return np.ascontiguousarray(values).view(np.int64).tolist()


def of(panel, formula, lag=0):
    return compute(panel, [feature(formula, lag)]).values[:, 0]


@quick
@given(formulas, st.integers(0, 3), seeds, st.integers(0, 39))
def test_a_feature_depends_on_nothing_outside_its_lookback_bit_for_bit(
    panel_of, formula, lag, seed, row
):
    generator = np.random.default_rng(seed)
    table = {symbol: prices(generator, 40) for symbol in ("A", "B", "C")}
    changed = {symbol: prices(generator, 40) for symbol in ("A", "B", "C")}
    window = slice(max(0, row - lag - lookback_of(formula)), max(0, row - lag + 1))
    for symbol in ("A", "B", "C") if formula["kind"] == "rank" else ("A",):
        for column in columns_of(formula):
            changed[symbol][column][window] = table[symbol][column][window]
    before, after = of(panel_of(table), formula, lag), of(panel_of(changed), formula, lag)
    assert bits(before[row]) == bits(after[row])


@quick
@given(formulas, st.integers(0, 3), seeds, st.integers(1, 60), st.integers(0, 59))
def test_a_longer_series_before_or_after_changes_no_bit(panel_of, formula, lag, seed, rows, start):
    table = {symbol: prices(np.random.default_rng(seed + i), 60) for i, symbol in enumerate("AB")}
    part = {s: {n: v[start : start + rows] for n, v in c.items()} for s, c in table.items()}
    assume(len(part["A"][C]) > 0)
    size = len(part["A"][C])
    whole, piece = of(panel_of(table), formula, lag), of(panel_of(part, start), formula, lag)
    reach = lookback_of(formula) + lag if start else 0
    for offset in (0, 60):
        expected = whole[offset + start : offset + start + size][reach:]
        found = piece[(offset > 0) * size :][:size][reach:]
        assert bits(expected) == bits(found)


@quick
@given(formulas, st.sampled_from(COLUMNS), seeds)
def test_is_level_says_whether_another_unit_of_one_column_would_show(
    panel_of, formula, column, seed
):
    generator = np.random.default_rng(seed)
    table = {symbol: prices(generator, 40, holes=0.0) for symbol in "ABC"}
    doubled = {s: {n: v.copy() for n, v in columns.items()} for s, columns in table.items()}
    doubled["A"][column] *= 2.0**20
    before, after = of(panel_of(table), formula), of(panel_of(doubled), formula)
    assert (bits(before) != bits(after)) == is_level(formula, column)


@quick
@given(formulas, seeds)
def test_no_feature_is_infinite_and_infinities_are_counted(panel_of, formula, seed):
    table = {symbol: prices(np.random.default_rng(seed), 30, holes=0.3) for symbol in "AB"}
    matrix = compute(panel_of(table), [feature(formula)])
    assert not np.isinf(matrix.values).any()
    assert matrix.replaced_infinities.keys() == {"f"}


@pytest.fixture
def walk(panel_of):
    generator = np.random.default_rng(7)
    return panel_of({"A": prices(generator, 50, holes=0.0)})


def oracle(walk, kind, window):
    """Return the last value by the textbook, in Python floats."""
    c = walk.columns[C].tolist()
    last = c[-window:]
    moves = [b - a for a, b in zip(c[-window - 1 :], last, strict=False)]
    gains, losses = sum(m for m in moves if m > 0), sum(-m for m in moves if m < 0)
    returns = [b / a - 1 for a, b in zip(c[-window - 1 :], last, strict=False)]
    return {
        "rolling_mean": statistics.fmean(last),
        "rolling_std": statistics.stdev(last),
        "volatility": statistics.stdev(returns),
        "zscore": (c[-1] - statistics.fmean(last)) / statistics.stdev(last),
        "ratio_to_mean": c[-1] / statistics.fmean(last) - 1,
        "rsi": 100 - 100 / (1 + gains / losses),
    }[kind]


@pytest.mark.parametrize("window", [2, 5, 20])
@pytest.mark.parametrize(
    "kind", ["rolling_mean", "rolling_std", "volatility", "zscore", "ratio_to_mean", "rsi"]
)
def test_windows_agree_with_the_textbook(walk, kind, window):
    values = of(walk, {"kind": kind, "column": C, "window": window})
    assert values[-1] == pytest.approx(oracle(walk, kind, window), rel=1e-11)
    missing = lookback_of({"kind": kind, "column": C, "window": window})
    assert np.isnan(values).tolist() == [True] * missing + [False] * (50 - missing)


def test_formulas_of_single_rows_are_what_they_say(panel_of):
    panel = panel_of({"A": {"Open": [1.0, 4.0], "High": [8.0, 9.0], "Low": [2.0, 3.0], C: [2, 6]}})
    assert of(panel, {"kind": "column", "column": C}).tolist() == [2, 6]
    assert of(panel, {"kind": "lag", "column": C, "periods": 1})[1] == 2
    assert of(panel, {"kind": "return", "column": C, "periods": 1})[1] == 2
    assert of(panel, {"kind": "ratio", "numerator": C, "denominator": "Open"}).tolist() == [1, 0.5]
    spread = {"kind": "spread", "high": "High", "low": "Low", "by": C}
    assert of(panel, spread).tolist() == [3, 1]


def test_a_window_of_equal_prices_has_no_deviation_and_no_score(panel_of):
    panel = panel_of({"A": {C: [0.1] * 12}})
    assert of(panel, {"kind": "rolling_std", "column": C, "window": 10})[-1] == 0.0
    assert np.isnan(of(panel, {"kind": "zscore", "column": C, "window": 10})[-1])
    assert np.isnan(of(panel, {"kind": "rsi", "column": C, "window": 10})[-1])


def test_ranks_lie_in_zero_to_one_and_ties_share_their_mean(panel_of):
    panel = panel_of({"A": {C: [1.0]}, "B": {C: [5.0]}, "C": {C: [5.0]}, "D": {C: [np.nan]}})
    ranks = of(panel, {"kind": "rank", "formula": {"kind": "column", "column": C}})
    assert ranks[:3].tolist() == [1 / 3, 2.5 / 3, 2.5 / 3]
    assert np.isnan(ranks[3])


def test_a_lag_shifts_within_the_symbol(panel_of):
    panel = panel_of({"A": {C: [1.0, 2.0]}, "B": {C: [3.0, 4.0]}})
    values = of(panel, {"kind": "column", "column": C}, lag=1)
    assert np.isnan(values).tolist() == [True, False, True, False]
    assert values[[1, 3]].tolist() == [1, 3]


def test_division_by_zero_is_missing_and_counted(panel_of):
    panel = panel_of({"A": {C: [0.0, 1.0, 0.0, 0.0]}})
    matrix = compute(panel, [feature({"kind": "return", "column": C, "periods": 1})])
    assert np.isnan(matrix.values[:, 0]).tolist() == [True, True, False, True]
    assert matrix.replaced_infinities == {"f": 1}


def test_the_order_of_features_is_that_of_the_configuration(walk):
    wanted = [
        feature({"kind": "lag", "column": C, "periods": p}) | {"name": f"l{p}"} for p in (2, 1)
    ]
    matrix = compute(walk, wanted)
    assert matrix.names == ("l2", "l1")
    assert matrix.values.flags.c_contiguous
    assert matrix.values.shape == (50, 2)


def test_a_column_that_the_dataset_lacks_is_named(walk):
    with pytest.raises(InputError, match="feature f reads column 'Bid'"):
        of(walk, {"kind": "column", "column": "Bid"})
