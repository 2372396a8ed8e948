"""Experiments: what they choose, change and extend, and what is wrong with them."""

from __future__ import annotations

import pytest

from repro.config.documents.tree import load
from repro.config.resolution.active import activate, components
from repro.config.resolution.resolve import Selection, resolve
from repro.errors import ProblemsError, UsageError
from repro.verbs.configuring.validate import check, validate
from repro.verbs.research.choosing import is_set, without
from repro.verbs.research.select import without_idle

FILE = "CONFIG/experiments/odd.yaml"
RATE = ("model_config", "lightgbm", "hyperparameters", "learning_rate")
FOLDS = ("training_config", "splits_config", "splits", "folds")
PURGE = (*FOLDS[:-1], "purge")
MINE = """experiment:
  description: Mine.
  targets: [fwd_ret_1d]
  families: [lightgbm]
  features: [ret_5d, ret_1d]
  variant: aggressive
overrides:
  training_config:
    splits_config:
      splits: {folds: 4}
"""


def layers(value):
    return [(setting.layer, setting.value) for setting in value.history]


def test_an_experiment_chooses_target_features_and_variant_and_changes_values(add, resolved):
    add("experiments/mine.yaml", MINE)
    found = resolved(experiment="mine")
    assert found.target == "fwd_ret_1d"
    assert found.experiment == "mine"
    assert [f["name"] for f in activate(found).features] == ["ret_5d", "ret_1d"]
    assert layers(found.flat[RATE])[-1] == ("variant aggressive", 0.03)
    assert layers(found.flat[FOLDS]) == [("document", 5), ("experiment mine", 4)]
    place = found.flat[FOLDS].setting.place
    assert (place.file, place.line, place.column) == ("CONFIG/experiments/mine.yaml", 10, 23)


def test_what_an_experiment_chooses_has_the_place_of_its_name(add, resolved):
    add("experiments/mine.yaml", MINE)
    found = resolved(experiment="mine")
    place = found.flat[("data", "dataset", "dataset", "default_target")].setting.place
    assert found.sources[place.file][place.line - 1][place.column - 1 : place.end - 1] == (
        "fwd_ret_1d"
    )


@pytest.mark.parametrize(
    ("asked", "rate", "folds"),
    [
        ({}, 0.03, 4),
        ({"variant": "conservative"}, 0.005, 4),
        ({"sets": ("learning_rate=0.2", "folds=6")}, 0.2, 6),
        ({"overlays": ("lightgbm_x",)}, 0.07, 4),
    ],
)
def test_what_lies_over_an_experiment_wins(asked, rate, folds, add, resolved):
    add("experiments/mine.yaml", MINE)
    add("model_config/lightgbm_x.yaml", "hyperparameters: {learning_rate: 0.07}\n")
    found = resolved(experiment="mine", **asked)
    assert (found.flat[RATE].value, found.flat[FOLDS].value) == (rate, folds)


def test_an_experiment_that_extends_another_changes_it_value_by_value(add, resolved):
    add("experiments/mine.yaml", MINE)
    add(
        "experiments/child.yaml",
        "experiment: {description: x, extends: mine, targets: [fwd_up_5d], variant: null}\n"
        "overrides: {training_config: {splits_config: {splits: {purge: 9}}}}\n",
    )
    found = resolved(experiment="child")
    assert found.target == "fwd_up_5d"
    assert (found.flat[FOLDS].value, found.flat[PURGE].value) == (4, 9)
    assert found.flat[RATE].value == 0.01  # null takes the parent's variant back
    assert found.layers == ("experiment mine", "experiment child")


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ({"a": "a"}, "extends itself: a -> a"),
        ({"a": "b", "b": "c", "c": "a"}, "extends itself: a -> b -> c -> a"),
        ({"a": "b", "b": "c", "c": "b"}, "extends itself: b -> c -> b"),
        ({"a": "quick_lok"}, "no such experiment: 'quick_lok'; did you mean quick_look?"),
    ],
)
def test_a_circle_and_a_parent_that_does_not_exist_are_told_at_their_place(
    links, said, add, resolved
):
    for name, parent in links.items():
        add(
            f"experiments/{name}.yaml",
            f"experiment:\n  description: x\n  extends: {parent}\n",
        )
    with pytest.raises(ProblemsError) as caught:
        resolved(experiment="a")
    (problem,) = caught.value.problems
    assert problem.message == said
    assert (problem.place.line, problem.place.column) == (3, 12)


