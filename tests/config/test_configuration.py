"""Names of configurations, keys that mean a value, and what is explained of one."""

from __future__ import annotations

import shutil

import pytest

from repro.config.resolution.resolve import Selection
from repro.config.sealed.changes import changes
from repro.errors import InputError, ProblemsError, UsageError
from repro.verbs.configuring.configuration import Desk, find_key
from repro.verbs.configuring.explain import explain

FOLDS = ("training_config", "splits_config", "splits", "folds")
TREES = ("model_config", "lightgbm", "hyperparameters", "num_iterations")


@pytest.fixture
def desk(workspace):
    """Return what asks for configurations of a workspace of the test's own."""
    return lambda **asked: Desk(workspace, Selection(**asked))


def between(desk, a, b):
    """Return what differs between two configurations: the last key, old and new."""
    left, right = desk.referenced(a), desk.referenced(b)
    return {c.path[-1]: (c.a.value, c.b.value) for c in changes(left.leaves, right.leaves)}


@pytest.mark.parametrize("name", ["conservative", "variant:conservative"])
def test_a_variant_is_meant_by_its_name(desk, name):
    assert between(desk(), "today", name)["learning_rate"] == (0.01, 0.005)
    assert desk().referenced(name).name == "variant:conservative"


@pytest.mark.parametrize("name", ["debug", "profile:debug"])
def test_a_profile_is_meant_by_its_name(desk, name):
    found = desk().referenced(name)
    assert (found.name, found.leaves[TREES].value) == ("profile:debug", 20)


@pytest.mark.parametrize("name", ["quick_look", "experiment:quick_look"])
def test_an_experiment_is_meant_by_its_name(desk, name):
    assert between(desk(), "today", name)["folds"] == (5, 3)


def test_an_overlay_is_meant_by_its_name_and_by_its_path(desk, add):
    path = add("model_config/lightgbm_custom.yaml", "hyperparameters: {num_leaves: 3}\n")
    below = "model_config/lightgbm_custom.yaml"
    for name in ("lightgbm_custom", "overlay:lightgbm_custom", str(path), below):
        assert between(desk(), "today", name) == {"num_leaves": (15, 3)}


def test_the_selection_lies_beneath_both_sides(desk):
    assert between(desk(sets=("folds=3",)), "today", "today") == {}
    assert desk(sets=("folds=3",)).referenced("variant:aggressive").leaves[FOLDS].value == 3


def test_a_name_that_two_things_have_must_say_which(desk, add):
    add("model_config/lightgbm_debug.yaml", "hyperparameters: {}\nvariants: {debug: {eta: 0.5}}\n")
    known = desk(overlays=("lightgbm_debug",))
    with pytest.raises(UsageError) as caught:
        known.referenced("debug")
    assert caught.value.hint == "say one of variant:debug, profile:debug"
    assert known.referenced("variant:debug").name == "variant:debug"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("conservativ", "did you mean conservative?"),
        ("todya", "did you mean today?"),
        ("", "no run is called"),
        ("variant:nope", "no such variant"),
        ("experiment:nope", "no such experiment"),
        ("profile:nope", "no such profile"),
        ("overlay:nope", "no such overlay"),
        ("run:nope", "there are no runs yet"),
        ("@latest", "there are no runs yet"),
        ("nope:x", "no configuration is called"),
        ("./x.yaml", "no such overlay"),
        ("./x", "no run at x"),
    ],
)
def test_a_name_that_nothing_has_is_told(desk, name, said):
    with pytest.raises(UsageError) as caught:
        desk().referenced(name)
    assert said in caught.value.problem


def test_no_workspace_is_told(tmp_path):
    with pytest.raises(InputError):
        Desk(tmp_path, Selection())


def test_a_broken_document_is_told_with_its_place(desk, edit):
    edit("training_config/splits_config.yaml", "folds: 5", "folds: many")
    with pytest.raises(ProblemsError) as caught:
        desk().configured()
    assert "splits_config.yaml" in caught.value.problems[0].place.file


