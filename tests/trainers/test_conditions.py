"""What declarations say of idle and impossible hyperparameters is what the libraries do."""

from importlib import import_module
from importlib.resources import files

import numpy as np
import pytest
import yaml

from repro.facts import conditions
from repro.facts.trainers import declarations
from repro.identity.payloads import differing_parameters
from repro.trainers import array_file
from repro.trainers.contract import Job, TrainerError

DECLARED = declarations()
ROWS = 240
QUICK = {
    "lightgbm": {"num_iterations": 8, "min_data_in_leaf": 5, "deterministic": True},
    "xgboost": {"num_boost_round": 6, "max_depth": 3},
    "hist_gradient_boosting": {"max_iter": 12, "min_samples_leaf": 5},
    "random_forest": {"n_estimators": 3},
    "extra_trees": {"n_estimators": 3},
    "mlp": {"hidden_layer_sizes": [4], "max_epochs": 12, "batch_size": 60},
}
SGD = {"solver": "sgd", "learning_rate_init": 0.1}
COUNTS = {
    ("lightgbm", "bagging_fraction"): ((0.5, 0.9), {"bagging_freq": 1}, None),
    ("lightgbm", "bagging_freq"): ((1, 2), {"bagging_fraction": 0.6}, None),
    ("lightgbm", "max_depth"): ((1, 4), {}, None),
    ("lightgbm", "early_stopping_min_delta"): ((0.0, 0.5), {"early_stopping_round": 1}, None),
    ("lightgbm", "is_unbalance"): ((False, True), {}, "binary"),
    ("lightgbm", "scale_pos_weight"): ((1.0, 3.0), {}, "binary"),
    ("lightgbm", "reg_sqrt"): ((False, True), {}, "regression"),
    ("lightgbm", "zero_as_missing"): ((False, True), {}, None),
    ("xgboost", "max_bin"): ((4, 64), {}, None),
    ("mlp", "momentum"): ((0.2, 0.9), SGD, None),
    ("mlp", "nesterovs_momentum"): ((True, False), SGD, None),
    ("mlp", "learning_rate_schedule"): (("constant", "invscaling"), SGD, None),
    ("mlp", "power_t"): ((0.2, 0.9), {**SGD, "learning_rate_schedule": "invscaling"}, None),
    ("mlp", "beta_1"): ((0.5, 0.9), {}, None),
    ("mlp", "beta_2"): ((0.5, 0.999), {}, None),
    ("mlp", "epsilon"): ((1e-8, 1e-2), {}, None),
    ("mlp", "tol"): ((0.0, 0.9), {"early_stopping_rounds": 1}, None),
    ("hist_gradient_boosting", "tol"): ((0.0, 0.5), {"early_stopping_rounds": 1}, None),
    ("logistic_regression", "intercept_scaling"): ((1.0, 5.0), {"solver": "liblinear"}, "binary"),
}
"""Of each idle name: two values, and with what (and in which task) they make two models."""

IDLE = [
    pytest.param(family, number, name, task, id=f"{family}-{number}-{name}-{task}")
    for family, declared in sorted(DECLARED.items())
    for number, condition in enumerate(declared.conditions)
    for name in condition.idle
    for task in ([condition.task] if condition.task else declared.tasks)
]
IMPOSSIBLE = [
    pytest.param(family, number, name, task, id=f"{family}-{number}-{name}-{task}")
    for family, declared in sorted(DECLARED.items())
    for number, condition in enumerate(declared.conditions)
    for name in condition.requires
    for task in ([condition.task] if condition.task else declared.tasks)
]
FORBIDDEN = {
    "max_samples": (0.5,),
    "max_leaves": (8,),
    "grow_policy": ("lossguide",),
    "colsample_bynode": (0.5,),
    "tree_method": ("exact",),
    "path_smooth": (1.0,),
    "l1_ratio": (0.5,),
    "scale_pos_weight": (3.0,),
    "solver": ("liblinear",),
}


