"""The parts of a model of each family: they name where two models differ, and miss nothing."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import yaml

from repro.facts.trainers import declarations
from repro.trainers.contract import Job

CONFIG = Path(__file__).parents[2] / "CONFIG"
FEW = {"num_iterations": 6, "num_boost_round": 6, "n_estimators": 6, "max_epochs": 3}
ROWS = 3000
"""Enough for a leaf of the shipped documents."""
ROUNDS = {"lightgbm", "xgboost", "hist_gradient_boosting", "random_forest", "extra_trees"}


def document(family, *below):
    """Return the hyperparameters of a shipped document."""
    text = CONFIG.joinpath(*below, "model_config", f"{family}.yaml").read_text("utf-8")
    return yaml.safe_load(text)["hyperparameters"]


def fitted(family, y):
    """Return the trainer and its model, as the shipped documents have it, but short."""
    declared = declarations()[family]
    trainer = import_module(declared.module)
    trainer.load_library()
    parameters = {**document(family, "defaults"), **document(family), **declared.forced("strict")}
    canonical = {declared.canonical_name(name): value for name, value in parameters.items()}
    few = {name: value for name, value in FEW.items() if name in canonical}
    if family == "hist_gradient_boosting":
        few["max_iter"] = 6
    if declared.early_stopping:
        few[declared.early_stopping] = 0
    seeds = dict.fromkeys(declared.seeds, 3)
    task = "binary" if "regression" not in declared.tasks else "regression"
    x = np.random.default_rng(1).normal(size=(ROWS, 3))
    label = (y > 0).astype(float) if task == "binary" else y
    job = Job(task, ["a", "b", "c"], {**canonical, **few}, seeds, 1)
    return trainer, trainer.fit(job, x, label, lambda done, total: None)


@pytest.mark.parametrize("family", sorted(declarations()))
def test_a_model_has_the_same_parts_again_and_another_one_differs_in_one(family):
    rng = np.random.default_rng(2)
    y = rng.normal(size=ROWS)
    trainer, model = fitted(family, y)
    parts = trainer.canonical_parts(model)
    names = [name for name, _ in parts]
    assert len(set(names)) == len(names)
    assert parts == trainer.canonical_parts(fitted(family, y)[1])
    other = trainer.canonical_parts(fitted(family, np.roll(y, 1))[1])
    assert parts != other
    if family in ROUNDS:
        trees = [name for name in names if name.startswith("tree ")]
        assert trees == [f"tree {n}" for n in range(1, trainer.rounds(model) + 1)]


@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_the_parts_of_a_booster_s_file_are_all_of_it(family):
    trainer, model = fitted(family, np.random.default_rng(2).normal(size=ROWS))
    parts = trainer.canonical_parts(model)
    assert b"".join(data for _, data in parts) == trainer.canonical_model(model)


def test_a_linear_model_names_the_feature_whose_coefficient_differs():
    y = np.random.default_rng(2).normal(size=ROWS)
    trainer, model = fitted("ridge", y)
    before = dict(trainer.canonical_parts(model))
    model.coefficients[1] = np.nextafter(model.coefficients[1], np.inf)
    after = dict(trainer.canonical_parts(model))
    assert [name for name in before if before[name] != after[name]] == ["coefficients of b"]
