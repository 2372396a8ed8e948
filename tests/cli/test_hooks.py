"""The hooks for pre-commit and the action for CI: what they name is run as they run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from repro.cli.app import COMMANDS, GROUPS
from repro.cli.audit import COMMANDS as AUDIT
from repro.config.text.document import parse, read

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LIST = indent((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"), "  ")
HOOKS = {hook["id"]: hook for hook in parse(f"hooks:\n{LIST}", "hooks").value["hooks"]}
ACTION = read(ROOT / "action.yml", "action.yml").value
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
CLEAN = 'print("nothing")\n'
INPUT = re.compile(r"\$\{\{ inputs\.(\w+) \}\}")
CONDITION = re.compile(r"\$\{\{ !cancelled\(\) && inputs\.(\w+) (==|!=) '(\w*)' \}\}")


def environment(desk):
    """Return the environment of a shell that finds our commands and the workspace's keys."""
    return {**desk.environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def hook(name, desk, *files):
    """Run a hook as pre-commit does: its words, then the files that it was given."""
    given = files if HOOKS[name]["pass_filenames"] else ()
    return subprocess.run(
        [*HOOKS[name]["entry"].split(), *given],
        cwd=desk.root,
        env=environment(desk),
        capture_output=True,
        text=True,
    )


def act(desk, only=None, **given):
    """Run the steps of the action as the runner does; return what each one left."""
    inputs = {name: about["default"] for name, about in ACTION["inputs"].items()} | given
    left = {}
    for name, step in STEPS.items():
        if only is not None and name not in only:
            continue
        if "if" in step:
            key, relation, value = CONDITION.fullmatch(step["if"]).groups()
            if (inputs[key] == value) != (relation == "=="):
                continue
        env = {key: inputs[INPUT.fullmatch(text)[1]] for key, text in step["env"].items()}
        assert step["shell"] == "bash"
        left[name] = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=desk.root,
            env={**environment(desk), **env, "GITHUB_ACTION_PATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
    return left


def matches(name, file):
    """Return whether a hook is run for a file."""
    return bool(re.search(HOOKS[name]["files"], file))


def test_every_command_that_a_hook_or_a_step_names_exists():
    texts = [hook["entry"] for hook in HOOKS.values()] + [step["run"] for step in STEPS.values()]
    named = re.findall(r"^\s*repro (\w+)(?: (\w+))?", "\n".join(texts), re.MULTILINE)
    assert len(named) >= 6
    for command, below in named:
        assert command in COMMANDS or command in GROUPS
        assert command != "audit" or below in AUDIT


def test_the_hooks_are_what_pre_commit_asks_for():
    assert sorted(HOOKS) == ["repro-audit-verify", "repro-lint", "repro-validate"]
    for about in HOOKS.values():
        assert about["language"] == "python"
        assert {"name", "description", "entry"} <= about.keys()
        re.compile(about.get("files", ""))
    assert (ROOT / "pyproject.toml").is_file()  # pre-commit installs the repository itself


@pytest.mark.parametrize(
    ("name", "file", "wanted"),
    [
        ("repro-validate", "CONFIG/data/targets.yaml", True),
        ("repro-validate", "sub folder/CONFIG/identity_config.yaml", True),
        ("repro-validate", "CONFIG/data/targets.yml", True),
        ("repro-validate", "MYCONFIG/targets.yaml", False),
        ("repro-validate", "CONFIG/README.md", False),
        ("repro-audit-verify", "AUDIT_LOG/log.jsonl", True),
        ("repro-audit-verify", "docs/AUDIT_LOG.md", False),
    ],
)
def test_a_hook_is_run_for_its_own_files(name, file, wanted):
    assert matches(name, file) is wanted


def test_the_validate_hook_reads_the_files_that_it_is_given(desk):
    good = "CONFIG/model_config/lightgbm.yaml"
    spaced = "CONFIG/model_config/lightgbm_my own=copy.yaml"
    shutil.copy(desk.root / good, desk.root / spaced)
    files = [good, spaced, "CONFIG/data/targets.yaml"]
    done = hook("repro-validate", desk, *files)
    assert (done.returncode, done.stdout) == (0, "valid: 3 documents\n")
    text = (desk.root / spaced).read_text("utf-8")
    (desk.root / spaced).write_text(text.replace("max_bin", "max_bim"), "utf-8")
    done = hook("repro-validate", desk, *files)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{spaced}:")
    assert hook("repro-validate", desk, good).returncode == 0


def test_the_lint_hook_reads_the_files_that_it_is_given(desk):
    (desk.root / "a b.py").write_text(CLEAN)
    assert hook("repro-lint", desk, "a b.py").returncode == 0
    (desk.root / "a b.py").write_text("import random\nx = random.random()\n")
    assert hook("repro-lint", desk, "a b.py").returncode == 1


def test_the_audit_hook_verifies_the_log_and_sees_a_change(desk):
    assert hook("repro-audit-verify", desk, "AUDIT_LOG/log.jsonl").returncode == 0
    log = desk.root / "AUDIT_LOG" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"seq":0', b'"seq":7', 1))
    assert hook("repro-audit-verify", desk, "AUDIT_LOG/log.jsonl").returncode == 4


def test_no_input_becomes_part_of_a_shells_text():
    used = set()
    for step in STEPS.values():
        assert "${{" not in step["run"]
        used |= {INPUT.fullmatch(text)[1] for text in step["env"].values()}
        if "if" in step:
            used.add(CONDITION.fullmatch(step["if"])[1])
        for variable in re.findall(r"\$(\w+)", step["run"]):
            assert variable in {*step["env"], "path", "GITHUB_ACTION_PATH"}
    assert used == set(ACTION["inputs"])
    assert all(about["description"] for about in ACTION["inputs"].values())
    assert ACTION["runs"]["using"] == "composite"


def test_the_action_passes_a_sound_workspace(desk):
    left = act(desk, vkey="AUDIT_LOG/log.vkey")
    assert list(left) == ["Install", "Validate", "Verify the log"]
    assert {name: done.returncode for name, done in left.items()} == dict.fromkeys(left, 0)
    assert left["Validate"].stdout == ""


def test_the_action_annotates_what_is_wrong_from_the_repositorys_root(desk):
    inner = desk.root / "sub folder"
    shutil.copytree(desk.root / "CONFIG", inner / "CONFIG")
    file = inner / "CONFIG/training_config/splits_config.yaml"
    file.write_text(file.read_text("utf-8").replace("purge: 5 ", "purge: 4 "), "utf-8")
    done = act(desk, ["Validate"], workspace="sub folder")["Validate"]
    assert done.returncode == 1
    assert done.stdout.startswith(
        "::error file=sub folder/CONFIG/training_config/splits_config.yaml,line=9,col=10,"
    )


def test_the_action_sees_a_log_that_was_changed(desk):
    log = desk.root / "AUDIT_LOG" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"seq":0', b'"seq":7', 1))
    left = act(desk)
    assert (left["Validate"].returncode, left["Verify the log"].returncode) == (0, 4)
    assert "Verify the log" not in act(desk, audit="false")


def test_the_action_lints_the_paths_that_it_is_given(desk):
    (desk.root / "a b.py").write_text("import random\nx = random.random()\n")
    (desk.root / "c.py").write_text(CLEAN)
    done = act(desk, ["Lint"], lint="\na b.py\nc.py\n")["Lint"]
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=a b.py,line=2,")
    assert act(desk, ["Lint"], lint="c.py")["Lint"].returncode == 0


@pytest.mark.parametrize(
    "hostile",
    ["$(touch owned); touch owned; `touch owned`", '"; touch owned; "'],
    ids=["bare", "quoted"],
)
def test_no_input_is_ever_obeyed_as_a_command(hostile, desk):
    for key in ("workspace", "format", "vkey", "version", "lint"):
        users = [name for name, step in STEPS.items() if f"inputs.{key} }}" in str(step["env"])]
        left = act(desk, users[:1], **{key: hostile})
        assert not (desk.root / "owned").exists(), key
        assert all(done.returncode for done in left.values()), key
        assert left, key
