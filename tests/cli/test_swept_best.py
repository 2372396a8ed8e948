"""What is said of a sweep that came to its end: what was compared with what, and what was not."""

import pytest

pytestmark = pytest.mark.slow
FAST = ("-q", "--profile", "debug", "--jobs", "2", "--family", "ridge")


def test_points_that_are_scored_on_other_rows_or_labels_are_not_compared(desk):
    axes = ("splits.method=purged_walk_forward,k_fold", "alpha=0.1,10")
    found = desk.json("sweep", *FAST, *axes)
    assert [c["test_set"] for c in found["configurations"]] == [1, 1, 2, 2]
    methods = ["purged_walk_forward", "k_fold"]
    assert [b["values"]["splits.method"] for b in found["best"]] == methods
    assert [(b["test_set"], b["apart"]) for b in found["best"]] == [(1, 2), (2, 2)]
    for one, rivals in zip(found["best"], (slice(0, 2), slice(2, 4)), strict=True):
        means = [c["mean"] for c in found["configurations"][rivals]]
        assert (one["mean"], one["lead"]) == (min(means), abs(means[0] - means[1]))
    text = desk.run("sweep", *FAST, *axes).stdout
    assert "test set" in text.splitlines()[0]
    assert "best for fwd_ret_5d, test set 2: splits.method=k_fold" in text
    apart = "not compared with 2 configurations that were scored on other rows or labels"
    assert text.count(apart) == 2
    # Every row is tested once, in however many folds; and no embargo moves a test.
    more = ("splits.folds=3,5", "splits.embargo=1,2")
    folds = desk.json("sweep", *FAST, "--set", "splits.method=k_fold", *more)
    assert [b["apart"] for b in folds["best"]] == [0]
    horizons = desk.json("sweep", *FAST, "targets.fwd_ret_5d.horizon=4,5")
    assert [(b["target"], b["apart"]) for b in horizons["best"]] == [("fwd_ret_5d", 1)] * 2


def test_targets_without_the_metric_are_named(desk):
    words = (*FAST[:-1], "lightgbm", "n_estimators=5", "target=fwd_ret_5d,fwd_up_5d")
    found = desk.json("sweep", *words, "--metric", "rmse")
    (one,), (row,) = found["unrated"], found["configurations"]
    assert (one["target"], one["metric"], row["target"]) == ("fwd_up_5d", "rmse", "fwd_ret_5d")
    assert one["runs"] == [found["points"][1]["run"]]
    assert (row["failed"], row["lacking"]) == (0, 0)
    text = desk.run("sweep", *words, "--metric", "rmse").stdout
    assert "1 configuration of fwd_up_5d has no rmse, and is not compared" in text
    assert "0 failed" in text


def test_one_run_under_two_spellings_is_one_configuration(desk):
    axes = ("alpha=1,1.0", "seed=1,2")
    found = desk.json("sweep", *FAST, *axes)
    assert [(p["state"], p["same_as"]) for p in found["points"]] == [
        *[("sealed", None)] * 2,
        *[("same run", number) for number in (1, 2)],
    ]
    (row,), (one,) = found["configurations"], found["best"]
    assert (row["values"], len(row["runs"]), one["lead"]) == ({"alpha": 1}, 2, None)
    text = desk.run("sweep", *FAST, *axes).stdout
    assert "alpha=1.0: the same as alpha=1" in text.splitlines()
    assert "neither is better" not in text
