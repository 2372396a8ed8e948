"""How features are chosen, in the identity: the rule moves the features, what is idle nothing."""

import pytest

from repro.config.checks.cross import cross_checks
from repro.config.resolution.active import COMPONENTS, activate, components
from repro.config.sealed.record import record
from repro.config.sealed.request import build, selecting

IMPORTANCE = "feature_selection.method=importance"
CORRELATION = "feature_selection.method=correlation"
RIDGE = "feature_selection.families=[ridge]"


def moved(a, b):
    """Return the components that differ between two resolved configurations."""
    before, after = components(a), components(b)
    return {name for name in COMPONENTS if repr(before[name]) != repr(after[name])}


@pytest.mark.parametrize("change", ["top_k=3", RIDGE, "aggregate=mean_share"])
def test_without_selection_its_other_values_are_idle(change, resolved):
    assert moved(resolved(), resolved(sets=(change,))) == set()
    assert activate(resolved(sets=(change,))).selection == {"method": "none"}


@pytest.mark.parametrize(
    ("change", "component"),
    [("top_k=3", {"features"}), (RIDGE, set()), ("aggregate=mean_share", set())],
)
def test_of_a_correlation_no_family_is_asked(change, component, resolved):
    sets = (CORRELATION,)
    assert moved(resolved(sets=sets), resolved(sets=(*sets, change))) == component


@pytest.mark.parametrize("change", ["top_k=3", RIDGE, "aggregate=mean_share"])
def test_of_an_importance_every_value_is_part_of_the_features(change, resolved):
    sets = (IMPORTANCE,)
    assert moved(resolved(sets=sets), resolved(sets=(*sets, change))) == {"features"}


def test_a_family_that_only_chooses_is_part_of_the_features(resolved):
    alpha = "model_config.ridge.hyperparameters.alpha=3.5"
    base = resolved(sets=(IMPORTANCE, RIDGE))
    assert moved(base, resolved(sets=(IMPORTANCE, RIDGE, alpha))) == {"features"}
    assert moved(base, resolved(sets=(IMPORTANCE, RIDGE, "num_leaves=7"))) == {"hyperparameters"}
    held = components(base)["features"]
    assert held["model_config.ridge.hyperparameters.alpha"] != 3.5
    told = {leaf["path"]: leaf for leaf in record(base)["values"]}
    leaf = told["model_config.ridge.hyperparameters.alpha"]
    assert (leaf["used"], leaf["component"]) == (True, "features")
    assert not told["model_config.xgboost.hyperparameters.subsample"]["used"]


def test_a_family_that_is_not_asked_moves_nothing(resolved):
    alpha = "model_config.ridge.hyperparameters.alpha=3.5"
    assert moved(resolved(), resolved(sets=(alpha,))) == set()
    assert moved(resolved(sets=(IMPORTANCE,)), resolved(sets=(IMPORTANCE, alpha))) == set()


def test_the_trained_family_is_no_part_of_the_features_when_it_also_chooses(resolved):
    sets = (IMPORTANCE, "feature_selection.families=[lightgbm, ridge]")
    assert moved(resolved(sets=sets), resolved(sets=(*sets, "num_leaves=7"))) == {"hyperparameters"}


# --- the request ---------------------------------------------------------------------------------


def asked(found, families):
    """Return the half of the request that decides."""
    active = activate(found)
    selectors = [families[name] for name in active.selecting]
    return build(found, active, families[active.family], selectors).decides


def test_a_run_without_selection_is_not_asked_for_any(resolved, families):
    assert "selection" not in asked(resolved(), families)
    assert selecting(asked(resolved(), families)) == ()


def test_a_correlation_is_asked_for_with_nothing_that_is_idle(resolved, families):
    decides = asked(resolved(sets=(CORRELATION,)), families)
    assert decides["selection"] == {"method": "correlation", "top_k": 8}
    assert selecting(decides) == ()


def test_the_families_are_asked_with_their_parameters_in_order(resolved, families):
    sets = (IMPORTANCE, "feature_selection.families=[ridge, lightgbm]")
    found = resolved(sets=sets)
    decides = asked(found, families)
    assert selecting(decides) == ("ridge", "lightgbm")
    ridge, lightgbm = decides["selection"]["families"]
    assert lightgbm["parameters"] == decides["parameters"]
    wanted = dict(activate(found).selecting["ridge"])
    assert ridge["parameters"] == {**wanted, **families["ridge"].forced("strict")}


# --- checks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [
        (
            {"sets": (IMPORTANCE, "feature_selection.families=[lightgbm, rigde]")},
            "no family 'rigde' with a document here; did you mean ridge?",
        ),
        (
            {"target": "fwd_up_5d", "sets": (IMPORTANCE, RIDGE)},
            "ridge cannot be trained for binary, the task of fwd_up_5d",
        ),
        ({"sets": (CORRELATION, "top_k=14")}, "14 cannot be kept: 13 features are selected"),
    ],
)
def test_what_cannot_choose_is_told_where_it_is_written(asked_for, message, resolved, families):
    (problem,) = cross_checks(resolved(**asked_for), families)
    assert problem.message.startswith(message)
    assert problem.place.file == f"--set {len(asked_for['sets'])}"


@pytest.mark.parametrize("change", ["feature_selection.families=[rigde]", "top_k=14"])
def test_what_is_idle_is_not_checked(change, resolved, families):
    assert cross_checks(resolved(sets=(change,)), families) == ()


def test_the_parameters_of_a_family_that_chooses_are_checked_too(resolved, families):
    sets = (
        *("pipeline.family=ridge", IMPORTANCE),
        "model_config.lightgbm.hyperparameters.num_leaves=9",
        "model_config.lightgbm.hyperparameters.max_depth=3",
    )
    (problem,) = cross_checks(resolved(sets=sets), families)
    assert problem.message == "9 leaves do not fit a depth of 3: at most 8"
