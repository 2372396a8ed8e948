"""``repro lint`` as people and programs run it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta

import pytest

from repro.lint.rules import RULES

SOURCE = "import os\n\nfit(learning_rate=0.1)\nnames = os.listdir()\n"


@pytest.fixture
def lint(tmp_path):
    """Return what runs the command beside a file with two findings."""
    (tmp_path / "model.py").write_text(SOURCE, "utf-8")

    def run(*words, stdin=""):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "repro", "lint", *words],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


def test_findings_have_place_rule_caret_and_what_to_do(lint):
    status, out, err = lint()
    assert (status, err) == (1, "")
    assert out == (
        "model.py:3:19: L101 hardcoded-hyperparameter: learning_rate is 0.1: "
        "a hyperparameter in code (of 4 families)\n"
        "    3 | fit(learning_rate=0.1)\n"
        "      |                   ^^^\n"
        "model.py:4:9: L302 unsorted-listing: os.listdir() gives names in the disk's order\n"
        "    4 | names = os.listdir()\n"
        "      |         ^^^^^^^^^^^^\n"
        f"L101 hardcoded-hyperparameter, once: {RULES['hardcoded-hyperparameter'].mend}\n"
        f"L302 unsorted-listing, once: {RULES['unsorted-listing'].mend}\n"
        "2 findings in 1 file\n"
    )


def test_standard_input_and_waivers(lint):
    tomorrow = (date.today() + timedelta(1)).isoformat()
    waived = f"seed = 1  # repro: allow hardcoded-seed until {tomorrow}: an example\n"
    assert lint("-", stdin=waived) == (0, "clean: 1 file, 1 waived\n", "")
    assert lint("-", "--as-of", "2999-01-01", stdin=waived)[0] == 1
    status, out, _ = lint("-", stdin="x = (")
    assert (status, out.splitlines()[0]) == (
        1,
        "<stdin>:1:5: L901 syntax-error: not Python: '(' was never closed",
    )


def test_json_says_what_was_read_and_which_rules(lint):
    status, out, _ = lint("model.py", "--as-of", "2026-11-24", "--format", "json")
    told = json.loads(out)
    assert status == 1
    assert (told["files"], told["bytes"], told["as_of"]) == (1, len(SOURCE), "2026-11-24")
    assert [problem["rule"] for problem in told["problems"]] == [
        "hardcoded-hyperparameter",
        "unsorted-listing",
    ]
    assert [rule["code"] for rule in told["rules"]] == ["L101", "L302"]


def test_github_and_sarif(lint):
    status, out, _ = lint("--format", "github")
    assert status == 1
    assert [line.split(",")[0] for line in out.splitlines()] == ["::error file=model.py"] * 2
    assert lint("-", "--format", "github", stdin="x = 1") == (0, "", "")
    status, out, _ = lint("--format", "sarif")
    (run,) = json.loads(out)["runs"]
    assert status == 1
    assert [result["ruleId"] for result in run["results"]] == [
        "hardcoded-hyperparameter",
        "unsorted-listing",
    ]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)


def test_rules_are_listed_and_explained(lint):
    status, out, _ = lint("--rules")
    assert (status, len(out.splitlines())) == (0, len(RULES))
    status, out, _ = lint("--explain", "l102")
    assert (status, out.splitlines()[0]) == (0, "L102 hardcoded-seed: a seed has its value in code")
    assert "# repro: allow hardcoded-seed until" in out
    assert "# repro: allow" not in lint("--explain", "syntax-error")[1]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--explain", "nothing"], 2, "there is no rule 'nothing'"),
        (["--rules", "--format", "sarif"], 2, "holds findings, not rules"),
        (["--as-of", "soon"], 2, "'soon' is no day"),
        (["--as-of", "20270630"], 2, "'20270630' is no day"),
        (["--format", "xml"], 2, "xml"),
        (["nowhere"], 3, "nowhere: No such file or directory"),
        (["--exclude", "*.py"], 3, "no Python file in: ."),
    ],
)
def test_what_cannot_be_done_is_said(lint, words, status, said):
    ended, out, err = lint(*words)
    assert (ended, out) == (status, "")
    assert said in err
