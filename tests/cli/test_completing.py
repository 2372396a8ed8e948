"""Completion as a shell asks for it: the installed command, under the shells' own variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro.verbs.workspace import offering

REPRO = Path(sys.executable).parent / "repro"
CONFIG = Path(__file__).parents[2] / "CONFIG"
VARIABLES = {k: v for k, v in os.environ.items() if not k.startswith(("_REPRO", "_TYPER", "COMP_"))}


def made(root):
    """Return the root of a workspace with a copy of the shipped configuration, and a run."""
    shutil.copytree(CONFIG, root / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    (root / "RESULTS" / "runs" / "0123456789ab-1").mkdir(parents=True)
    (root / "kept.json").write_text("{}", "utf-8")
    overlay = root / "CONFIG" / "model_config" / "lightgbm_custom.yaml"
    overlay.write_text("hyperparameters: {num_leaves: 3}\n", "utf-8")
    return root


@pytest.fixture
def workspace(tmp_path):
    """Return a workspace of the test's own."""
    return made(tmp_path)


def asked(folder, **variables):
    """Return what the command answers to a shell."""
    done = subprocess.run(
        [REPRO],
        cwd=folder,
        env=VARIABLES | variables,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.stderr == ""
    return done


def bash(folder, *words):
    """Return what bash is offered for the last word; it breaks words at ``=`` and ``:``."""
    done = asked(
        folder,
        _REPRO_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(("repro", *words)),
        COMP_CWORD=str(len(words)),
    )
    assert done.returncode == 0
    return done.stdout.split()


ANSWER_ALL = """
import contextlib, io, json, os, sys
from repro.__main__ import main
sys.argv, answers = ['repro'], []
for words in json.loads(sys.stdin.read()):
    os.environ |= {'COMP_WORDS': '\\n'.join(['repro', *words]), 'COMP_CWORD': str(len(words))}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main() == 0
    answers.append(said.getvalue().split())
print(json.dumps(answers))
"""


def all_of_bash(folder, queries):
    """Return what bash is offered for each of many lines; one process answers them all."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", ANSWER_ALL],
        cwd=folder,
        env=VARIABLES | {"_REPRO_COMPLETE": "complete_bash"},
        input=json.dumps(queries),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


OFFERED = (
    (["con"], ["config"]),
    (["config", "exp"], ["explain"]),
    (["train", "--prof"], ["--profile"]),
    (["train", "--target", "fwd_r"], ["fwd_ret_1d", "fwd_ret_5d"]),
    (["train", "--variant", ""], ["aggressive", "conservative"]),
    (["train", "--variant", "=", "cons"], ["conservative"]),
    (["train", "-c", ""], ["lightgbm_custom"]),
    (["train", "-e", ""], ["leakage_canary", "leakage_control", "quick_look"]),
    (["config", "diff", "today", "quick"], ["quick_look"]),
    (["train", "fol"], ["folds=5"]),
    (["train", "folds", "=", ""], ["5"]),
    (["train", "--set", "splits.fol"], ["splits.folds=5"]),
    (["train", "extra_trees", "="], ["true", "false"]),
    (["train", "routing.view", "=", "sym"], ["symbol_specific"]),
    (["train", "default_target", "=", "fwd_u"], ["fwd_up_5d"]),
    (["train", "n_esti"], ["n_estimators=200"]),
    (["train", "min_t"], ["min_test_rows=", "min_train_rows="]),
    (["config", "explain", "fol"], ["folds"]),
    (["config", "diff", "tod"], ["today"]),
    (["config", "diff", "today", "variant", ":", "a"], ["aggressive"]),
    (["config", "diff", "today", "0"], ["0123456789ab-1"]),
    (["config", "schema", "spl"], ["splits_config"]),
    (["diff", ""], ["@latest", "0123456789ab-1"]),
    (["runs", "show", "@"], ["@latest"]),
    (["verify", "01"], ["0123456789ab-1"]),
    (["train", "--level", ""], ["strict", "portable", "best-effort"]),
    (["exec", "--level", ""], ["strict", "portable", "best-effort"]),
    (["train", "--view", "sy"], ["symbol_specific"]),
    (["validate", "--kind", "spl"], ["splits_config"]),
    (["config", "rollback", "01"], ["0123456789ab-1"]),
    (["data", "diff", "tod"], ["today"]),
    (["data", "diff", "@latest", "0"], ["0123456789ab-1"]),
    (["data", "diff", "kept"], ["kept.json"]),
    (["data", "diff", "CONFIG/d"], ["CONFIG/data/", "CONFIG/defaults/"]),
    (["lint", "--explain", "hardcoded-s"], ["hardcoded-seed"]),
    (["lint", "--explain", "L91"], ["L911", "L912", "L913", "L914"]),
    (["sweep", "tar"], ["target=", "target_ranking.families=", "target_ranking.targets="]),
    (["sweep", "target", "=", "fwd_ret_1d,fwd_r"], ["fwd_ret_1d,fwd_ret_5d"]),
    (["sweep", "fol"], ["folds=5"]),
    (["sweep", "--executor", ""], ["dask", "local", "ray"]),
    (["train", "nothing_of_the_kind"], []),
    (["train", "nothing", "=", ""], []),
    (["config", "diff", "nothing", ":", ""], []),
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return what is offered for every line of the table."""
    root = made(tmp_path_factory.mktemp("offered"))
    return all_of_bash(root, [words for words, _ in OFFERED])


@pytest.mark.parametrize("number", range(len(OFFERED)), ids=lambda n: " ".join(OFFERED[n][0]))
def test_a_shell_is_offered_what_exists(answers, number):
    found = answers[number]
    assert [name for name in found if name not in ("debug", "default")] == OFFERED[number][1]


def test_the_command_itself_answers_as_that_process_did(workspace):
    assert bash(workspace, "train", "folds", "=", "") == ["5"]


def test_another_workspace_may_be_meant(workspace, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert bash(elsewhere, "train", "--target", "") == []
    assert "fwd_up_5d" in bash(elsewhere, "train", "-w", str(workspace), "--target", "")


def test_zsh_and_fish_are_answered_in_their_own_ways(workspace):
    zsh = asked(
        workspace, _REPRO_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="repro train --target fwd_u"
    )
    assert '"fwd_up_5d"' in zsh.stdout
    for word, status in (("fwd_u", 0), ("nope", 1)):
        fish = asked(
            workspace,
            _REPRO_COMPLETE="complete_fish",
            _TYPER_COMPLETE_FISH_ACTION="is-args",
            _TYPER_COMPLETE_ARGS=f"repro train --target {word}",
        )
        assert fish.returncode == status


BREAKAGES = {
    "no workspace": lambda root: shutil.rmtree(root / "CONFIG"),
    "bad yaml": lambda root: (root / "CONFIG/data/targets.yaml").write_text("a: [\n"),
    "another shape": lambda root: (root / "CONFIG/data/targets.yaml").write_text("targets: 3\n"),
    "a list": lambda root: (root / "CONFIG/data/targets.yaml").write_text("- 1\n"),
    "no text": lambda root: (root / "CONFIG/data/targets.yaml").write_bytes(b"\xff\xfe\x00"),
    "gone": lambda root: (root / "CONFIG/data/targets.yaml").unlink(),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_workspace_offers_less_and_says_nothing(workspace, breakage):
    BREAKAGES[breakage](workspace)
    lines = [["train", "--target", ""], ["train", "--set", "fol"]]
    names, more = all_of_bash(workspace, lines)
    assert names == []
    assert more == ([] if breakage == "no workspace" else ["folds=5"])


@pytest.mark.parametrize(
    "variables",
    [
        {"_REPRO_COMPLETE": "complete_bash"},
        {"_REPRO_COMPLETE": "complete_bash", "COMP_WORDS": "repro", "COMP_CWORD": "x"},
        {"_REPRO_COMPLETE": "complete_bash", "COMP_WORDS": "repro 'a", "COMP_CWORD": "1"},
        {"_REPRO_COMPLETE": "complete_bash", "COMP_WORDS": "repro train", "COMP_CWORD": "9"},
        {"_REPRO_COMPLETE": ""},
        {"_REPRO_COMPLETE": "nonsense"},
        {"_REPRO_COMPLETE": "complete_nosuchshell"},
    ],
    ids=lambda v: " ".join(v.values()) or "empty",
)
def test_a_shell_that_asks_oddly_gets_no_error(workspace, variables):
    assert "Traceback" not in asked(workspace, **variables).stdout


def test_bash_itself_completes_with_the_script_that_is_shown(workspace):
    script = asked_script("bash")
    line = "; ".join(
        (
            "COMP_WORDS=(repro train --set folds = '') COMP_CWORD=5",
            f"_repro_completion {REPRO}",
            'echo "${COMPREPLY[@]}"',
        )
    )
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{line}"],
        cwd=workspace,
        env=VARIABLES,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == "5\n"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_of_a_shell_asks_as_we_expect(shell):
    assert f"_REPRO_COMPLETE=complete_{shell}" in asked_script(shell)


def test_the_script_is_installed_where_the_shell_reads_it(tmp_path):
    done = subprocess.run(
        [REPRO, "--install-completion", "bash"],
        env=VARIABLES
        | {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "bash completion installed" in done.stdout
    assert "_repro_completion" in (tmp_path / ".bash_completions" / "repro.sh").read_text("utf-8")


def asked_script(shell):
    """Return the script that is shown for a shell."""
    return subprocess.run(
        [REPRO, "--show-completion", shell],
        env=VARIABLES | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def test_nothing_heavy_is_loaded_for_an_answer(workspace):
    code = (
        "import sys; sys.argv = ['repro']\n"
        "from repro.__main__ import main\n"
        "main()\n"
        "heavy = {'jsonschema', 'numpy', 'pandas', 'rich', 'lightgbm', 'cryptography', 'ruamel'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=workspace,
        env=VARIABLES
        | {
            "_REPRO_COMPLETE": "complete_bash",
            "COMP_WORDS": "repro\ntrain\nfol",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "folds=5\n", "")


def test_an_answer_takes_little_work(workspace):
    took = []
    for _ in range(3):
        before = os.times()
        bash(workspace, "train", "min_")
        after = os.times()
        took.append(sum(after[2:4]) - sum(before[2:4]))  # of the child, however busy the machine
    assert min(took) < 0.6  # 0.16 s of one processor


def test_every_key_that_is_offered_can_be_set(workspace):
    from repro.config.resolution.resolve import Selection
    from repro.verbs.configuring.configuration import Desk, find_key

    desk = Desk(workspace, Selection())
    found = desk.configured()
    offered = offering.keys(workspace, None, "")
    assert len(offered) > 50
    for key, path in offered.items():
        assert find_key(key, found.leaves, found.family, desk.families) == path
