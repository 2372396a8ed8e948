"""Ridge, elastic net, logistic regression and the perceptron, on the real library: what all owe."""

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.resources import files
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import yaml

from repro.facts.trainers import declaration
from repro.identity.payloads import differing_parameters
from repro.trainers import array_file
from repro.trainers.contract import Job, TrainerError

FAMILIES = ("ridge", "elasticnet", "logistic_regression", "mlp")
CASES = [
    *(("ridge", "regression"), ("elasticnet", "regression"), ("logistic_regression", "binary")),
    *(("mlp", "regression"), ("mlp", "binary")),
    *(("logistic_regression", "multiclass"), ("mlp", "multiclass")),
]
TRAINERS = {family: import_module(f"repro.trainers.{family}") for family in FAMILIES}
COMMON = {"impute": "mean", "standardize": True}
PARAMETERS = {
    "ridge": {"alpha": 1.0, "fit_intercept": True, "solver": "cholesky", **COMMON},
    "elasticnet": {
        **{"alpha": 0.01, "l1_ratio": 0.5, "fit_intercept": True, "max_iter": 1000, "tol": 1e-4},
        **{"positive": False, "selection": "cyclic", **COMMON},
    },
    "logistic_regression": {
        **{"C": 1.0, "l1_ratio": 0.0, "fit_intercept": True, "intercept_scaling": 1.0},
        **{"class_weight": None, "solver": "lbfgs", "max_iter": 200, "tol": 1e-4, **COMMON},
    },
    "mlp": {
        **{"hidden_layer_sizes": [6, 4], "activation": "relu", "alpha": 1e-4, "solver": "adam"},
        **{"learning_rate_init": 0.01, "learning_rate_schedule": "constant", "power_t": 0.5},
        **{"momentum": 0.9, "nesterovs_momentum": True, "beta_1": 0.9, "beta_2": 0.999},
        **{"epsilon": 1e-8, "shuffle": True, "batch_size": 64, "max_epochs": 6},
        **{"early_stopping_rounds": 0, "tol": 1e-4, **COMMON},
    },
}
SVD = {"solver": "svd"}
DRAWN = {"selection": "random"}
SAGA = {"solver": "saga", "max_iter": 2000}
SGD = {"solver": "sgd"}
SHRINKING = {**SGD, "learning_rate_schedule": "invscaling"}
HELD = {"early_stopping_rounds": 2, "max_epochs": 40}
FAST = {"max_epochs": 40, "learning_rate_init": 0.1}
"""Another value of each hyperparameter, and what must be set for it to matter."""
OTHER = {
    "ridge": {
        **{"alpha": (20.0, {}), "fit_intercept": (False, {}), "solver": ("svd", {})},
        **{"impute": ("zero", {}), "standardize": (False, {})},
    },
    "elasticnet": {
        **{"alpha": (0.1, {}), "l1_ratio": (0.9, {}), "fit_intercept": (False, {})},
        **{"max_iter": (None, {}), "tol": (1e-9, {}), "positive": (True, {})},
        **{"selection": ("random", {}), "impute": ("median", {}), "standardize": (False, {})},
    },
    "logistic_regression": {
        **{"C": (0.1, {}), "l1_ratio": (0.5, SAGA), "fit_intercept": (False, {})},
        **{"intercept_scaling": (3.0, {"solver": "liblinear"}), "class_weight": ("balanced", {})},
        **{"solver": ("newton-cholesky", {}), "max_iter": (None, {}), "tol": (1e-9, {})},
        **{"impute": ("zero", {}), "standardize": (False, {})},
    },
    "mlp": {
        **{"hidden_layer_sizes": ([6, 5], {}), "activation": ("tanh", {}), "alpha": (1.0, {})},
        **{"solver": ("sgd", {}), "learning_rate_init": (0.02, {}), "power_t": (0.3, SHRINKING)},
        **{"learning_rate_schedule": ("invscaling", SGD), "momentum": (0.5, SGD)},
        **{"nesterovs_momentum": (False, SGD), "beta_1": (0.5, {}), "beta_2": (0.9, {})},
        **{"epsilon": (1e-3, {}), "shuffle": (False, {}), "batch_size": (50, {})},
        **{"max_epochs": (7, {}), "early_stopping_rounds": (2, FAST)},
        **{"tol": (0.05, HELD), "impute": ("zero", {}), "standardize": (False, {})},
    },
}


