"""An order of targets, an interval around each, and what may be said of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.runs.ranking import (
    Interval,
    Model,
    Standing,
    conclusions,
    interval_of,
    ordered,
    standing,
)

RULE = {"average": "mean", "confidence": 0.9, "resamples": 500}


def fold(rows, rmse, base):
    return {"test_rows": rows, "metrics": {"rmse": rmse, "baseline_rmse": base}}


def binary(rows, loss, base):
    return {"test_rows": rows, "metrics": {"log_loss": loss, "baseline_log_loss": base}}


def daily(dates, ic):
    return {"test_rows": 9 * dates, "metrics": {"rank_ic": ic, "rank_ic_dates": dates}}


def test_folds_that_are_alike_leave_no_width():
    found = interval_of([[fold(10, 3.0, 5.0)] * 4], "skill", RULE, 1)
    assert (found.low, found.high) == pytest.approx((1 - 9 / 25,) * 2)
    found = interval_of([[binary(10, 0.6, 0.8)] * 3], "skill", RULE, 1)
    assert (found.low, found.high) == pytest.approx((0.25, 0.25))
    found = interval_of([[daily(20, 0.1)] * 3], "rank_ic", RULE, 1)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))


def test_a_sample_is_pooled_by_rows_and_by_dates():
    two = [fold(100, 1.0, 1.0), fold(300, 0.0, 2.0)]
    # Drawn: the first twice, both, the second twice.
    values = {0.0, 1 - 100 / (100 + 1200), 1.0}
    found = {interval_of([two], "skill", RULE | {"resamples": 1}, n) for n in range(40)}
    assert {round(one.low, 12) for one in found} == {round(value, 12) for value in values}
    found = {
        interval_of([[daily(10, 0.5), daily(30, 0.1)]], "rank_ic", RULE | {"resamples": 1}, n)
        for n in range(40)
    }
    assert {round(one.low, 12) for one in found} == {0.5, 0.2, 0.1}


def test_an_interval_is_drawn_by_its_seed_alone():
    folds = [fold(10, 1 + n / 10, 1.2) for n in range(5)]
    one = interval_of([folds], "skill", RULE, 7)
    assert one == interval_of([folds], "skill", RULE, 7)
    assert len({interval_of([folds], "skill", RULE | {"resamples": 20}, n) for n in range(20)}) > 1


def test_more_confidence_is_a_wider_interval():
    folds = [fold(10, 1 + n / 10, 1.2) for n in range(6)]
    narrow, wide = (interval_of([folds], "skill", RULE | {"confidence": c}, 7) for c in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    "folds",
    [
        [fold(10, 1.0, 2.0)],
        [fold(10, 1.0, 2.0), fold(10, None, 2.0)],
        [fold(10, 1.0, 0.0), fold(10, 1.0, 0.0)],
    ],
    ids=["one fold", "a fold without the metric", "a baseline without loss"],
)
def test_where_nothing_can_be_said_there_is_no_interval(folds):
    assert interval_of([folds], "skill", RULE, 1) is None


values = st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 0.5]))


@given(st.lists(values, min_size=1, max_size=6))
def test_the_best_come_first_equal_ones_by_name_and_those_without_a_value_last(found):
    standings = [Standing(f"t{n}", "ranked", value=value) for n, value in enumerate(found)]
    keys = [
        (-math.inf if one.value is None else one.value, one.target)
        for one in ordered(reversed(standings))
    ]
    assert keys == sorted(keys, key=lambda key: (-key[0], key[1]))


def stands(name, low, high):
    interval = None if low is None else Interval(low, high)
    model = Model("f", "ranked", "run", value=0.1)
    return Standing(name, "ranked", 0.1, interval, 5, (model,))


@pytest.mark.parametrize(
    ("standings", "said"),
    [
        (
            [stands("a", 0.2, 0.3), stands("b", 0.1, 0.15), stands("c", -0.1, 0.2)],
            (
                "better than the baseline: a, b",
                "a is not told apart from c: intervals overlap",
                "b is not told apart from c: intervals overlap",
            ),
        ),
        (
            [stands("a", 0.3, 0.4), stands("b", 0.1, 0.2), stands("c", 0.15, 0.2)],
            ("better than the baseline: a, b, c", "b is not told apart from c: intervals overlap"),
        ),
        (
            [
                *(stands("a", 0.3, 0.4), stands("b", 0.2, 0.25), stands("c", 0.1, 0.15)),
                *(stands("d", 0.05, 0.22), stands("e", None, None)),
            ],
            (
                "better than the baseline: a, b, c, d",
                "without an interval, which takes two folds: e",
                "b is not told apart from d: intervals overlap",
                "c is not told apart from d: intervals overlap",
            ),
        ),
        (
            [stands("a", 0.0, 0.3), stands("b", -0.2, -0.1)],
            ("none is better than the baseline: every interval includes zero or lies below",),
        ),
        (
            [stands("a", None, None)],
            ("without an interval, which takes two folds: a",),
        ),
        (
            [Standing("a", "unfit", models=(Model("f", "unfit", reason="no"),))],
            ("no target has a value: there is nothing to rank",),
        ),
    ],
    ids=[
        "some are better",
        "the first stands alone",
        "past the next",
        "none is better",
        "one fold",
        "nothing to rank",
    ],
)
def test_what_is_said_is_what_the_intervals_show(standings, said):
    assert conclusions(standings) == said


def model(family, folds, outcome="ranked"):
    loss = sum(one["test_rows"] * one["metrics"]["rmse"] ** 2 for one in folds)
    base = sum(one["test_rows"] * one["metrics"]["baseline_rmse"] ** 2 for one in folds)
    return Model(family, outcome, f"run of {family}", value=1 - loss / base, folds=tuple(folds))


def test_several_families_are_averaged_over_the_same_folds():
    good = [fold(10, 1.0, 2.0), fold(10, 1.5, 2.0), fold(10, 1.8, 2.0)]
    # One loses in each fold what the other gains: their mean is the same whatever is drawn.
    bad = [fold(10, (8 - one["metrics"]["rmse"] ** 2) ** 0.5, 2.0) for one in good]
    both = standing("t", [model("a", good), model("b", bad)], "skill", RULE, 3)
    assert both.value == pytest.approx(0.0)
    assert (both.interval.low, both.interval.high) == pytest.approx((0.0, 0.0))
    alone = standing("t", [model("a", good)], "skill", RULE, 3)
    assert alone.interval == interval_of([good], "skill", RULE, 3)
    assert alone.interval.low < alone.value < alone.interval.high
    third = [model("a", good), model("b", bad), model("c", good)]
    median = standing("t", third, "skill", RULE | {"average": "median"}, 3)
    assert median.value == third[0].value


def test_a_target_stands_by_the_families_that_have_a_value():
    folds = [fold(10, 1.0, 2.0), fold(10, 1.5, 2.0)]
    unfit = Model("b", "unfit", reason="no classes")
    one = standing("t", [unfit, model("a", folds)], "skill", RULE, 3)
    assert (one.outcome, one.judges, one.reason) == ("ranked", ("a",), None)
    none = standing("t", [unfit, Model("a", "failed", reason="killed")], "skill", RULE, 3)
    assert (none.outcome, none.value, none.interval) == ("failed", None, None)
    assert none.reason == "no classes; killed"
    other = standing("u", [model("b", folds), model("a", folds)], "skill", RULE, 3)
    assert "t is judged by a alone, not by b" in conclusions(ordered([one, other]))


def test_models_of_other_numbers_of_folds_have_no_common_interval():
    folds = [fold(10, 1.0, 2.0), fold(10, 1.5, 2.0), fold(10, 1.8, 2.0)]
    assert interval_of([folds, folds[:2]], "skill", RULE, 1) is None
