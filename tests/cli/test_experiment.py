"""An experiment of several runs: all checked, each once, and on again after it was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SEVERAL = """experiment:
  description: Two targets, two families, one of them for each of two symbols too.
  targets: [fwd_ret_1d, fwd_ret_5d]
  families: [ridge, elasticnet]
  views: [cross_sectional, symbol_specific]
  symbols: [AAPL, IBM]
"""


@pytest.fixture
def several(desk):
    """Return a desk with an experiment of twelve runs."""
    (desk.root / "CONFIG" / "experiments" / "several.yaml").write_text(SEVERAL)
    return desk


def test_a_symbol_that_the_data_do_not_have_is_told_before_anything_is_trained(several):
    file = "CONFIG/experiments/several.yaml"
    several.edit("experiments/several.yaml", "[AAPL, IBM]", "[AAPL, IBN, NOPE]")
    before = several.records()
    done = several.run("train", "-q", "-e", "several", status=1)
    assert several.records() == before
    assert (
        f"{file}:6:19: experiment.symbols: no such symbol: 'IBN'; did you mean IBM?" in done.stderr
    )
    assert f"{file}:6:24: experiment.symbols: no such symbol: 'NOPE'" in done.stderr
    assert "symbols of the dataset: AAPL" in done.stderr
    assert "2 problems" in done.stderr


def test_data_that_cannot_be_read_are_told_by_the_first_training(several):
    panel = several.root / "data" / "stocks.csv.gz"
    panel.write_bytes(panel.read_bytes()[:1000])
    several.run("train", "-q", "-e", "several", "-t", "fwd_ret_5d", status=3)
    assert several.records()[-1]["type"] == "run.refused"


def test_every_member_is_an_ordinary_run_and_is_trained_once(several):
    found = several.json("train", "-q", "-e", "several")
    named = [(r["target"], r["family"], r["view"], r["symbol"]) for r in found["runs"]]
    assert len(set(named)) == 12
    assert named[0] == ("fwd_ret_1d", "ridge", "cross_sectional", None)
    assert named[-1] == ("fwd_ret_5d", "elasticnet", "symbol_specific", "IBM")
    types = [record["type"] for record in several.records()]
    assert (types.count("run.planned"), types.count("run.completed")) == (12, 12)
    planned = [r["body"] for r in several.records() if r["type"] == "run.planned"]
    assert {body["experiment"] for body in planned} == {"several"}
    assert several.json("runs", "list", "--experiment", "several")["matching"] == 12
    again = several.json("train", "-q", "-e", "several", "--family", "ridge")
    assert [one["reused"] for one in again["runs"]] == [True] * 6
    symbol = several.json("train", "-q", "-e", "several", "--symbol", "MSFT", "-t", "fwd_ret_1d")
    assert [(one["symbol"], one["reused"]) for one in symbol["runs"]] == [("MSFT", False)] * 2
    rerun = several.json("train", "-q", "-e", "several", "--rerun", "-t", "fwd_ret_1d")
    assert not any(one["reused"] for one in rerun["runs"])
    assert several.json("audit", "verify", "--artifacts")["verdict"] == "ok"


def test_an_experiment_of_one_run_is_an_experiment_as_any_other(desk):
    words = ("train", "-q", "-e", "quick_look")
    told = desk.run(*words).stdout
    assert told.startswith("run ")
    assert "out of fold" in told
    assert told.endswith("experiment quick_look: 1 trained, 0 sealed before, 0 failed\n")
    again = desk.run(*words).stdout
    assert again.partition("\n")[0].endswith("lightgbm for fwd_ret_5d, sealed before")
    assert again.endswith("experiment quick_look: 0 trained, 1 sealed before, 0 failed\n")
    found = desk.json(*words)
    assert found["command"] == "train experiment"
    (one,) = found["runs"]
    assert one["reused"]
    snapshot = json.loads((Path(one["folder"]) / "snapshot.json").read_bytes())
    for name in ("run", "comparison_group", "output_digest"):
        assert one[name] == snapshot[name]
    assert [r["type"] for r in desk.records()].count("run.planned") == 1
    (anew,) = desk.json(*words, "--rerun")["runs"]
    assert not anew["reused"]
    assert [r["type"] for r in desk.records()].count("run.planned") == 2


def test_every_summary_says_what_was_never_promised(several):
    level = ("-q", "--level", "best-effort", "--profile", "debug")
    words = ("-e", "several", "-t", "fwd_ret_1d", "--view", "cross_sectional")
    assert several.run("train", *level, *words).stdout.count("best-effort") == 2
    told = several.run("train", *level, "--replicates", "2").stdout
    assert "best-effort: its bits are not promised" in told
    assert "repro stability" not in told  # which leaves such runs out
    assert "best-effort: its bits are not promised" in several.run("rank", *level).stdout


def test_a_killed_experiment_goes_on_and_nothing_is_lost_or_trained_twice(several):
    words = [sys.executable, "-P", "-m", "repro", "train", "-q", "-e", "several"]
    process = subprocess.Popen(words, cwd=several.root, env=several.environment)
    while sum(record["type"] == "run.completed" for record in several.records()) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = [r["body"]["run"] for r in several.records() if r["type"] == "run.completed"]
    assert len(before) < 12
    found = several.json("train", "-q", "-e", "several")
    reused = {one["run"] for one in found["runs"] if one["reused"]}
    assert reused == set(before)
    ends = [r["body"]["run"] for r in several.records() if r["type"] == "run.completed"]
    assert len(ends) == len(set(ends)) == 12
    assert {one["run"] for one in found["runs"]} == set(ends)
    assert several.json("audit", "verify", "--artifacts")["verdict"] == "ok"


def test_one_that_fails_does_not_stop_the_others(several):
    path = several.root / "CONFIG" / "experiments" / "several.yaml"
    path.write_text(SEVERAL.replace("AAPL, IBM", "FB, IBM"))
    few = ("--family", "ridge", "-t", "fwd_ret_1d")
    found = several.json("train", "-q", "-e", "several", *few, status=3)
    assert [one["run"] is None for one in found["runs"]] == [False, True, False]
    failed = found["runs"][1]
    assert (failed["folder"], failed["comparison_group"], failed["output_digest"]) == (None,) * 3
    assert "rows" in failed["problem"] or "fold" in failed["problem"]
    told = several.run("train", "-q", "-e", "several", *few, status=3).stdout
    assert f"FB: {failed['problem']}\n  hint: {failed['hint']}\n" in told


def test_nothing_is_trained_if_one_of_them_cannot_be(several):
    path = several.root / "CONFIG" / "experiments" / "several.yaml"
    path.write_text(SEVERAL.replace("elasticnet", "elastic"))
    assert "elastic" in several.run("train", "-q", "-e", "several", status=1).stderr
    path.write_text(SEVERAL.replace("fwd_ret_5d", "fwd_up_5d"))  # ridge knows no classes
    said = several.run("train", "-q", "-e", "several", status=1).stderr
    assert "fwd_up_5d" in said
    path.write_text(SEVERAL.replace("  symbols: [AAPL, IBM]\n", ""))
    assert "write its `symbols`" in several.run("train", "-q", "-e", "several", status=2).stderr
    assert not [r for r in several.records() if r["type"] == "run.planned"]
