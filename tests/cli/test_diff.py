"""`repro diff` of runs that lack something: they are compared, and it is said what is missing.

Runs are made from one real run: a copy with something changed is sealed and logged as any run is.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log
from repro.identity.keys import SIGNATURES, output_digest, signature
from repro.runs.writing import artifacts

pytestmark = pytest.mark.xdist_group("one run")
OTHER_KEY = "b" * 64
SCHEMAS = Path(__file__).parents[2] / "schemas"


@cache
def validator():
    """Return the validator of what ``repro diff`` prints as JSON."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.rglob("*.schema.json"))]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in found
    )
    return Draft202012Validator({"$ref": "repro:output/diff"}, registry=registry)


def diff(desk, a, b, status=0):
    """Return what ``repro diff`` prints as JSON, which fits its schema and is JSON to anybody."""
    answer = json.loads(
        desk.run("diff", a, b, "--format", "json", status=status).stdout,
        parse_constant=lambda word: pytest.fail(f"{word} is no JSON"),
    )
    assert [error.message for error in validator().iter_errors(answer)] == []
    return answer


def folder_of(desk, run):
    """Return the folder of a run that holds its files."""
    (path,) = desk.root.glob(f"RESULTS/runs/{run}/targets/*/*/*/*/snapshot.json")
    return path.parent


def resealed(desk, run, change, *, name="bbbbbbbbbbbb-1", key=OTHER_KEY):
    """Seal and log a copy of a run, after ``change(folder, snapshot)``; return its name."""
    shutil.copytree(desk.root / "RESULTS" / "runs" / run, desk.root / "RESULTS" / "runs" / name)
    folder = folder_of(desk, name)
    snapshot = json.loads((folder / "snapshot.json").read_text("utf-8"))
    group = snapshot["comparison_group"]
    snapshot["run"], group["execution_key"] = name, key
    change(folder, snapshot)
    for part, payload in snapshot["payloads"].items():
        group[SIGNATURES[part]] = signature(part, payload)
    snapshot["output_digest"] = output_digest(snapshot["outputs"])
    log = Log.open(desk.root / "AUDIT_LOG", keys=KeyStore(desk.keys))
    bodies = {}
    for kind in ("run.planned", "run.completed"):
        found = [r["body"] for r in desk.records() if r["type"] == kind and r["body"]["run"] == run]
        bodies[kind] = {**found[0], "run": name}
    snapshot["log"]["plan"] = log.append("run.planned", bodies["run.planned"]).seq
    (folder / "snapshot.json").unlink()
    snapshot["artifacts"] = artifacts(folder, "")
    (folder / "snapshot.json").write_text(json.dumps(snapshot), "utf-8")
    below = folder.relative_to(desk.root).as_posix()
    ends = {
        "plan": snapshot["log"]["plan"],
        "execution_key": key,
        "output_digest": snapshot["output_digest"],
        "artifacts": artifacts(folder, below),
    }
    log.append("run.completed", {**bodies["run.completed"], **ends})
    log.commit()
    return name


def other_bits(snapshot, *names):
    """Let outputs be other bits."""
    for name in names or ("metrics",):
        snapshot["outputs"][name] = "sha256:" + "0" * 64


def edited(folder, name, change):
    """Change a JSON file of a run."""
    content = json.loads((folder / name).read_text("utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content), "utf-8")


def slower(folder, snapshot):
    """Let a value of the environment be the cause of another execution key."""
    edited(folder, "environment.json", lambda e: e["environment"]["settings"].update(SLOW="1"))


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


def predicting(folder, change):
    """Change the table of predictions of a run."""
    table = np.load(folder / "predictions.npy")
    np.save(folder / "predictions.npy", change(table), allow_pickle=False)


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


def replicate(desk, run, seed, rmse):
    """Seal a replicate of a run: another seed, the metrics that it gave."""

    def change(folder, snapshot):
        snapshot["comparison_group"] |= {"train_seed": seed, "strict_key": f"{seed:064x}"}
        snapshot["metrics"] |= {"rmse": rmse, "mae": rmse / 2}
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


def test_a_replicate_that_was_tampered_with_vouches_for_no_noise(with_run):
    desk, run = with_run
    seeded = replicate(desk, run["run"], 7, 1.0)
    other = resealed(desk, run["run"], lambda f, s: (slower(f, s), other_bits(s)))
    (folder_of(desk, seeded) / "metrics.json").write_text("{}", "utf-8")
    done = desk.run("diff", run["run"], other, status=4)
    assert done.stdout == ""
    assert f"run {seeded} is not what it was" in done.stderr


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
