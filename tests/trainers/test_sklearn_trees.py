"""What the tree families on scikit-learn owe, on the real library: bits, parameters, files."""

import inspect
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.ensemble
import yaml
from jsonschema import Draft202012Validator
from threadpoolctl import threadpool_limits

from repro.config.documents.catalog import model_schema
from repro.facts.trainers import declaration
from repro.identity.payloads import differing_parameters
from repro.trainers import array_file
from repro.trainers.contract import Job, TrainerError


@dataclass(frozen=True)
class Family:
    """A family with parameters to train with, and another value for each of them."""

    name: str
    estimators: dict[str, str]
    parameters: dict[str, Any]
    other: dict[str, Any]

    @property
    def trainer(self):
        return import_module(declaration(self.name).module)


def kinds(regressor, classifier):
    """Return the library's estimator of each task."""
    return {"regression": regressor, "binary": classifier, "multiclass": classifier}


HGB = Family(
    "hist_gradient_boosting",
    kinds("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"),
    {
        "max_iter": 12,
        "learning_rate": 0.1,
        "max_leaf_nodes": 7,
        "max_depth": 4,
        "min_samples_leaf": 5,
        "l2_regularization": 1.0,
        "max_features": 0.6,
        "max_bins": 63,
        "early_stopping_rounds": 3,
        "tol": 1e-7,
    },
    {
        "max_iter": 4,
        "learning_rate": 0.123456789,
        "max_leaf_nodes": None,
        "max_depth": None,
        "min_samples_leaf": 60,
        "l2_regularization": 9.0,
        "max_features": 1,
        "max_bins": 7,
        "early_stopping_rounds": 1,
        "tol": 10.0,
    },
)
GROWN = {
    "n_estimators": 12,
    "max_depth": 5,
    "max_leaf_nodes": 12,
    "min_samples_split": 4,
    "min_samples_leaf": 3,
    "min_weight_fraction_leaf": 0.0,
    "max_features": 0.7,
    "min_impurity_decrease": 0.0,
    "bootstrap": True,
    "max_samples": 0.7,
    "ccp_alpha": 0.0,
}
OTHER_GROWN = {
    "n_estimators": 13,
    "max_depth": None,
    "max_leaf_nodes": None,
    "min_samples_split": 250,
    "min_samples_leaf": 40,
    "min_weight_fraction_leaf": 0.2,
    "max_features": "log2",
    "min_impurity_decrease": 0.02,
    "bootstrap": False,
    "max_samples": None,
    "ccp_alpha": 0.01,
}
FAMILIES = {
    "hist_gradient_boosting": HGB,
    "random_forest": Family(
        "random_forest",
        kinds("RandomForestRegressor", "RandomForestClassifier"),
        GROWN,
        OTHER_GROWN,
    ),
    "extra_trees": Family(
        "extra_trees",
        kinds("ExtraTreesRegressor", "ExtraTreesClassifier"),
        GROWN,
        OTHER_GROWN,
    ),
}
FORESTS = ("random_forest", "extra_trees")
every_family = pytest.mark.parametrize("name", sorted(FAMILIES))
every_forest = pytest.mark.parametrize("name", FORESTS)
every_task = pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])


@cache
def data(task="regression", rows=600, seed=7):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 5))
    x[generator.random((rows, 5)) < 0.05] = np.nan
    signal = np.nan_to_num(x[:, 0]) - 0.5 * np.nan_to_num(x[:, 1]) ** 2
    y = signal + generator.normal(scale=0.3, size=rows)
    if task == "multiclass":
        return np.ascontiguousarray(x), np.searchsorted([-0.6, 0.2], y).astype(float)
    return np.ascontiguousarray(x), (y > 0).astype(float) if task == "binary" else y


def job(name, task="regression", threads=1, seed=1000, validation=True, **changed):
    return Job(
        task=task,
        features=[f"f{n}" for n in range(5)],
        parameters={
            **FAMILIES[name].parameters,
            **declaration(name).forced("strict"),
            **changed,
        },
        seeds={"random_state": seed},
        threads=threads,
        validation=data(task, 80, 8) if validation else None,
        classes=3 if task == "multiclass" else 0,
    )


def told(done, total):
    """Hear of progress."""


def fitted(name, task="regression", **changed):
    return FAMILIES[name].trainer.fit(job(name, task, **changed), *data(task), told)


@cache
def model(name, task="regression"):
    """Return the model of the parameters as they are, which no test changes."""
    return fitted(name, task)