def data(task, seed, rows=ROWS):
    """Return rows with zeros and gaps among them, and labels, some of which are exactly 1."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 4))
    signal = x[:, 0] + x[:, 1] ** 2 + x[:, 2] + generator.normal(scale=0.5, size=rows)
    x[::7, 1] = 0.0
    x[::11, 2] = np.nan
    if task == "binary":
        return x, (signal > 1.5).astype(float)
    if task == "multiclass":
        return x, np.searchsorted([0.0, 1.5], signal).astype(float)
    signal[::5] = 1.0
    return x, signal


def values(family, **changed):
    """Return hyperparameters of a quick fit, complete."""
    path = files("repro.template.CONFIG") / "defaults" / "model_config" / f"{family}.yaml"
    base = yaml.safe_load(path.read_text("utf-8"))["hyperparameters"]
    return {**base, **QUICK.get(family, {}), **changed}


def fitted(family, task, given):
    """Return the trainer's module and a model."""
    declared = DECLARED[family]
    module = import_module(declared.module)
    seeds = dict.fromkeys(declared.seeds, 3)
    parameters = {**given, **declared.forced("strict")}
    stops = declared.early_stopping
    held = data(task, 2, 60) if stops and given[stops] else None
    classes = 3 if task == "multiclass" else 0
    job = Job(task, ["a", "b", "c", "d"], parameters, seeds, 1, held, classes)
    return module, module.fit(job, *data(task, 1), lambda *_: None)


def bits(family, task, given):
    """Return the bytes of what predicts, without what the model says that it was asked for."""
    module, model = fitted(family, task, given)
    if hasattr(model, "arrays"):
        return array_file.canonical({}, model.arrays), module.rounds(model)
    return module.canonical_model(model), module.rounds(model)


def is_done(family, task, given):
    """Return whether the library fits, with what it was asked for in force."""
    try:
        module, model = fitted(family, task, given)
    except TrainerError:
        return False
    return not differing_parameters(given, module.effective_parameters(model))


@pytest.mark.parametrize(("family", "number", "name", "task"), IDLE)
def test_what_is_idle_makes_no_model_another(family, number, name, task):
    condition = DECLARED[family].conditions[number]
    two, counting, _ = COUNTS[family, name]
    held = {key: one[0] for key, one in condition.when.items()}
    found = []
    for value in two:
        given = values(family, **{**counting, **held, name: value})
        assert name in DECLARED[family].idle(given, task)
        found.append(bits(family, task, given))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("family", "name"), sorted(COUNTS), ids=["-".join(both) for both in sorted(COUNTS)]
)
def test_what_is_not_idle_makes_another_model(family, name):
    two, counting, task = COUNTS[family, name]
    for each in [task] if task else DECLARED[family].tasks:
        found = []
        for value in two:
            given = values(family, **{**counting, name: value})
            assert name not in DECLARED[family].idle(given, each)
            found.append(bits(family, each, given))
        assert found[0] != found[1], each


def test_every_idle_name_is_tried_and_no_other():
    declared = {
        (family, name)
        for family, found in DECLARED.items()
        for condition in found.conditions
        for name in condition.idle
    }
    assert declared == set(COUNTS)


@pytest.mark.parametrize(("family", "number", "name", "task"), IMPOSSIBLE)
def test_what_is_impossible_is_refused_and_what_is_required_is_not(family, number, name, task):
    declared = DECLARED[family]
    condition = declared.conditions[number]
    held = {key: one[0] for key, one in condition.when.items()}
    for possible in condition.requires[name]:
        given = values(family, **{**held, name: possible})
        assert declared.contradictions(given, task) == []
        assert is_done(family, task, given)
    for impossible in FORBIDDEN[name]:
        given = values(family, **{**held, name: impossible})
        assert (name, condition) in declared.contradictions(given, task)
        assert not is_done(family, task, given)


# --- what a condition may say --------------------------------------------------------------------


SOUND = {"when": {"a": [0]}, "idle": ["b"], "reason": "so", "evidence": "seen"}


def read(**changed):
    entry = {key: value for key, value in {**SOUND, **changed}.items() if value is not None}
    return conditions.read([entry], ["a", "b"], ["regression"])


def test_a_sound_condition_is_read():
    (found,) = read(task="regression")
    assert (found.when, found.idle, found.task) == ({"a": (0,)}, ("b",), "regression")


@pytest.mark.parametrize(
    "changed",
    [
        {"idle": ["c"]},
        {"when": {"c": [0]}},
        {"idle": None, "requires": {"c": [0]}},
        {"idle": None},
        {"requires": {"b": [0]}},
        {"idle": []},
        {"idle": ["a"]},
        {"when": {}},
        {"task": "ranking"},
        {"more": True},
        {"evidence": None},
    ],
    ids=repr,
)
def test_any_other_is_refused(changed):
    with pytest.raises(ValueError, match="a condition"):
        read(**changed)


def test_false_is_no_zero_and_a_whole_number_is_a_number():
    (found,) = read(when={"a": [0]})
    assert found.holds({"a": 0.0, "b": 1}, "regression")
    assert not found.holds({"a": False, "b": 1}, "regression")
    assert not found.holds({"b": 1}, "regression")
