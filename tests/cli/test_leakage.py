"""The shipped canary trips the scan, the control does not; what is dropped stays out of one run."""

import json

import pytest

from repro.config.resolution.resolve import Selection
from repro.errors import InterruptedRunError, TrainingError
from repro.verbs.observer import Observer
from repro.verbs.training.train import TrainCommand, train

pytestmark = pytest.mark.slow
CANARY = ("train", "-q", "--experiment", "leakage_canary")
DROP = "safety.leakage_detection.policy=drop"


def train_one(desk, *words):
    """Train an experiment of one run; return its JSON, and what it sealed of leakage."""
    (run,) = desk.json(*words)["runs"]
    return run, desk.snapshot(run["run"])["leakage"]


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
    assert json.loads(finding["formula"]) == {"kind": "column", "column": "High"}
    file, _, line = finding["set_at"].partition(":")
    told = (desk.root / file).read_text().splitlines()[int(line) - 1]
    assert told.strip().startswith("feature_target_correlation: 0.95")
    assert f"({finding['set_at']})" in said
    _, sealed = train_one(desk, "train", "-q", "--experiment", "leakage_control")
    assert sealed == {"policy": "strict", "verdict": "clean", "fixed": [], "findings": []}


def test_what_leaks_is_dropped_in_this_run_alone_and_the_rest_is_the_control_bit_for_bit(desk):
    before = {path: path.read_bytes() for path in (desk.root / "CONFIG").rglob("*.yaml")}
    fixed, sealed = train_one(desk, *CANARY, "--set", DROP)
    assert {path: path.read_bytes() for path in (desk.root / "CONFIG").rglob("*.yaml")} == before
    assert fixed["leakage"] == sealed["verdict"] == "fixed"
    assert [finding["subject"] for finding in sealed["fixed"]] == ["canary_high"]
    assert sealed["policy"] == "drop"
    records = [r for r in desk.records() if r["body"].get("run") == fixed["run"]]
    types = [record["type"] for record in records]
    assert types == ["run.planned", "config.override", "leakage.fixed", "run.completed"]
    assert records[2]["body"]["dropped"] == ["canary_high"]
    layers = {value["path"]: value["layer"] for value in records[1]["body"]["list"]}
    assert layers["data.feature_registry.selected"] == "leakage"
    assert layers[f"training_config.safety_config.{DROP.partition('=')[0]}"] == "--set"
    assert records[2]["body"]["findings"][0]["value"] == sealed["fixed"][0]["value"]
    assert not [r for r in desk.records() if r["type"] == "run.refused"]
    snapshot = desk.snapshot(fixed["run"])
    payload = json.dumps(snapshot["payloads"])
    assert "canary_low_lag1" in payload
    assert "canary_high" not in payload
    assert desk.json("verify", "-q", fixed["run"])["verdict"] == "reproduced"
    anew = ("train", "-q", "--rerun", "--experiment", "leakage_control")
    control, _ = train_one(desk, *anew)
    assert control["run"] != fixed["run"]
    assert desk.json("diff", fixed["run"], control["run"])["verdict"] == "identical"
    assert "leakage: fixed: without canary_high" in desk.run("runs", "show", fixed["run"]).stdout
    only = ("--set", "selected=[ret_1d_lag1]")
    other, _ = train_one(desk, *anew, *only)
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


def test_a_threshold_that_an_axis_sets_is_found_at_the_axis(desk):
    low = "safety.leakage_detection.auto_fix_thresholds.training_accuracy=0.0001,0.0002"
    desk.run("sweep", low, "-q", "--profile", "debug", "--fail-fast", "--jobs", "1", status=6)
    (failed,) = (record for record in desk.records() if record["type"] == "run.failed")
    (finding,) = failed["body"]["leakage"]["findings"]
    axis = low.partition("=")[0]
    assert finding["set_at"] == f"axis {axis}"


def test_a_policy_that_warns_keeps_the_leak_and_says_so_for_ever(desk):
    kept, sealed = train_one(desk, *CANARY, "--set", "safety.leakage_detection.policy=warn")
    assert kept["leakage"] == sealed["verdict"] == "warned"
    codes = [finding["code"] for finding in sealed["findings"]]
    assert codes[0] == "target_correlation"
    shown = desk.run("runs", "show", kept["run"]).stdout
    assert "leakage: warned" in shown
    assert sealed["findings"][0]["message"] in shown
    fixed, _ = train_one(desk, *CANARY, "--set", DROP)
    words = ("diff", kept["run"], fixed["run"])
    sides = desk.json(*words, status=1)["leakage"]
    assert (sides["a"]["verdict"], sides["b"]["without"]) == ("warned", ["canary_high"])
    for form in ("text", "markdown", "html"):
        said = desk.run(*words, "--format", form, status=1).stdout.replace("\\", "")
        assert "leakage in A: warned: " in said
        assert "leakage in B: fixed: without canary_high, which leaked" in said


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


def test_a_control_that_is_sealed_already_is_none_the_less_fixed_for_who_dropped_a_leak(desk):
    few = ("--replicates", "2", "--format", "json")
    control = json.loads(desk.run("train", "-q", "-e", "leakage_control", *few).stdout)
    assert [one["leakage"] for one in control["replicates"]] == ["clean"] * 2
    before = len(desk.records())
    fixed = json.loads(desk.run(*CANARY, "--set", DROP, *few).stdout)
    assert [one["reused"] for one in fixed["replicates"]] == [True] * 2
    assert [one["leakage"] for one in fixed["replicates"]] == ["fixed"] * 2
    names = [one["run"] for one in fixed["replicates"]]
    assert names == [one["run"] for one in control["replicates"]]
    new = desk.records()[before:]
    assert [(r["type"], r["body"]["run"]) for r in new] == [("leakage.fixed", n) for n in names]
    assert new[0]["body"]["dropped"] == ["canary_high"]
    again = json.loads(desk.run("train", "-q", "-e", "leakage_control", *few).stdout)
    assert [one["leakage"] for one in again["replicates"]] == ["clean"] * 2
    assert len(desk.records()) == before + 2
    assert desk.json("audit", "verify", "--artifacts")["verdict"] == "ok"


