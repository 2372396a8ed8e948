"""`repro diff`: its alarms, and where two runs first went apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from .resealing import diff, edited, other_bits, predicting, resealed, slower

pytestmark = pytest.mark.xdist_group("one run")


def test_a_key_that_moved_without_a_cause_is_an_alarm_whatever_the_bits(with_run):
    desk, run = with_run
    other = resealed(desk, run["run"], lambda folder, snapshot: None)
    answer = diff(desk, run["run"], other, status=5)
    assert (answer["verdict"], answer["same_bits"]) == ("UNEXPLAINED", True)
    assert answer["moved"] == answer["unstated"] == ["execution_key"]
    text = desk.run("diff", run["run"], other, status=5).stdout
    assert text.startswith("UNEXPLAINED: a signature or key is another, and nothing")
    assert "without a cause: execution_key" in text
    for form in ("markdown", "html"):
        said = desk.run("diff", run["run"], other, "--format", form, status=5).stdout
        assert "Without a cause: execution" in said


def test_a_run_with_itself_has_no_change_to_attribute(with_run):
    desk, run = with_run
    said = desk.run("diff", run["run"], run["run"], "--attribute", status=2).stderr
    assert "nothing differs between these runs: there is no change to attribute" in said


@pytest.mark.parametrize("words", [("--every-order", "0"), ("--every-order", "4"), ("--yes",)])
def test_what_is_for_an_attribution_is_refused_without_one(with_run, words):
    desk, run = with_run
    said = desk.run("diff", run["run"], run["run"], *words, status=2).stderr
    assert f"{words[0]} is for --attribute" in said


def test_a_signature_that_moved_without_a_cause_is_an_alarm_beside_any_explanation(with_run):
    desk, run = with_run

    def change(folder, snapshot):
        slower(folder, snapshot)
        other_bits(snapshot)
        snapshot["payloads"]["target"]["config"]["targets.fwd_ret_5d.horizon"] = 6

    other = resealed(desk, run["run"], change)
    answer = diff(desk, run["run"], other, status=5)
    assert answer["unstated"] == ["target_signature"]
    assert [cause["moves"] for cause in answer["causes"]] == [["execution_key"]]


def test_what_moved_and_what_the_causes_move_agree_in_the_json(with_run):
    desk, run = with_run
    other = resealed(desk, run["run"], slower)
    answer = diff(desk, run["run"], other)
    assert (answer["verdict"], answer["moved"]) == ("reproduced", ["execution_key"])
    assert answer["unstated"] == answer["divergence"] == []
    assert "other: execution_key" in desk.run("diff", run["run"], other).stdout


def test_the_first_divergence_goes_down_to_the_tree_and_the_row(with_run):
    desk, run = with_run

    def other_tree(parts):
        trees = next(group for group in parts["fold 2"] if group["name"] == "tree")
        digests = trees["digests"]
        trees["digests"] = digests[:16] + "00000000" + digests[24:]

    def nudged(table):
        at = int(np.flatnonzero(table["fold"] == 2)[3])
        table["prediction"][at] = np.nextafter(table["prediction"][at], 1)
        return table

    def change(folder, snapshot):
        slower(folder, snapshot)
        other_bits(snapshot, "model, fold 2", "predictions", "predictions, fold 2")
        edited(folder, "model_parts.json", other_tree)
        predicting(folder, nudged)

    answer = diff(desk, run["run"], resealed(desk, run["run"], change), status=1)
    model, row = answer["divergence"]
    assert (model["kind"], row["kind"]) == ("model", "predictions")
    assert model["where"].startswith("fold 2, tree 3 (1 of ")
    assert row["where"].startswith("fold 2, ")
    assert "(1 of " in row["where"]
    assert answer["predictions"]["changed"] == answer["predictions"]["largest_ulps"] == 1
    text = desk.run("diff", run["run"], "bbbbbbbbbbbb-1", status=1).stdout
    assert "first divergence" in text
    assert "fold 2, tree 3 (1 of " in text


def test_a_prediction_that_is_infinite_is_compared_in_json_that_anybody_reads(with_run):
    desk, run = with_run

    def infinite(table):
        table["prediction"][7] = np.inf
        return table

    def change(folder, snapshot):
        slower(folder, snapshot)
        other_bits(snapshot, "predictions")
        predicting(folder, infinite)

    other = resealed(desk, run["run"], change)
    found = diff(desk, run["run"], other, status=1)["predictions"]
    assert (found["changed"], found["largest"], found["correlation"]) == (1, None, None)
    for form in ("text", "markdown"):
        said = desk.run("diff", run["run"], other, "--format", form, status=1).stdout
        assert "largest by no finite number" in " ".join(said.split())


def test_changed_data_do_not_keep_predictions_from_being_compared(with_run):
    desk, run = with_run

    def change(folder, snapshot):
        snapshot["payloads"]["dataset"]["facts"]["root"] = "blake3:" + "1" * 64
        other_bits(snapshot, "predictions")
        predicting(folder, lambda table: table[5:])

    answer = diff(desk, run["run"], resealed(desk, run["run"], change), status=1)
    assert "no better or worse" in answer["label"]
    found = answer["predictions"]
    assert (found["only_a"], found["only_b"], found["changed"]) == (5, 0, 0)
    assert [d["where"] for d in answer["divergence"]] == [
        "the dataset's digest",
        "5 rows are missing, 0 are new",
    ]


@pytest.mark.slow
def test_real_runs_of_other_tasks_targets_and_families_are_compared_without_an_alarm(with_run):
    desk, run = with_run
    changes = (
        ("--target", "fwd_up_5d"),
        ("--target", "fwd_class_5d"),
        ("--target", "fwd_ret_1d"),
        ("--family", "ridge"),
        ("--set", "splits.method=k_fold", "--set", "purge=5"),
        ("--set", "dataset.start=2004-01-01"),
        ("--set", "feature_selection.method=correlation", "--set", "top_k=3"),
    )
    for change in changes:
        other = desk.train(*change)
        answer = diff(desk, run["run"], other["run"], status=1)
        assert (answer["verdict"], answer["unstated"]) == ("explained", []), change
        assert set(answer["moved"]) == {n for c in answer["causes"] for n in c["moves"]}, change
        assert answer["divergence"], change
        desk.run("diff", run["run"], other["run"], status=1)


@pytest.mark.slow
def test_where_a_target_was_named_is_told_whoever_named_it(with_run):
    desk, run = with_run
    text = "experiment:\n  description: Two.\n  targets: [fwd_ret_1d, fwd_ret_5d]\n"
    (desk.root / "CONFIG" / "experiments" / "two.yaml").write_text(text)
    words = ("train", "-q", "--family", "ridge")
    first = desk.json(*words, "-e", "two")["runs"][0]["run"]
    second = desk.json(*words, "--set", "alpha=3", "--target", "fwd_ret_1d")["run"]
    desk.run(
        "sweep", "-q", "--jobs", "1", "--seed", "7", *words[2:], "target=fwd_ret_1d", "alpha=2,4"
    )
    default = "A CONFIG/data/dataset.yaml:30:19  default_target: fwd_ret_5d"
    for other, side in (
        (first, "B CONFIG/experiments/two.yaml:3:13  targets: [fwd_ret_1d, fwd_ret_5d]"),
        (second, "B command line  --target fwd_ret_1d"),
        ("@latest", "B command line  axis target=fwd_ret_1d"),
    ):
        lines = desk.run("diff", run["run"], other, status=1).stdout.splitlines()
        (at,) = (n for n, line in enumerate(lines) if line.startswith("  target: "))
        assert [line.strip() for line in lines[at + 1 : at + 3]] == [default, side]
    found = desk.json("diff", first, "@latest", "--attribute")
    assert found["trained"] > 0
    made = desk.json("runs", "list", "--limit", "1")["runs"][0]
    config = json.loads((Path(made["folder"]) / "config.json").read_text("utf-8"))
    assert config["target_from"]["file"] == f"run {first}: CONFIG/experiments/two.yaml"