def data(task="regression", rows=300, seed=7):
    generator = np.random.default_rng(seed)
    x = generator.normal(loc=2.0, scale=[1, 2, 3, 0.5, 1], size=(rows, 5))
    signal = x[:, 0] - 0.5 * x[:, 1] + 0.2 * x[:, 3] - 2
    x[generator.random((rows, 5)) < 0.05] = np.nan
    y = signal + generator.normal(scale=0.5, size=rows)
    if task == "multiclass":
        return np.ascontiguousarray(x), np.searchsorted([-1.0, 1.0], y).astype(float)
    return np.ascontiguousarray(x), (y > 0.4).astype(float) if task == "binary" else y


def job(family, task, validation=None, seed=11, features=5, **changed):
    declared = declaration(family)
    return Job(
        task=task,
        features=[f"f{n}" for n in range(features)],
        parameters={**PARAMETERS[family], **declared.forced("strict"), **changed},
        seeds=dict.fromkeys(declared.seeds, seed),
        threads=1,
        validation=validation,
        classes=3 if task == "multiclass" else 0,
    )


def quiet(done, total):
    pass


def fitted(family, task, **changed):
    held = data(task, 80, 8) if changed.get("early_stopping_rounds") else None
    return TRAINERS[family].fit(job(family, task, held, **changed), *data(task), quiet)


def bits(family, task, model):
    return TRAINERS[family].predict(model, data(task)[0], 1).tobytes()


every_case = pytest.mark.parametrize(("family", "task"), CASES)


@every_case
def test_twice_the_same_is_the_same_bits(family, task):
    one, two = fitted(family, task), fitted(family, task)
    trainer = TRAINERS[family]
    assert trainer.canonical_model(one) == trainer.canonical_model(two)
    assert bits(family, task, one) == bits(family, task, two)


@every_case
def test_a_saved_model_is_the_same_model(family, task, tmp_path):
    trainer, model = TRAINERS[family], fitted(family, task)
    path = tmp_path / f"model{trainer.EXTENSION}"
    trainer.save(model, path)
    again = trainer.load(path)
    assert bits(family, task, again) == bits(family, task, model)
    assert trainer.canonical_model(again) == trainer.canonical_model(model)
    assert trainer.effective_parameters(again) == trainer.effective_parameters(model)
    assert trainer.rounds(again) == trainer.rounds(model)
    assert trainer.importance(again).tobytes() == trainer.importance(model).tobytes()
    first = path.read_bytes()
    trainer.save(again, path)
    assert path.read_bytes() == first


@every_case
def test_a_row_has_the_same_prediction_alone_and_among_others(family, task):
    trainer, model = TRAINERS[family], fitted(family, task)
    x = data(task, 3000)[0]
    alone = [trainer.predict(model, x[n : n + 1], 1)[0] for n in range(0, 3000, 97)]
    assert trainer.predict(model, x, 1)[::97].tobytes() == np.array(alone).tobytes()


@every_case
def test_what_is_learned_is_learned_from_the_signal(family, task):
    model = fitted(family, task, **({"max_epochs": 60} if family == "mlp" else {}))
    x, y = data(task, 2000, 99)
    out = TRAINERS[family].predict(model, x, 1)
    if task != "regression":
        assert out.min() >= 0
        assert out.max() <= 1
    if task == "multiclass":
        assert np.abs(out.sum(axis=1) - 1).max() < 1e-12
        out = out @ [0.0, 1.0, 2.0]
    assert np.corrcoef(out, y)[0, 1] > (0.5 if task == "binary" else 0.7)


