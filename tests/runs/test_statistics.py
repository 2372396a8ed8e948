"""The statistics of replicates, held against SciPy and against samples worked out by hand."""

import math
import statistics as standard

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from repro.runs.statistics import bootstrap, chance, deviation, jaccard, kendall, mean, over_pairs

VALUES = st.lists(st.integers(-5, 5).map(float) | st.floats(-1e3, 1e3), min_size=2, max_size=9)


@given(VALUES)
def test_mean_and_deviation_are_those_of_the_standard_library(values):
    assert math.isclose(mean(values), standard.fmean(values), abs_tol=1e-12)
    found = deviation(values)
    assert math.isclose(found, standard.stdev(values), rel_tol=1e-9, abs_tol=1e-9)
    assert deviation(values[:1]) is None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=10))
def test_tau_is_that_of_scipy_with_ties(pairs):
    a, b = zip(*pairs, strict=True)
    expected = scipy.stats.kendalltau(a, b, variant="b").statistic
    found = kendall(a, b)
    assert found is None if math.isnan(expected) else math.isclose(found, expected, abs_tol=1e-12)


def test_the_chance_of_an_order_is_near_that_of_the_exact_test():
    values = [0.3, 0.1, 0.5, 0.4, 0.7, 0.6, 0.9]
    tau, p = chance(values, 20_000, 1)
    exact = scipy.stats.kendalltau(range(7), values, method="exact")
    assert math.isclose(tau, exact.statistic, abs_tol=1e-12)
    assert abs(p - exact.pvalue) < 0.01
    assert chance(values, 500, 3) == chance(values, 500, 3)
    assert chance([1.0, 1.0, 1.0], 100, 1) is None


def test_an_interval_is_that_of_scipys_percentile_bootstrap():
    values = [0.1, 0.4, 0.35, 0.8, 0.55, 0.2, 0.9, 0.45]
    low, high = bootstrap(values, 0.9, 20_000, 5)
    expected = scipy.stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=0.9,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert abs(low - expected.low) < 0.01
    assert abs(high - expected.high) < 0.01
    assert bootstrap(values, 0.9, 200, 5) == bootstrap(values, 0.9, 200, 5)
    assert bootstrap(values[:1], 0.9, 200, 5) is None


@given(VALUES, st.integers(0, 99))
def test_an_interval_lies_between_the_lowest_and_the_highest_value(values, seed):
    low, high = bootstrap(values, 0.95, 100, seed)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize(
    ("a", "b", "common"),
    [("", "", 1.0), ("ab", "cd", 0.0), ("abc", "bcd", 0.5), ("ab", "ab", 1.0)],
)
def test_sets_have_in_common_what_both_hold_of_what_either_holds(a, b, common):
    assert jaccard(set(a), set(b)) == common


def test_every_pair_is_measured_once_and_what_is_not_defined_left_out():
    assert over_pairs([1, 2, 4], lambda a, b: float(b - a)) == [1.0, 3.0, 2.0]
    assert over_pairs([1, 2, 4], lambda a, b: None if a == 1 else 5.0) == [5.0]


@given(st.lists(st.integers(0, 30), min_size=31, max_size=60))
def test_the_chance_of_many_values_is_that_of_scipys_normal_approximation(values):
    exact = scipy.stats.kendalltau(range(len(values)), values, method="asymptotic")
    found = chance(values, 10, 1)
    if math.isnan(exact.statistic):
        assert found is None
    else:
        assert math.isclose(found[0], exact.statistic, abs_tol=1e-12)
        assert math.isclose(found[1], exact.pvalue, rel_tol=1e-9, abs_tol=1e-12)
