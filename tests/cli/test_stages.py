"""An experiment that ranks, selects and routes: with reasons, each run once, also when killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow
STAGED = """experiment:
  description: The best target, on its best features, by two families, for all and for two symbols.
  targets: [fwd_ret_1d, fwd_ret_5d]
  rank_targets: true
  select_features: true
  families: [ridge, elasticnet]
  views: [cross_sectional, symbol_specific]
  symbols: [AAPL, FB]
overrides:
  feature_selection:
    target_ranking: {target_ranking: {top_targets: 1, families: [ridge]}}
    feature_selection: {feature_selection: {top_k: 4, families: [ridge, elasticnet]}}
  training_config:
    splits_config: {splits: {folds: 3}}
"""


def put(desk, text):
    (desk.root / "CONFIG" / "experiments" / "staged.yaml").write_text(text)


@pytest.fixture(scope="module")
def staged(make_desk):
    """Return a workspace in which such an experiment was carried out, and the answer."""
    desk = make_desk()
    put(desk, STAGED)
    # The youngest symbol has too few rows for a model of its own.
    return desk, desk.json("train", "-q", "-e", "staged", status=3)


def ends(desk):
    records = desk.records()
    planned = [r["body"]["run"] for r in records if r["type"] == "run.planned"]
    done = [r["body"]["run"] for r in records if r["type"] == "run.completed"]
    return planned, done


def test_the_best_targets_are_trained_and_the_others_left_out_for_a_reason(staged):
    _, answer = staged
    ranking = answer["ranking"]
    first, second = ranking["targets"]
    assert first["value"] > second["value"]
    assert ranking["kept"] == [first["target"]]
    reason = "rank 2 of 2, and top_targets is 1"
    assert ranking["left_out"] == [{"target": second["target"], "reason": reason}]
    assert {one["target"] for one in answer["runs"]} == {first["target"]}


def test_every_model_is_trained_on_the_features_that_were_selected(staged):
    desk, answer = staged
    (selection,) = answer["selections"]
    assert len(selection["selected"]) == 4
    assert selection["target"] == answer["ranking"]["kept"][0]
    trained = [one["run"] for one in answer["runs"] if one["run"] is not None]
    assert len(trained) == 4
    for run in trained:
        names = desk.snapshot(run)["payloads"]["features"]["facts"]["names"]
        assert names == selection["selected"]


def test_each_symbol_is_told_which_model_to_use_and_why(staged):
    _, answer = staged
    runs = {(one["family"], one["symbol"]): one["run"] for one in answer["runs"]}
    routing = {(one["family"], one["symbol"]): one for one in answer["routing"]}
    assert set(routing) == {(f, s) for f in ("ridge", "elasticnet") for s in ("AAPL", "FB")}
    for (family, symbol), one in routing.items():
        used = symbol if one["view"] == "symbol_specific" else None
        assert one["run"] == runs[family, used]
    for family in ("ridge", "elasticnet"):
        young, old = routing[family, "FB"], routing[family, "AAPL"]
        assert young["view"] == "cross_sectional"
        assert young["reason"].startswith("its own model could not be trained: fold 1 has")
        assert (young["rows"], young["gain"]) == (None, None)
        assert old["rows"] > 100
        assert (old["view"] == "symbol_specific") == (old["interval"]["low"] > 0)
        assert f"on {old['rows']} common rows" in old["reason"]


def test_each_run_has_one_plan_and_one_end_and_the_name_of_the_experiment(staged):
    desk, answer = staged
    planned, done = ends(desk)
    assert planned == done
    assert len(done) == len(set(done))
    ranked = {m["run"] for one in answer["ranking"]["targets"] for m in one["models"]}
    selected = {model["run"] for model in answer["selections"][0]["models"]}
    trained = {one["run"] for one in answer["runs"]} - {None}
    assert set(done) == ranked | selected | trained
    assert len(ranked & selected) == 1  # ridge on all features, asked for twice and trained once
    bodies = [r["body"] for r in desk.records() if r["type"] == "run.planned"]
    assert {body["experiment"] for body in bodies} == {"staged"}
    assert desk.json("audit", "verify", "--artifacts")["verdict"] == "ok"


def test_a_part_of_it_goes_through_the_same_stages_and_trains_nothing_again(staged):
    desk, answer = staged
    before = ends(desk)
    part = desk.json("train", "-q", "-e", "staged", "--family", "elasticnet", "--symbol", "AAPL")
    assert [one["reused"] for one in part["runs"]] == [True]
    assert part["ranking"]["kept"] == answer["ranking"]["kept"]
    assert part["selections"][0]["selected"] == answer["selections"][0]["selected"]
    assert ends(desk) == before


def test_the_summary_shows_stages_runs_and_routes(staged):
    desk, answer = staged
    said = desk.run("train", "-q", "-e", "staged", status=3).stdout
    (kept,) = answer["ranking"]["kept"]
    assert f"kept: {kept}\n" in said
    assert f"kept: {', '.join(answer['selections'][0]['selected'])}\n" in said
    assert "because" in said
    assert said.endswith("experiment staged: 0 trained, 4 sealed before, 2 failed\n")


@pytest.mark.parametrize("after", [1, 4])
def test_killed_in_a_stage_or_after_it_goes_on_and_nothing_is_lost_or_trained_twice(desk, after):
    put(desk, STAGED.replace("AAPL, FB", "AAPL, IBM"))
    words = [sys.executable, "-P", "-m", "repro", "train", "-q", "-e", "staged"]
    process = subprocess.Popen(words, cwd=desk.root, env=desk.environment)
    while len(ends(desk)[1]) < after:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = ends(desk)[1]
    found = desk.json("train", "-q", "-e", "staged")
    planned, done = ends(desk)
    assert done[: len(before)] == before
    assert len(done) == len(set(done)) == 3 + 6
    interrupted = [r["body"]["run"] for r in desk.records() if r["type"] == "run.interrupted"]
    assert sorted(planned) == sorted([*done, *interrupted])
    assert not any(one["problem"] for one in found["runs"])
    models = [m for one in found["ranking"]["targets"] for m in one["models"]]
    models += [m for one in found["selections"] for m in one["models"]]
    told = {m["run"]: m["reused"] for m in reversed([*models, *found["runs"]])}
    assert {run for run, reused in told.items() if reused} >= set(before) & set(told)
    assert set(told) == set(done)
    assert desk.json("audit", "verify", "--artifacts")["verdict"] == "ok"


@pytest.mark.parametrize(
    ("old", "new", "status", "said"),
    [
        ("top_k: 4", "top_k: 14", 1, "14 cannot be kept"),
        ("families: [ridge, elasticnet]}}", "families: [rige]}}", 1, "did you mean ridge?"),
        ("top_targets: 1, families: [ridge]", "families: [rige]", 1, "did you mean ridge?"),
        ("fwd_ret_1d, ", "fwd_up_5d, ", 1, "cannot be trained for binary"),
    ],
    ids=["features", "families that select", "families that rank", "a task"],
)
def test_what_a_stage_could_not_do_is_said_before_anything_is_trained(desk, old, new, status, said):
    assert STAGED.count(old) == 1
    put(desk, STAGED.replace(old, new))
    assert said in desk.run("train", "-q", "-e", "staged", status=status).stderr
    assert not [r for r in desk.records() if r["type"].startswith("run.")]


def test_it_is_never_trained_without_its_stages(desk):
    put(desk, "experiment: {description: One., select_features: true, families: [ridge]}\n")
    said = desk.run("train", "-q", "-e", "staged", "--replicates", "2", status=2).stderr
    assert "experiment staged says select_features" in said
    assert "repro train --experiment staged, without --replicates" in said
    assert not [r for r in desk.records() if r["type"].startswith("run.")]