@pytest.mark.parametrize("families_of", ["[ridge]", "[ridge, lightgbm]"])
def test_a_target_and_a_family_that_do_not_fit_are_told_with_the_lines_that_combine_them(
    families_of, add, workspace
):
    text = f"experiment:\n  targets: [fwd_up_5d]\n  families: {families_of}\n  description: Odd.\n"
    add("experiments/odd.yaml", text)
    (problem,) = validate(workspace).problems
    assert problem.path == "targets.fwd_up_5d.task"
    assert problem.message == (
        f"ridge cannot be trained for binary, as experiment odd combines them in {FILE}:3 and"
        f" {FILE}:2"
    )


def test_families_that_select_features_for_a_target_they_do_not_fit_are_told_so_too(add, workspace):
    text = (
        "experiment:\n  targets: [fwd_up_5d]\n  families: [lightgbm]\n  description: Odd.\n"
        "  select_features: true\n"
        "overrides: {feature_selection: {feature_selection:"
        " {feature_selection: {families: [ridge], top_k: 3}}}}\n"
    )
    add("experiments/odd.yaml", text)
    said = [problem.message for problem in validate(workspace).problems]
    named = f"as experiment odd combines them in {FILE}:3 and {FILE}:2"
    assert f"ridge cannot be trained for binary, the task of fwd_up_5d, {named}" in said


def test_an_unknown_key_hides_nothing_else_of_its_document(add, workspace):
    text = MINE.replace("families: [lightgbm]", "families: [lightgmb]\n  nonsense: 3")
    text = text.replace("variant: aggressive", "profile: 7\n  variant: aggresive")
    add("experiments/odd.yaml", text.replace("fwd_ret_1d", "fwd_ret_9d") + "    more: {}\n")
    told = {(p.place.line, p.path): p.message for p in validate(workspace).problems}
    assert told[3, "experiment.targets"].startswith("no such target: 'fwd_ret_9d'")
    assert told[4, "experiment.families"].startswith("no such family: 'lightgmb'; did you mean")
    assert told[5, "experiment.nonsense"].startswith("unknown key")
    assert told[7, "experiment.profile"].startswith("7 is a number")
    assert told[13, "overrides.training_config.more"].startswith("unknown key")
    assert len(told) == 5


def test_an_unknown_key_hides_no_misfit_and_does_not_make_one(add, workspace):
    text = "experiment:\n  targets: [fwd_up_5d]\n  families: [ridge]\n  descripion: Odd.\n"
    add("experiments/odd.yaml", text)
    said = [problem.message for problem in validate(workspace).problems]
    assert [word in " ".join(said) for word in ("unknown key", "missing key", "combines")] == [
        True
    ] * 3
    assert len(said) == 3


def test_a_symbol_that_the_dataset_does_not_list_is_told_at_its_place(add, edit, workspace):
    text = "experiment:\n  description: Odd.\n  views: [symbol_specific]\n  symbols: [AAPL, MSTF]\n"
    add("experiments/odd.yaml", text)
    assert validate(workspace).problems == ()  # which symbols there are is not written down
    edit("data/dataset.yaml", "symbols: null", "symbols: [AAPL, MSFT]")
    (problem,) = [p for p in validate(workspace).problems if p.place.file == FILE]
    assert (problem.path, problem.place.line, problem.place.column) == ("experiment.symbols", 4, 19)
    assert problem.message == "no such symbol: 'MSTF'; did you mean MSFT?"
    assert problem.hint == "symbols of the dataset: AAPL, MSFT"


def test_every_name_that_does_not_exist_is_told_at_its_place(add, workspace, families):
    add(
        "experiments/mine.yaml",
        "experiment:\n  description: x\n  targets: [fwd_ret_5d, fwd_ret_55d]\n"
        "  families: [lightgbn]\n  variant: agressive\n  profile: debugg\n",
    )
    tree, found = load(workspace, families)
    assert found == ()
    with pytest.raises(ProblemsError) as caught:
        resolve(tree, Selection(experiment="mine"), families)
    told = {(p.place.line, p.place.column): p.message for p in caught.value.problems}
    assert told == {
        (3, 25): "no such target: 'fwd_ret_55d'; did you mean fwd_ret_5d?",
        (4, 14): "no such family: 'lightgbn'; did you mean lightgbm?",
        (6, 12): "no such profile: 'debugg'; did you mean debug?",
    }


