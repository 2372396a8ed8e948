"""More than two classes, in every family that knows them, on the real libraries."""

import json
import sys
from functools import cache
from importlib import import_module
from importlib.resources import files

import numpy as np
import pytest
import yaml
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.extmath import softmax as library_softmax

from repro.facts.trainers import declarations
from repro.identity.payloads import differing_parameters
from repro.trainers import array_file
from repro.trainers.classes import softmax
from repro.trainers.contract import Job, TrainerError

DECLARED = declarations()
FAMILIES = sorted(name for name, about in DECLARED.items() if "multiclass" in about.tasks)
QUICK = {
    "lightgbm": {"num_iterations": 20, "num_leaves": 7},
    "xgboost": {"num_boost_round": 20, "max_depth": 3},
    "hist_gradient_boosting": {"max_iter": 20, "max_leaf_nodes": 7},
    "random_forest": {"n_estimators": 20, "min_samples_leaf": 5},
    "extra_trees": {"n_estimators": 20, "min_samples_leaf": 5},
    "mlp": {"hidden_layer_sizes": [8], "max_epochs": 30, "learning_rate_init": 0.02},
    "logistic_regression": {},
}
SAID = {
    "lightgbm": {"num_class": 4, "objective": "multiclass"},
    "xgboost": {"num_class": 4, "objective": "multi:softprob", "scale_pos_weight": 1.0},
    "hist_gradient_boosting": {"trees_of_a_round": 4, "loss": "log_loss"},
    "random_forest": {"classes": 4, "criterion": "gini"},
    "extra_trees": {"classes": 4, "criterion": "gini"},
    "mlp": {"classes": 4},
    "logistic_regression": {"classes": 4},
}
"""What each library says of the classes, read back from the fitted model."""
every_family = pytest.mark.parametrize("family", FAMILIES)


