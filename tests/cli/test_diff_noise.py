"""`repro diff`: how much of a change is noise, and what that is told from."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from .resealing import diff, edited, folder_of, other_bits, resealed, slower

pytestmark = pytest.mark.xdist_group("one run")


def replicate(desk, run, seed, rmse, **more):
    """Seal a replicate of a run: another seed, the metrics that it gave, and what more is said."""

    def change(folder, snapshot):
        snapshot["comparison_group"] |= {"train_seed": seed, "strict_key": f"{seed:064x}"}
        snapshot["metrics"] |= {"rmse": rmse, "mae": rmse and rmse / 2}
        snapshot.update(more)
        other_bits(snapshot)

        def sow(config):
            for value in config["values"]:
                if value["path"].endswith("reproducibility.base_seed"):
                    value["value"] = seed

        edited(folder, "config.json", sow)

    return resealed(desk, run, change, name=f"{seed:012x}-1", key=f"{seed:064x}")


def judged(config, mode):
    """Let a sealed configuration say otherwise which runs count as replicates."""
    for value in config["values"]:
        if value["path"] == "identity_config.stability.filter_mode":
            value["value"] = mode


@pytest.mark.parametrize("mode", ["replicate", "strict"])
def test_noise_is_told_from_replicates_where_there_are_enough_of_any_kind_of_change(with_run, mode):
    desk, run = with_run
    replicates = [replicate(desk, run["run"], seed, rmse) for seed, rmse in ((7, 1.0), (8, 3.0))]
    answer = diff(desk, run["run"], replicates[0], status=1)
    assert answer["verdict"] == "too few replicates"

    def change(folder, snapshot):
        edited(folder, "config.json", lambda config: judged(config, mode))
        slower(folder, snapshot)
        other_bits(snapshot)

    effects = diff(desk, resealed(desk, run["run"], change), run["run"], status=1)["effects"]
    group = {"rmse": [run["metrics"]["rmse"], 1.0, 3.0]}
    group["mae"] = [run["metrics"]["mae"], 0.5, 1.5]
    needed = 3
    for effect in effects:
        if effect["metric"] in group:
            assert (effect["noise_from"], effect["noise_count"]) == ("replicates", needed)
            deviation = np.std(group[effect["metric"]], ddof=1)
            assert effect["noise"] == pytest.approx(np.sqrt(2) * deviation)


def test_runs_of_other_configurations_are_no_noise_even_where_the_rule_judges_by_names(with_run):
    desk, run = with_run

    def change(folder, snapshot):
        edited(folder, "config.json", lambda config: judged(config, "legacy"))
        slower(folder, snapshot)
        other_bits(snapshot)

    other = resealed(desk, run["run"], change)
    for number in (1, 2, 3):
        group = {"replicate_key": f"{number:064x}", "strict_key": f"{number:064x}"}
        resealed(
            desk,
            run["run"],
            lambda f, s, group=group: s["comparison_group"].update(group),
            name=f"{number:012x}-1",
            key=f"{number:064x}",
        )
    effects = {e["metric"]: e for e in diff(desk, other, run["run"], status=1)["effects"]}
    assert (effects["rmse"]["noise_from"], effects["rmse"]["noise_count"]) == ("folds", 5)


@pytest.mark.parametrize("differs", [0.5, 5.0])
def test_what_is_judged_by_replicates_is_one_metric_and_named(with_run, differs):
    desk, run = with_run
    for seed, rmse in ((7, 1.0), (8, 2.0), (9, 3.0)):
        replicate(desk, run["run"], seed, rmse)
    other = replicate(desk, run["run"], 10, run["metrics"]["rmse"] + differs)
    said = desk.run("diff", run["run"], other, status=int(differs > 2)).stdout.splitlines()
    more = "but rmse differs more" if differs > 2 else "and rmse differs no more"
    assert said[0].endswith(f"only the seed differs, {more} than among replicates")
    assert "rmse differs by" in said[-2]
    assert "range 1 to 3" in " ".join(" ".join(said[-2:]).split())


def test_a_run_without_the_metric_is_not_said_to_have_too_few_replicates(with_run):
    desk, run = with_run
    for seed in (7, 8, 9):
        replicate(desk, run["run"], seed, float(seed))
    replicate(desk, run["run"], 11, None)
    other = replicate(desk, run["run"], 10, None)
    answer = diff(desk, run["run"], other, status=1)
    assert answer["verdict"] == answer["spread"]["verdict"] == "no metric"
    assert (answer["spread"]["count"], answer["spread"]["lacking"]) == (3, 1)
    for form in ("text", "markdown"):
        said = " ".join(
            desk.run("diff", run["run"], other, "--format", form, status=1).stdout.split()
        )
        assert "only the seed differs, but rmse, which is judged, is no number in both" in said
        assert "rmse is missing, or no finite number, in one of the two" in said
        assert "too few" not in said


@pytest.mark.parametrize("mode", ["legacy", "strict"])
def test_a_group_is_found_by_the_key_that_is_shown_for_it(with_run, mode):
    desk, run = with_run
    desk.edit("identity_config.yaml", "filter_mode: replicate", f"filter_mode: {mode}")
    if mode == "legacy":
        replicate(desk, run["run"], 7, 1.0)
    else:
        resealed(desk, run["run"], lambda f, s: (slower(f, s), other_bits(s)))
    shown = desk.run("stability", status=1).stdout.splitlines()[1].split()[0]
    (group,) = desk.json("stability", shown, status=1)["groups"]
    assert group["key"].startswith(shown)
    if mode == "legacy":
        assert shown == group["key"] == "fwd_ret_5d/cross_sectional/lightgbm"


def test_over_how_many_pairs_predictions_were_compared_is_said(with_run):
    desk, run = with_run
    replicate(desk, run["run"], 7, 1.0)
    assert "over 1 pair of replicates" in desk.run("stability", run["run"], status=1).stdout

    def change(folder, snapshot):
        snapshot["comparison_group"] |= {"train_seed": 8, "strict_key": "8" * 64}
        (folder / "predictions.npy").unlink()

    resealed(desk, run["run"], change)
    (group,) = desk.json("stability", run["run"], status=None)["groups"]
    assert group["predictions"]["pairs"] == 1
    said = desk.run("stability", run["run"], status=None).stdout
    assert "over 1 of 3 pairs: some replicates have no predictions" in said


def test_an_incomplete_run_is_not_judged_by_others_in_its_place(with_run):
    desk, run = with_run
    desk.edit("identity_config.yaml", "filter_mode: replicate", "filter_mode: legacy")
    other = replicate(desk, run["run"], 7, 1.0, incomplete=["dataset"])
    said = desk.run("stability", other, status=2).stderr
    assert f"run {other} is incomplete, and counts as nobody's replicate" in said
    (group,) = desk.json("stability", "fwd_ret_5d/cross_sectional/lightgbm", status=1)["groups"]
    assert group["runs"] == [run["run"]]


def test_a_trend_says_how_many_runs_have_no_metric(with_run):
    desk, run = with_run
    lacking = [replicate(desk, run["run"], seed, None) for seed in (7, 8)]
    (line,) = desk.json("trend")["lines"]
    assert line["left_out"] == lacking
    assert [one["run"] for one in line["runs"]] == [run["run"]]
    said = desk.run("trend").stdout
    assert "left out: 2 runs have no rmse that is a finite number" in said
    other = replicate(desk, run["run"], 9, None, family="ridge")
    answer = desk.json("trend")
    assert (len(answer["lines"]), answer["left_out"]) == (1, [other])
    said = desk.run("trend").stdout.splitlines()[-1]
    assert said == "1 run has no headline metric that is a finite number, and no line"


def test_no_noise_stands_beside_metrics_of_another_target(with_run):
    desk, run = with_run
    for seed, rmse in ((7, 1.0), (8, 3.0)):
        replicate(desk, run["run"], seed, rmse)

    def change(folder, snapshot):
        snapshot["target"] = "fwd_ret_9d"
        snapshot["payloads"]["target"]["facts"] = {"horizon": 9}
        snapshot["comparison_group"] |= {"replicate_key": "c" * 64, "strict_key": "d" * 64}
        other_bits(snapshot)

    other = resealed(desk, run["run"], change)
    for pair in ((run["run"], other), (other, run["run"])):
        answer = diff(desk, *pair, status=1)
        assert "metrics are of different rows or targets" in answer["label"]
        assert {e["noise"] for e in answer["effects"]} == {None}
        assert {e["within_noise"] for e in answer["effects"]} == {None}


def test_what_an_attribution_trained_is_no_noise_and_nobodys_replicate(with_run):
    desk, run = with_run
    of = {"kind": "attribution", "runs": [run["run"], run["run"]]}
    (asked, *made) = [
        replicate(desk, run["run"], seed, rmse, **more)
        for seed, rmse, more in (
            (7, 1.0, {}),
            (8, 3.0, {"made_for": of}),
            (9, 5.0, {"made_for": of}),
        )
    ]
    other = resealed(desk, run["run"], lambda f, s: (slower(f, s), other_bits(s)))
    effects = {e["metric"]: e for e in diff(desk, other, run["run"], status=1)["effects"]}
    assert (effects["rmse"]["noise_from"], effects["rmse"]["noise_count"]) == ("folds", 5)
    assert diff(desk, run["run"], asked, status=1)["spread"]["count"] == 0
    key = desk.snapshot(run["run"])["comparison_group"]["replicate_key"]
    for words in ((), (asked,), (key[:9],)):
        (group,) = desk.json("stability", *words, status=1)["groups"]
        assert sorted(group["seeds"]) == [7, 42]
    said = desk.run("stability", made[0], status=2).stderr
    assert "was trained for an attribution, and counts as nobody's replicate" in said
    shutil.rmtree(desk.root / "RESULTS" / "runs" / made[1])
    assert desk.json("stability", asked, status=1)["groups"][0]["gone"] == []


def test_a_replicate_that_was_tampered_with_vouches_for_no_noise(with_run):
    desk, run = with_run
    seeded = replicate(desk, run["run"], 7, 1.0)
    other = resealed(desk, run["run"], lambda f, s: (slower(f, s), other_bits(s)))
    (folder_of(desk, seeded) / "metrics.json").write_text("{}", "utf-8")
    done = desk.run("diff", run["run"], other, status=4)
    assert done.stdout == ""
    assert f"run {seeded} is not what it was" in done.stderr
