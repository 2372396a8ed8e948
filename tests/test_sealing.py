"""What is sealed is what a worker made, and what can be read again; the rest of it fails."""

import hashlib
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest

from repro.errors import TrainingError
from repro.runs import layout
from repro.runs.sealed import load_run
from repro.runs.staging import Staging
from repro.verbs.training.sealing import named, write_run

KEY, DIGEST = "0" * 64, "sha256:" + "0" * 64
COLUMNS = "S4,<i8,<i4,<f8,<f8"
NAMES = "symbol", "time", "fold", "target", "prediction"
PLANNED = ("0" * 12 + "-1", 3, "2026-01-01T12:00:00.000000Z")


def planned():
    group = dict.fromkeys(("replicate_key", "strict_key", "execution_key"), KEY)
    identity = SimpleNamespace(
        **group, request=KEY, payloads={}, missing=(),
        comparison_group=lambda: {**group, "train_seed": 7},
    )  # fmt: skip
    active = SimpleNamespace(
        routing={"view": "cross_sectional", "symbol": None}, family="ridge", level="strict",
        hyperparameters={}, leakage={"policy": "strict"},
    )  # fmt: skip
    facts = {"findings": [], "samples": {}, "proof": {}}
    job = SimpleNamespace(
        decides={"target": {"task": "regression", "formula": {"kind": "forward_return"}}}
    )
    return SimpleNamespace(
        resolved=SimpleNamespace(target="fwd", experiment=None), active=active, identity=identity,
        job=job, facts=facts, seeds={}, purpose={}, idle=(), forced={}, fixed=(), environment={},
        is_promised=True,
    )  # fmt: skip


def finished(work):
    """Return what an honest worker tells of what it left in its directory."""
    rows = np.zeros(3, dtype=[*zip(NAMES, COLUMNS.split(","), strict=True)])
    np.save(work / layout.PREDICTIONS, rows)
    (work / "model.json").write_text("{}")
    fold = {"fold": 1, "metrics": {"rmse": 0.5}, "predictions": DIGEST}
    return {
        "model": "model.json", "files": ["model.json", layout.PREDICTIONS],
        "metrics": {"rmse": 0.5}, "training_metrics": {"rmse": 0.25}, "folds": [fold],
        "canonical": {"fold 1": DIGEST, "final": DIGEST}, "parts": {}, "importance": {},
        "effective": {"final": {}}, "rounds": {"final": None}, "findings": [], "after": {},
        "predictions": f"sha256:{hashlib.sha256(rows.tobytes()).hexdigest()}",
    }  # fmt: skip


@pytest.fixture
def place(tmp_path):
    found = Staging(tmp_path, tmp_path / "RESULTS" / ".staging" / "a")
    found.work.mkdir(parents=True)
    return found


def test_what_an_honest_worker_brought_is_sealed_and_read_again(place):
    outcome = named(write_run(place, planned(), {}, finished(place.work), PLANNED))
    found = load_run(layout.runs(place.root) / outcome.run)
    assert found.snapshot == json.loads(json.dumps(outcome.snapshot))


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ({"files": []}, "brought no model.json"),
        ({"files": ["model.json"]}, "brought no predictions.npy"),
        ({"files": ["model.json", layout.PREDICTIONS], "predictions": DIGEST}, "another digest"),
        ({"predictions": "sha256:x"}, "a digest that is none"),
        ({"predictions": "0" * 64}, "a digest that is none"),
        ({"canonical": {"x": 5}}, "other models"),
        ({"canonical": {"final": DIGEST}}, "other models"),
        ({"canonical": {"fold 1": DIGEST, "final": 5}}, "a digest that is none"),
        ({"canonical": []}, "no digests of models"),
        ({"metrics": {"rmse": "text"}}, "told of metrics"),
        ({"metrics": {"rmse": ["a"]}}, "told of metrics"),
        ({"metrics": {"rmse": 10**400}}, "told of metrics"),
    ],
)
def test_what_a_worker_told_that_is_not_so_is_not_sealed(place, lie, says):
    told = {**finished(place.work), **lie}
    with pytest.raises(TrainingError, match=says):
        write_run(place, planned(), {}, told, PLANNED)


def test_predictions_that_are_no_table_fail_the_run_alone(place):
    told = finished(place.work)
    (place.work / layout.PREDICTIONS).write_bytes(b"words")
    with pytest.raises(TrainingError, match=r"predictions\.npy cannot be read"):
        write_run(place, planned(), {}, told, PLANNED)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "\ud800", "a\nb", "a\0", 5])
def test_a_name_that_is_none_is_refused(place, name):
    told = finished(place.work)
    told["files"].append(name)
    with pytest.raises(TrainingError, match="no name of one"):
        write_run(place, planned(), {}, told, PLANNED)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_file_is_refused(place, kind):
    told = finished(place.work)
    path = place.work / "model.json"
    path.unlink()
    if kind == "link":
        path.symlink_to(place.work / layout.PREDICTIONS)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(TrainingError, match="which is no file"):
        write_run(place, planned(), {}, told, PLANNED)
