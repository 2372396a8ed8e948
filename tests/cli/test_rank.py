"""Targets ranked through the command: ordinary runs, in order, and an honest word about them."""


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
        snapshot = desk.snapshot(one["run"])
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
    assert (failed["target"], failed["outcome"], failed["run"]) == ("fwd_up_5d", "failed", None)
    assert failed["reason"].startswith("leakage: ")
    kinds = [r["type"] for r in desk.records() if r["type"].startswith("run.")]
    assert kinds == ["run.planned", "run.failed", "run.planned", "run.completed"]


def test_what_is_wrong_with_every_target_is_said_before_any_is_trained(desk):
    done = desk.run("rank", "--quiet", "--set", "target_ranking.targets=[fwd_rt_1d]", status=1)
    assert "no such target: 'fwd_rt_1d'; did you mean fwd_ret_1d?" in done.stderr
    assert not list(desk.root.glob("RESULTS/runs/*"))
