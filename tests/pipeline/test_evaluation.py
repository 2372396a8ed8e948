import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from repro.errors import TrainingError
from repro.pipeline.evaluation import evaluate, scoring
from repro.pipeline.metric_names import (
    BINARY_METRICS,
    HIGHER_IS_BETTER,
    MULTICLASS_METRICS,
    REGRESSION_METRICS,
)
from repro.pipeline.ranking import doubled_ranks, spearman

quick = settings(deadline=None, max_examples=80, database=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
coarse = st.sampled_from([1, 2, 12])
"""Decimals: the fewer, the more ties."""
NO_TIME = np.zeros(0, dtype=np.int64)


@quick
@given(seeds, coarse, st.integers(2, 80))
def test_regression_metrics_agree_with_scikit_learn_and_scipy(seed, decimals, rows):
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=rows).round(decimals)
    predicted = generator.normal(size=rows).round(decimals)
    time = generator.integers(0, 6, rows)
    naive = generator.normal(size=rows)
    found = evaluate("regression", truth, predicted, time, naive)
    assert found.keys() == set(REGRESSION_METRICS)
    mse = sk.mean_squared_error(truth, predicted)
    base = sk.mean_squared_error(truth, naive)
    assert found["rmse"] == pytest.approx(math.sqrt(mse))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, predicted))
    assert found["baseline_rmse"] == pytest.approx(math.sqrt(base))
    assert found["skill"] == pytest.approx(1 - mse / base)
    if len(set(truth)) > 1:
        assert found["r2"] == pytest.approx(sk.r2_score(truth, predicted), abs=1e-12)
    else:
        assert found["r2"] is None
    by_date = [
        stats.spearmanr(truth[time == t], predicted[time == t]).statistic
        for t in range(6)
        if len(set(truth[time == t])) > 1 and len(set(predicted[time == t])) > 1
    ]
    assert found["rank_ic_dates"] == len(by_date)
    if by_date:
        assert found["rank_ic"] == pytest.approx(np.mean(by_date), abs=1e-12)
    else:
        assert found["rank_ic"] is None


@quick
@given(seeds, coarse, st.integers(2, 80))
def test_binary_metrics_agree_with_scikit_learn(seed, decimals, rows):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 2, rows).astype(float)
    predicted = generator.random(rows).round(decimals)
    naive = generator.uniform(0.51, 0.9, rows)
    found = evaluate("binary", truth, predicted, np.zeros(rows, dtype=np.int64), naive)
    assert found.keys() == set(BINARY_METRICS)
    loss = sk.log_loss(truth, predicted, labels=[0, 1])
    base = sk.log_loss(truth, naive, labels=[0, 1])
    assert found["log_loss"] == pytest.approx(loss)
    assert found["baseline_log_loss"] == pytest.approx(base)
    assert found["skill"] == pytest.approx(1 - loss / base, abs=1e-12)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, predicted > 0.5))
    assert found["baseline_accuracy"] == pytest.approx(truth.mean())
    if 0 < truth.sum() < rows:
        assert found["auc"] == pytest.approx(sk.roc_auc_score(truth, predicted))
    else:
        assert found["auc"] is None


def distributions(generator, rows, classes, decimals):
    """Return probabilities (rows, classes) of few different values, so that there are ties."""
    weights = generator.random((rows, classes)).round(decimals) + 0.1
    return weights / weights.sum(axis=1, keepdims=True)