@every_case
def test_importance_knows_the_features_that_count(family, task):
    model = fitted(family, task, **({"max_epochs": 60} if family == "mlp" else {}))
    found = TRAINERS[family].importance(model)
    assert found.shape == (5,)
    assert (found >= 0).all()
    order = np.argsort(found).tolist()
    # A perceptron's paths add up noise too: there the foremost is all that is sure.
    assert order[-1] in (0, 1) if family == "mlp" else set(order[-2:]) == {0, 1}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_declaration_and_the_test_name_the_same_hyperparameters(family):
    declared = set(declaration(family).hyperparameters)
    assert declared == set(PARAMETERS[family]) == set(OTHER[family])


@every_case
def test_every_parameter_and_seed_that_was_asked_for_is_in_force(family, task):
    asked = job(family, task)
    effective = TRAINERS[family].effective_parameters(fitted(family, task))
    assert differing_parameters({**asked.parameters, **asked.seeds}, effective) == {}
    json.dumps(effective, allow_nan=False)


CHANGES = [
    (family, name)
    for family in FAMILIES
    for name, (value, _) in sorted(OTHER[family].items())
    if value is not None
]


@pytest.mark.parametrize(("family", "name"), CHANGES)
def test_every_declared_hyperparameter_is_consumed(family, name):
    task = "binary" if family == "logistic_regression" else "regression"
    value, context = OTHER[family][name]
    changed = fitted(family, task, **context, **{name: value})
    effective = TRAINERS[family].effective_parameters(changed)
    assert differing_parameters({name: value}, effective) == {}
    assert bits(family, task, changed) != bits(family, task, fitted(family, task, **context))


@pytest.mark.parametrize(
    ("family", "changed"),
    [
        *(("elasticnet", {"max_iter": 1, "tol": 1e-9}), ("logistic_regression", {"max_iter": 1})),
        ("logistic_regression", {"solver": "saga", "max_iter": 1}),
        ("logistic_regression", {"solver": "liblinear", "max_iter": 1}),
        ("logistic_regression", {"solver": "newton-cholesky", "max_iter": 1}),
    ],
)
def test_a_solver_that_did_not_converge_has_no_model(family, changed):
    task = "binary" if family == "logistic_regression" else "regression"
    with pytest.raises(TrainerError, match=r"warns: .*raise max_iter or tol"):
        fitted(family, task, **changed)


@pytest.mark.parametrize(
    ("family", "changed"),
    [
        *(("elasticnet", DRAWN), ("logistic_regression", {**SAGA, "tol": 1e-2}), ("mlp", {})),
        ("logistic_regression", {"solver": "liblinear", "l1_ratio": 1.0, "tol": 1e-2}),
    ],
)
def test_the_seed_matters_where_one_is_declared(family, changed):
    task = "binary" if family == "logistic_regression" else "regression"
    one, two = (fitted(family, task, seed=seed, **changed) for seed in (1, 2))
    assert bits(family, task, one) != bits(family, task, two)


def test_ridge_declares_no_seed_and_no_rounds():
    assert declaration("ridge").seeds == ()
    assert TRAINERS["ridge"].rounds(fitted("ridge", "regression")) is None


def test_a_solver_reports_its_iterations():
    for family, task in (("elasticnet", "regression"), ("logistic_regression", "binary")):
        model = fitted(family, task)
        done = TRAINERS[family].rounds(model)
        assert 1 < done < 200
        assert TRAINERS[family].effective_parameters(model)["n_iter_"] == done


def test_a_singular_system_is_not_solved_by_another_solver_in_silence():
    x, y = data()
    x[:, 1] = x[:, 0] = np.where(np.isnan(x[:, 0]), 0.0, x[:, 0])
    asked = job("ridge", "regression", alpha=0.0)
    with pytest.raises(TrainerError, match=r"svd|ill-conditioned|singular"):
        TRAINERS["ridge"].fit(asked, x, y, quiet)
    TRAINERS["ridge"].fit(job("ridge", "regression", alpha=0.0, **SVD), x, y, quiet)


def test_what_the_library_refuses_is_a_trainer_error_with_its_words():
    with pytest.raises(TrainerError, match=r"scikit-learn: .*lbfgs"):
        fitted("logistic_regression", "binary", l1_ratio=0.5)