def test_a_variant_that_a_family_lacks_and_a_feature_that_nothing_declares(add, resolved, families):
    add("experiments/mine.yaml", "experiment: {description: x, variant: agressive}\n")
    with pytest.raises(ProblemsError) as caught:
        resolved(experiment="mine")
    (problem,) = caught.value.problems
    assert problem.message == "no such variant of lightgbm: 'agressive'; did you mean aggressive?"
    add("experiments/other.yaml", "experiment: {description: x, features: [ret_1d, ret_2d]}\n")
    (problem,) = check(resolved(experiment="other"), families)
    assert problem.place.file == "CONFIG/experiments/other.yaml"
    assert problem.message.startswith("no feature 'ret_2d' in the registry")


def test_of_several_targets_and_families_one_must_be_chosen(add, resolved):
    add(
        "experiments/many.yaml",
        "experiment: {description: x, targets: [fwd_ret_5d, fwd_up_5d]}\n",
    )
    with pytest.raises(UsageError, match="names 2 targets: fwd_ret_5d, fwd_up_5d"):
        resolved(experiment="many")
    assert resolved(experiment="many", target="fwd_up_5d").target == "fwd_up_5d"
    with pytest.raises(UsageError, match="has no target 'fwd_ret_1d'"):
        resolved(experiment="many", target="fwd_ret_1d")


def test_an_unknown_experiment_is_told_with_the_nearest(resolved):
    with pytest.raises(UsageError, match="'quick_loook'; did you mean quick_look") as caught:
        resolved(experiment="quick_loook")
    assert "quick_look" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("folds: 4", "fold: 4", "overrides.training_config.splits_config.splits.fold", "folds"),
        ("splits_config:", "split_config:", "overrides.training_config.split_config", "splits_c"),
        ("folds: 4", "folds: four", "overrides.training_config.splits_config.splits.folds", "int"),
        ("targets: [fwd_ret_1d]", "target: [x]", "experiment.target", "targets"),
        ("description: Mine.", "descr: Mine.", "experiment", "missing"),
        ("[ret_5d, ret_1d]", "[]", "experiment.features", ""),
        ("[ret_5d, ret_1d]", "[ret_5d, ret_5d]", "experiment.features.1", "same as item 1"),
    ],
)
def test_a_key_or_value_that_no_document_has_is_told_at_its_place(
    old, new, path, said, add, workspace, families
):
    assert MINE.count(old) == 1
    add("experiments/mine.yaml", MINE.replace(old, new))
    _, found = load(workspace, families)
    told = {problem.path: problem.message for problem in found}
    assert said in told[path]
    assert {problem.place.file for problem in found} == {"CONFIG/experiments/mine.yaml"}


def test_a_knob_that_strict_mode_forces_is_refused_in_an_experiment_too(add, workspace, families):
    text = "overrides: {model_config: {lightgbm: {hyperparameters: {deterministic: false}}}}\n"
    add("experiments/mine.yaml", "experiment: {description: x}\n" + text)
    _, found = load(workspace, families)
    (problem,) = found
    assert "strict mode forces it to true" in problem.message


def test_an_experiment_is_no_overlay_and_an_overlay_of_an_idle_family_is_refused(
    add, resolved, workspace
):
    for name in ("quick_look", str(workspace / "CONFIG/experiments/quick_look.yaml")):
        with pytest.raises(UsageError, match="is an experiment, no overlay") as caught:
            resolved(overlays=(name,))
        assert caught.value.hint == "use --experiment quick_look"


def test_only_what_an_experiment_changes_moves(add, resolved):
    add("experiments/mine.yaml", MINE)
    before, after = components(resolved()), components(resolved(experiment="mine"))
    assert {name for name in before if before[name] != after[name]} == {
        *("target", "features", "hyperparameters", "splits"),
    }