@quick
@given(seeds, coarse, st.integers(2, 80), st.integers(3, 6))
def test_multiclass_metrics_agree_with_scikit_learn(seed, decimals, rows, classes):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, rows).astype(float)
    predicted = distributions(generator, rows, classes, decimals)
    naive = np.repeat(distributions(generator, 1, classes, 12), rows, axis=0)
    found = evaluate("multiclass", truth, predicted, np.zeros(rows, dtype=np.int64), naive)
    assert found.keys() == set(MULTICLASS_METRICS)
    labels = list(range(classes))
    loss = sk.log_loss(truth, predicted, labels=labels)
    base = sk.log_loss(truth, naive, labels=labels)
    assert found["log_loss"] == pytest.approx(loss)
    assert found["baseline_log_loss"] == pytest.approx(base)
    assert found["skill"] == pytest.approx(1 - loss / base, abs=1e-12)
    said = predicted.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, said))
    assert found["baseline_accuracy"] == pytest.approx((truth == naive[0].argmax()).mean())
    if set(truth) == set(labels):
        auc = sk.roc_auc_score(truth, predicted, multi_class="ovr", average="macro")
        assert found["macro_auc"] == pytest.approx(auc)
        balanced = sk.balanced_accuracy_score(truth, said)
        assert found["balanced_accuracy"] == pytest.approx(balanced)
    else:
        assert (found["macro_auc"], found["balanced_accuracy"]) == (None, None)


@quick
@given(seeds, st.integers(2, 60))
def test_no_metric_of_classes_depends_on_the_order_of_rows(seed, rows):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, rows).astype(float)
    predicted, naive = (distributions(generator, rows, 3, 1) for _ in range(2))
    time, order = np.zeros(rows, dtype=np.int64), generator.permutation(rows)
    shuffled = evaluate("multiclass", truth[order], predicted[order], time, naive[order])
    assert evaluate("multiclass", truth, predicted, time, naive) == shuffled


def test_metrics_of_three_classes_worked_out_by_hand():
    truth = np.array([0.0, 0.0, 1.0, 2.0])
    predicted = np.array(
        [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]
    )
    naive = np.repeat([[0.5, 0.25, 0.25]], 4, axis=0)
    found = evaluate("multiclass", truth, predicted, np.zeros(4, dtype=np.int64), naive)
    # Class 0: of its 4 pairs, 1 in order, 2 ties, 1 not. Class 1: of 3, 2 and a tie. Class 2: ties.
    assert found["macro_auc"] == float((1 / 2 + 5 / 6 + 1 / 2) / 3)
    assert (found["accuracy"], found["balanced_accuracy"]) == (0.5, 0.5)
    assert found["baseline_accuracy"] == 0.5
    assert found["log_loss"] == pytest.approx(math.log(2) * (1 + 2 + 1 + 2) / 4)
    assert found["skill"] == pytest.approx(0.0)


@quick
@given(seeds, st.integers(2, 60))
def test_no_metric_depends_on_the_order_of_rows(seed, rows):
    generator = np.random.default_rng(seed)
    truth, predicted = generator.normal(size=rows), generator.normal(size=rows).round(1)
    time = generator.integers(0, 4, rows)
    order = generator.permutation(rows)
    for task, y, p in (
        ("regression", truth, predicted),
        ("binary", (truth > 0).astype(float), 1 / (1 + np.exp(-predicted))),
    ):
        naive = np.linspace(0.2, 0.8, rows)
        shuffled = evaluate(task, y[order], p[order], time[order], naive[order])
        assert evaluate(task, y, p, time, naive) == shuffled


@quick
@given(seeds, coarse, st.integers(1, 60))
def test_ranks_agree_with_scipy_within_each_group(seed, decimals, rows):
    generator = np.random.default_rng(seed)
    values, group = generator.normal(size=rows).round(decimals), generator.integers(0, 5, rows)
    found = doubled_ranks(values, group)
    for label in set(group.tolist()):
        mine = group == label
        assert (found[mine] == 2 * stats.rankdata(values[mine])).all()


@quick
@given(seeds, coarse, st.integers(3, 60))
def test_rank_correlation_agrees_with_scipy(seed, decimals, rows):
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(2, rows)).round(decimals)
    if len(set(a)) > 1 and len(set(b)) > 1:
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
    else:
        assert spearman(a, b) is None


def test_what_is_undefined_is_none():
    nothing = np.zeros(0)
    for task, counts in (("regression", {"rank_ic_dates": 0}), ("binary", {})):
        found = evaluate(task, nothing, nothing, NO_TIME, nothing)
        assert {name: value for name, value in found.items() if value is not None} == counts
    found = evaluate("multiclass", nothing, np.zeros((0, 3)), NO_TIME, np.zeros((0, 3)))
    assert set(found.values()) == {None}
    one = np.array([2.0])
    found = evaluate("regression", one, one, np.array([0]), one)
    assert (found["r2"], found["skill"], found["rank_ic"]) == (None, None, None)


