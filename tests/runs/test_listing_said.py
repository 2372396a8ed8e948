"""What lists say at the front desk: of slips, pages past the end, marks, and a log that is gone."""

import json
import shutil

import pytest

from repro.runs import layout

from .laid_down import complete, seal


@pytest.fixture
def root(tmp_path):
    """Return a workspace with three runs that the lines of a log complete, and no key."""
    (tmp_path / "CONFIG").mkdir()
    complete(tmp_path, *(seal(tmp_path, number) for number in (1, 2, 3)))
    return tmp_path


@pytest.fixture
def say(in_this_process, root):
    """Return what runs ``repro`` there."""
    return lambda *words: in_this_process(words, root)


@pytest.mark.parametrize("words", [("runs", "list"), ("trend",)])
def test_a_slip_in_a_filter_is_said_with_what_was_meant(root, say, words):
    shutil.rmtree(root / "CONFIG")
    assert say("init", "--add-missing").returncode == 0
    said = say(*words, "--family", "ligthgbm")
    assert (said.returncode, said.stdout) == (2, "")
    assert "no run has the family 'ligthgbm'" in said.stderr
    assert "did you mean lightgbm?" in said.stderr
    assert "runs have: lightgbm, ridge" in said.stderr


def test_a_family_that_no_run_has_yet_is_no_slip(say):
    said = say("runs", "list", "--family", "xgboost")
    assert (said.returncode, said.stdout) == (0, "none of 3 runs is like that\n")


def test_a_symbol_that_no_run_is_of_is_refused(root, say):
    said = say("runs", "list", "--symbol", "IBM")
    assert (said.returncode, said.stdout) == (2, "")
    assert "no run has the symbol 'IBM'\n" in said.stderr
    assert "no run has any symbol" in said.stderr
    complete(root, seal(root, 4, view="symbol_specific", symbol="IBM"))
    assert "IBM" in say("runs", "list", "--symbol", "IBM").stdout
    said = say("runs", "list", "--symbol", "IBN")
    assert "no run has the symbol 'IBN'; did you mean IBM?" in said.stderr
    assert "runs have: IBM" in said.stderr


def test_of_one_run_it_is_said_in_the_singular(root, say):
    for folder in sorted(layout.runs(root).iterdir())[1:]:
        shutil.rmtree(folder)
    said = say("runs", "list", "--where", "rmse<0.0001")
    assert said.stdout == "the one run is not like that\n"


def test_a_page_past_the_end_says_how_many_there_are(say):
    assert say("runs", "list", "--offset", "3").stdout == (
        "there are 3 runs: --offset 3 passes over all of them\n"
    )
    assert say("runs", "list", "--offset", str(10**20), "--limit", str(10**20)).returncode == 0
    said = say("runs", "list", "--offset", "9", "--family", "lightgbm")
    assert said.stdout == "there is 1 run: --offset 9 passes over it\n"


def test_a_trend_of_nothing_says_why(root, say):
    shutil.rmtree(root / "CONFIG")
    assert say("init", "--add-missing").returncode == 0
    for words, why in (
        (("--where", "rmse<0.0001"), "none of 3 runs is like that"),
        (("--metric", "rmes"), "no run has the metric 'rmes'; did you mean rmse?"),
        (("--since", "2026-13-45"), "'2026-13-45' is no day or time: month must be in 1..12"),
    ):
        said = say("trend", *words)
        assert (said.returncode, said.stdout) == (2, "")
        assert why in said.stderr
    complete(root, seal(root, 4, rmse=None, seed=99))
    said = say("trend", "--metric", "rmse", "--seed", "99")
    assert "none of the runs that were looked at (1) has the metric 'rmse'" in said.stderr
    assert "(1) has its headline metric" in say("trend", "--seed", "99").stderr
    shutil.rmtree(layout.runs(root))
    said = say("trend")
    assert (said.returncode, said.stdout) == (2, "")
    assert "there are no runs yet" in said.stderr


def test_marks_say_what_must_not_be_overlooked(root, say):
    made_for = {"kind": "attribution", "runs": ["0" * 12 + "-1", "1" * 12 + "-1"]}
    names = {
        "attribution of 000000000000-1 and 111111111111-1": seal(root, 4, made_for=made_for),
        "bits not promised": seal(root, 5, level="best-effort"),
        "leakage: warned": seal(root, 6, leakage={"verdict": "warned"}),
        "leakage: fixed": seal(root, 7, leakage={"verdict": "fixed"}),
    }
    complete(root, *names.values(), seal(root, 8, leakage={"verdict": "clean"}))
    lines = say("runs", "list").stdout.splitlines()
    for mark, name in names.items():
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.endswith(f"  {mark}")
    assert all(line.split()[-1][0].isdigit() for line in lines[1:2])  # clean: no mark


def test_runs_without_a_log_are_said_to_be_held_against_none(root, say):
    assert say("runs", "list").returncode == 0
    log = root / layout.LOG
    log.rename(root / "away")
    said = say("runs", "list")
    assert said.returncode == 4
    assert "there are runs and no log to hold them against" in said.stderr
    assert "put AUDIT_LOG back" in said.stderr
    assert said.stdout.count("not in the log\n") == 3
    said = say("runs", "list", "--format", "json")
    assert (said.returncode, json.loads(said.stdout)["log"]) == (4, False)
    log.mkdir()  # an empty one is none
    assert say("runs", "list").returncode == 4
    shutil.rmtree(log)
    (root / "away").rename(log)
    said = say("runs", "list", "--format", "json")
    assert (said.returncode, json.loads(said.stdout)["log"]) == (0, True)


def test_no_trend_is_told_of_runs_without_a_log(root, say):
    shutil.rmtree(root / "CONFIG")
    assert say("init", "--add-missing").returncode == 0
    assert say("trend").returncode == 0
    (root / layout.LOG).rename(root / "away")
    said = say("trend")
    assert (said.returncode, said.stdout) == (4, "")
    assert "there are runs and no log to hold them against" in said.stderr
