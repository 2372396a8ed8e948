import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from repro.audit_log.formats.digests import digest_file
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log
from repro.identity.keys import output_digest

pytestmark = pytest.mark.xdist_group("train")


@pytest.fixture(scope="module")
def trained(make_desk):
    """Return a workspace with one run."""
    desk = make_desk()
    return desk, desk.train("--target", "fwd_ret_5d")


def test_the_documented_jq_line_prints_the_comparison_group(trained):
    desk, run = trained
    done = subprocess.run(
        "jq '.comparison_group' RESULTS/runs/*/targets/*/reproducibility/*/cohort=*/snapshot.json",
        shell=True,
        cwd=desk.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.split("\n}\n")[0] + "\n}") == run["comparison_group"]


def test_a_run_has_its_files_and_lists_them_with_digests(trained):
    desk, run = trained
    snapshot = desk.snapshot(run["run"])
    assert [a["path"] for a in snapshot["artifacts"]] == [
        "config.json",
        "config.resolved.yaml",
        "dataset.json",
        "environment.json",
        "importance.json",
        "metrics.json",
        "model.txt",
        "model_parts.json",
        "predictions.npy",
        "request.json",
    ]


def test_the_plan_is_in_the_log_and_signed_before_anything_is_trained(trained):
    desk, run = trained
    records = [r for r in desk.records() if r["body"].get("run") == run["run"]]
    assert [r["type"] for r in records] == ["run.planned", "config.override", "run.completed"]
    planned, override, completed = records
    assert override["seq"] == planned["seq"] + 1
    assert completed["body"]["plan"] == planned["seq"]
    assert planned["body"]["comparison_group"] == run["comparison_group"]
    assert planned["body"]["layers"] == ["profile debug"]  # `default` is always laid
    assert (planned["body"]["experiment"], planned["body"]["legacy"]) == (None, [])
    (data,) = planned["body"]["inputs"]["list"]
    assert data["name"] == "data/stocks.csv.gz"
    assert data["blake3"] == "d4a98f6f608a83d5aa3fcdef871e0f5f5589b3cf64fbcd39d9ca1c4ba317819a"
    assert "sha256" not in data


def test_what_a_run_has_otherwise_than_the_documents_is_in_the_log(trained):
    desk, run = trained
    (body,) = [
        r["body"]
        for r in desk.records()
        if r["type"] == "config.override" and r["body"]["run"] == run["run"]
    ]
    hyperparameters = "model_config.lightgbm.hyperparameters"
    assert body["list"] == [
        {
            "path": f"{hyperparameters}.{name}",
            "layer": "profile debug",
            "value": value,
            "written": written,
        }
        for name, value, written in (("max_bin", 63, 255), ("num_iterations", 20, 200))
    ]
    assert body["values"] == 2


def test_the_log_names_every_file_of_the_run(trained):
    desk, _ = trained
    (body,) = [r["body"] for r in desk.records() if r["type"] == "run.completed"]
    names = {a["path"].rpartition("/")[2] for a in body["artifacts"]}
    assert names == {p.name for p in desk.root.glob("RESULTS/runs/*/targets/*/*/*/*/*")}
    report = desk.json("audit", "verify", "--artifacts")
    assert report["verdict"] == "ok"


def test_requested_and_effective_parameters_are_recorded_and_agree(trained):
    desk, run = trained
    parameters = desk.snapshot(run["run"])["parameters"]
    assert parameters["requested"]["num_iterations"] == 20  # the debug profile
    assert parameters["effective"]["num_iterations"] == 20
    assert parameters["effective"]["bagging_fraction"] == 0.8
    assert parameters["forced"]["deterministic"] is True
    assert parameters["effective"]["deterministic"] == 1
    assert parameters["effective"]["num_threads"] == 1


def test_every_requested_hyperparameter_is_read_back_from_the_model(trained):
    desk, run = trained
    parameters = desk.snapshot(run["run"])["parameters"]
    for name, value in parameters["requested"].items():
        assert float(parameters["effective"][name]) == float(value), name


