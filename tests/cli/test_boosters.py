"""The boosters through the installed command: early stopping, and the same bits again."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("boosters")
STOPPING = {
    "xgboost": ("early_stopping_rounds=5", "learning_rate=0.3"),
    "lightgbm": ("early_stopping_round=5", "learning_rate=0.3"),
}


@pytest.fixture(scope="module")
def desk(make_desk):
    """Return one workspace for all; nobody edits it."""
    return make_desk()


def train(desk, family, *assignments, status=0, target="fwd_ret_5d"):
    """Train a family with some of its hyperparameters set."""
    path = f"model_config.{family}.hyperparameters"
    sets = [part for a in assignments for part in ("--set", f"{path}.{a}")]
    return desk.json(
        *("train", "--quiet", "--family", family, "--target", target), *sets, status=status
    )


@pytest.mark.parametrize("family", sorted(STOPPING))
def test_a_run_that_stops_early_records_both_numbers_and_can_be_done_again(desk, family):
    target = {"xgboost": "fwd_class_5d", "lightgbm": "fwd_ret_5d"}[family]
    run = train(desk, family, *STOPPING[family], target=target)
    snapshot = desk.snapshot(run["run"])
    parameters = snapshot["parameters"]
    stages = {*(f"fold {n}" for n in range(1, 6)), "final"}
    assert set(parameters["rounds"]) == stages
    asked = parameters["requested"]
    assert max(asked.get("num_iterations", 0), asked.get("num_boost_round", 0)) == 200
    assert all(1 <= rounds < 195 for rounds in parameters["rounds"].values())
    held = snapshot["proof"]["validation"]
    assert {line["stage"] for line in held} == stages
    for line in held:
        assert line["max_fit_label_end"] < line["min_validation_time"]
        assert line["fit_rows"] > 2 * line["validation_rows"]
    for fold, line in zip(snapshot["proof"]["folds"], held, strict=False):
        assert line["min_validation_time"] < fold["max_train_label_end"]
        assert line["fit_rows"] + line["validation_rows"] < fold["train_rows"]
    assert desk.json("verify", run["run"], "--quiet")["verdict"] == "reproduced"


def test_xgboost_trains_a_binary_target_and_everything_asked_for_is_in_force(desk):
    run = train(desk, "xgboost", "n_estimators=15", target="fwd_up_5d")
    parameters = desk.snapshot(run["run"])["parameters"]
    for name, value in {**parameters["requested"], **parameters["forced"]}.items():
        found = parameters["effective"][name]
        assert found == (int(value) if isinstance(value, bool) else value), name
    assert set(parameters["rounds"].values()) == {15}
    assert "validation" not in desk.snapshot(run["run"])["proof"]
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/targets/*/*/*/*/predictions.npy")
    table = np.load(path, allow_pickle=False)
    assert ((table["prediction"] > 0) & (table["prediction"] < 1)).all()
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/targets/*/*/*/*/environment.json")
    environment = json.loads(path.read_text("utf-8"))["environment"]
    assert "sklearn" not in environment["libraries"]
    assert environment["versions"]["xgboost-cpu"]


def test_too_few_rows_to_stop_early_are_refused_before_anything_is_planned(desk):
    before = len(desk.records())
    done = desk.run(
        *("train", "--quiet", "--family", "xgboost", "--set", "early_stopping_rounds=5"),
        *("--set", "validation_fraction=0.01"),
        status=3,
    )
    assert "fold 1 has 52 rows to stop early by; `min_test_rows` asks for 100" in done.stderr
    assert "do not stop early" in done.stderr
    (record,) = desk.records()[before:]
    assert record["type"] == "run.refused"
