"""Metrics on both sides: direction, what is missing or undefined, and noise with its source."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.runs.effects import Effect, Sources, effects, noise

NAN = float("nan")
VALUES = st.lists(st.floats(-10, 10), min_size=2, max_size=9)


def runs(values, name="rmse"):
    return [{name: value} for value in values]


def pairs(old, new, name="rmse"):
    return list(zip(runs(old, name), runs(new, name), strict=True))


def told(a, b, *, comparable=True, sources=None):
    found = effects(a, b, comparable=comparable, sources=sources or Sources())
    return {effect.metric: effect for effect in found}


def test_direction_is_told_where_there_is_one_and_runs_are_comparable():
    a, b = {"rmse": 1.0, "r2": 0.1, "rows": 5}, {"rmse": 0.5, "r2": 0.0, "rows": 6}
    assert {n: e.better for n, e in told(a, b).items()} == {"rmse": True, "r2": False, "rows": None}
    assert {e.better for e in told(a, b, comparable=False).values()} == {None}


@pytest.mark.parametrize(
    ("noise", "within"), [(None, None), (0.4, False), (0.5, True), (0.6, True)]
)
def test_a_difference_no_larger_than_its_noise_is_within_it(noise, within):
    assert Effect("rmse", 1.0, 0.5, True, noise).within_noise is within
    assert Effect("rmse", None, 0.5, None, noise).within_noise is None


@pytest.mark.parametrize("value", [None, NAN, math.inf, -math.inf])
def test_a_metric_that_is_no_finite_number_is_none_and_neither_better_nor_worse(value):
    for a, b in ((value, 1.0), (1.0, value), (value, value)):
        found = told({"rmse": a}, {"rmse": b})["rmse"]
        assert (found.delta, found.better) == (None, None)
        assert (found.old, found.new) == tuple(None if v != 1.0 else v for v in (a, b))


def test_a_metric_that_only_one_side_has_is_told_all_the_same():
    found = told({"rmse": 1.0, "r2": 0.5}, {"rmse": 1.0, "auc": 0.7})
    assert list(found) == ["rmse", "r2", "auc"]
    assert found["r2"] == Effect("r2", 0.5, None, None)
    assert found["auc"] == Effect("auc", None, 0.7, None)


def test_a_number_beyond_what_json_holds_is_read_back():
    assert told({"n": "9007199254740993"}, {"n": 1})["n"].old == 2**53 + 1


@given(VALUES)
def test_noise_from_one_group_of_replicates_is_that_of_two_draws(values):
    error, source, count = noise("rmse", Sources(a=runs(values)))
    assert error == pytest.approx(math.sqrt(2) * statistics.stdev(values), abs=1e-12)
    assert (source, count) == ("replicates", len(values))


@given(VALUES, VALUES)
def test_noise_from_two_groups_adds_up_in_squares(a, b):
    error, source, count = noise("rmse", Sources(a=runs(a), b=runs(b)))
    assert error == pytest.approx(math.hypot(statistics.stdev(a), statistics.stdev(b)), abs=1e-12)
    assert (source, count) == ("replicates", len(a) + len(b))


@given(VALUES, st.floats(-3, 3))
def test_noise_over_folds_is_the_standard_error_of_the_paired_difference(values, shift):
    new = [value * 0.5 + shift for value in values]
    error, source, count = noise("rmse", Sources(folds=pairs(values, new)))
    changes = [y - x for x, y in zip(values, new, strict=True)]
    assert error == pytest.approx(statistics.stdev(changes) / math.sqrt(len(values)), abs=1e-9)
    assert (source, count) == ("folds", len(values))


def test_replicates_come_before_folds_and_too_few_of_them_do_not_count():
    folds = pairs([1, 2], [2, 5])
    enough = Sources(a=runs([1, 2, 4]), needed=3, folds=folds)
    assert noise("rmse", enough)[1:] == ("replicates", 3)
    few = Sources(a=runs([1, 2]), b=runs([1]), needed=3, folds=folds)
    assert noise("rmse", few)[1:] == ("folds", 2)
    assert noise("rmse", Sources(a=runs([1]), needed=1)) == (None, None, 0)


def test_a_group_that_is_too_small_is_taken_to_be_as_the_other():
    for sources in (
        Sources(a=runs([1, 2, 4]), b=runs([9]), needed=3),
        Sources(a=runs([9]), b=runs([1, 2, 4]), needed=3),
    ):
        assert noise("rmse", sources) == noise("rmse", Sources(a=runs([1, 2, 4])))


@pytest.mark.parametrize("gap", [None, NAN])
def test_a_source_in_which_the_metric_is_not_defined_everywhere_says_nothing(gap):
    folds = pairs([1, 2, 3], [2, 5, 3])
    assert noise("rmse", Sources(a=runs([1, gap, 4]), folds=folds))[1] == "folds"
    assert noise("rmse", Sources(folds=pairs([1, 2, gap], [2, 5, 3]))) == (None, None, 0)
    assert noise("auc", Sources(a=runs([1, 2]), folds=folds)) == (None, None, 0)


def test_every_metric_has_noise_of_its_own():
    a = [{"rmse": 1.0, "r2": 0.1}, {"rmse": 1.2, "r2": 0.5}]
    found = told(a[0], a[1], sources=Sources(a=a))
    assert found["rmse"].noise == pytest.approx(0.2)
    assert found["r2"].noise == pytest.approx(0.4)
    assert {e.noise_from for e in found.values()} == {"replicates"}