def test_the_proof_shows_that_no_training_label_reaches_a_test_row(trained):
    desk, run = trained
    proof = desk.snapshot(run["run"])["proof"]
    assert proof["holds"] is True
    assert len(proof["folds"]) == 5
    for fold in proof["folds"]:
        assert fold["max_train_label_end"] < fold["min_test_time"]


def test_the_worker_keeps_out_what_its_trainer_did_not_declare(trained):
    desk, run = trained
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/targets/*/*/*/*/environment.json")
    environment = json.loads(path.read_text("utf-8"))["environment"]
    assert "sklearn" not in environment["libraries"]
    assert environment["settings"]["PYTHONHASHSEED"] == "0"
    assert environment["settings"]["REPRO_MODE"] == "strict"


def test_predictions_hold_the_identity_of_each_row(trained):
    desk, run = trained
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/targets/*/*/*/*/predictions.npy")
    table = np.load(path, allow_pickle=False)
    assert table.dtype.names == ("symbol", "time", "fold", "target", "prediction")
    assert set(table["fold"].tolist()) == {1, 2, 3, 4, 5}
    keys = set(zip(table["symbol"].tolist(), table["time"].tolist(), strict=True))
    assert len(keys) == len(table) > 8000
    error = table["prediction"] - table["target"]
    assert run["metrics"]["rmse"] == pytest.approx(float(np.sqrt((error**2).mean())), rel=1e-12)


def test_a_run_can_be_done_again_from_what_was_sealed(trained):
    desk, run = trained
    desk.run("runs", "show", run["run"])
    answer = desk.json("verify", run["run"], "--quiet")
    assert answer["verdict"] == "reproduced"
    assert answer["causes"] == []
    last = desk.records()[-1]
    assert last["type"] == "run.verified"
    assert last["body"]["same_execution_key"] is True


def test_a_run_is_verified_from_its_seal_and_not_from_todays_configuration(with_run):
    desk, run = with_run
    desk.edit("model_config/lightgbm.yaml", "num_leaves: 15", "num_leaves: 14")
    assert desk.json("verify", run["run"], "--quiet")["verdict"] == "reproduced"


def test_classification_reports_against_the_naive_baseline(trained):
    desk, _ = trained
    metrics = desk.train("--target", "fwd_up_5d")["metrics"]
    assert set(metrics) >= {"auc", "log_loss", "accuracy", "baseline_log_loss", "skill"}
    assert 0.4 < metrics["auc"] < 0.6


def test_one_symbol_alone_is_another_view_with_a_signature_of_its_own(trained):
    desk, run = trained
    alone = desk.train("--symbol", "IBM")
    one, two = run["comparison_group"], alone["comparison_group"]
    assert one["routing_signature"] != two["routing_signature"]
    assert one["dataset_signature"] == two["dataset_signature"]
    assert "/SYMBOL_SPECIFIC/" in alone["folder"]


def test_every_flag_that_means_a_value_is_an_override_with_its_origin(trained):
    desk, _ = trained
    desk.json("train", "--quiet", "n_estimators=11", "--set", "splits.folds=2", "--seed", "5")
    run = desk.json("runs", "list")["runs"][0]["folder"]
    path = Path(run) / "config.json"
    values = {v["path"]: v for v in json.loads(path.read_text("utf-8"))["values"]}
    trees = values["model_config.lightgbm.hyperparameters.num_iterations"]
    assert trees["value"] == 11
    assert [s["layer"] for s in trees["history"]] == ["defaults", "document", "--set"]
    assert trees["history"][1]["text"].strip().startswith("n_estimators: 200")
    folds = values["training_config.splits_config.splits.folds"]
    assert (folds["value"], folds["history"][-1]["text"]) == (2, "splits.folds=2")