def test_what_an_experiment_says_itself_wins_over_the_variant_that_it_names(add, resolved):
    text = MINE + "  model_config: {lightgbm: {hyperparameters: {learning_rate: 0.02}}}\n"
    add("experiments/mine.yaml", text)
    assert layers(resolved(experiment="mine").flat[RATE])[-2:] == [
        ("variant aggressive", 0.03),
        ("experiment mine", 0.02),
    ]
    asked = resolved(experiment="mine", variant="conservative").flat[RATE]
    assert layers(asked)[-2:] == [("experiment mine", 0.02), ("variant conservative", 0.005)]


def test_parameters_of_an_experiment_lie_over_the_default_profile(add, edit, resolved):
    edit("model_config/lightgbm.yaml", "  n_estimators: 200 ", "  # n_estimators: 200 ")
    default = "    batch_size: 256 "
    edit("training_config/optimizer_config.yaml", default, f"    n_estimators: 77\n{default}")
    text = "overrides: {model_config: {lightgbm: {hyperparameters: {n_estimators: 5}}}}\n"
    add("experiments/mine.yaml", "experiment: {description: x}\n" + text)
    trees = (*RATE[:-1], "num_iterations")
    assert resolved().flat[trees].value == 77
    assert resolved(experiment="mine").flat[trees].value == 5
    assert resolved(experiment="mine", profile="debug").flat[trees].value == 20


def test_several_targets_and_several_families_are_asked_for_at_once(add, resolved):
    add(
        "experiments/many.yaml",
        "experiment:\n  description: x\n  targets: [fwd_ret_5d, fwd_up_5d]\n"
        "  families: [lightgbm, xgboost]\n",
    )
    both = "names 2 targets: fwd_ret_5d, fwd_up_5d, and 2 families: lightgbm, xgboost"
    with pytest.raises(UsageError, match=both) as caught:
        resolved(experiment="many")
    assert caught.value.hint == "choose one of them with --target and with --family"
    with pytest.raises(UsageError, match="names 2 families") as caught:
        resolved(experiment="many", target="fwd_up_5d")
    assert caught.value.hint == "choose one of them with --family"


def test_stages_are_said_by_the_nearest_of_a_chain_and_taken_back_by_null_and_false(add, resolved):
    says = "rank_targets: true, select_features: true"
    add("experiments/both.yaml", f"experiment: {{description: Both., {says}}}\n")
    add(
        "experiments/one.yaml",
        "experiment: {description: One., extends: both, select_features: null}\n",
    )
    add(
        "experiments/none.yaml",
        "experiment: {description: None., extends: one, rank_targets: false}\n",
    )
    found = {name: resolved(experiment=name).stages for name in ("both", "one", "none")}
    assert found == {
        "both": ("rank_targets", "select_features"),
        "one": ("rank_targets",),
        "none": (),
    }
    assert resolved().stages == ()
    named = resolved(experiment="quick_look", staged=True, sets=("pipeline.family=ridge",))
    assert named.family == "ridge"  # a stage asks for families that the experiment does not name


def test_a_run_is_not_asked_for_what_the_stage_before_it_has_read(resolved):
    said = ("feature_selection.top_k=3", "feature_selection.families=[ridge]", "splits.folds=3")
    asked = Selection(sets=said)
    assert without_idle(asked, resolved(sets=said)) == ("splits.folds=3",)
    chosen = (*said, "feature_selection.method=correlation")
    kept = without_idle(Selection(sets=chosen), resolved(sets=chosen))
    assert kept == (said[0], said[2], chosen[3])


@pytest.mark.parametrize(
    "text", ["family=ridge", "pipeline.family=ridge", "pipeline_config.pipeline.family=ridge"]
)
def test_an_override_is_known_by_whatever_end_of_its_path(text):
    assert is_set([text], "family")
    assert not is_set([text], "view")
    assert without([text, "folds=3"], "pipeline.family") == ("folds=3",)
    assert not is_set(["my_family=ridge"], "family")


def test_what_a_stage_could_not_do_is_a_problem_of_the_workspace(add):
    says = "{feature_selection: {feature_selection: {feature_selection: {families: [rige]}}}}"
    file = add(
        "experiments/staged.yaml",
        "experiment: {description: S., select_features: true, families: [lightgbm]}\n"
        f"overrides: {says}\n",
    )
    found = validate(file.parent).errors
    assert [problem.message for problem in found] == [
        "no family 'rige' with a document here; did you mean ridge?"
    ]
    assert found[0].place.file == "CONFIG/experiments/staged.yaml"
