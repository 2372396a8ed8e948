"""Documents over defaults that are written down: fragments are enough, nothing is left unsaid."""

from __future__ import annotations

import shutil

import pytest

from repro.config.documents.tree import load
from repro.config.resolution.active import components
from repro.config.resolution.resolve import Selection, resolve
from repro.errors import ProblemsError
from repro.verbs.configuring.validate import check

POLICY = ("training_config", "safety_config", "safety", "leakage_detection", "policy")
SCORE = (*POLICY[:-1], "auto_fix_thresholds", "cv_score")
DOCUMENTED = {
    "model_config/lightgbm.yaml": (
        "hyperparameters:\n  n_estimators: 1000\n  max_depth: 8\n  learning_rate: 0.03\n"
        "  num_leaves: 96\n\nvariants:\n  conservative:\n    learning_rate: 0.01\n"
        "    n_estimators: 2000\n  aggressive:\n    learning_rate: 0.05\n    n_estimators: 500\n"
    ),
    "training_config/safety_config.yaml": (
        "safety:\n  leakage_detection:\n    auto_fix_thresholds:\n      cv_score: 0.99\n"
        "      training_accuracy: 0.999\n"
    ),
    "training_config/optimizer_config.yaml": (
        "training_profiles:\n  default:\n    batch_size: 256\n    max_epochs: 50\n  debug:\n"
        "    batch_size: 32\n    max_epochs: 5\n"
    ),
    "identity_config.yaml": (
        "identity:\n  mode: strict  # strict | relaxed | legacy\n\nstability:\n"
        "  filter_mode: replicate\n  allow_legacy_snapshots: false\n"
    ),
}
"""What documentations of such systems show, as it stands there."""


@pytest.mark.parametrize("names", [*([name] for name in DOCUMENTED), [*DOCUMENTED]], ids=len)
def test_a_fragment_as_documentations_show_it_is_a_valid_document(names, workspace, families):
    for name in names:
        (workspace / "CONFIG" / name).write_text(DOCUMENTED[name], "utf-8")
    tree, found = load(workspace, families)
    assert found == ()
    assert check(resolve(tree, Selection(), families), families) == ()
    if "model_config/lightgbm.yaml" in names:
        parameters = resolve(tree, Selection(variant="aggressive"), families).hyperparameters()
        assert parameters[("num_iterations",)] == 500
        assert parameters[("num_leaves",)] == 96


def test_what_a_document_leaves_out_is_read_beneath_it_with_its_place(edit, resolved):
    edit("training_config/safety_config.yaml", "    policy: strict", "    # policy: strict")
    edit("defaults/training_config/safety_config.yaml", "policy: strict", "policy: warn")
    value = resolved().flat[POLICY]
    assert value.value == "warn"
    assert [setting.layer for setting in value.history] == ["defaults"]
    assert value.setting.place.file == "CONFIG/defaults/training_config/safety_config.yaml"


def test_a_document_decides_even_what_lies_beneath_it_says_too(resolved):
    value = resolved().flat[SCORE]
    assert [setting.layer for setting in value.history] == ["defaults", "document"]
    assert value.setting.place.file == "CONFIG/training_config/safety_config.yaml"


def test_where_a_value_is_written_moves_no_component(edit, resolved):
    before = components(resolved())
    edit("model_config/lightgbm.yaml", "  path_smooth: 0.0\n", "")
    edit("training_config/safety_config.yaml", "      cv_score: 0.99 ", "      # cv_score: 0.99 ")
    assert components(resolved()) == before


def test_a_value_that_is_written_nowhere_is_an_error_at_the_document(edit, resolved, families):
    for file in (
        "training_config/safety_config.yaml",
        "defaults/training_config/safety_config.yaml",
    ):
        edit(file, "    policy: strict", "    # policy: strict")
    (problem,) = check(resolved(), families)
    assert problem.place.file == "CONFIG/training_config/safety_config.yaml"
    assert "policy" in problem.message


def test_a_document_must_be_whole_where_nothing_lies_beneath_it(edit, workspace, families):
    shutil.rmtree(workspace / "CONFIG" / "defaults")
    edit("training_config/safety_config.yaml", "    policy: strict", "    # policy: strict")
    _, found = load(workspace, families)
    assert [problem.message for problem in found] == ["missing key policy"]


def test_a_document_that_is_not_there_is_told_though_defaults_are(workspace, families):
    (workspace / "CONFIG" / "identity_config.yaml").unlink()
    _, found = load(workspace, families)
    (problem,) = found
    assert problem.place.file == "CONFIG/identity_config.yaml"
    assert "missing" in problem.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("defaults/model_config/lightgbm_custom.yaml", "hyperparameters: {num_leaves: 3}\n"),
        ("defaults/experiments/mine.yaml", "experiment: {description: x}\n"),
        ("defaults/defaults/identity_config.yaml", "identity: {mode: strict}\n"),
        ("defaults/nothing.yaml", "a: 1\n"),
    ],
)
def test_what_nothing_reads_beneath_the_documents_is_told(name, text, workspace, families):
    file = workspace / "CONFIG" / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(text, "utf-8")
    tree, found = load(workspace, families)
    (problem,) = (*found, *tree.warnings)
    assert problem.place.file == f"CONFIG/{name}"


def test_a_fault_in_the_defaults_is_told_in_their_file(edit, workspace, families):
    edit("defaults/identity_config.yaml", "mode: strict", "mode: strickt")
    _, found = load(workspace, families)
    (problem,) = found
    assert problem.place.file == "CONFIG/defaults/identity_config.yaml"
    assert "did you mean strict?" in problem.message


def test_the_default_profile_sets_nothing_that_a_model_document_sets(edit, resolved, families):
    default = "    batch_size: 256 "
    edit("training_config/optimizer_config.yaml", default, f"    n_estimators: 77\n{default}")
    (problem,) = check(resolved(), families)
    assert problem.place.file == "CONFIG/training_config/optimizer_config.yaml"
    assert "CONFIG/model_config/lightgbm.yaml:6" in problem.message


@pytest.mark.parametrize("profile", ["debug", "throughput_optimized"])
def test_a_shipped_profile_speaks_to_every_family(profile, resolved, families):
    for family, declared in families.items():
        target = "fwd_ret_5d" if "regression" in declared.tasks else "fwd_up_5d"
        found = resolved(target=target, profile=profile, sets=(f"pipeline.family={family}",))
        assert f"profile {profile}" in found.layers, family
        assert check(found, families) == (), family


def test_two_names_of_one_parameter_in_a_profile_are_refused(edit, resolved):
    edit(
        "training_config/optimizer_config.yaml",
        "    n_estimators: 20 ",
        "    num_trees: 3\n    n_estimators: 20 ",
    )
    with pytest.raises(ProblemsError) as caught:
        resolved(profile="debug")
    (problem,) = caught.value.problems
    assert "num_iterations" in problem.message
    assert problem.place.file == "CONFIG/training_config/optimizer_config.yaml"
