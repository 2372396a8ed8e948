"""Overrides that do nothing, and overrides that undo one another."""

from __future__ import annotations

import pytest

from repro.config.checks.overrides import given_twice, unused
from repro.config.resolution.resolve import Selection, resolve
from repro.errors import ProblemsError, UsageError
from repro.verbs.configuring.validate import configuration, validate_root
from repro.verbs.workspace.editors import kind_named

OTHER = "model_config.xgboost.hyperparameters.learning_rate=0.3"


@pytest.mark.parametrize(
    ("sets", "more"),
    [
        ((OTHER,), {}),
        (("targets.fwd_up_5d.horizon=4",), {}),
        (("variants.aggressive.learning_rate=0.7",), {}),
        (("variants.aggressive.learning_rate=0.7",), {"variant": "conservative"}),
        (("training_profiles.debug.lightgbm.max_bin=62",), {}),
        (("feature_selection.top_k=3",), {}),
    ],
)
def test_an_override_that_nothing_uses_is_named(sets, more, shipped, families) -> None:
    asked = Selection(sets=("folds=3", *sets), **more)
    [problem] = unused(resolve(shipped, asked, families))
    assert problem.severity == "warning"
    assert problem.message.startswith(f"{sets[0]} changes nothing")
    assert "target fwd_ret_5d, family lightgbm" in problem.message
    assert (problem.place.file, problem.place.line) == ("--set 2", 1)
    assert problem.source == sets[0]


@pytest.mark.parametrize(
    ("sets", "named"),
    [
        (("splits.method=grouped", "purge=9", "embargo=3"), ["purge=9", "embargo=3"]),
        (("splits.method=grouped", "purge=5", "embargo=0"), []),
        (("splits.method=grouped", "purge=9", "time_blocks=1"), []),
        (("splits.method=grouped",), []),
        (("splits.method=k_fold", "purge=9"), []),
    ],
)
def test_a_purge_that_groups_share_their_timestamps_under_is_warned_of(
    sets, named, workspace, families
) -> None:
    _, resolved, _ = configuration(workspace, Selection(sets=sets))
    found = resolved.warnings
    told = [p for p in found if "keeps no training row from a test" in p.message]
    assert [p.source for p in told] == named
    assert all(p.severity == "warning" and "time_blocks" in p.hint for p in told)
    validated = validate_root(workspace, families, Selection(sets=sets)).problems
    assert [p.source for p in validated if p.rule == "idle"] == named


@pytest.mark.parametrize(
    ("sets", "more"),
    [
        ((OTHER, "family=xgboost"), {}),
        (("targets.fwd_up_5d.horizon=4",), {"target": "fwd_up_5d"}),
        (("variants.aggressive.learning_rate=0.7",), {"variant": "aggressive"}),
        (("training_profiles.debug.lightgbm.max_bin=62",), {"profile": "debug"}),
        (("learning_rate=0.01", "base_seed=7", "level=strict", "folds=5"), {}),
        ((), {}),
    ],
)
def test_an_override_that_is_used_is_not(sets, more, shipped, families) -> None:
    assert unused(resolve(shipped, Selection(sets=sets, **more), families)) == ()


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (("learning_rate=0.3", "learning_rate=0.4"), "given twice: --set 1 sets it already"),
        (("folds=3", "splits.folds=3"), "given twice: --set 1 sets it already"),
        (("folds=3", "splits={folds: 4}"), None),
        (("folds=3", "purge=6"), None),
    ],
)
def test_a_value_that_is_given_twice(sets, said, shipped, families) -> None:
    found = given_twice(resolve(shipped, Selection(sets=sets), families), sets, families)
    assert [problem.message for problem in found] == ([] if said is None else [said])


def test_validation_and_training_tell_both(workspace, families) -> None:
    [problem] = validate_root(workspace, families, Selection(sets=(OTHER,))).problems
    assert (problem.rule, problem.severity) == ("idle", "warning")
    _, resolved, _ = configuration(workspace, Selection(sets=(OTHER,)))
    assert [warning.rule for warning in resolved.warnings] == ["idle"]
    twice = Selection(sets=("learning_rate=0.3", "learning_rate=0.4"))
    found = validate_root(workspace, families, twice)
    assert [problem.place.file for problem in found.problems] == ["--set 2"]
    assert found.exit_status() == 2
    with pytest.raises(ProblemsError, match="1 problem"):
        configuration(workspace, twice)


def test_a_name_of_now_is_meant_before_an_alias(shipped, workspace, families) -> None:
    with pytest.raises(ProblemsError) as caught:
        resolve(shipped, Selection(sets=("num_leafs=3",)), families)
    assert "did you mean num_leaves?" in caught.value.problems[0].message
    model = workspace / "CONFIG" / "model_config" / "lightgbm.yaml"
    model.write_text("hyperparameters:\n  num_leafs: 3\n  n_estimator: 4\n", "utf-8")
    first, second = validate_root(workspace, families).problems
    assert first.message == "unknown key; did you mean num_leaves?"
    assert second.message == "unknown key; did you mean n_estimators?"


@pytest.mark.parametrize(
    "text",
    [
        "hyperparameters: {}\nvariants:\n  a: &a {num_leavs: 3}\n  b: *a\n  c: {<<: *a}\n",
        "hyperparameters:\n  num_l\u0435aves: 3\n",
    ],
    ids=["anchor", "letter"],
)
def test_one_slip_is_one_problem(text, workspace, families) -> None:
    model = workspace / "CONFIG" / "model_config" / "lightgbm.yaml"
    model.write_text(text, "utf-8")
    assert len(validate_root(workspace, families).problems) == 1


def test_kinds_are_listed_as_people_write_them(families) -> None:
    with pytest.raises(UsageError, match="no such kind") as caught:
        kind_named("nosuch", families)
    assert "lightgbm" in str(caught.value.hint)
    assert "model:" not in str(caught.value.hint)
