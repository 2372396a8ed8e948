"""Every signature and key that moves has a cause, and every cause moves what it says it moves."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.config.documents.tree import load
from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection, resolve
from repro.config.sealed.record import record
from repro.config.sealed.request import build
from repro.facts.trainers import declarations
from repro.identity.keys import SIGNATURES, request_digest
from repro.identity.payloads import ENVIRONMENT
from repro.identity.run import Inputs as Identifying
from repro.identity.run import identity_of
from repro.runs.causes import Inputs, causes, moved, unstated

FAMILIES = declarations()
RIDGE = "model_config.ridge.hyperparameters.alpha=3.5"
CHANGES = (
    *(
        "lightgbm.hyperparameters.learning_rate=0.05",
        "lightgbm.hyperparameters.num_leaves=7",
        RIDGE,
    ),
    *(
        "xgboost.hyperparameters.max_depth=3",
        "pipeline.family=ridge",
        "pipeline.family=xgboost",
        "pipeline.family=extra_trees",
    ),
    *("reproducibility.base_seed=7", "level=portable", "reproducibility.threads=3"),
    *("splits.folds=4", "purge=9", "splits.method=k_fold", "splits.shuffled=true"),
    *("selected=[ret_5d, ret_1d]", "selected=[ret_1d, ret_5d]", "selected=[vol_20d]"),
    *("registry.ret_1d.version=9", "registry.ret_5d.description=other"),
    *("feature_selection.method=importance", "feature_selection.families=[ridge]", "top_k=3"),
    *("feature_selection.method=correlation", "targets.fwd_ret_5d.horizon=4"),
    *("targets.fwd_ret_1d.description=other", "dataset.start=2004-01-01", "dataset.name=other"),
    *("max_rows_per_symbol=900", "routing.view=symbol_specific", "routing.symbol=IBM"),
    *("clipping.training_target_quantile=0.01", "leakage_detection.policy=warn"),
    *("identity.mode=relaxed", "min_snapshots=5"),
)
OTHER = st.fixed_dictionaries(
    {name: st.sampled_from([0, 0, 0, 1]) for name in ("data", "rows", "library", "code", "git")}
)
RUNS = st.tuples(
    st.lists(st.sampled_from(CHANGES), max_size=4, unique=True),
    st.sampled_from(["fwd_ret_5d", "fwd_ret_5d", "fwd_ret_1d"]),
    OTHER,
    st.sets(st.sampled_from(["dataset", "features", "splits"]), max_size=1).map(frozenset)
    | st.just(frozenset()),
)


@cache
def tree():
    """Return the shipped documents."""
    found, problems = load(Path(__file__).parents[2], FAMILIES)
    assert problems == ()
    return found


@cache
def configured(sets, target):
    """Return what is active, what the worker is asked, and what is sealed of a configuration."""
    resolved = resolve(tree(), Selection(target=target, sets=sets), FAMILIES)
    active = activate(resolved)
    selectors = [FAMILIES[name] for name in active.selecting]
    decides = build(resolved, active, FAMILIES[active.family], selectors).decides
    return active, decides, record(resolved)


def digest(*things):
    """Return the digest of JSON values."""
    return request_digest({"things": json.loads(json.dumps(things))})


def run(sets=(), target="fwd_ret_5d", other=None, missing=frozenset()):
    """Return what went into a run, with facts that depend on it as a worker's do."""
    other = {"data": 0, "rows": 0, "library": 0, "code": 0, "git": 0, **(other or {})}
    active, decides, config = configured(tuple(sets), target)
    root = digest(decides["dataset"], other["data"], other["rows"])
    cut = digest(root, decides["target"], decides["features"], decides["splits"], active.routing)
    facts = {
        "dataset": {"root": root, "rows": 100 + other["rows"], "symbols": ["A"]},
        "features": {"names": [f["name"] for f in active.features], "dtype": "float64"},
        "splits": {"fold_map": cut, "folds": [{"fold": 1, "train_rows": int(cut[-4:], 16)}]},
    }
    if active.splits.get("shuffled"):
        facts["splits"] = {"draw": "rule", "rows": 100 + other["rows"]}
    environment = dict.fromkeys(ENVIRONMENT) | {"versions": {"numpy": str(other["library"])}}
    code = {"worker": str(other["code"])}
    identity = identity_of(
        Identifying(
            active.components,
            {name: None if name in missing else made for name, made in facts.items()},
            active.base_seed,
            code,
            environment,
            {"OMP": str(active.threads)},
            active.threads,
            decides,
        )
    )
    snapshot = {
        "family": active.family,
        "parameters": {"idle": []},
        "payloads": dict(identity.payloads),
        "comparison_group": identity.comparison_group(),
    }
    block = {"blocks": ["2001"], "columns": {"": "0" * 16, "Close": root[-16:]}}
    return Inputs(
        snapshot,
        config,
        {"locators": {"unit": "year", "symbols": {"A": block}}, "files": []},
        {
            "environment": {**environment, "settings": {"OMP": str(active.threads)}},
            "code": code,
            "git": {"commit": str(other["git"])},
        },
        {"decides": decides},
    )


