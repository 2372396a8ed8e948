"""Each family through the installed command, under strict: trained, loaded, and done again.

LightGBM is trained for a return in ``test_train.py``, XGBoost in ``test_boosters.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from repro.facts.trainers import declarations

pytestmark = pytest.mark.xdist_group("train_families")


@dataclass(frozen=True)
class Trained:
    """A family, its target, and the settings that make it quick."""

    family: str
    settings: tuple[str, ...] = ()
    target: str = "fwd_ret_5d"
    threads: int = 1


FAMILIES = [
    Trained("elasticnet"),
    Trained("extra_trees", ("n_estimators=3", "max_features=sqrt"), target="fwd_class_5d"),
    Trained("hist_gradient_boosting", ("max_iter=3",), target="fwd_class_5d"),
    Trained("lightgbm", ("num_iterations=3",), target="fwd_class_5d"),
    Trained("logistic_regression", target="fwd_class_5d"),
    Trained("mlp", ("max_epochs=3", "hidden_layer_sizes=[8]"), target="fwd_class_5d"),
    Trained("random_forest", ("n_estimators=3", "max_depth=null"), threads=2),
    Trained("ridge"),
]
ELSEWHERE = {"xgboost"}


@pytest.fixture(scope="module")
def desk(make_desk):
    """Return one workspace for all of them; nobody edits it."""
    return make_desk()


def test_every_family_of_ours_is_trained():
    ours = {name for name, about in declarations().items() if about.distribution == "repro-audit"}
    assert ours == {case.family for case in FAMILIES} | ELSEWHERE


QUICK = {"hist_gradient_boosting", "ridge"}
"""One with trees and one without; the others are trained by CI's slow tests."""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case.family in QUICK else pytest.mark.slow, id=case.family)
        for case in FAMILIES
    ],
)
def test_a_family_is_trained_under_strict_and_verified(case, desk):
    settings = [f"reproducibility.threads={case.threads}", *case.settings]
    sets = [word for setting in settings for word in ("--set", setting)]
    run = desk.json(
        "train", "--quiet", "--family", case.family, "--target", case.target, *sets
    )  # fmt: skip
    snapshot = desk.snapshot(run["run"])
    model = "model.txt" if case.family == "lightgbm" else "model.npz"
    assert model in [artifact["path"] for artifact in snapshot["artifacts"]]
    if case.target == "fwd_class_5d":
        require_classes(snapshot, desk)
    parameters = snapshot["parameters"]
    asked = {**parameters["requested"], **parameters["forced"]}
    known = declarations()[case.family].hyperparameters
    assert set(parameters["requested"]) == set(known)  # all that is not set comes from documents
    assert {name: parameters["effective"][name] for name in asked} == asked
    done = desk.json("verify", "--quiet", run["run"])
    assert done["verdict"] == "reproduced", json.dumps(done, indent=1)


def require_classes(snapshot, desk):
    """Three classes, in one order, from the target to the probabilities, metrics and baseline."""
    assert snapshot["classes"] == [
        {"class": 0, "above": None, "up_to": -0.02},
        {"class": 1, "above": -0.02, "up_to": 0.02},
        {"class": 2, "above": 0.02, "up_to": None},
    ]
    (path,) = desk.root.glob(f"RESULTS/runs/{snapshot['run']}/targets/*/*/*/*/predictions.npy")
    table = np.load(path, allow_pickle=False)
    likely, truth = table["prediction"], table["target"]
    assert (likely.shape, set(truth)) == ((len(truth), 3), {0.0, 1.0, 2.0})
    metrics = snapshot["metrics"]
    assert metrics["accuracy"] == (likely.argmax(axis=1) == truth).mean()
    assert metrics["baseline_log_loss"] < np.log(3)
    # The naive baseline is the share of each class among the rows that a fold was trained on.
    sealed = json.loads((path.parent / "metrics.json").read_bytes())
    for fold in sealed["folds"]:
        assert fold["metrics"]["baseline_accuracy"] in [
            (truth[table["fold"] == fold["fold"]] == label).mean() for label in range(3)
        ]


def test_a_final_model_that_learned_nothing_is_warned_of(desk):
    words = ("train", "-q", "--family", "elasticnet", "--set")
    said = desk.run(*words, "alpha=1000.0").stderr
    assert "the final model learned nothing" in said
    assert "it predicts the same for every row" in said
    run = desk.json("runs", "list", "--limit", "1")["runs"][0]["run"]
    (path,) = desk.root.glob(f"RESULTS/runs/{run}/**/predictions.npy")
    table = np.load(path)
    for fold in set(table["fold"].tolist()) - {-1}:
        assert len(set(table["prediction"][table["fold"] == fold].tolist())) == 1
    assert "learned nothing" not in desk.run(*words, "alpha=0.000001").stderr
