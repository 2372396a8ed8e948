"""Which features are kept: scores from the rows they are given, ties by declared order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repro.pipeline.selection import (
    aggregate,
    best,
    correlations,
    ranks,
    shares,
    stability,
)

scores = st.lists(st.integers(0, 4).map(lambda n: n / 4), min_size=1, max_size=12)


@given(scores, st.integers(1, 15))
def test_the_best_are_kept_in_declared_order_and_of_equals_the_first(values, k):
    kept = best(np.array(values), k)
    assert list(kept) == sorted(kept)
    assert len(kept) == min(k, len(values))
    for inside in kept:
        for outside in set(range(len(values))) - set(kept):
            assert (values[inside], -inside) > (values[outside], -outside)


def test_all_are_kept_if_there_are_no_more():
    assert best(np.array([0.0, 2.0, 1.0]), 3) == best(np.array([0.0, 2.0, 1.0]), 9) == (0, 1, 2)


def test_a_correlation_is_spearmans_over_the_rows_with_a_value():
    draw = np.random.default_rng(3)
    x, y = draw.normal(size=(60, 3)), draw.normal(size=60)
    x[:, 1] = -y + 0.1 * x[:, 1]
    x[::3, 1] = np.nan
    known = ~np.isnan(x[:, 1])
    expected = [
        abs(stats.spearmanr(x[:, 0], y).statistic),
        abs(stats.spearmanr(x[known, 1], y[known]).statistic),
        abs(stats.spearmanr(x[:, 2], y).statistic),
    ]
    assert correlations(x, y) == pytest.approx(expected, rel=1e-12)
    assert best(correlations(x, y), 1) == (1,)


def test_a_column_that_says_nothing_scores_zero():
    y = np.arange(6.0)
    empty, one = np.full(6, np.nan), np.array([np.nan] * 5 + [1.0])
    x = np.stack([empty, one, np.full(6, 2.0), y], axis=1)
    assert correlations(x, y).tolist() == [0.0, 0.0, 0.0, 1.0]
    assert correlations(x, np.ones(6)).tolist() == [0.0] * 4


def test_a_share_is_of_the_whole_and_a_model_without_any_gives_none():
    assert shares(np.array([1.0, 3.0, 0.0])).tolist() == [0.25, 0.75, 0.0]
    assert shares(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_a_rank_is_the_share_of_the_others_that_are_beaten_a_tie_counting_half():
    assert ranks(np.array([5.0, 7.0, 1.0])).tolist() == [0.5, 1.0, 0.0]
    assert ranks(np.array([2.0, 2.0, 1.0])).tolist() == [0.75, 0.75, 0.0]
    assert ranks(np.array([0.0])).tolist() == [1.0]


def test_one_model_that_is_sure_outweighs_shares_but_not_ranks():
    sure, second, third = np.array([98.0, 1.0, 1.0]), np.array([1.0, 3.0, 2.0]), np.array([1, 4, 3])
    models = [sure, second, third.astype(float)]
    assert best(aggregate(models, "mean_share"), 1) == (0,)
    assert best(aggregate(models, "mean_rank"), 1) == (1,)


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=4, max_size=4), min_size=1, max_size=4))
def test_scores_lie_between_zero_and_one_whatever_the_models_say(models):
    for rule in ("mean_rank", "mean_share"):
        found = aggregate([np.array(model) for model in models], rule)
        assert ((found >= 0) & (found <= 1 + 1e-12)).all()


def test_stability_is_the_mean_jaccard_index_of_all_pairs():
    assert stability([("a", "b"), ("a", "b")]) == 1.0
    assert stability([("a", "b"), ("b", "c"), ("a", "b")]) == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    assert stability([("a",), ("b",)]) == 0.0
    assert stability([("a", "b")]) is None