def test_predictions_are_those_of_the_library():
    from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

    kinds = {"ridge": Ridge, "elasticnet": ElasticNet, "logistic_regression": LogisticRegression}
    for family, task in (*CASES[:3], ("logistic_regression", "multiclass")):
        x, y = data(task)
        x = np.nan_to_num(x)
        asked = job(family, task, standardize=False)
        ours = TRAINERS[family].predict(TRAINERS[family].fit(asked, x, y, quiet), x, 1)
        given = {k: v for k, v in asked.parameters.items() if k not in COMMON}
        theirs = kinds[family](**given, **asked.seeds).fit(x, y)
        expected = theirs.predict(x) if task == "regression" else theirs.predict_proba(x)
        expected = expected[:, 1] if task == "binary" else expected
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


@every_case
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_target_of_one_value_is_refused(family, task, value):
    x, _ = data(task)
    with pytest.raises(TrainerError, match=r"only one (class|value)"):
        TRAINERS[family].fit(job(family, task), x, np.full(len(x), value), quiet)


@every_case
def test_too_few_rows_are_refused(family, task):
    x, y = data(task)
    for rows in (0, 1):
        with pytest.raises(TrainerError, match="too few rows"):
            TRAINERS[family].fit(job(family, task), x[:rows], y[:rows], quiet)


def test_a_third_class_is_refused():
    x, y = data("binary")
    y[0] = 2.0
    with pytest.raises(TrainerError, match="classes are 0 and 1"):
        TRAINERS["logistic_regression"].fit(job("logistic_regression", "binary"), x, y, quiet)


@every_case
def test_a_forged_file_is_refused(family, task, tmp_path):
    trainer, path = TRAINERS[family], tmp_path / "model.npz"
    trainer.save(fitted(family, task), path)
    parameters, arrays = array_file.read(path)
    layer = "weights_0" if family == "mlp" else "coefficients"
    forgeries = [
        *(({**parameters, "family": "lightgbm"}, arrays), ({**parameters, "task": "x"}, arrays)),
        *(({**parameters, "impute": "x"}, arrays), ({**parameters, "standardize": 1}, arrays)),
        *(({**parameters, "features": ["f0"]}, arrays), ({**parameters, "report": None}, arrays)),
        ({**parameters, "report": {}}, arrays),
        ({k: v for k, v in parameters.items() if k != "features"}, arrays),
        (parameters, {k: v for k, v in arrays.items() if k != layer}),
        (parameters, {**arrays, layer: arrays[layer][:-1]}),
        (parameters, {**arrays, layer: arrays[layer].astype(np.float32)}),
        (parameters, {**arrays, layer: arrays[layer] * np.nan}),
        (parameters, {**arrays, "scale": -arrays["scale"]}),
        (parameters, {**arrays, "fill": arrays["fill"] + np.inf}),
    ]
    if family == "mlp":
        forgeries += [
            *(
                ({**parameters, "hidden_layer_sizes": sizes}, arrays)
                for sizes in ([], 3, [6, True])
            ),
            ({**parameters, "activation": "exp"}, arrays),
            ({**parameters, "hidden_layer_sizes": [6, 10**12]}, arrays),
        ]
    for said, held in forgeries:
        array_file.write(path, said, held)
        with pytest.raises(TrainerError):
            trainer.load(path)
    path.write_bytes(b"\x80\x04cposix\nsystem\n")
    with pytest.raises(TrainerError):
        trainer.load(path)


def test_a_model_of_another_family_is_refused(tmp_path):
    TRAINERS["ridge"].save(fitted("ridge", "regression"), tmp_path / "m.npz")
    for family in ("elasticnet", "mlp"):
        with pytest.raises(TrainerError, match=f"no model of the family {family}"):
            TRAINERS[family].load(tmp_path / "m.npz")


# --- the documents -------------------------------------------------------------------------------