def bits(name, found, task="regression", threads=1):
    return FAMILIES[name].trainer.predict(found, data(task)[0], threads).tobytes()


@every_family
@every_task
def test_twice_the_same_is_the_same_bits(name, task):
    two = fitted(name, task)
    canonical = FAMILIES[name].trainer.canonical_model
    assert canonical(model(name, task)) == canonical(two)
    assert bits(name, model(name, task), task) == bits(name, two, task)


@every_family
@every_task
def test_the_number_of_threads_changes_no_bit_of_model_or_predictions(name, task, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # or the library takes no more than there are cores
    many = fitted(name, task, threads=3)
    canonical = FAMILIES[name].trainer.canonical_model
    assert canonical(many) == canonical(model(name, task))
    assert {bits(name, many, task, n) for n in (1, 3)} == {bits(name, model(name, task), task)}


@every_family
@every_task
def test_a_saved_model_is_the_same_model(name, task, tmp_path):
    trainer, saved = FAMILIES[name].trainer, model(name, task)
    trainer.save(saved, tmp_path / "model.npz")
    loaded = trainer.load(tmp_path / "model.npz")
    assert bits(name, loaded, task) == bits(name, saved, task)
    assert trainer.canonical_model(loaded) == trainer.canonical_model(saved)
    assert trainer.effective_parameters(loaded) == trainer.effective_parameters(saved)
    assert trainer.importance(loaded).tobytes() == trainer.importance(saved).tobytes()
    assert trainer.rounds(loaded) == trainer.rounds(saved)


@every_family
@every_task
def test_the_trainer_predicts_what_the_library_itself_fits_and_predicts(name, task):
    asked = job(name, task)
    parameters = {**asked.parameters, **asked.seeds}
    held_out = {}
    if "early_stopping_rounds" in parameters:
        parameters["n_iter_no_change"] = parameters.pop("early_stopping_rounds")
        parameters["early_stopping"] = True
        held_out = dict(zip(("X_val", "y_val"), asked.validation, strict=True))
    estimator = getattr(sklearn.ensemble, FAMILIES[name].estimators[task])(**parameters)
    x, y = data(task)
    with threadpool_limits(1, "openmp"):
        estimator.fit(x, y, **held_out)
        out = estimator.predict(x) if task == "regression" else estimator.predict_proba(x)
    if task == "binary":
        out = out[:, 1]
    assert bits(name, model(name, task), task) == out.tobytes()


@every_family
def test_the_declaration_and_the_test_name_the_same_hyperparameters(name):
    family, declared = FAMILIES[name], declaration(name)
    assert set(family.parameters) == set(family.other) == set(declared.hyperparameters)
    names = [n for k, schema in declared.hyperparameters.items() for n in (k, *schema["aliases"])]
    assert len(set(names)) == len(names)


@every_family
@every_task
def test_every_parameter_and_seed_that_was_asked_for_is_in_force(name, task):
    asked = {**job(name, task).parameters, "random_state": 1000}
    effective = FAMILIES[name].trainer.effective_parameters(model(name, task))
    assert differing_parameters(asked, effective) == {}


@pytest.mark.parametrize(
    ("name", "parameter"), [(f, p) for f in sorted(FAMILIES) for p in FAMILIES[f].parameters]
)
def test_every_declared_hyperparameter_is_consumed(name, parameter):
    trainer, base = FAMILIES[name].trainer, {}
    if parameter == "bootstrap":
        base = {"max_samples": None}  # the library refuses a share of rows that are not drawn
    if parameter == "early_stopping_rounds":
        base = {"tol": 10.0}  # nothing is better by so much: patience alone decides
    changed = fitted(name, **base, **{parameter: FAMILIES[name].other[parameter]})
    asked = {parameter: FAMILIES[name].other[parameter]}
    assert differing_parameters(asked, trainer.effective_parameters(changed)) == {}
    assert differing_parameters(asked, trainer.effective_parameters(model(name))) != {}
    assert bits(name, changed) != bits(name, fitted(name, **base) if base else model(name))


@every_forest
def test_one_is_a_share_in_a_forest_whether_it_is_written_as_a_float_or_not(name):
    whole = fitted(name, max_features=1, max_samples=1)
    effective = FAMILIES[name].trainer.effective_parameters(whole)
    assert (effective["features_of_a_split"], effective["rows_of_a_tree"]) == (5, 600)
    assert bits(name, whole) == bits(name, fitted(name, max_features=1.0, max_samples=1.0))


@every_family
def test_the_seed_matters(name):
    assert bits(name, fitted(name, seed=5)) != bits(name, model(name))


@every_family
@pytest.mark.parametrize(
    ("task", "value", "said"),
    [("regression", 0.25, "is constant"), ("binary", 1.0, "has one class")],
)
def test_a_target_of_one_value_is_an_error(name, task, value, said):
    x = data(task)[0]
    with pytest.raises(TrainerError, match=said):
        FAMILIES[name].trainer.fit(job(name, task), x, np.full(len(x), value), told)


@every_family
def test_what_the_library_refuses_is_a_trainer_error_with_its_words(name):
    trainer = FAMILIES[name].trainer
    with pytest.raises(TrainerError, match=r"scikit-learn: .*'max_features'"):
        fitted(name, max_features=7.0)
    with pytest.raises(TrainerError, match=r"scikit-learn: .*NaN"):
        trainer.fit(job(name), data()[0][:2], np.array([1.0, np.nan]), told)
    with pytest.raises(TrainerError, match=r"scikit-learn: .*0 sample"):
        trainer.fit(job(name), np.zeros((0, 5)), np.zeros(0), told)


def poor(column, value):
    """Return the data with nothing to learn in one column."""
    x = data()[0].copy()
    x[:, column] = value
    return x


@every_family
def test_a_constant_feature_is_borne(name):
    trainer, x = FAMILIES[name].trainer, poor(4, 1.0)
    found = trainer.fit(job(name), x, data()[1], told)
    assert np.isfinite(trainer.predict(found, x, 1)).all()
    assert trainer.importance(found)[4] == 0


@every_family
def test_a_feature_without_any_value_is_borne_or_named(name):
    trainer, x = FAMILIES[name].trainer, poor(3, np.nan)
    if name in FORESTS:
        found = trainer.fit(job(name), x, data()[1], told)
        assert np.isfinite(trainer.predict(found, x, 1)).all()
        assert trainer.importance(found)[3] == 0
    else:
        with pytest.raises(TrainerError, match="no value of f3 in any of 600 training rows"):
            trainer.fit(job(name), x, data()[1], told)


@every_family
def test_the_features_that_make_the_target_count_most(name):
    found = FAMILIES[name].trainer.importance(model(name))
    assert found.shape == (5,)
    assert (found >= 0).all()
    assert min(found[:2]) > max(found[2:]) > 0


@every_family
def test_a_table_of_other_width_is_an_error(name):
    with pytest.raises(TrainerError, match="5 features"):
        FAMILIES[name].trainer.predict(model(name), np.zeros((3, 4)), 1)


@every_forest
def test_a_value_beyond_32_bits_is_an_error_in_a_forest(name):
    trainer = FAMILIES[name].trainer
    x = data()[0].copy()
    x[3, 2] = 1e39
    said = r"feature \w+ goes from \S+ to 1e\+39, beyond the 32 bits in which a forest"
    with pytest.raises(TrainerError, match=said):
        trainer.predict(model(name), x, 1)
    with pytest.raises(TrainerError, match=said):
        trainer.fit(job(name), x, data()[1], told)


@every_forest
@pytest.mark.parametrize("trees", [1, 19, 20, 45])
def test_progress_counts_the_trees_of_a_forest_to_the_last(name, trees):
    heard = []
    found = FAMILIES[name].trainer.fit(
        job(name, n_estimators=trees), *data(), lambda done, total: heard.append((done, total))
    )
    assert FAMILIES[name].trainer.rounds(found) == trees
    assert heard[-1] == (trees, trees)
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert len(heard) == min(trees, -(-trees // max(1, -(-trees // 20))))


def test_boosting_stops_early_by_the_rows_that_are_held_out():
    trainer = HGB.trainer
    x, y = data()
    rows = np.random.default_rng(1).normal(size=(80, 5))
    other = (np.ascontiguousarray(rows), np.random.default_rng(2).normal(size=80))
    asked = job(HGB.name, max_iter=200)
    stopped = trainer.fit(asked, x, y, told)
    noisy = Job("regression", asked.features, asked.parameters, asked.seeds, 1, other)
    earlier = trainer.fit(noisy, x, y, told)
    assert trainer.rounds(earlier) < trainer.rounds(stopped) < 200
    assert trainer.effective_parameters(stopped)["max_iter"] == 200
    heard = []
    never = trainer.fit(
        job(HGB.name, early_stopping_rounds=0, validation=False, max_iter=30),
        x,
        y,
        lambda done, total: heard.append((done, total)),
    )
    assert trainer.rounds(never) == 30
    assert heard == [(30, 30)]
    with pytest.raises(TrainerError, match="held out"):
        trainer.fit(job(HGB.name, validation=False), x, y, told)


def test_boosting_never_draws_the_held_out_rows_at_random():
    """The library would, above 10,000 rows, if it were left to its own defaults."""
    x, y = data(rows=10_500)
    trainer = HGB.trainer
    asked = job(HGB.name, early_stopping_rounds=0, validation=False, max_iter=3, max_features=1.0)
    again = job(
        HGB.name, early_stopping_rounds=0, validation=False, max_iter=3, max_features=1.0, seed=1
    )
    one, two = trainer.fit(asked, x, y, told), trainer.fit(again, x, y, told)
    assert trainer.predict(one, x, 1).tobytes() == trainer.predict(two, x, 1).tobytes()


@every_family
def test_the_defaults_that_are_written_down_are_the_librarys(name):
    text = files("repro.template.CONFIG").joinpath(f"defaults/model_config/{name}.yaml")
    document = yaml.safe_load(text.read_text("utf-8"))
    Draft202012Validator(model_schema(declaration(name))).validate(document)
    written = document["hyperparameters"]
    assert list(written) == list(declaration(name).hyperparameters)
    estimators = FAMILIES[name].estimators
    for task, estimator in estimators.items():
        signature = inspect.signature(getattr(sklearn.ensemble, estimator))
        own = {key: parameter.default for key, parameter in signature.parameters.items()}
        differ = {key: own.get(key) for key, value in written.items() if own.get(key) != value}
        if name == "hist_gradient_boosting":
            assert differ == {"early_stopping_rounds": None}
            assert own["early_stopping"] == "auto"
        else:
            assert differ == ({} if task == "regression" else {"max_features": "sqrt"})


@every_family
def test_the_model_document_names_what_no_profile_says_and_can_be_trained(name):
    text = files("repro.template.CONFIG").joinpath(f"model_config/{name}.yaml")
    document = yaml.safe_load(text.read_text("utf-8"))
    Draft202012Validator(model_schema(declaration(name))).validate(document)
    profiles = files("repro.template.CONFIG").joinpath("training_config/optimizer_config.yaml")
    always = yaml.safe_load(profiles.read_text("utf-8"))["training_profiles"]["default"]
    known = declaration(name).hyperparameters
    said = {key: value for key, value in always.items() if key in known}
    written = document["hyperparameters"]
    assert list(written) == [key for key in known if key not in said]
    for variant in ({}, *document["variants"].values()):
        found = fitted(name, **{**said, **written, **variant, **SMALL[name]})
        assert np.isfinite(np.frombuffer(bits(name, found))).all()


SMALL = {"hist_gradient_boosting": {"max_iter": 2}} | {f: {"n_estimators": 2} for f in FORESTS}


def change(arrays, name, field, place, value):
    """Return the arrays with one number changed."""
    changed = {key: array.copy() for key, array in arrays.items()}
    target = changed[name][field] if field else changed[name]
    target[place] = value
    return changed


def forged(name, found):
    """Return what was done to a model, with parameters and arrays: none may be loaded."""
    arrays, parameters = dict(found.arrays), dict(found.parameters)
    forest = name in FORESTS
    left, right, feature = (
        ("left_child", "right_child", "feature") if forest else ("left", "right", "feature_idx")
    )
    count = int(arrays["counts"][0])
    second = int(arrays["counts"][0])
    leaf = int(np.flatnonzero(arrays["nodes"][left][1:count] <= 0)[0]) + 1
    values = {k: v for k, v in arrays.items() if k != "nodes"}
    other_type = arrays["nodes"].astype([(n, "<f8") for n in arrays["nodes"].dtype.names])
    yield "a cycle", parameters, change(arrays, "nodes", left, 0, 0)
    yield "a child behind the end", parameters, change(arrays, "nodes", right, 0, count)
    yield "a child far away", parameters, change(arrays, "nodes", right, 0, 2**31)
    yield "two parents", parameters, change(arrays, "nodes", right, 0, arrays["nodes"][left][0])
    yield "a later cycle", parameters, change(arrays, "nodes", left, second, 0)
    yield "no such feature", parameters, change(arrays, "nodes", feature, 0, 5)
    yield "a feature below zero", parameters, change(arrays, "nodes", feature, 0, -1)
    yield (
        "a leaf that is none",
        parameters,
        change(arrays, "nodes", left if forest else "is_leaf", leaf, 0),
    )
    yield "no nodes", parameters, {**arrays, "nodes": arrays["nodes"][:0]}
    yield "no trees", parameters, {**arrays, "counts": arrays["counts"][:0]}
    yield "a tree without nodes", parameters, change(arrays, "counts", None, 0, 0)
    yield "a tree below zero", parameters, change(arrays, "counts", None, 0, -(2**62))
    yield "a huge tree", parameters, change(arrays, "counts", None, 0, 2**62)
    yield "another tree", parameters, change(arrays, "counts", None, 0, count - 1)
    yield "an array more", parameters, {**arrays, "more": np.zeros(1)}
    yield "an array less", parameters, values
    yield "nodes of another type", parameters, {**arrays, "nodes": other_type}
    yield "nodes in a square", parameters, {**arrays, "nodes": arrays["nodes"].reshape(1, -1)}
    yield "fewer features", {**parameters, "features": ["f0"]}, arrays
    yield "features that are numbers", {**parameters, "features": [0, 1, 2, 3, 4]}, arrays
    yield "another family", {**parameters, "family": "lightgbm"}, arrays
    yield "another task", {**parameters, "task": "ranking"}, arrays
    yield "something more", {**parameters, "run": "echo"}, arrays
    yield "nothing", {}, arrays
    yield "several classes", {**parameters, "task": "multiclass"}, arrays
    if forest:
        yield "the other task", {**parameters, "task": "binary"}, arrays
        yield "values less", parameters, {**arrays, "values": arrays["values"][:-1]}
    else:
        yield "neither leaf nor split", parameters, change(arrays, "nodes", "is_leaf", 0, 2)
        yield "a category", parameters, change(arrays, "nodes", "is_categorical", 0, 1)
        yield "two baselines", parameters, {**arrays, "baseline": np.zeros(2)}


@every_family
def test_a_forged_file_is_refused(name, tmp_path):
    trainer = FAMILIES[name].trainer
    taken = []
    for what, parameters, arrays in forged(name, model(name)):
        array_file.write(tmp_path / "model.npz", parameters, arrays)
        try:
            trainer.load(tmp_path / "model.npz")
        except TrainerError:
            continue
        taken.append(what)
    assert taken == []


FUZZ = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
import test_sklearn_trees as t
name, chance = {name!r}, np.random.default_rng(11)
trainer, good = t.FAMILIES[name].trainer, t.model(name)
refused = 0
for _ in range(200):
    arrays = {{key: array.copy() for key, array in good.arrays.items()}}
    for _ in range(chance.integers(1, 4)):
        key = ("nodes", "counts")[int(chance.random() < 0.1)]
        raw = arrays[key].view(np.uint8)
        raw[chance.integers(len(raw))] = chance.integers(256)
    t.array_file.write(t.Path("model.npz"), good.parameters, arrays)
    try:
        found = trainer.load(t.Path("model.npz"))
        trainer.predict(found, t.data()[0], 1)
        trainer.importance(found)
    except t.TrainerError:
        refused += 1
print(refused)
"""


def run(code, folder, **variables):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OMP"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONHASHSEED": "0", "OMP_WAIT_POLICY": "PASSIVE", **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@every_family
def test_no_bytes_of_nodes_crash_the_library(name, tmp_path):
    code = FUZZ.format(folder=str(Path(__file__).parent), name=name)
    assert 30 < int(run(code, tmp_path, OMP_NUM_THREADS="1")) < 200


PRINT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
import test_sklearn_trees as t
for name in sorted(t.FAMILIES):
    found = t.fitted(name, threads=int({threads}))
    trainer = t.FAMILIES[name].trainer
    print(hashlib.sha256(trainer.canonical_model(found) + t.bits(name, found)).hexdigest())
"""


def test_hash_seed_zone_and_threads_of_the_process_change_no_bit(tmp_path):
    folder = str(Path(__file__).parent)
    one = run(PRINT.format(folder=folder, threads=1), tmp_path, OMP_NUM_THREADS="1")
    other = {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "OMP_NUM_THREADS": "3"}
    two = run(PRINT.format(folder=folder, threads=3), tmp_path, **other)
    assert len(one.split()) == 3
    assert one == two


def test_importing_the_trainers_does_not_import_their_library():
    modules = ", ".join(declaration(name).module for name in sorted(FAMILIES))
    code = f"import {modules}, sys; print({{'sklearn', 'numpy', 'joblib'}} & set(sys.modules))"
    assert run(code, None) == "set()"