@cache
def data(rows=500, seed=7):
    """Return features, two of which make the label, and labels of four unlike classes."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 5))
    signal = x[:, 0] + 0.7 * x[:, 1] + generator.normal(scale=0.3, size=rows)
    return x, np.searchsorted([-1.2, 0.0, 0.9], signal).astype(float)


def job(family, classes=4, validation=None, **changed):
    path = files("repro.template.CONFIG") / "defaults" / "model_config" / f"{family}.yaml"
    written = yaml.safe_load(path.read_text("utf-8"))["hyperparameters"]
    declared = DECLARED[family]
    return Job(
        task="multiclass",
        features=[f"f{n}" for n in range(5)],
        parameters={**written, **QUICK[family], **declared.forced("strict"), **changed},
        seeds=dict.fromkeys(declared.seeds, 3),
        threads=1,
        validation=validation,
        classes=classes,
    )


def trainer_of(family):
    return import_module(DECLARED[family].module)


def fitted(family, y=None, **changed):
    labels = data()[1] if y is None else y
    return trainer_of(family).fit(job(family, **changed), data()[0], labels, lambda *_: None)


@cache
def model(family):
    """Return a model that no test changes."""
    return fitted(family)


def test_every_family_but_the_two_of_regressions_knows_several_classes():
    ours = {name for name, about in DECLARED.items() if about.distribution == "repro-audit"}
    assert ours - set(FAMILIES) == {"ridge", "elasticnet"}
    assert set(FAMILIES) == set(QUICK) == set(SAID)


@every_family
def test_a_row_has_a_probability_of_each_class_in_the_order_of_the_labels(family):
    x, y = data(400, 8)
    out = trainer_of(family).predict(model(family), x, 1)
    assert (out.shape, out.dtype, out.flags.c_contiguous) == ((400, 4), np.float64, True)
    assert out.min() >= 0.0
    np.testing.assert_allclose(out.sum(axis=1), 1.0, atol=1e-6)
    naive = np.bincount(data()[1].astype(int)) / 500
    out = out / out.sum(axis=1, keepdims=True)  # of float32 they add up to 1 within its rounding
    assert log_loss(y, out) < 0.8 * log_loss(y, np.repeat(naive[None], 400, axis=0))
    assert roc_auc_score(y, out, multi_class="ovr") > 0.85


@every_family
def test_the_library_says_how_many_classes_there_are_and_what_else_was_asked_for(family):
    asked = job(family)
    effective = trainer_of(family).effective_parameters(model(family))
    assert (
        differing_parameters({**asked.parameters, **asked.seeds, **SAID[family]}, effective) == {}
    )
    json.dumps(dict(effective), allow_nan=False)


@every_family
def test_rounds_are_counted_and_not_the_trees_of_each_class(family):
    rounds = trainer_of(family).rounds(model(family))
    asked = {"mlp": 30, "logistic_regression": rounds}.get(family, 20)
    assert rounds == asked > 0


def bits(family, found):
    return trainer_of(family).predict(found, data()[0], 1).tobytes()


@every_family
def test_twice_the_same_is_the_same_bits(family):
    trainer, one, two = trainer_of(family), model(family), fitted(family)
    assert trainer.canonical_model(one) == trainer.canonical_model(two)
    assert bits(family, one) == bits(family, two)
    assert trainer.importance(one).tobytes() == trainer.importance(two).tobytes()


UNPICKLED: list[str] = []
sys.addaudithook(
    lambda event, arguments: UNPICKLED.append(event) if event == "pickle.find_class" else None
)


@every_family
def test_a_saved_model_is_the_same_model_and_names_nothing_to_be_run(family, tmp_path):
    trainer, saved = trainer_of(family), model(family)
    path = tmp_path / f"model{trainer.EXTENSION}"
    trainer.save(saved, path)
    UNPICKLED.clear()
    loaded = trainer.load(path)
    assert UNPICKLED == []
    assert trainer.canonical_model(loaded) == trainer.canonical_model(saved)
    assert bits(family, loaded) == bits(family, saved)
    assert trainer.rounds(loaded) == trainer.rounds(saved)
    # LightGBM's text has gains in six digits; what predicts, it has in full.
    np.testing.assert_allclose(trainer.importance(loaded), trainer.importance(saved), rtol=1e-5)
    trainer.save(loaded, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@every_family
def test_the_features_that_make_the_classes_count_most(family):
    found = trainer_of(family).importance(model(family))
    assert found.shape == (5,)
    assert (found >= 0).all()
    assert set(np.argsort(found)[-2:].tolist()) == {0, 1}


@every_family
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((2.0, 1.0), "no row of class 2 in any of 500 training rows"),
        ((2.0, 4.0), r"classes are 0 to 3, not \[4\.0\]"),
        ((2.0, 1.5), r"classes are 0 to 3, not \[1\.5\]"),
    ],
)
def test_a_class_that_is_missing_or_unknown_is_refused(family, change, said):
    y = np.where(data()[1] == change[0], change[1], data()[1])
    with pytest.raises(TrainerError, match=said):
        fitted(family, y)


@every_family
def test_fewer_than_three_classes_are_another_task(family):
    with pytest.raises(TrainerError, match="a multiclass task has 3 classes or more, not 2"):
        fitted(family, np.minimum(data()[1], 1.0), classes=2)


@every_family
def test_where_two_models_part_is_said_by_tree_or_by_feature(family):
    trainer = trainer_of(family)
    names = [name for name, _ in trainer.canonical_parts(model(family))]
    assert len(set(names)) == len(names)
    trees = [name for name in names if name.startswith("tree ")]
    if family in ("random_forest", "extra_trees"):
        assert len(trees) == trainer.rounds(model(family))
    elif trees:
        assert len(trees) == 4 * trainer.rounds(model(family))
    else:
        assert {"coefficients of f4", "weights_0 of f4"} & set(names)


def test_no_class_and_no_unit_is_called_by_a_feature_of_which_there_are_as_many():
    y = np.minimum(data()[1], 3.0) + (data()[0][:, 2] > 1.5)
    linear = fitted("logistic_regression", y, classes=5)
    network = fitted("mlp", y, classes=5, hidden_layer_sizes=[5])
    for family, found in (("logistic_regression", linear), ("mlp", network)):
        parts = [name for name, _ in trainer_of(family).canonical_parts(found)]
        wrong = ("intercept of", "biases_0 of", "biases_1 of", "weights_1 of")
        assert not [name for name in parts if name.startswith(wrong)]
        assert {"intercept 5", "weights_1 5"} & set(parts)


STOPPING = sorted(family for family in FAMILIES if DECLARED[family].early_stopping)


@pytest.mark.parametrize("family", STOPPING)
def test_the_rows_held_out_say_when_to_stop(family):
    """That it is by the mean log loss, test_early_stopping and test_mlp find round by round."""
    x, y = data(200, 9)
    held = (x, np.random.default_rng(1).permutation(y))
    rounds = DECLARED[family].canonical_name("n_estimators" if family != "mlp" else "max_epochs")
    patience = DECLARED[family].early_stopping
    changed = {rounds: 100, patience: 2}
    stopped = fitted(family, validation=held, **changed)
    assert trainer_of(family).rounds(stopped) < 50
    followed = fitted(family, validation=(x, y), **changed)
    assert trainer_of(family).rounds(followed) > trainer_of(family).rounds(stopped)


# --- files ---------------------------------------------------------------------------------------

ARRAYS = sorted(family for family in FAMILIES if trainer_of(family).EXTENSION == ".npz")
LAST = {
    "hist_gradient_boosting": "baseline",
    "random_forest": "values",
    "extra_trees": "values",
    "logistic_regression": "intercept",
    "mlp": "biases_1",
}
"""The array that says how many classes there are."""


@pytest.mark.parametrize("family", ARRAYS)
def test_a_file_of_other_classes_than_its_arrays_is_refused(family, tmp_path):
    trainer, path, name = trainer_of(family), tmp_path / "model.npz", LAST[family]
    trainer.save(model(family), path)
    parameters, arrays = array_file.read(path)
    forgeries = [
        *(({**parameters, "task": task}, arrays) for task in ("regression", "binary")),
        (parameters, {**arrays, name: arrays[name][..., :3].copy()}),
        (parameters, {**arrays, name: arrays[name][..., :2].copy()}),
        (parameters, {**arrays, name: arrays[name][None]}),
        (parameters, {key: array for key, array in arrays.items() if key != name}),
    ]
    if name == "values":
        forgeries.pop(2)  # three shares of four are a forest of three classes
    for said, held in forgeries:
        array_file.write(path, said, held)
        with pytest.raises(TrainerError):
            trainer.load(path)


# --- probabilities -------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [3, 9, 20])
def test_softmax_is_the_librarys_and_a_row_has_the_same_bits_alone(classes):
    z = np.random.default_rng(classes).normal(scale=30, size=(300, classes))
    z[7], z[8, 0] = 0.0, 1e308
    out = softmax(z)
    np.testing.assert_allclose(out, library_softmax(z), rtol=1e-13)
    assert out[7].tolist() == [1 / classes] * classes
    alone = [softmax(z[n : n + 1])[0] for n in range(len(z))]
    assert out.tobytes() == np.array(alone).tobytes()