def test_each_run_of_an_experiment_is_fixed_by_itself_and_once(desk):
    canary = desk.root / "CONFIG" / "experiments" / "leakage_canary.yaml"
    text = canary.read_text().replace("families: [ridge]", "families: [ridge, elasticnet]")
    (canary.parent / "two.yaml").write_text(text)
    desk.run("train", "-q", "-e", "leakage_control")
    found = desk.json("train", "-q", "-e", "two", "--set", DROP)
    assert [(one["reused"], one["leakage"]) for one in found["runs"]] == [
        (True, "fixed"),
        (False, "fixed"),
    ]
    before = len(desk.records())
    again = desk.json("train", "-q", "-e", "two", "--set", DROP)
    assert [(one["reused"], one["leakage"]) for one in again["runs"]] == [(True, "fixed")] * 2
    assert [r["type"] for r in desk.records()[before:]] == ["leakage.fixed"]  # of the control's


def test_a_run_that_was_kept_on_a_warning_is_not_as_good_where_the_policy_is_strict(desk):
    low = "safety.leakage_detection.auto_fix_thresholds.training_accuracy=0.0001"
    words = ("train", "-q", "--profile", "debug", "--replicates", "1", "--set", low)
    kept = desk.json(*words, "--set", "safety.leakage_detection.policy=warn")
    assert kept["replicates"][0]["leakage"] == "warned"
    again = desk.json(*words, "--set", "safety.leakage_detection.policy=warn")
    assert again["replicates"][0]["reused"]
    desk.run(*words, status=6)
    assert desk.records()[-1]["body"]["leakage"]["verdict"] == "refused"
    other = desk.json(*words[:-2])
    assert (other["replicates"][0]["reused"], other["replicates"][0]["leakage"]) == (False, "clean")


def test_features_are_selected_from_what_is_left(desk):
    sets = (DROP, "feature_selection.method=correlation", "top_k=1")
    fixed, _ = train_one(desk, *CANARY, *(word for value in sets for word in ("--set", value)))
    assert fixed["leakage"] == "fixed"
    for made in desk.snapshot(fixed["run"])["selection"]["stages"].values():
        assert sorted(made["scores"]) == ["canary_low_lag1", "ret_1d_lag1"]
        assert len(made["chosen"]) == 1
    assert desk.json("verify", "-q", fixed["run"])["verdict"] == "reproduced"


@pytest.fixture
def started(desk, monkeypatch):
    """Return what trains the canary with the policy drop, and tells an observer."""
    monkeypatch.setenv("REPRO_KEYS", str(desk.keys))

    def start(at_warning, **others):
        asked = Selection(experiment="leakage_canary", sets=(DROP,))
        return train(TrainCommand(desk.root, asked, Observer(warn=at_warning, **others)))

    return start


def test_two_tries_drop_what_each_of_them_found(desk, started):
    file = "training_config/safety_config.yaml"
    told = []

    def stricter(said):
        told.append(said)
        if len(told) == 1:
            before = "feature_target_correlation: 0.95"
            desk.edit(file, before, "feature_target_correlation: 0.033")

    outcome = started(stricter)
    first, second = (finding["subject"] for finding in outcome.leakage["fixed"])
    assert first == "canary_high"
    assert [line.count("again without it") for line in told] == [1, 1]
    (record,) = [r["body"] for r in desk.records() if r["type"] == "leakage.fixed"]
    assert (record["dropped"], record["reruns"]) == ([first, second], 2)
    assert [finding["threshold"] for finding in record["findings"]] == [0.95, 0.033]
    names = outcome.snapshot["payloads"]["features"]["facts"]["names"]
    assert not {first, second} & set(names)
    assert len(names) == 1


def test_a_configuration_that_is_broken_between_two_tries_is_a_recorded_refusal(desk, started):
    file = "training_config/safety_config.yaml"
    with pytest.raises(TrainingError, match="the configuration is not valid") as caught:
        started(lambda _: desk.edit(file, "max_reruns: 3", "max_reruns: many"))
    refused = desk.records()[-1]
    assert (refused["type"], caught.value.exit_status) == ("run.refused", 6)
    assert refused["body"]["leakage"]["found"] == 1


def test_who_stops_between_two_tries_leaves_nothing_behind(desk, started):
    def stop(_):
        raise KeyboardInterrupt

    before = desk.records()
    with pytest.raises(InterruptedRunError, match="nothing was recorded"):
        started(stop)
    assert desk.records() == before
    left = [path for path in (desk.root / "RESULTS").rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix != ".lock"] == []
    assert started(lambda _: None).leakage["verdict"] == "fixed"


def test_who_stops_the_second_try_after_its_plan_ends_a_plan_that_names_what_was_left_out(
    desk, started
):
    def stop(*_):
        raise KeyboardInterrupt

    before = len(desk.records())
    with pytest.raises(InterruptedRunError):
        started(lambda _: None, progress=stop)
    kinds = ["run.planned", "config.override", "leakage.fixed", "run.interrupted"]
    assert [record["type"] for record in desk.records()[before:]] == kinds
    assert started(lambda _: None).leakage["verdict"] == "fixed"
