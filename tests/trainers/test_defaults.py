"""The documents of defaults say what the installed libraries do when they are told nothing."""

from importlib.resources import files
from inspect import signature

import numpy as np
import pytest
import yaml

from repro.facts.trainers import declaration
from repro.identity.payloads import differing_parameters
from repro.trainers import lightgbm_, xgboost_

FAMILIES = ("lightgbm", "xgboost")


def written(family):
    """Return the hyperparameters of a document of defaults."""
    path = files("repro.template.CONFIG") / "defaults" / "model_config" / f"{family}.yaml"
    return yaml.safe_load(path.read_text("utf-8"))["hyperparameters"]


def data():
    generator = np.random.default_rng(4)
    x = generator.normal(size=(400, 4))
    return x, x[:, 0] + generator.normal(size=400)


def in_force_in_lightgbm():
    """Return what LightGBM says after a fit with nothing given."""
    import lightgbm

    x, y = data()
    table = lightgbm.Dataset(x, label=y, params={"verbosity": -1})
    booster = lightgbm.train({"verbosity": -1}, table, keep_training_booster=True)
    model = lightgbm_.Model(booster, booster.model_to_string(), booster.num_trees())
    return lightgbm_.effective_parameters(model)


def in_force_in_xgboost():
    """Return what XGBoost says after a fit with nothing given, and the defaults of its function."""
    import xgboost

    x, y = data()
    booster = xgboost.train({}, xgboost.DMatrix(x, label=y))
    found = xgboost_._read_back(booster, written("xgboost"))
    assert (found["tree_method"], found["updater_seq"]) == ("auto", "grow_quantile_histmaker")
    patience = signature(xgboost.train).parameters["early_stopping_rounds"].default
    return {
        **found,
        "tree_method": "hist",
        "num_boost_round": booster.num_boosted_rounds(),
        "early_stopping_rounds": 0 if patience is None else patience,
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_every_declared_hyperparameter_has_its_default_under_its_own_name(family):
    assert list(written(family)) == list(declaration(family).hyperparameters)


@pytest.mark.parametrize(
    ("family", "in_force"), [("lightgbm", in_force_in_lightgbm), ("xgboost", in_force_in_xgboost)]
)
def test_each_value_is_what_the_installed_library_does_when_told_nothing(family, in_force):
    assert differing_parameters(written(family), in_force()) == {}


def test_what_auto_means_to_xgboost_is_hist_to_the_bit():
    import xgboost

    x, y = data()
    table = xgboost.DMatrix(x, label=y)
    one, two = (
        xgboost.train(given, table, 5).save_raw("ubj") for given in ({}, {"tree_method": "hist"})
    )
    assert one == two
