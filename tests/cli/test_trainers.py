"""`repro trainers`, as a user has it in a shell: no workspace is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from repro.cli.trainers.list import _row
from repro.cli.trainers.show import _limit, _type
from repro.facts.limits import LEVELS, Limit
from repro.facts.trainers import declaration, declarations

REPRO = Path(sys.executable).parent / "repro"


def run(folder, *arguments, status=0, **variables):
    done = subprocess.run(
        [str(REPRO), *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_list_has_a_line_for_each_family(tmp_path):
    head, *lines = run(tmp_path, "trainers", "list").stdout.splitlines()
    assert head.split() == ["family", "offered", "by", "tasks", "library"]
    assert [line.split()[0] for line in lines] == sorted(declarations())
    assert all(line.endswith("installed") for line in lines)


def test_a_library_that_is_not_installed_is_named_with_the_command_that_brings_it():
    trainer = replace(declaration("lightgbm"), modules=("no_such_library.core",))
    assert trainer.missing() == ("no_such_library",)
    assert _row(trainer)[-1] == "not installed: pip install 'repro-audit[lightgbm]'"
    assert replace(trainer, extra="", distribution="own").install_command() == "pip install 'own'"


def test_what_is_shown_says_how_to_write_each_hyperparameter_and_why_each_rule(tmp_path):
    said = run(tmp_path, "trainers", "show", "lightgbm").stdout
    trainer = declaration("lightgbm")
    for name, schema in trainer.hyperparameters.items():
        assert f"  {name}: " in said
        assert schema["description"] in said
        assert all(alias in said for alias in schema["aliases"])
    for rule in trainer.rulebook:
        assert f"  {rule.parameter} = " in said
        assert rule.reason in said
        assert rule.evidence in said
    assert "learning_rate: number, above 0, at most 1; also shrinkage_rate, eta" in said
    assert "bagging_fraction has no effect" in said


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, at least 1, at most 9"),
        ({"type": ["number", "null"], "exclusiveMinimum": 0}, "number or null, above 0"),
        ({"type": "string", "enum": ["a", "b"]}, '"a" or "b"'),
        ({"anyOf": [{"type": "number", "maximum": 1}, {"enum": ["sqrt"]}]},
         'number, at most 1 or "sqrt"'),
        ({"type": "array", "items": {"type": "integer", "minimum": 1}},
         "array of integer, at least 1"),
    ],
)  # fmt: skip
def test_a_schema_is_told_in_words(schema, words):
    assert _type(schema) == words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"when": {}}, "not portable: why"),
        ({"when": {"solver": ("svd",)}, "task": "binary"},
         'not portable where solver is "svd" and the task is binary: why'),
        ({"when": {}, "several": True}, "not portable above one thread: why"),
    ],
)  # fmt: skip
def test_a_limit_is_told_in_words(more, words):
    limit = Limit(("portable",), "why", "how", **more)
    assert _limit(limit) == words
    trainer = replace(declaration("ridge"), limits=(limit,))
    never = words == "not portable: why"
    assert trainer.levels() == (("strict", "best-effort") if never else LEVELS)


def test_the_model_document_can_be_printed_as_a_start(tmp_path):
    said = run(tmp_path, "trainers", "show", "ridge", "--document").stdout
    shipped = (Path(__file__).parents[2] / "CONFIG/model_config/ridge.yaml").read_text("utf-8")
    assert said == shipped


def test_a_name_that_does_not_exist_is_a_slip_and_names_come_by_the_shell(tmp_path):
    said = run(tmp_path, "trainers", "show", "lightgmb", status=2).stderr
    assert "no trainer offers the family 'lightgmb'" in said
    assert "families offered here: elasticnet" in said
    said = run(tmp_path, "trainers", "check", "ridge", "--only", "hash_seed", status=2).stderr
    assert "did you mean hash-seed?" in said
    asked = {"_REPRO_COMPLETE": "complete_bash", "COMP_WORDS": "repro trainers check l",
             "COMP_CWORD": "3"}  # fmt: skip
    offered = run(tmp_path, **asked).stdout.split()
    assert offered == ["lightgbm", "logistic_regression"]


def test_a_check_tells_what_it_found_and_its_status(tmp_path):
    done = run(tmp_path, "trainers", "check", "ridge", "--only", "aliases", "--only",
               "early-stopping")  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0] == "passed  aliases: each name means one hyperparameter"
    assert "    note: the family does not stop early" in lines
    assert lines[-1] == "ridge keeps the contract: 2 checks passed"
