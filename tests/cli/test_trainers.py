"""`repro trainers`, as a user has it in a shell: no workspace is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.cli import verify
from repro.cli.trainers.check import _tell
from repro.cli.trainers.list import _row
from repro.cli.trainers.show import _limit, _type
from repro.conformance.checks import CHECKS
from repro.conformance.run import Report, Verdict
from repro.conformance.subject import Finding
from repro.execution.variation import NONE, VARIATIONS
from repro.facts.limits import LEVELS, Limit
from repro.facts.trainers import declaration, declarations
from repro.verbs.comparing.rounds import Round, Verification

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
    assert _row(trainer)[-1] == "not installed: pip install '.[lightgbm]'"
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


def report_of(*faults, **more):
    """Return a report in which each check finds the same faults."""
    checks = [CHECKS[name] for name in ("outputs", "repeats", "locale")]
    verdicts = tuple(
        Verdict(check, tuple(Finding(*f, **more) for f in faults), ()) for check in checks
    )
    return Report(declaration("ridge"), verdicts)


def test_what_several_checks_find_is_written_once(capsys):
    report, said = report_of(("regression", "it raised"), ("binary", "it raised")), {}
    for verdict in report.verdicts:
        _tell(verdict, said)
    written = capsys.readouterr().out
    assert written.count("it raised") == 1
    assert "    regression, binary: it raised\n" in written
    assert written.count("    the same as in outputs\n") == 2
    assert report.repeated == (("it raised", "outputs", 3),)


def test_only_other_bits_are_a_breach_of_determinism():
    assert report_of(("binary", "an error")).exit_status == 1
    assert report_of(("binary", "other bits"), bits=True).exit_status == 5
    assert report_of().exit_status == 0


def test_a_name_that_is_nearly_one_is_told(in_this_process, tmp_path):
    said = in_this_process(["trainers", "show", "lgbm"], tmp_path)
    assert said.returncode == 2
    assert "no trainer offers the family 'lgbm'; did you mean lightgbm?" in said.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("verify", "@latest", "--vary", "time-zone"), "--variation NAME"),
        (("doctor", "@latest"), "--against RUN"),
    ],
)
def test_one_argument_too_many_says_which_option_was_meant(words, meant, in_this_process, tmp_path):
    said = in_this_process(words, tmp_path)
    assert said.returncode == 2
    assert "unexpected extra argument" in said.stderr
    assert meant in said.stderr


def test_the_headline_of_bits_that_broke_under_a_variation_names_it(capsys):
    run = SimpleNamespace(name="r-1", snapshot={"outputs": ["a", "b"], "level": "strict"})
    under = Round(VARIATIONS["directory"], "k", "d", ("a",), ())
    plain = Round(NONE, "k", "d", (), ())
    verify._text(Verification(run, "BROKEN", (), (plain, under), 3, 4))
    headline = capsys.readouterr().out.splitlines()[0]
    assert headline == "BROKEN: run r-1: other bits under: directory"