TEMPLATE = Path(str(files("repro.template.CONFIG")))
OURS = {"ridge": {"solver": "cholesky"}, "mlp": {"batch_size": 200, "early_stopping_rounds": 0}}
"""Values that the documents explain: ours, or the library's automatic choice made explicit."""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_defaults_are_complete_and_the_librarys_own(family):
    import sklearn.linear_model as linear
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kinds = {
        **{"ridge": [linear.Ridge], "elasticnet": [linear.ElasticNet]},
        **{"logistic_regression": [linear.LogisticRegression]},
        **{"mlp": [MLPClassifier, MLPRegressor]},
    }
    text = (TEMPLATE / f"defaults/model_config/{family}.yaml").read_text("utf-8")
    written = yaml.safe_load(text)["hyperparameters"]
    assert set(written) == set(PARAMETERS[family])
    theirs = {"learning_rate_schedule": "learning_rate", "max_epochs": "max_iter"}
    ours = {**COMMON, **OURS.get(family, {})}
    for kind in kinds[family]:
        known = signature(kind).parameters
        for name, value in written.items():
            if name in ours:
                assert value == ours[name]
                continue
            expected = known[theirs.get(name, name)].default
            assert value == (list(expected) if isinstance(expected, tuple) else expected), name
        if family == "mlp":
            assert known["early_stopping"].default is False
            assert known["batch_size"].default == "auto"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shipped_document_trains_with_what_the_defaults_add(family):
    def read(folder):
        return yaml.safe_load((TEMPLATE / folder / f"{family}.yaml").read_text("utf-8"))

    declared, shipped = declaration(family), read("model_config")
    task = declared.tasks[-1]
    for variant in ({}, *shipped["variants"].values()):
        given = {
            declared.canonical_name(name): value
            for layer in (
                read("defaults/model_config")["hyperparameters"],
                shipped["hyperparameters"],
                {"max_epochs": 2} if family == "mlp" else {},
                variant,
            )
            for name, value in layer.items()
        }
        model = fitted(family, task, **given)
        effective = TRAINERS[family].effective_parameters(model)
        assert differing_parameters(given, effective) == {}


# --- processes -----------------------------------------------------------------------------------

SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
import test_linear_families as t
digest = hashlib.sha256()
for family, task in t.CASES:
    model = t.fitted(family, task)
    digest.update(t.TRAINERS[family].canonical_model(model) + t.bits(family, task, model))
print(digest.hexdigest())
"""


def test_hash_seed_zone_and_threads_of_the_process_change_no_bit(tmp_path):
    code = SCRIPT.format(folder=str(Path(__file__).parent))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OMP"))}
    kept["OPENBLAS_NUM_THREADS"] = "1"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**kept, **changed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for changed in (
            {"PYTHONHASHSEED": "0"},
            {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "OMP_NUM_THREADS": "3"},
        )
    }
    assert len(prints) == 1


LATE = """
import sys
sys.path.insert(0, {folder!r})
from importlib import import_module
family = {family!r}
trainer = import_module("repro.trainers." + family)
assert "sklearn" not in sys.modules
trainer.load_library()
import test_linear_families as t
added = set(sys.modules)
for changed in {changes!r}:
    for task in t.declaration(family).tasks:
        if task == "multiclass" and changed.get("solver") == "liblinear":
            continue
        held = t.data(task, 80, 8) if changed.get("early_stopping_rounds") else None
        model = trainer.fit(t.job(family, task, held, **changed), *t.data(task), t.quiet)
        trainer.save(model, t.Path("model.npz"))
        t.bits(family, task, trainer.load(t.Path("model.npz")))
new = set(sys.modules) - added
found = sorted(m for m in new if m.partition('.')[0] not in sys.stdlib_module_names)
print(found)
"""
SOLVERS = {
    "ridge": [{}, SVD, {"impute": "median"}],
    "elasticnet": [{}, DRAWN, {"positive": True}],
    "logistic_regression": [
        *({}, SAGA, {"solver": "liblinear"}, {"solver": "newton-cholesky"}),
        {"class_weight": "balanced"},
    ],
    "mlp": [{}, SHRINKING, HELD, {"activation": "logistic"}],
}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=() if family == "mlp" else pytest.mark.slow)
        for family in FAMILIES
    ],
)
def test_load_library_imports_all_that_training_needs(family, tmp_path):
    code = LATE.format(folder=str(Path(__file__).parent), family=family, changes=SOLVERS[family])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
