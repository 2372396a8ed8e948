"""`repro diff` of runs that lack something: they are compared, and it is said what is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from .resealing import OTHER_KEY, diff, edited, folder_of, other_bits, predicting, resealed, slower

pytestmark = pytest.mark.xdist_group("one run")


def test_a_run_without_predictions_is_compared_and_it_is_said(with_run):
    desk, run = with_run

    def change(folder, snapshot):
        slower(folder, snapshot)
        (folder / "predictions.npy").unlink()
        other_bits(snapshot)

    other = resealed(desk, run["run"], change)
    for pair in ((run["run"], other), (other, run["run"])):
        answer = diff(desk, *pair, status=1)
        assert (answer["verdict"], answer["predictions"]) == ("explained", None)
        assert answer["label"] == f"run {other} has no predictions"
        assert [d["kind"] for d in answer["divergence"]] == ["metrics"]
        assert "has no predictions" in desk.run("diff", *pair, status=1).stdout


def test_an_older_run_knows_less_and_is_compared_by_what_it_knows(with_run):
    desk, run = with_run

    def forget_rule(config):
        values = config["values"]
        config["values"] = [v for v in values if not v["path"].startswith("identity_config.")]
        for value in config["values"]:
            del value["keys"]

    def forget_facts(environment):
        del environment["git"]
        for name in ("mapped", "startup"):
            del environment["environment"][name]

    def change(folder, snapshot):
        (folder / "model_parts.json").unlink()
        edited(folder, "config.json", forget_rule)
        edited(folder, "environment.json", forget_facts)
        for name in ("samples", "experiment", "proof", "after"):
            del snapshot[name]
        del snapshot["parameters"]["idle"]
        del snapshot["payloads"]["features"]["facts"]["resolved"]
        other_bits(snapshot, "model, final", "metrics")

    other = resealed(desk, run["run"], change)
    for pair in ((run["run"], other), (other, run["run"])):
        answer = diff(desk, *pair, status=1)
        assert (answer["verdict"], answer["unstated"]) == ("explained", [])
        assert {"feature_signature", "execution_key"} <= set(answer["moved"])
        features = [c for c in answer["causes"] if c["component"] == "features"]
        assert [c["subject"] for c in features] == ["features, resolved"]
        assert [d["where"] for d in answer["divergence"]] == ["final", "their values"]
        desk.run("diff", *pair, status=1)
    both = resealed(
        desk, other, lambda f, s: other_bits(s, "importance"), name="cccccccccccc-1", key=OTHER_KEY
    )
    assert diff(desk, other, both, status=5)["verdict"] == "UNEXPLAINED"


def test_an_incomplete_run_is_compared_labelled_and_raises_no_alarm(with_run):
    desk, run = with_run

    def change(folder, snapshot):
        del snapshot["payloads"]["splits"]
        snapshot["comparison_group"]["split_signature"] = None
        snapshot["incomplete"] = ["splits"]
        other_bits(snapshot)

    other = resealed(desk, run["run"], change)
    answer = diff(desk, run["run"], other, status=1)
    assert answer["verdict"] == "explained"
    assert f"run {other} is incomplete: it lacks signatures" in answer["label"]
    assert "no better or worse" in answer["label"]
    (cause,) = answer["causes"]
    assert (cause["subject"], cause["old"], cause["new"]) == (
        "identity of the splits",
        "complete",
        "incomplete",
    )
    again = resealed(
        desk, other, lambda f, s: other_bits(s, "importance"), name="cccccccccccc-1", key=OTHER_KEY
    )
    both = diff(desk, other, again, status=1)
    assert (both["verdict"], both["causes"]) == ("explained", [])
    assert "no better or worse" in both["label"]


@pytest.mark.parametrize("written", ["null", "NaN", "Infinity", None])
def test_a_metric_that_is_missing_or_undefined_is_null_and_breaks_nothing(with_run, written):
    desk, run = with_run

    def change(folder, snapshot):
        slower(folder, snapshot)
        other_bits(snapshot)
        undefine(snapshot["metrics"])
        edited(folder, "metrics.json", lambda m: [undefine(f["metrics"]) for f in m["folds"]])

    def undefine(metrics):
        if written is None:
            del metrics["rmse"]
        else:
            metrics["rmse"] = json.loads(written)

    other = resealed(desk, run["run"], change)
    for pair in ((run["run"], other), (other, run["run"]), (other, other)):
        status = 0 if pair == (other, other) else 1
        answer = diff(desk, *pair, status=status)
        found = {effect["metric"]: effect for effect in answer["effects"]}
        if pair != (other, other):
            assert None in (found["rmse"]["old"], found["rmse"]["new"])
            assert (
                found["rmse"]["delta"] is found["rmse"]["better"] is found["rmse"]["noise"] is None
            )
            assert found["mae"]["noise_from"] == "folds"
            assert ("does not have rmse" in answer["label"]) is (written is None)
        for form in ("text", "markdown", "html"):
            desk.run("diff", *pair, "--format", form, status=status)


def test_two_targets_and_two_tasks_are_told_apart_first(with_run):
    desk, run = with_run

    def other_task(folder, snapshot):
        snapshot["target"], snapshot["task"] = "fwd_class_5d", "multiclass"
        snapshot["payloads"]["target"]["config"] = {"targets.fwd_class_5d.horizon": 5}
        snapshot["metrics"] = {"log_loss": 0.5}
        other_bits(snapshot, "predictions")
        edited(folder, "config.json", retarget)
        predicting(folder, three_classes)

    def retarget(config):
        config["target"] = "fwd_class_5d"

    def three_classes(table):
        kind = [*((n, table.dtype[n]) for n in table.dtype.names[:-1]), ("prediction", "<f8", (3,))]
        made = np.zeros(len(table), dtype=kind)
        for name in table.dtype.names[:-1]:
            made[name] = table[name]
        return made

    other = resealed(desk, run["run"], other_task)
    answer = diff(desk, run["run"], other, status=1)
    assert answer["verdict"] == "explained"
    assert answer["label"].startswith(
        "different target: fwd_ret_5d and fwd_class_5d; different task: regression and multiclass"
    )
    assert answer["predictions"] is None
    assert {effect["better"] for effect in answer["effects"]} == {None}
    lines = desk.run("diff", run["run"], other, status=1).stdout.splitlines()
    assert lines[3].startswith("  note: different target")


def test_tampered_is_said_before_anything_else_even_of_runs_that_lack_much(with_run):
    desk, run = with_run
    other = resealed(desk, run["run"], lambda folder, snapshot: slower(folder, snapshot))
    (folder_of(desk, other) / "environment.json").write_text("{", "utf-8")
    for pair in ((run["run"], other), (other, run["run"])):
        for form in ("text", "markdown", "html"):
            done = desk.run("diff", *pair, "--format", form, status=4)
            assert done.stdout == ""
            assert "environment.json is not what was sealed" in done.stderr
