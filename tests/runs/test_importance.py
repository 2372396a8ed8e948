"""Features in an order that models of folds and families give them, and how surely."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.pipeline import selection
from repro.runs.importance import AGGREGATES, beaten, best, ranked

NAMES = ["a", "b", "c", "d"]
TOLD = {
    "trees": {
        "fold 1": {"a": 0.7, "b": 0.2, "c": 0.1, "d": 0.0},
        "fold 2": {"a": 0.6, "b": 0.1, "c": 0.3, "d": 0.0},
    },
    "lines": {
        "fold 1": {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0},
        "fold 2": {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1},
    },
}

values = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5]), min_size=1, max_size=8)


@given(
    st.lists(values, min_size=1, max_size=3), st.sampled_from(sorted(AGGREGATES)), st.integers(1, 9)
)
def test_it_is_the_rule_of_selection_within_training(models, rule, k):
    length = min(map(len, models))
    models = [model[:length] for model in models]
    names = [f"f{n}" for n in range(length)]
    whole = [sum(model) or 1.0 for model in models]
    shares = [[v / total for v in model] for model, total in zip(models, whole, strict=True)]
    told = {
        f"family {n}": {"fold 1": dict(zip(names, model, strict=True))}
        for n, model in enumerate(shares)
    }
    found = ranked(told, names, k, rule)
    theirs = selection.aggregate([np.array(model) for model in shares], rule)
    ours = {feature.name: feature.score for feature in found.features}
    assert [ours[name] for name in names] == pytest.approx(theirs.tolist(), abs=1e-12)
    if rule == "mean_rank":  # exact on both sides: ties too must be settled alike
        kept = {feature.name for feature in found.features if feature.kept}
        assert kept == {names[n] for n in selection.best(theirs, k)}


def test_a_tie_counts_one_half_and_what_is_alone_beats_all():
    assert beaten({"a": 0.5, "b": 0.25, "c": 0.25}, ["a", "b", "c"]) == {
        "a": 1.0,
        "b": 0.25,
        "c": 0.25,
    }
    assert beaten({"a": 0.0}, ["a"]) == {"a": 1.0}


def test_each_family_counts_alike_and_each_of_its_folds():
    found = ranked(TOLD, NAMES, 2, "mean_share")
    first = found.features[0]
    assert (first.name, first.kept, first.models) == ("a", True, 4)
    assert first.scores == pytest.approx({"trees": 0.65, "lines": 0.2})
    assert first.score == pytest.approx((0.65 + 0.2) / 2)
    assert [feature.times for feature in found.features] == [4, 3, 1, 0]
    assert found.folds["trees"].jaccard == pytest.approx(1 / 3)  # {a, b} and {a, c}
    assert (found.folds["trees"].pairs, found.families.pairs, found.everything.pairs) == (1, 1, 6)
    assert found.folds["lines"].tau is None  # a model that counts on nothing has no order
    assert "lines counts on no feature at all in fold 1" in found.conclusions
    assert "among the best 2 of every model: a" in found.conclusions


def test_equal_scores_are_kept_as_declared_and_that_is_said():
    told = {"f": {"fold 1": dict.fromkeys(NAMES, 0.25)}}
    found = ranked(told, ["d", "c", "b", "a"], 2, "mean_rank")
    assert [(one.name, one.kept) for one in found.features] == [
        ("d", True),
        ("c", True),
        ("b", False),
        ("a", False),
    ]
    assert any("c is kept and b is not" in line for line in found.conclusions)
    assert not any("flatter" in line for line in found.conclusions)  # one fold: nothing was seen


def test_a_feature_that_no_model_was_given_is_not_ranked():
    told = {"f": {"fold 1": {"a": 0.6, "c": 0.4}, "fold 2": {"a": 0.5, "c": 0.5}}}
    found = ranked(told, NAMES, 1, "mean_rank")
    assert [one.name for one in found.features] == ["a", "c"]
    assert any("flatter" in line for line in found.conclusions)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0.0, 0.5, 1.0]), min_size=1))
def test_the_best_are_in_the_declared_order(scores):
    names = sorted(scores)
    for k in range(1, len(names) + 1):
        kept = best(scores, names, k)
        assert list(kept) == [name for name in names if name in kept]
        assert len(kept) == k
        worst = min(scores[name] for name in kept)
        assert all(scores[name] <= worst for name in names if name not in kept)
