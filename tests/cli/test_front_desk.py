import json
import os
import re
import subprocess
import sys

import pytest

from repro.sweeping.axes import NAMES
from repro.verbs.research.choosing import VALUES

COMMANDS = [
    ["init"],
    ["validate"],
    ["train"],
    ["identity"],
    ["rank"],
    ["diff"],
    ["verify"],
    ["data"],
    ["data", "diff"],
    ["exec"],
    ["doctor"],
    ["runs"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "unsealed"],
    ["runs", "commands"],
    ["audit"],
    ["audit", "verify"],
]
HEAVY = {"numpy", "pandas", "lightgbm", "scipy", "sklearn", "rich", "pydantic"}


def repro(*arguments, cwd, **variables):
    return subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def modules_of(code, cwd):
    """Return the modules that are loaded after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def run_in_process(*arguments):
    return (
        "import contextlib, io\nfrom repro.cli.boundary import run\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):"
        f"\n    run({list(arguments)!r})"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command, tmp_path, in_this_process):
    done = in_this_process([*command, "--help"], tmp_path)
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "..." not in done.stdout.split("Commands:")[-1].partition("\n\n")[0].replace(
        "ARGS]...", ""
    )


@pytest.mark.parametrize(
    "command", ["train", "sweep", "diff", "verify", "stability", "validate", "lint"]
)
def test_the_help_says_how_a_command_ends(command, tmp_path, in_this_process):
    assert "Exits 0 " in in_this_process([command, "--help"], tmp_path).stdout


def test_the_help_of_a_sweep_names_every_axis_that_has_an_option(tmp_path, in_this_process):
    said = in_this_process(["sweep", "--help"], tmp_path).stdout
    axes = set(re.findall(r"\w+", said.partition("Arguments:")[2].partition("Options:")[0]))
    assert {*VALUES, *NAMES} <= axes


def test_the_help_of_lint_says_what_it_reads_without_a_path(tmp_path, in_this_process):
    assert "without one, this folder" in in_this_process(["lint", "--help"], tmp_path).stdout


def test_without_a_command_the_help_is_shown_and_the_status_is_usage(tmp_path):
    done = repro(cwd=tmp_path)
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


def test_the_version_loads_nothing(tmp_path):
    loaded = modules_of(
        "import sys; sys.argv = ['repro', '--version']\nfrom repro.__main__ import main\nmain()",
        tmp_path,
    )
    ours = {name for name in loaded if name.startswith("repro.")}
    assert ours <= {"repro.__main__"}
    assert "typer" not in loaded


@pytest.mark.parametrize(
    "arguments", [("--help",), ("validate", "--help"), ("runs", "list"), ("diff", "a", "b")]
)
def test_commands_that_need_no_table_load_no_numeric_library(arguments, tmp_path):
    (tmp_path / "CONFIG").mkdir()
    loaded = modules_of(run_in_process(*arguments), tmp_path)
    assert not HEAVY & loaded
    assert "jsonschema" not in loaded


def test_validation_loads_no_numeric_library(make_desk):
    loaded = modules_of(run_in_process("validate"), make_desk().root)
    assert not HEAVY & loaded


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["train", "--bogus"], 2),
        (["nonsense"], 2),
        (["train", "not an override"], 2),
        (["train"], 3),
        (["runs", "show", "@latest"], 3),
    ],
)
def test_an_error_is_one_line_and_a_hint_and_with_json_one_document(arguments, status, tmp_path):
    done = repro(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert done.stderr.startswith("repro: error: ")
    assert "Traceback" not in done.stderr
    told = json.loads(repro(*arguments, "--format", "json", cwd=tmp_path).stdout)
    assert told["error"]["exit_status"] == status


def test_our_own_bug_is_70_with_the_traceback_in_a_file(tmp_path):
    code = (
        "import repro.verbs.configuring.validate\n"
        "def broken(*a): raise ZeroDivisionError('planted')\n"
        "repro.verbs.configuring.validate.validate = broken\n"
        "from repro.cli.boundary import run\n"
        "raise SystemExit(run(['validate']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    file = done.stderr.split("the traceback is in ")[1].split(";")[0]
    with open(file, encoding="utf-8") as kept:  # noqa: PTH123 - a path that the product printed
        assert "ZeroDivisionError: planted" in kept.read()
    os.unlink(file)  # noqa: PTH108


def test_what_a_user_typed_is_never_markup(make_desk):
    desk = make_desk()
    done = desk.run("train", "[red]features[/red]=1", status=2)
    assert "[red]features[/red]" in done.stderr


def test_runs_are_listed_newest_first_and_found_by_prefix(desk, with_run):
    assert "no runs yet" in desk.run("runs", "list").stdout
    desk, first = with_run
    second = desk.train("--seed", "9")
    listed = desk.json("runs", "list")
    assert [run["run"] for run in listed["runs"]] == [second["run"], first["run"]]
    assert desk.json("runs", "list", "--limit", "1")["total"] == 2
    for reference in (
        "@latest",
        second["run"][:8],
        second["comparison_group"]["strict_key"][:16],
        second["folder"],
        f"{second['folder']}/snapshot.json",
        f"RESULTS/runs/{second['run']}",
    ):
        shown = desk.json("runs", "show", reference)
        assert shown["snapshot"]["run"] == second["run"], reference
    both = first["comparison_group"]["replicate_key"][:16]
    told = desk.json("runs", "show", both, status=2)["error"]
    assert first["run"] in told["hint"]
    assert second["run"] in told["hint"]


def test_where_an_auditor_has_no_more_than_she_needs_it_is_said_in_a_line(tmp_path):
    (tmp_path / "typer.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')\n"
    )
    for arguments in (["validate"], ["--help"]):
        done = repro(*arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path))
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.splitlines() == [
            "repro: error: typer is not installed, which every command but repro-verify needs",
            "repro: hint: for all of repro, in a checkout of it: pip install .",
        ]
    assert repro("--version", cwd=tmp_path, PYTHONPATH=str(tmp_path)).returncode == 0