def agree(a, b):
    """Hold what moved against what the causes say they move; return the causes."""
    found = causes(a, b)
    names = moved(a.group, b.group)
    assert set(names) == {name for cause in found for name in cause.moves}
    assert unstated(names, found) == ()
    return found


@settings(max_examples=40, deadline=None)
@given(RUNS, RUNS)
def test_causes_and_moved_signatures_agree(one, other):
    agree(run(*one), run(*other))


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(RUNS, RUNS)
def test_causes_and_moved_signatures_agree_at_length(one, other):
    agree(run(*one), run(*other))


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_agrees_with_what_it_moves(change):
    agree(run(), run([change]))


def test_nothing_changed_has_no_cause():
    assert agree(run(), run()) == ()


def test_a_family_that_chose_features_and_is_trained_now_is_a_cause_on_both_sides():
    choosing = ("feature_selection.method=importance", "feature_selection.families=[ridge]")
    found = agree(run([*choosing]), run([*choosing, "pipeline.family=ridge"]))
    alpha = [c for c in found if c.subject == "model_config.ridge.hyperparameters.alpha"]
    assert [(c.component, c.old is None, c.new is None) for c in alpha] == [
        ("features", False, True),
        ("hyperparameters", True, False),
    ]


def test_a_feature_that_is_declared_in_one_run_alone_is_a_cause():
    a = run(["selected=[ret_1d]"])
    b = copy.deepcopy(a)
    for leaf in b.config["values"]:
        if leaf["path"].startswith("data.feature_registry.registry.ret_1d."):
            leaf["used"] = False
    found = causes(a, b)
    assert found
    assert all("registry.ret_1d." in cause.subject for cause in found)


def test_folds_that_are_cut_otherwise_follow_from_the_target():
    found = agree(run(), run(["targets.fwd_ret_5d.horizon=4"]))
    (folds,) = [cause for cause in found if cause.kind == "splits"]
    assert (folds.subject, folds.follows) == ("fold 1, as it was cut", True)
    assert "split_signature" in folds.moves
    assert not any(cause.follows for cause in found if cause is not folds)


def test_folds_that_are_cut_otherwise_for_no_reason_follow_from_nothing():
    a = run()
    (folds,) = causes(a, with_facts(a, "splits", {"fold_map": "m", "folds": []}))
    assert (folds.kind, folds.follows, folds.new) == ("splits", False, None)


def test_rows_that_train_and_test_are_a_cause_where_boundaries_and_counts_are_the_same():
    a = run()
    facts = a.snapshot["payloads"]["splits"]["facts"]
    (rows,) = causes(a, with_facts(a, "splits", {**facts, "fold_map": "other"}))
    assert (rows.subject, rows.new) == ("which rows train and test", "other")


def test_a_dataset_that_no_locator_tells_apart_is_told_by_its_digest():
    a = run()
    facts = a.snapshot["payloads"]["dataset"]["facts"]
    (found,) = causes(a, with_facts(a, "dataset", {**facts, "root": "other"}))
    assert (found.subject, found.new) == ("dataset, digest of its values", "other")


def with_facts(of, component, facts):
    """Return a run with other facts of a component, whose signature is another for that."""
    snapshot = copy.deepcopy(dict(of.snapshot))
    snapshot["payloads"][component]["facts"] = facts
    snapshot["comparison_group"][SIGNATURES[component]] = "other"
    return replace(of, snapshot=snapshot)


@pytest.mark.parametrize("name", [*SIGNATURES.values(), "train_seed", "execution_key"])
def test_what_moved_without_a_cause_is_told(name):
    a = run()
    snapshot = copy.deepcopy(dict(a.snapshot))
    snapshot["comparison_group"][name] = "other"
    b = replace(a, snapshot=snapshot)
    assert unstated(moved(a.group, b.group), causes(a, b)) == (name,)


def test_what_the_worker_was_asked_is_the_cause_where_nothing_else_is():
    a = run()
    snapshot = copy.deepcopy(dict(a.snapshot))
    snapshot["comparison_group"]["execution_key"] = "other"
    decides = {**a.request["decides"], "schema": 2}
    (found,) = causes(a, replace(a, snapshot=snapshot, request={"decides": decides}))
    assert (found.subject, found.old, found.new) == ("request, schema", 1, 2)
    assert found.moves == ("execution_key",)


def test_an_identity_that_is_incomplete_on_one_side_is_a_cause():
    (found,) = agree(run(), run(missing=frozenset({"features"})))
    assert (found.kind, found.old, found.new) == ("features", "complete", "incomplete")


def test_a_change_of_what_has_no_signature_on_either_side_moves_the_execution_key_alone():
    missing = frozenset({"features"})
    a, b = run(["selected=[ret_1d]"], missing=missing), run(["selected=[ret_5d]"], missing=missing)
    (found,) = [cause for cause in agree(a, b) if cause.kind == "features"]
    assert found.moves == ("execution_key",)