def test_a_certain_and_wrong_probability_costs_what_the_clip_allows():
    truth, wrong = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    found = evaluate("binary", truth, wrong, np.array([0, 0]), np.array([0.5, 0.5]))
    assert found["log_loss"] == pytest.approx(52 * math.log(2))
    assert found["auc"] == 0.0
    assert found["skill"] == pytest.approx(-51)


@pytest.mark.parametrize("rows", [2, 40, 1_500, 3_000])  # the last has products beyond 2^63
def test_a_rank_correlation_has_the_bits_of_exact_integers(rows):
    random = np.random.default_rng(rows)
    a, b = random.normal(size=rows), np.round(random.normal(size=rows), 2)
    x, y = ((doubled_ranks(v, np.zeros(rows, dtype=np.int64)) - rows - 1).tolist() for v in (a, b))
    xy, xx, yy = (
        sum(p * q for p, q in zip(*both, strict=True)) for both in ((x, y), (x, x), (y, y))
    )
    assert (xx * yy >= 2**63) == (rows > 1_500)
    assert spearman(a, b) == xy / math.sqrt(xx * yy)


@pytest.mark.parametrize(
    ("task", "prediction", "said"),
    [
        ("regression", float("nan"), "1 of 2 predictions are NaN or infinite"),
        ("binary", float("inf"), "1 of 2 predictions are NaN or infinite"),
        ("binary", 1.5, "1 of 2 predictions are no probability"),
    ],
)
def test_predictions_that_are_none_fail_the_training(task, prediction, said):
    truth = np.array([0.0, 1.0])
    with pytest.raises(TrainingError, match=said):
        evaluate(task, truth, np.array([0.5, prediction]), np.array([0, 1]), truth)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([0.5, np.nan, 0.5], "1 of 6 predictions are NaN or infinite"),
        ([0.5, -0.25, 0.75], "1 of 2 predictions are no probabilities that add up to 1"),
        ([0.5, 0.25, 0.2499], "1 of 2 predictions are no probabilities that add up to 1"),
        ([1.5, 0.25, 0.25], "1 of 2 predictions are no probabilities that add up to 1"),
    ],
)
def test_predictions_that_are_no_distribution_fail_the_training(row, said):
    predicted = np.array([[0.25, 0.25, 0.5], row])
    with pytest.raises(TrainingError, match=said):
        evaluate("multiclass", np.array([0.0, 1.0]), predicted, np.array([0, 1]), predicted)


def test_probabilities_that_were_rounded_to_float32_add_up_well_enough():
    third = np.full((1, 31), np.float32(1 / 31), dtype=np.float64)
    assert third.sum() != 1.0
    found = evaluate("multiclass", np.array([30.0]), third, np.array([0]), third)
    assert found["log_loss"] == pytest.approx(math.log(31))


def test_every_metric_of_the_model_has_a_direction_and_no_other_has():
    described = {"rank_ic_dates", "baseline_rmse", "baseline_log_loss", "baseline_accuracy"}
    named = {*REGRESSION_METRICS, *BINARY_METRICS, *MULTICLASS_METRICS}
    assert named - described == HIGHER_IS_BETTER.keys()


@pytest.mark.parametrize("whose", ["the model", "the naive baseline"])
def test_errors_whose_squares_have_no_sum_are_no_plain_undefined_metric(whose):
    far, near = np.array([1e200, 0.0]), np.array([0.5, 0.5])
    predicted, naive = (far, near) if whose == "the model" else (near, far)
    with (
        pytest.raises(TrainingError, match=f"fold 2: rmse is not finite: errors of {whose} go up"),
        scoring("fold 2"),
    ):
        evaluate("regression", np.array([1.0, 2.0]), predicted, np.zeros(2, np.int64), naive)