def test_what_validation_would_say_is_counted_and_all_is_still_explained(desk):
    found = desk(sets=("purge=1",)).configured()
    assert len(found.problems) == 1
    assert desk().configured().problems == ()


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("folds", FOLDS),
        ("splits.folds", FOLDS),
        (".".join(FOLDS), FOLDS),
        (" splits . folds ", FOLDS),
        ("n_estimators", TREES),
        ("hyperparameters.num_trees", TREES),
        ("training_config", FOLDS[:1]),
        ("training_config.splits_config", FOLDS[:2]),
        ("splits", FOLDS[:3]),
        ("lightgbm", TREES[:2]),
        ("extra_trees", (*TREES[:3], "extra_trees")),
    ],
)
def test_any_suffix_that_only_one_value_has_means_it(desk, key, path):
    found = desk().configured()
    assert find_key(key, found.leaves, found.family, desk().families) == path


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("description", "ambiguous; it could be data."),
        ("num_leavs", "did you mean"),
        ("leaves", "unknown key"),
        ("", "not a key"),
        ("a..b", "not a key"),
        ("folds=3", "unknown key"),
    ],
)
def test_a_key_that_means_nothing_or_too_much_ends_in_status_two(desk, key, said):
    found = desk().configured()
    with pytest.raises(ProblemsError) as caught:
        explain(found, desk().families, key)
    (problem,) = caught.value.problems
    assert said in problem.message
    assert caught.value.exit_status == 2


def test_a_part_of_a_name_is_answered_with_the_names(desk):
    found = desk().configured()
    with pytest.raises(ProblemsError) as caught:
        explain(found, desk().families, "leaves")
    assert caught.value.problems[0].hint == "keys with 'leaves' in them: num_leaves"


def test_an_explanation_has_the_whole_chain_with_places(desk, add):
    add("model_config/lightgbm_custom.yaml", "hyperparameters:\n  num_trees: 77\n")
    asked = desk(profile="debug", overlays=("lightgbm_custom",), sets=("n_iter=9",))
    told = explain(asked.configured(), asked.families, "n_estimators")
    words = [(w.layer.split()[0], w.value) for w in told.leaf.history if w.layer != "defaults"]
    assert words == [("document", 200), ("profile", 20), ("overlay", 77), ("--set", 9)]
    places = [(w.place.file, w.place.column, w.text) for w in told.leaf.history[-2:]]
    assert places == [
        ("CONFIG/model_config/lightgbm_custom.yaml", 14, "  num_trees: 77"),
        ("--set 1", 8, "n_iter=9"),
    ]
    assert told.path == TREES
    assert told.component == "hyperparameters"
    assert "n_estimators" in told.aliases
    assert told.meaning.type == "integer, 1 to 1000000"
    assert told.leaf.used
    assert told.short == "num_iterations"


def test_what_strict_mode_forces_is_explained_by_its_rule(desk):
    told = explain(desk().configured(), desk().families, "hyperparameters.deterministic")
    assert told.kind == "forced"
    (rule,) = told.rules
    assert (rule.value, rule.levels) == (True, ("strict", "portable"))
    assert "order of arrival" in rule.reason


def test_what_a_run_does_not_use_is_said_to_be_idle(desk):
    found = desk().configured()
    told = explain(found, desk().families, "targets.fwd_up_5d.horizon")
    assert not told.leaf.used
    assert explain(found, desk().families, "targets.fwd_ret_5d.horizon").leaf.used


def test_every_value_can_be_explained_by_its_shortest_key(desk):
    asked = desk()
    found = asked.configured()
    for path in found.leaves:
        told = explain(found, asked.families, ".".join(path))
        assert told.path == path
        assert find_key(told.short, found.leaves, found.family, asked.families) == path
        assert told.component == "none" or told.component is not None
        assert told.component != "none" or told.meaning.reason, path


def test_a_section_is_explained_by_its_values(desk):
    told = explain(desk().configured(), desk().families, "splits_config")
    assert told.kind == "section"
    assert FOLDS in {leaf.path for leaf in told.section}
    assert told.component == "splits"


def test_a_family_that_no_trainer_offers_any_more_is_explained_as_far_as_it_goes(desk):
    found = desk().configured()
    told = explain(found, {}, ".".join(TREES))
    assert (told.leaf.value, told.meaning, told.rules, told.aliases) == (200, None, (), ())
    assert explain(found, {}, "splits.folds").leaf.value == 5
    with pytest.raises(ProblemsError):
        explain(found, {}, "deterministic")


def test_a_workspace_without_documents_is_told(desk, workspace):
    shutil.rmtree(workspace / "CONFIG")
    (workspace / "CONFIG").mkdir()
    with pytest.raises(ProblemsError):
        desk().configured()
