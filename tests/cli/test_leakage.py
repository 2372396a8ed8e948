"""The shipped canary trips the scan, the control does not; what is dropped stays out of one run."""

import json

import pytest

pytestmark = pytest.mark.slow
CANARY = ("train", "-q", "--experiment", "leakage_canary")
DROP = "safety.leakage_detection.policy=drop"


def test_the_canary_is_refused_before_anything_is_planned_and_the_control_is_clean(desk):
    said = desk.run(*CANARY, status=6).stderr
    assert "correlation of canary_high (column, column: High) with target canary_close" in said
    assert "policy: drop to train without it" in said
    refused = desk.records()[-1]
    assert refused["type"] == "run.refused"
    found = refused["body"]["leakage"]
    assert (found["policy"], found["verdict"], found["fixed"]) == ("strict", "refused", [])
    (finding,) = found["findings"]
    assert (finding["code"], finding["subject"]) == ("target_correlation", "canary_high")
    assert finding["formula"] == {"kind": "column", "column": "High"}
    file, _, line = finding["set_at"].partition(":")
    told = (desk.root / file).read_text().splitlines()[int(line) - 1]
    assert told.strip().startswith("feature_target_correlation: 0.95")
    assert f"({finding['set_at']})" in said
    control = desk.json("train", "-q", "--experiment", "leakage_control")
    expected = {"policy": "strict", "verdict": "clean", "fixed": [], "findings": []}
    assert control["leakage"] == expected


def test_what_leaks_is_dropped_in_this_run_alone_and_the_rest_is_the_control_bit_for_bit(desk):
    before = {path: path.read_bytes() for path in (desk.root / "CONFIG").rglob("*.yaml")}
    fixed = desk.json(*CANARY, "--set", DROP)
    assert {path: path.read_bytes() for path in (desk.root / "CONFIG").rglob("*.yaml")} == before
    assert fixed["leakage"]["verdict"] == "fixed"
    assert [finding["subject"] for finding in fixed["leakage"]["fixed"]] == ["canary_high"]
    assert fixed["leakage"]["policy"] == "drop"
    records = [r for r in desk.records() if r["body"].get("run") == fixed["run"]]
    types = [record["type"] for record in records]
    assert types == ["run.planned", "config.override", "leakage.fixed", "run.completed"]
    assert records[2]["body"]["dropped"] == ["canary_high"]
    layers = {value["path"]: value["layer"] for value in records[1]["body"]["list"]}
    assert layers["data.feature_registry.selected"] == "leakage"
    assert layers[f"training_config.safety_config.{DROP.partition('=')[0]}"] == "--set"
    assert records[2]["body"]["findings"][0]["value"] == fixed["leakage"]["fixed"][0]["value"]
    assert not [r for r in desk.records() if r["type"] == "run.refused"]
    snapshot = desk.snapshot(fixed["run"])
    payload = json.dumps(snapshot["payloads"])
    assert "canary_low_lag1" in payload
    assert "canary_high" not in payload
    assert desk.json("verify", "-q", fixed["run"])["verdict"] == "reproduced"
    control = desk.json("train", "-q", "--experiment", "leakage_control")
    assert desk.json("diff", fixed["run"], control["run"])["verdict"] == "identical"
    assert "leakage: fixed: without canary_high" in desk.run("runs", "show", fixed["run"]).stdout
    only = ("--set", "selected=[ret_1d_lag1]")
    other = desk.json("train", "-q", "--experiment", "leakage_control", *only)
    said = desk.run("diff", fixed["run"], other["run"], status=1).stdout
    assert "A policy for leakage  without canary_high" in said
    assert "B command line  selected=[ret_1d_lag1]" in said
    explained = desk.run("config", "explain", "selected", "--run", fixed["run"]).stdout
    assert "by the policy for leakage" in explained


def test_what_may_not_be_started_again_is_refused(desk):
    said = desk.run(*CANARY, "--set", DROP, "--set", "max_reruns=0", status=6).stderr
    assert "raise safety.leakage_detection.max_reruns" in said
    only = ("--set", "selected=[canary_high]")
    said = desk.run(*CANARY, "--set", DROP, *only, status=6).stderr
    assert "no feature would be left" in said
    assert "policy: drop" not in said
    assert [r["type"] for r in desk.records()][-2:] == ["run.refused"] * 2


def test_what_is_not_valid_without_the_leak_is_refused_and_recorded(desk):
    three = ("feature_selection.method=correlation", "top_k=3")
    sets = tuple(word for value in (DROP, *three) for word in ("--set", value))
    error = desk.json(*CANARY, *sets, status=6)["error"]
    assert error["kind"] == "TrainingError"
    assert "without canary_high the configuration is not valid" in error["problem"]
    assert "top_k" in error["problem"]
    refused = desk.records()[-1]
    assert (refused["type"], refused["body"]["exit_status"]) == ("run.refused", 6)
    found = refused["body"]["leakage"]
    assert (found["policy"], found["verdict"]) == ("drop", "refused")
    assert [finding["subject"] for finding in found["fixed"]] == ["canary_high"]


def test_a_score_that_is_too_good_has_no_culprit_to_drop_and_fails(desk):
    low = "safety.leakage_detection.auto_fix_thresholds.training_accuracy=0.0001"
    said = desk.run("train", "-q", "--profile", "debug", "--set", DROP, "--set", low, status=6)
    assert "too good to be true" in said.stderr
    assert "policy: drop" not in said.stderr
    failed = desk.records()[-1]
    assert failed["type"] == "run.failed"
    (finding,) = failed["body"]["leakage"]["findings"]
    assert (finding["code"], finding["formula"]) == ("training_accuracy", None)
    assert finding["rows"] > 1000
    assert finding["set_at"] == "command line"


def test_a_policy_that_warns_keeps_the_leak_and_says_so_for_ever(desk):
    kept = desk.json(*CANARY, "--set", "safety.leakage_detection.policy=warn")
    assert kept["leakage"]["verdict"] == "warned"
    codes = [finding["code"] for finding in kept["leakage"]["findings"]]
    assert codes[0] == "target_correlation"
    assert "leakage: warned" in desk.run("runs", "show", kept["run"]).stdout


def test_the_level_of_the_adjusted_close_is_look_ahead(desk):
    registry = desk.root / "CONFIG" / "data" / "feature_registry.yaml"
    text = registry.read_text()
    entry = (
        "description: A level.",
        "lag: 0",
        "lookback: 0",
        "allowed_horizons: any",
        "version: 1",
    )
    formula = "formula: {kind: column, column: Adj Close}"
    lines = "".join(f"    {line}\n" for line in (*entry, formula))
    registry.write_text(f"{text.rstrip()}\n  level:\n{lines}")
    said = desk.run("validate", "--set", "selected=[level]", status=1).stdout
    assert "Adj Close" in said
    assert "look-ahead" in said
