"""Each family through the installed command, under strict: trained, loaded, and done again.

LightGBM is trained in ``test_train.py``, XGBoost in ``test_boosters.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

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
    Trained("extra_trees", ("n_estimators=3", "max_features=sqrt")),
    Trained("hist_gradient_boosting", ("max_iter=3",)),
    Trained("logistic_regression", target="fwd_up_5d"),
    Trained("mlp", ("max_epochs=3", "hidden_layer_sizes=[8]"), target="fwd_up_5d"),
    Trained("random_forest", ("n_estimators=3", "max_depth=null"), threads=2),
    Trained("ridge"),
]
ELSEWHERE = {"lightgbm", "xgboost"}


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
    assert "model.npz" in [artifact["path"] for artifact in snapshot["artifacts"]]
    parameters = snapshot["parameters"]
    asked = {**parameters["requested"], **parameters["forced"]}
    known = declarations()[case.family].hyperparameters
    assert set(parameters["requested"]) == set(known)  # all that is not set comes from documents
    assert {name: parameters["effective"][name] for name in asked} == asked
    done = desk.json("verify", "--quiet", run["run"])
    assert done["verdict"] == "reproduced", json.dumps(done, indent=1)
