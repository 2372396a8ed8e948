"""``repro config``: what it prints, and the status that it ends with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cli.boundary import run
from repro.config.resolution.layers import leaves, nest
from repro.config.resolution.resolve import Selection
from repro.config.sealed.record import yaml_lines
from repro.config.text.document import parse
from repro.verbs.configuring.configuration import Desk

CONFIG = Path(__file__).parents[2] / "CONFIG"
SPLITS = "CONFIG/training_config/splits_config.yaml"
LAYERED = ("--variant", "conservative", "--profile", "debug", "-s", "folds=3")


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return the root of a workspace with a copy of the shipped configuration; we are in it."""
    shutil.copytree(CONFIG, tmp_path / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config(workspace, capsys):
    """Return what runs ``repro config`` in the workspace: status, stdout, stderr."""

    def call(*words):
        status = run(["config", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def flat(workspace):
    """Return the values of the workspace under the layers of the tests."""
    asked = Selection(variant="conservative", profile="debug", sets=("folds=3",))
    return Desk(workspace, asked).configured().leaves


# --- show ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--origin",)], ids=["plain", "origin"])
def test_the_tree_that_is_shown_reads_back_as_the_same_values(config, flat, more):
    status, out, err = config("show", *LAYERED, *more)
    assert (status, err) == (0, "")
    assert parse(out, "shown").value == nest({path: leaf.value for path, leaf in flat.items()})


def test_json_has_the_same_tree_and_with_origin_every_history(config, flat):
    shown = json.loads(config("show", "--format", "json", "--origin", *LAYERED)[1])
    assert shown["tree"] == nest({path: leaf.value for path, leaf in flat.items()})
    (folds,) = [v for v in shown["values"] if v["path"].endswith("splits.folds")]
    assert [w["value"] for w in folds["history"] if w["layer"] != "defaults"] == [5, 3]
    assert json.loads(config("show", "--format", "json")[1])["values"] is None


def test_beside_each_value_stands_where_it_came_from(config, workspace):
    out = config("show", "splits", "--origin", *LAYERED)[1]
    (folds,) = [line for line in out.splitlines() if line.startswith("folds:")]
    lines = (workspace / SPLITS).read_text("utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.strip().startswith("folds:"))
    assert folds == f"folds: 3  # --set 1:1:7, over 5 at {SPLITS}:{number}:10"


def test_what_a_run_does_not_use_is_marked_or_left_out(config):
    assert "; not used" in config("show", "targets.fwd_up_5d", "--origin")[1]
    assert "; not used" not in config("show", "--origin", "--used")[1]
    assert "fwd_up_5d" in config("show")[1]
    assert "fwd_up_5d" not in config("show", "--used")[1]
    assert config("show", "targets.fwd_up_5d", "--used")[1].endswith("{}\n")


@pytest.mark.parametrize("words", [("folds",), ("folds", "folds=5"), ("folds=5", "folds")])
def test_one_value_is_shown_alone_but_a_key_stands_first(config, words):
    status, out, _ = config("show", *words)
    assert (status, out.splitlines()[-1:]) == ((0, ["5"]) if words[0] == "folds" else (2, []))


def test_an_override_may_stand_where_a_key_may(config):
    assert "folds: 9" in config("show", "folds=9")[1]


def test_what_would_not_be_accepted_is_shown_with_a_warning(config):
    status, out, err = config("show", "purge", "purge=1")
    assert (status, out.splitlines()[-1]) == (0, "1")
    assert "today has 1 problem: see repro validate, with the same options" in err


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.sampled_from(["no", "1e-3", "012", "~", "1:30", "# x", "a: b", "null", "2010-01-01"]),
)
TREES = st.recursive(
    st.one_of(VALUES, st.lists(VALUES, max_size=3)),
    lambda below: st.dictionaries(TEXT, below, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, TREES, min_size=1, max_size=3), TEXT)
def test_any_tree_reads_back_whatever_its_keys_values_and_comments(tree, comment):
    items = sorted(leaves(tree, (), lambda _: False))
    text = "\n".join(yaml_lines((path, value, comment) for path, value in items))
    assert parse(text, "shown").value == tree


# --- explain -------------------------------------------------------------------------------------


def test_an_explanation_shows_each_layer_with_its_line(config):
    status, out, _ = config("explain", "n_estimators", "--profile", "debug", "num_trees=9")
    assert status == 0
    for line in (
        "model_config.lightgbm.hyperparameters.num_iterations = 9",
        "--set 1:1:11: set to 9 on the command line",
        "    1 | num_trees=9",
        "      |           ^",
        "type      integer, 1 to 1000000",
        "identity  hyperparameters",
        "name      n_estimators is another name of num_iterations",
        "used      yes, by a run of lightgbm for fwd_ret_5d",
        "set with  --set num_iterations=VALUE",
    ):
        assert line in out.splitlines()
    assert "over 20, set by the profile debug" in out
    assert "over 200, set by the document" in out


def test_what_belongs_to_no_component_says_why_and_what_has_an_option_says_which(config):
    out = config("explain", "dataset.files")[1]
    assert "identity  none: where the files lie is not what they hold" in out
    assert "--seed VALUE, or --set base_seed=VALUE" in config("explain", "base_seed")[1]


def test_what_strict_mode_forces_says_why(config):
    status, out, _ = config("explain", "deterministic")
    assert status == 0
    assert "strict, portable mode  forces true: without it, sums are combined" in out


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("description", "ambiguous; it could be data.feature_registry"),
        ("batch_size", "write more of its path, as in debug.batch_size; or choose a family"),
        ("description", "write more of its path, as in "),
        ("num_leavs", "did you mean num_leaves?"),
        ("lr", "nearest names: learning_rate, "),
        ("lr", "looked for in today: the documents, and the hyperparameters of lightgbm"),
        ("", "not a key"),
    ],
)
def test_a_key_that_cannot_be_explained_ends_with_2(config, key, said):
    status, out, err = config("explain", key)
    assert (status, out) == (2, "")
    assert said in err
    assert "KEY:" not in err


# --- diff ----------------------------------------------------------------------------------------


def test_no_difference_ends_with_0(config):
    status, out, _ = config("diff", "today", "profile:default")
    assert status == 0
    assert out.splitlines()[-1].startswith("the same: ")


def test_each_difference_shows_both_lines_and_what_it_moves(config):
    status, out, _ = config("diff", "today", "debug")
    assert status == 1
    assert "max_bin: 255 -> 63  (moves hyperparameters)" in out
    assert "    A CONFIG/model_config/lightgbm.yaml:" in out
    assert "    B CONFIG/training_config/optimizer_config.yaml:" in out
    assert out.splitlines()[-1].endswith("identity moved: hyperparameters")


def test_another_target_and_another_family_are_told_of_as_moved(config, workspace):
    experiment = "experiment: {description: x, targets: [fwd_ret_1d], families: [xgboost]}\n"
    (workspace / "CONFIG" / "experiments" / "other.yaml").write_text(experiment, "utf-8")
    status, out, _ = config("diff", "today", "other")
    assert status == 1
    moved = out.splitlines()[-1].partition("identity moved: ")[2].split(", ")
    assert {"hyperparameters", "target"} <= set(moved)


def test_what_lies_idle_is_told_apart_and_can_be_left_out(config, workspace):
    overlay = workspace / "CONFIG" / "data" / "targets_far.yaml"
    overlay.write_text("targets:\n  fwd_up_5d:\n    horizon: 4\n", "utf-8")
    status, out, _ = config("diff", "today", "targets_far")
    assert status == 1
    assert "idle: no run of either side uses these" in out
    assert "(moves" not in out
    assert out.splitlines()[-1] == "1 value differs, 1 of them idle; no identity component is moved"
    assert config("diff", "today", "targets_far", "--used")[0] == 0


def test_another_type_is_said_to_be_one(config, workspace):
    overlay = workspace / "CONFIG" / "training_config" / "splits_config_wide.yaml"
    overlay.write_text("splits: {max_train_timestamps: 900}\n", "utf-8")
    status, out, _ = config("diff", "today", "splits_config_wide")
    assert status == 1
    assert "null -> 900  type changed: null -> integer  (moves splits)" in out


def test_what_one_side_alone_uses_is_told_in_short(config):
    status, out, _ = config("diff", "today", "quick_look")
    assert status == 1
    assert "features: [ret_1d, ret_20d, vol_20d]" in out
    (line,) = [x for x in out.splitlines() if "registry.rsi_14d" in x]
    assert line.split() == ["data.feature_registry.registry.rsi_14d", "6", "values", "A"]


def test_another_target_is_a_difference(config, workspace):
    overlay = workspace / "CONFIG" / "data" / "dataset_other.yaml"
    overlay.write_text("dataset: {default_target: fwd_up_5d}\n", "utf-8")
    status, out, _ = config("diff", "today", "dataset_other")
    assert status == 1
    assert "target: fwd_ret_5d -> fwd_up_5d  (moves target)" in out


def test_a_sealed_run_is_compared_with_today_and_refused_once_it_is_changed(with_run):
    desk, run_name = with_run[0], with_run[1]["run"]
    desk.run("config", "diff", "@latest", "profile:debug")
    desk.edit("training_config/splits_config.yaml", "folds: 5", "folds: 4")
    found = desk.json("config", "diff", run_name, "debug", status=1)
    assert [(c["path"].rpartition(".")[2], c["moves"]) for c in found["changes"]] == [
        ("folds", "splits")
    ]
    then = desk.run("config", "explain", "folds", "--run", run_name).stdout
    assert "splits.folds = 5" in then
    (sealed,) = desk.root.glob(f"RESULTS/runs/{run_name}/**/config.json")
    sealed.chmod(0o644)
    sealed.write_text(sealed.read_text("utf-8").replace('"value": 5', '"value": 4'), "utf-8")
    for words in (("diff", "today", run_name), ("explain", "folds", "--run", run_name)):
        assert desk.run("config", *words, status=4).stdout == ""


# --- schema --------------------------------------------------------------------------------------


def test_kinds_are_listed_and_one_is_printed_whole(config):
    listed = config("schema")[1]
    assert ["splits_config", SPLITS, "Splits"] in [line.split() for line in listed.splitlines()]
    printed = json.loads(config("schema", "splits_config")[1])
    assert printed["$id"] == "repro:config/splits_config"
    assert config("schema", "nope")[0] == 2
    assert config("schema", "--lines")[0] == 2


def test_a_line_is_added_only_with_both_options(config, workspace):
    file = workspace / SPLITS
    body = "".join(file.read_text("utf-8").splitlines(keepends=True)[1:])
    file.write_text(body, "utf-8")
    status, out, _ = config("schema", "--write")
    assert (status, file.read_text("utf-8")) == (0, body)
    assert "to add 1 of them: repro config schema --write --lines" in out
    assert config("schema", "--write", "--lines")[0] == 0
    assert file.read_text("utf-8").endswith(f"splits_config.schema.json\n{body}")
