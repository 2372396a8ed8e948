"""Targets ranked through the command: ordinary runs, in order, and an honest word about them."""

import pytest

from repro.cli.rank import text
from repro.runs.ranking import Model, standing
from repro.verbs.research.rank import Ranking


@pytest.mark.parametrize("families", [("ridge",), ("ridge", "lightgbm")])
def test_the_table_marks_what_was_sealed_before(capsys, families):
    rule = {"average": "mean", "confidence": 0.95, "resamples": 20, "metric": "skill"}
    models = [
        Model(family, "ranked", f"{family}-1", family == "ridge", value=0.5) for family in families
    ]
    text(Ranking(families, rule, (standing("t", models, "skill", rule, 1),), (), "strict"))
    lines = capsys.readouterr().out.splitlines()
    (ridge,) = [line for line in lines if "ridge-1" in line]
    assert ridge.split()[-3:] == ["ridge-1", "sealed", "before"]
    assert sum("sealed before" in line for line in lines) == 1


def test_each_target_is_an_ordinary_run_and_one_that_does_not_fit_is_told(desk):
    answer = desk.json("rank", "--quiet", "--profile", "debug", "--family", "ridge")
    first, second, *unfit = answer["targets"]
    assert [(one["target"], one["outcome"], one["reason"]) for one in unfit] == [
        ("fwd_class_5d", "unfit", "ridge cannot be trained for multiclass"),
        ("fwd_up_5d", "unfit", "ridge cannot be trained for binary"),
    ]
    assert first["value"] >= second["value"]
    assert {first["target"], second["target"]} == {"fwd_ret_1d", "fwd_ret_5d"}
    for place, one in enumerate((first, second), start=1):
        (model,) = one["models"]
        snapshot = desk.snapshot(model["run"])
        assert (one["rank"], one["value"]) == (place, snapshot["metrics"]["skill"])
        assert one["interval"]["low"] <= one["value"] <= one["interval"]["high"]
        assert snapshot["target"] == one["target"]
    kinds = [r["type"] for r in desk.records() if r["type"].startswith("run.")]
    assert kinds == ["run.planned", "run.completed"] * 2
    planned = [r["body"]["target"] for r in desk.records() if r["type"] == "run.planned"]
    assert planned == ["fwd_ret_5d", "fwd_ret_1d"]  # as targets.yaml has them
    assert answer["conclusions"]


def test_a_target_whose_training_fails_does_not_stop_the_others(desk):
    accuracy = "safety.leakage_detection.auto_fix_thresholds.training_accuracy=0.3"
    sets = (
        *("--set", "target_ranking.targets=[fwd_up_5d, fwd_ret_5d]"),
        *("--set", accuracy, "--set", "splits.folds=1"),
    )
    answer = desk.json("rank", "--quiet", "--profile", "debug", *sets, status=1)
    ranked, failed = answer["targets"]
    assert (ranked["target"], ranked["outcome"]) == ("fwd_ret_5d", "ranked")
    assert ranked["interval"] is None
    assert (failed["target"], failed["outcome"]) == ("fwd_up_5d", "failed")
    assert failed["models"][0]["run"] is None
    assert failed["reason"].startswith("leakage: ")
    kinds = [r["type"] for r in desk.records() if r["type"].startswith("run.")]
    assert kinds == ["run.planned", "run.failed", "run.planned", "run.completed"]


def test_what_is_wrong_with_every_target_is_said_before_any_is_trained(desk):
    done = desk.run("rank", "--quiet", "--set", "target_ranking.targets=[fwd_rt_1d]", status=1)
    assert "no such target: 'fwd_rt_1d'; did you mean fwd_ret_1d?" in done.stderr
    assert not list(desk.root.glob("RESULTS/runs/*"))


@pytest.mark.slow
def test_several_families_judge_and_what_is_sealed_is_not_trained_again(desk):
    sets = (
        *("--set", "target_ranking.targets=[fwd_ret_5d, fwd_up_5d]"),
        *("--set", "target_ranking.families=[lightgbm, ridge]", "--set", "splits.folds=3"),
    )
    answer = desk.json("rank", "--quiet", "--profile", "debug", *sets)
    assert answer["families"] == ["lightgbm", "ridge"]
    by_name = {one["target"]: one for one in answer["targets"]}
    both, alone = by_name["fwd_ret_5d"], by_name["fwd_up_5d"]
    values = [desk.snapshot(model["run"])["metrics"]["skill"] for model in both["models"]]
    assert both["value"] == sum(values) / 2
    assert [model["outcome"] for model in alone["models"]] == ["ranked", "unfit"]
    assert "fwd_up_5d is judged by lightgbm alone, not by ridge" in answer["conclusions"]
    again = desk.json("rank", "--quiet", "--profile", "debug", *sets)
    reused = [m["reused"] for one in again["targets"] for m in one["models"] if m["run"]]
    assert reused == [True] * 3
    assert [one["interval"] for one in again["targets"]] == [
        one["interval"] for one in answer["targets"]
    ]
    kinds = [r["type"] for r in desk.records() if r["type"].startswith("run.")]
    assert kinds == ["run.planned", "run.completed"] * 3
    narrow = desk.json("rank", "--quiet", "--profile", "debug", "--family", "ridge", *sets)
    assert narrow["families"] == ["ridge"]


def test_a_family_to_rank_by_that_does_not_exist_is_said_before_any_is_trained(desk):
    done = desk.run("rank", "--quiet", "--set", "target_ranking.families=[lightgmb]", status=1)
    assert "no family 'lightgmb' with a document here; did you mean lightgbm?" in done.stderr
    assert not list(desk.root.glob("RESULTS/runs/*"))