def test_a_variant_and_an_overlay_lie_over_the_document(make_desk):
    desk = make_desk()
    model = desk.root / "CONFIG/model_config"
    copy = (model / "lightgbm.yaml").read_text("utf-8").replace("num_leaves: 15", "num_leaves: 6")
    (model / "lightgbm_custom.yaml").write_text(copy, "utf-8")
    run = desk.json(
        "train", "-q", "--variant", "conservative", "--config", "lightgbm_custom", "n_estimators=9"
    )
    asked = desk.snapshot(run["run"])["parameters"]["requested"]
    assert asked["num_leaves"] == 6  # the overlay beats the variant
    assert asked["learning_rate"] == 0.005  # the copy repeats the base, which sets nothing
    assert asked["num_iterations"] == 9


def test_best_effort_is_marked_for_ever(trained):
    desk, run = trained
    other = desk.train("--level", "best-effort")
    assert desk.snapshot(other["run"])["level"] == "best-effort"
    assert other["comparison_group"]["strict_key"] == run["comparison_group"]["strict_key"]
    assert other["comparison_group"]["execution_key"] != run["comparison_group"]["execution_key"]
    answer = desk.run("diff", run["run"], other["run"]).stdout
    assert "best-effort" in answer


def test_other_bits_under_one_execution_key_are_an_alarm(with_run):
    desk, first = with_run[0], with_run[1]["run"]
    other = broken_twin(desk, first)
    answer = desk.json("diff", first, other, status=5)
    assert answer["verdict"] == "UNEXPLAINED"
    assert "predictions" in answer["differing_outputs"]
    assert answer["predictions"]["changed"] == 1
    assert answer["predictions"]["largest_ulps"] == 1
    told = desk.run("train", "--quiet", "--profile", "debug", status=5).stderr
    assert f"has other bits than {other}" in told
    words = ("train", "--quiet", "--profile", "debug", "--replicates", "2")
    told = desk.run(*words, status=5).stderr  # neither of them can stand for a third
    assert "cannot stand for this one" in told
    refused = desk.records()[-1]
    assert (refused["type"], refused["body"]["exit_status"]) == ("run.refused", 5)
    incident = desk.records()[-2]
    assert incident["type"] == "incident"
    assert [o["run"] for o in incident["body"]["others"]] == [other]
    assert desk.json("audit", "verify", "--artifacts")["verdict"] == "ok"


def broken_twin(desk, name):
    """Make the run again with one prediction off by one bit, as a broken library would have."""
    twin = name.rpartition("-")[0] + "-7"
    runs = desk.root / "RESULTS" / "runs"
    shutil.copytree(runs / name, runs / twin)
    (path,) = (runs / twin).glob("targets/*/*/*/*/snapshot.json")
    table = np.load(path.parent / "predictions.npy")
    table["prediction"][10] = np.nextafter(table["prediction"][10], 1)
    np.save(path.parent / "predictions.npy", table)
    snapshot = json.loads(path.read_text("utf-8"))
    snapshot["run"] = twin
    digest = "sha256:" + hashlib.sha256(table.tobytes()).hexdigest()
    snapshot["outputs"]["predictions"] = digest
    snapshot["output_digest"] = output_digest(snapshot["outputs"])
    for artifact in snapshot["artifacts"]:
        found = digest_file(path.parent / artifact["path"])
        artifact.update(blake3=found.blake3, sha256=found.sha256, size=found.size)
    path.write_text(json.dumps(snapshot), "utf-8")
    bodies = {r["type"]: r["body"] for r in desk.records() if r["body"].get("run") == name}
    completed = bodies["run.completed"]
    for artifact in completed["artifacts"]:
        artifact["path"] = artifact["path"].replace(name, twin)
        found = digest_file(desk.root / artifact["path"])
        artifact.update(blake3=found.blake3, sha256=found.sha256, size=found.size)
    log = Log.open(desk.root / "AUDIT_LOG", keys=KeyStore(desk.keys))
    seq = log.append("run.planned", {**bodies["run.planned"], "run": twin}).seq
    ours = {"run": twin, "plan": seq, "output_digest": snapshot["output_digest"]}
    log.append("run.completed", {**completed, **ours})
    log.commit()
    return twin
