"""Ways in which a value could have been decided unseen, or seen to be decided elsewhere."""

from __future__ import annotations

import os

import pytest

from repro.config.documents.files import all_unusable
from repro.config.documents.tree import load
from repro.config.resolution.active import WRITTEN, overridden
from repro.config.resolution.resolve import Selection, resolve
from repro.errors import InputError, ProblemsError
from repro.verbs.configuring.validate import check, configuration, validate

MODEL = ("model_config", "lightgbm", "hyperparameters")
MLP = ("model_config", "mlp", "hyperparameters")
FOLDS = ("training_config", "splits_config", "splits", "folds")


@pytest.mark.parametrize("folder", ["model_config", "experiments", "defaults", "data"])
def test_a_folder_that_is_a_link_is_refused_and_not_passed_over(folder, workspace, tmp_path):
    behind = tmp_path / "behind"
    (workspace / "CONFIG" / folder).rename(behind)
    (workspace / "CONFIG" / folder).symlink_to(behind)
    found = validate(workspace)
    assert found.exit_status() == 3
    (problem,) = [p for p in found.problems if "link to a folder" in p.message]
    assert problem.place.file == f"CONFIG/{folder}"
    with pytest.raises(InputError, match="link to a folder"):
        configuration(workspace, Selection())


def test_a_hidden_link_and_a_link_to_a_file_are_no_fault(workspace, tmp_path):
    file = workspace / "CONFIG" / "identity_config.yaml"
    file.rename(tmp_path / "elsewhere.yaml")
    file.symlink_to(tmp_path / "elsewhere.yaml")
    (workspace / "CONFIG" / ".data").symlink_to(tmp_path)
    assert all_unusable(workspace / "CONFIG", "CONFIG") == ()
    assert validate(workspace).exit_status() == 0


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        ({"sets": ("pipeline.family=mlp", "training_profiles.default.batch_size=64")}, {}),
        (
            {"sets": ("pipeline.family=mlp",), "overlays": ("optimizer_config_q",)},
            {
                "training_config/optimizer_config_q.yaml": (
                    "training_profiles: {default: {mlp: {batch_size: 64}}}\n"
                )
            },
        ),
        (
            {"sets": ("pipeline.family=mlp",), "experiment": "q"},
            {
                "experiments/q.yaml": (
                    "experiment: {description: x}\noverrides:\n  training_config:\n"
                    "    optimizer_config: {training_profiles: {default: {batch_size: 64}}}\n"
                )
            },
        ),
    ],
    ids=["set", "overlay", "experiment"],
)
def test_a_value_of_the_default_profile_that_was_changed_is_an_override(
    asked, files, add, resolved
):
    for name, text in files.items():
        add(name, text)
    found = resolved(**asked)
    value = found.flat[(*MLP, "batch_size")]
    assert value.value == 64
    assert value.setting.layer not in WRITTEN
    assert value.setting.layer.startswith("profile default, changed by ")
    assert (*MLP, "batch_size") in overridden(found)


def test_an_overlay_elsewhere_that_is_called_as_a_document_has_a_name_of_its_own(
    workspace, families, tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "CONFIG/model_config").mkdir(parents=True)
    text = "# one\n# two\nhyperparameters: {num_leaves: 9}\n"
    (elsewhere / "CONFIG/model_config/lightgbm.yaml").write_text(text, "utf-8")
    monkeypatch.chdir(elsewhere)
    tree, _ = load(workspace, families)
    asked = Selection(overlays=("CONFIG/model_config/lightgbm.yaml",))
    found = resolve(tree, asked, families)
    words = found.flat[(*MODEL, "num_leaves")].history
    assert [word.place.file for word in words[-2:]] == [
        "CONFIG/model_config/lightgbm.yaml",
        "./CONFIG/model_config/lightgbm.yaml",
    ]
    for word in words:
        line = found.sources[word.place.file][word.place.line - 1]
        assert line[word.place.column - 1 : word.place.end - 1] == str(word.value)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("lightgbm.hyperparameters={eta: 0.4}", (*MODEL, "learning_rate"), 0.4),
        (
            "lightgbm.variants.conservative={eta: 0.4}",
            ("model_config", "lightgbm", "variants", "conservative", "learning_rate"),
            0.4,
        ),
    ],
)
def test_an_alias_inside_a_mapping_is_the_parameter_that_it_names(text, path, value, resolved):
    found = resolved(sets=(text,))
    assert found.flat[path].value == value
    assert (*path[:-1], "eta") not in found.flat


def test_two_names_of_one_parameter_inside_a_mapping_are_refused(resolved):
    with pytest.raises(ProblemsError) as caught:
        resolved(sets=("lightgbm.hyperparameters={learning_rate: 0.3, eta: 0.4}",))
    assert "learning_rate is given under two of its names" in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("sets", "path", "value"),
    [
        (("n_estimators=20.0",), (*MODEL, "num_iterations"), 20),
        (("n_estimators=1e2",), (*MODEL, "num_iterations"), 100),
        (("folds=2.0",), FOLDS, 2),
        (("learning_rate=1.0",), (*MODEL, "learning_rate"), 1.0),
        (
            ("pipeline.family=mlp", "hidden_layer_sizes=[8.0, 4]"),
            (*MLP, "hidden_layer_sizes"),
            [8, 4],
        ),
        (
            ("registry.ret_5d.formula={kind: return, column: Close, periods: 5.0}",),
            ("data", "feature_registry", "registry", "ret_5d", "formula"),
            {"kind": "return", "column": "Close", "periods": 5},
        ),
    ],
)
def test_a_whole_number_is_an_integer_where_one_is_asked_for(sets, path, value, resolved, families):
    found = resolved(sets=sets)
    assert repr(found.flat[path].value) == repr(value)
    assert check(found, families) == ()


def test_a_whole_number_in_a_document_is_an_integer_too(edit, resolved):
    edit("model_config/lightgbm.yaml", "n_estimators: 200 ", "n_estimators: 200.0 ")
    edit("training_config/splits_config.yaml", "  folds: 5", "  folds: 5.0")
    found = resolved()
    assert repr(found.flat[(*MODEL, "num_iterations")].value) == "200"
    assert repr(found.flat[FOLDS].value) == "5"


def test_what_is_no_whole_number_is_still_refused(resolved, families):
    (problem,) = check(resolved(sets=("folds=2.5",)), families)
    assert "2.5" in problem.message


def test_null_in_an_experiment_takes_back_what_its_parent_chose(add, resolved):
    text = "experiment: {description: x, extends: quick_look, profile: null, features: null}\n"
    add("experiments/child.yaml", text)
    parent, child = resolved(experiment="quick_look"), resolved(experiment="child")
    selected = ("data", "feature_registry", "selected")
    assert len(parent.flat[selected].value) == 3
    assert len(child.flat[selected].value) == 13
    assert parent.flat[(*MODEL, "num_iterations")].value == 20
    assert child.flat[(*MODEL, "num_iterations")].value == 200
    assert child.flat[FOLDS].value == 3


def test_the_environment_sets_nothing(resolved, monkeypatch):
    before = resolved().flat
    for name in ("REPRO_SET", "REPRO_MODE", "LEARNING_RATE", "REPRO_PROFILE", "SEED"):
        monkeypatch.setenv(name, "7")
    assert os.environ["SEED"] == "7"
    assert resolved().flat == before
