"""``repro validate`` as people run it: what it writes, where, and the status that it ends with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "CONFIG"
MODEL = "model_config/lightgbm.yaml"
SPLITS = "training_config/splits_config.yaml"
ROUTING = "training_config/routing_config.yaml"
PIPELINE = "training_config/pipeline_config.yaml"


@pytest.fixture
def workspace(tmp_path):
    """Return the root of a workspace with a copy of the shipped configuration."""
    shutil.copytree(CONFIG, tmp_path / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    return tmp_path


@pytest.fixture
def edit(workspace):
    """Return what replaces a text, which must stand there once, in a file below ``CONFIG``."""

    def replace(relative, old, new):
        file = workspace / "CONFIG" / relative
        text = file.read_text("utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), "utf-8")

    return replace


def validate(folder, *words):
    """Return status, stdout and stderr of the command, run in ``folder``."""
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "repro", "validate", *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_a_sound_workspace_ends_with_0_and_says_how_much_was_read(workspace):
    count = len(list((workspace / "CONFIG").rglob("*.yaml")))
    expected = f"valid: {count} documents in {workspace.resolve() / 'CONFIG'}\n"
    assert validate(workspace) == (0, expected, "")


def test_what_is_given_twice_hides_no_name_that_does_not_exist(workspace, edit):
    registry = "data/feature_registry.yaml"
    edit(registry, "  - ret_1d\n  - ret_5d\n", "  - ret_1d\n  - ret_5\n  - ret_1d\n")
    status, out, _ = validate(workspace)
    assert status == 1
    file = f"CONFIG/{registry}"
    assert f"{file}:8:5: feature_registry.selected: no feature 'ret_5' in the registry" in out
    assert out.count(f"{file}:9:5: selected.2: the same as item 1") == 1
    assert "2 problems" in out


def test_the_workspace_is_found_from_a_folder_below_it(workspace):
    assert validate(workspace / "CONFIG" / "data")[0] == 0


def test_a_problem_has_file_line_column_and_a_caret_under_the_text(edit, workspace):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    assert validate(workspace) == (
        1,
        "CONFIG/model_config/lightgbm.yaml:7:18: hyperparameters.learning_rate: "
        "3.0 is above the maximum, 1\n"
        "    7 |   learning_rate: 3.0\n"
        "      |                  ^^^\n"
        "1 problem\n",
        "",
    )


def test_all_problems_of_all_files_come_at_once_in_order_of_place(edit, workspace):
    edit(SPLITS, "folds: 5", "folds: five")
    edit(SPLITS, "embargo: 1 ", "embargo: -1 ")
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    edit(MODEL, "  num_leaves: 15", "  num_leavs: 15")
    edit("identity_config.yaml", "mode: strict", "mode: [strict")
    edit("data/targets.yaml", "horizon: 1\n", "horizon: 1\n    horizon: 2\n")
    (workspace / "CONFIG" / ROUTING).unlink()
    status, out, err = validate(workspace)
    places = [line.split(": ")[0] for line in out.splitlines() if line.startswith("CONFIG/")]
    assert places == [
        "CONFIG/data/targets.yaml:15:5",
        "CONFIG/identity_config.yaml:8:9",
        "CONFIG/model_config/lightgbm.yaml:7:18",
        "CONFIG/model_config/lightgbm.yaml:8:3",
        "CONFIG/training_config/routing_config.yaml:1:1",
        "CONFIG/training_config/splits_config.yaml:7:10",
        "CONFIG/training_config/splits_config.yaml:10:12",
    ]
    assert (status, out.splitlines()[-1], err) == (1, "7 problems", "")


def test_problems_between_files_come_with_place_and_hint(edit, workspace):
    edit(SPLITS, "purge: 5 ", "purge: 4 ")
    edit(ROUTING, "symbol: null ", "symbol: AAPL ")
    assert validate(workspace)[1] == (
        "CONFIG/training_config/routing_config.yaml:6:11: routing.symbol: "
        "a cross_sectional view has no symbol; write null\n"
        "    6 |   symbol: AAPL                 # the symbol, for symbol_specific\n"
        "      |           ^^^^\n"
        "CONFIG/training_config/splits_config.yaml:9:10: splits.purge: "
        "4 is shorter than the horizon of fwd_ret_5d, 5\n"
        "    9 |   purge: 4                      "
        "# timestamps left out beside each test fold; at least the horizon\n"
        "      |          ^\n"
        "  hint: set it to 5 or more\n"
        "2 problems\n"
    )


def test_what_the_flags_ask_for_is_checked_too(workspace):
    words = ("--variant", "aggressive", "--set", "max_depth=2", "purge=6", "--seed", "-1")
    status, out, _ = validate(workspace, *words)
    assert status == 1
    assert out.startswith(
        "--seed:1:8: reproducibility.base_seed: -1 is below the minimum, 0\n"
        "    1 | --seed -1\n"
        "      |        ^^\n"
    )


@pytest.mark.parametrize(
    ("words", "file", "column", "said"),
    [
        (["--level", "bogus"], "--level", 9, '"bogus" is not one of strict'),
        (["folds=3", "--set", "purge=6", "--level=bogus"], "--level", 9, '"bogus" is not one of'),
        (["--view", "sideways"], "--view", 8, '"sideways" is not one of'),
        (["base_seed=7", "--seed", "7"], "--seed", 1, "given twice: --set 1 sets it already"),
        (["--symbol", "IBM", "view=symbol_specific"], "--symbol", 1, "given twice: --set 1 sets"),
        (["purge=0", "--level", "strict"], "--set 1", 7, "0 is"),
    ],
)
def test_a_flag_that_means_a_value_is_called_by_its_name(words, file, column, said, workspace):
    status, out, _ = validate(workspace, *words, "--format", "json")
    (problem, *_) = json.loads(out)["problems"]
    assert status != 0
    assert (problem["file"], problem["line"], problem["column"]) == (file, 1, column)
    assert said in problem["message"]


def test_json_is_one_document_with_the_same_facts(edit, workspace):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    edit(SPLITS, "folds: 5", "fold: 5")
    status, out, err = validate(workspace, "--format", "json")
    found = json.loads(out)
    assert (status, err) == (1, "")
    assert (found["schema"], found["command"]) == (1, "validate")
    assert found["root"] == str(workspace.resolve())
    assert sorted(found["files"]) == sorted(
        file.relative_to(workspace).as_posix() for file in (workspace / "CONFIG").rglob("*.yaml")
    )
    assert found["problems"][0] == {
        "file": "CONFIG/model_config/lightgbm.yaml",
        "line": 7,
        "column": 18,
        "end": 21,
        "path": "hyperparameters.learning_rate",
        "message": "3.0 is above the maximum, 1",
        "rule": "maximum",
        "hint": None,
        "severity": "error",
    }
    places = [(p["file"], p["line"], p["column"]) for p in found["problems"]]
    assert places == sorted(places)
    assert len(places) == 3


def test_json_of_a_sound_workspace_has_no_problems(workspace):
    status, out, err = validate(workspace, "--format=json")
    assert (status, json.loads(out)["problems"], err) == (0, [], "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "fwd_ret_5"), "no such target: 'fwd_ret_5'; did you mean fwd_ret_5d?"),
        (("--config", "nope"), "no such overlay: 'nope'"),
        (("stray",), "no such file or folder: stray"),
        (("-w", "CONFIG", "CONFIG"), "--workspace and a path were given"),
        (("--kind", "targets"), "--kind without a path"),
        (("CONFIG", "--stdin-filename", "x"), "--stdin-filename without standard input"),
        (
            ("-", "--kind", "lightgmb"),
            "no such kind of document: 'lightgmb'; did you mean lightgbm?",
        ),
        (("--nope",), "No such option: --nope"),
    ],
)
def test_what_cannot_be_understood_ends_with_2_and_is_told_on_stderr(words, said, workspace):
    status, out, err = validate(workspace, *words)
    assert (status, out) == (2, "")
    assert err.startswith(f"repro: error: {said}")
    assert "\nrepro: hint: " in err


def test_what_cannot_be_understood_is_json_too(workspace):
    status, out, _ = validate(workspace, "--variant", "agressive", "--format", "json")
    error = json.loads(out)["error"]
    assert (status, error["exit_status"], error["kind"]) == (2, 2, "UsageError")
    assert error["problem"].endswith("did you mean aggressive?")


def test_a_folder_without_a_workspace_ends_with_3(tmp_path):
    status, out, err = validate(tmp_path)
    assert (status, out) == (3, "")
    assert err.startswith("repro: error: no workspace: ")
    assert "repro: hint: make one with: repro init DIR" in err


def test_the_same_fault_is_told_in_the_same_words_each_time(workspace, monkeypatch):
    said = set()
    for seed in ("0", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        said.add(validate(workspace, "columns.Adj Clos=int64")[1])
    assert len(said) == 1


@pytest.mark.parametrize(
    ("relative", "old", "new", "place"),
    [
        ("data/dataset.yaml", "default_target: fwd_ret_5d", "default_target: nope", "30:19"),
        ("training_config/pipeline_config.yaml", "family: lightgbm ", "family: lightgmb ", "5:11"),
    ],
)
def test_a_name_in_a_file_that_does_not_exist_is_a_problem_at_its_place(
    relative, old, new, place, edit, workspace
):
    edit(relative, old, new)
    status, out, _ = validate(workspace)
    assert (status, out.split(": ")[0]) == (1, f"CONFIG/{relative}:{place}")


def test_a_model_document_may_be_missing_where_there_are_defaults_and_nowhere_else(workspace):
    (workspace / "CONFIG" / MODEL).unlink()
    assert validate(workspace)[0] == 0
    (workspace / "CONFIG" / "defaults" / MODEL).unlink()
    status, out, _ = validate(workspace)
    assert status == 1
    assert f"CONFIG/{PIPELINE}:5:11: pipeline.family: no document for the family 'lightgbm'" in out


@pytest.mark.parametrize("text", ["identity_config=3", "data.dataset.dataset=5"])
def test_an_override_of_a_whole_document_is_not_our_own_bug(text, workspace, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(workspace))
    assert validate(workspace, text)[0] in (1, 2)


def test_a_variant_that_nobody_chose_is_told_where_it_contradicts_itself(edit, workspace):
    edit(MODEL, "    num_leaves: 63\n    max_depth: 8\n", "    num_leaves: 63\n    max_depth: 4\n")
    status, out, _ = validate(workspace)
    assert status == 1
    lines = (workspace / "CONFIG" / MODEL).read_text("utf-8").splitlines()
    line = lines.index("    num_leaves: 63") + 1
    told = "hyperparameters.num_leaves: 63 leaves do not fit a depth of 4: at most 16"
    assert f"CONFIG/{MODEL}:{line}:17: {told}\n" in out


def test_what_has_no_effect_is_a_warning_and_a_finding_only_if_strict(edit, workspace):
    edit(MODEL, "subsample_freq: 1", "subsample_freq: 0")
    status, out, _ = validate(workspace)
    assert status == 0
    assert "warning: hyperparameters.bagging_fraction: bagging_fraction is not used while" in out
    assert validate(workspace, "--strict")[0] == 1


def test_data_outside_the_workspace_are_warned_of_at_each_name(workspace, edit):
    elsewhere = workspace.parent / "prices.csv"
    named = f"{elsewhere}, ../prices.csv, data/../../prices.csv, data/../here.csv, ..a/x.csv"
    edit("data/dataset.yaml", "files: [data/stocks.csv.gz]", f"files: [{named}]")
    status, out, _ = validate(workspace, "--format", "json")
    assert status == 0
    told = [one for one in json.loads(out)["problems"] if "out of the workspace" in one["message"]]
    names = [one["message"].partition(" leads ")[0] for one in told]
    assert names == [str(elsewhere), "../prices.csv", "data/../../prices.csv"]
    assert {one["severity"] for one in told} == {"warning"}
    assert len({one["column"] for one in told}) == 3
    assert all("a link to them" in one["hint"] for one in told)
