"""What a trainer owes, on the real library: bits, parameters, seeds, errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from repro.facts.trainers import declaration
from repro.identity.payloads import differing_parameters
from repro.trainers import xgboost_ as trainer
from repro.trainers.contract import Job, TrainerError

DECLARATION = declaration("xgboost")
PARAMETERS = {
    "num_boost_round": 12,
    "early_stopping_rounds": 0,
    "learning_rate": 0.1,
    "max_depth": 4,
    "max_leaves": 0,
    "grow_policy": "depthwise",
    "min_child_weight": 2.0,
    "min_split_loss": 0.0,
    "subsample": 0.7,
    "colsample_bytree": 0.6,
    "colsample_bylevel": 1.0,
    "colsample_bynode": 1.0,
    "reg_lambda": 1.0,
    "reg_alpha": 0.1,
    "max_delta_step": 0.0,
    "max_bin": 63,
    "tree_method": "hist",
    "num_parallel_tree": 1,
    "scale_pos_weight": 1.0,
}
SEEDS = {name: 1000 + n for n, name in enumerate(DECLARATION.seeds)}


def data(task="regression", rows=600):
    generator = np.random.default_rng(7)
    x = generator.normal(size=(rows, 5))
    x[generator.random((rows, 5)) < 0.05] = np.nan
    x[generator.random((rows, 5)) < 0.05] = 0.0
    signal = np.nan_to_num(x[:, 0]) - 0.5 * np.nan_to_num(x[:, 1]) ** 2
    y = signal + generator.normal(scale=0.3, size=rows)
    if task == "multiclass":
        return np.ascontiguousarray(x), np.searchsorted([-0.6, 0.2], y).astype(float)
    return np.ascontiguousarray(x), (y > 0).astype(float) if task == "binary" else y


def job(task="regression", threads=1, seeds=SEEDS, validation=None, **changed):
    return Job(
        task=task,
        features=[f"f{n}" for n in range(5)],
        parameters={**PARAMETERS, **DECLARATION.forced("strict"), **changed},
        seeds=seeds,
        threads=threads,
        validation=validation,
        classes={"regression": 0, "binary": 2, "multiclass": 3}[task],
    )


def fitted(task="regression", **changed):
    return trainer.fit(job(task, **changed), *data(task), lambda done, total: None)


def bits(model, task="regression"):
    return trainer.predict(model, data(task)[0], 1).tobytes()


@pytest.mark.parametrize("task", DECLARATION.tasks)
def test_twice_the_same_is_the_same_bits(task):
    one, two = fitted(task), fitted(task)
    assert trainer.canonical_model(one) == trainer.canonical_model(two)
    assert bits(one, task) == bits(two, task)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_bit_of_trees_or_predictions(threads):
    one, many = fitted(), fitted(threads=threads)
    assert trainer.canonical_model(one) == trainer.canonical_model(many)
    assert bits(one) == bits(many)


def test_a_saved_model_predicts_the_same_bits(tmp_path):
    model = fitted()
    trainer.save(model, tmp_path / "model.ubj")
    assert bits(trainer.load(tmp_path / "model.ubj")) == bits(model)
    assert trainer.canonical_model(trainer.load(tmp_path / "model.ubj")) == trainer.canonical_model(
        model
    )


def test_the_declaration_and_the_test_name_the_same_hyperparameters():
    assert set(PARAMETERS) == set(DECLARATION.hyperparameters)


def test_every_parameter_and_seed_that_was_asked_for_is_in_force():
    asked = {**job().parameters, **SEEDS}
    assert differing_parameters(asked, trainer.effective_parameters(fitted())) == {}


OTHER = {
    "num_boost_round": 13,
    "early_stopping_rounds": 1,
    "learning_rate": 0.123456789,
    "max_depth": 2,
    "max_leaves": 3,
    "grow_policy": "lossguide",
    "min_child_weight": 50,
    "min_split_loss": 1.5,
    "subsample": 0.5,
    "colsample_bytree": 1.0,
    "colsample_bylevel": 0.5,
    "colsample_bynode": 0.5,
    "reg_lambda": 9.0,
    "reg_alpha": 5.0,
    "max_delta_step": 0.05,
    "max_bin": 7,
    "tree_method": "approx",
    "num_parallel_tree": 2,
    "scale_pos_weight": 3.0,
}
OF_CLASSES = ("scale_pos_weight",)
"""Parameters that only a binary target has a use for."""


def held_out(task="regression"):
    """Return rows on which a few trees are enough: another draw, its target mostly noise."""
    x, y = data(task)
    return x[::-1].copy(), np.random.default_rng(9).permutation(y)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_every_declared_hyperparameter_is_consumed(name):
    task = "binary" if name in OF_CLASSES else "regression"
    both = {"validation": held_out(task)} if name.startswith("early") else {}
    if name == "grow_policy":  # it decides only where leaves, not depth, are the limit
        both = {"max_leaves": 5}
    changed = fitted(task, **both, **{name: OTHER[name]})
    effective = trainer.effective_parameters(changed)
    assert differing_parameters({name: OTHER[name]}, effective) == {}
    assert bits(changed, task) != bits(fitted(task, **both), task)


@pytest.mark.parametrize("method", ["approx", "exact"])
@pytest.mark.parametrize("threads", [2, 3])
def test_no_method_depends_on_the_number_of_threads(method, threads):
    one, many = fitted(tree_method=method), fitted(tree_method=method, threads=threads)
    assert trainer.canonical_model(one) == trainer.canonical_model(many)
    assert bits(one) == bits(many)
    asked = {**job(tree_method=method).parameters, **SEEDS}
    assert differing_parameters(asked, trainer.effective_parameters(one)) == {}


def test_the_seed_matters():
    assert bits(fitted(seeds={"seed": 5})) != bits(fitted())


def test_every_knob_that_strict_mode_forces_is_in_force():
    effective = trainer.effective_parameters(fitted())
    assert set(DECLARATION.forced("strict")) >= {"device", "booster", "sampling_method"}
    assert differing_parameters(DECLARATION.forced("strict"), effective) == {}


def test_a_number_is_read_back_as_it_was_asked_for_only_if_it_is_the_same_single():
    effective = trainer.effective_parameters(fitted(learning_rate=0.1234567890123))
    assert effective["learning_rate"] == 0.1234567890123
    assert trainer._is_same_single(0.1234567890123, 0.123456791)
    assert not trainer._is_same_single(0.1234568, 0.123456791)
    assert not trainer._is_same_single(0.1, "0.1")
    assert not trainer._is_same_single(0.1, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"max_leaves": 4}, "exact ignores max_leaves"),
        ({"grow_policy": "lossguide"}, "exact ignores grow_policy"),
        ({"max_depth": 0}, "exact tree method doesn't support unlimited depth"),
    ],
)
def test_what_exact_would_ignore_is_refused(changed, said):
    with pytest.raises(TrainerError, match=said) as caught:
        fitted(tree_method="exact", **changed)
    assert "Stack" not in str(caught.value)
    assert "/workspace" not in str(caught.value)


def test_infinite_values_and_odd_names_are_refused_in_one_line():
    x, y = data()
    x[3, 1] = np.inf
    with pytest.raises(
        TrainerError, match=r"feature f1 goes from .* to inf, beyond the 32 bits"
    ) as caught:
        trainer.fit(job(), x, y, lambda done, total: None)
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainerError, match=r"feature f1 goes from .*; rescale it or leave it out"):
        trainer.predict(fitted(), x, 1)
    with pytest.raises(
        TrainerError, match=r"the target goes from .* to 1e\+39, beyond the 32 bits"
    ):
        trainer.fit(job(), data()[0], np.where(np.arange(len(y)) == 3, 1e39, y), lambda *_: None)


def test_what_the_library_refuses_is_a_trainer_error_with_its_words():
    with pytest.raises(TrainerError, match="XGBoost: value 7 for Parameter subsample"):
        fitted(subsample=7.0)


def test_progress_counts_the_rounds():
    told = []
    trainer.fit(job(), *data(), lambda done, total: told.append((done, total)))
    assert told == [(n, 12) for n in range(1, 13)]


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
import test_xgboost as t
model = t.fitted()
print(hashlib.sha256(t.trainer.canonical_model(model) + t.bits(model)).hexdigest())
"""


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"PYTHONHASHSEED": "1"}, marks=pytest.mark.slow),
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "3"},
    ],
)
def test_hash_seed_zone_and_threads_of_the_process_change_no_bit(variables, tmp_path):
    code = SCRIPT.format(folder=str(Path(__file__).parent))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OMP"))}
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, **changed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for changed in ({"PYTHONHASHSEED": "0"}, variables)
    }
    assert len(prints) == 1


def test_importing_the_trainer_does_not_import_its_library():
    code = "import repro.trainers.xgboost_, sys; print('xgboost' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_saved_model_holds_no_attributes_and_twice_the_same_bytes(tmp_path):
    import xgboost

    trainer.save(fitted(early_stopping_rounds=1, validation=held_out()), tmp_path / "one.ubj")
    trainer.save(
        fitted(early_stopping_rounds=1, validation=held_out(), threads=3), tmp_path / "two.ubj"
    )
    assert (tmp_path / "one.ubj").read_bytes() == (tmp_path / "two.ubj").read_bytes()
    booster = xgboost.Booster(model_file=tmp_path / "one.ubj")
    assert booster.attributes() == {}
    learner = json.loads(booster.save_raw("json"))["learner"]
    assert learner["feature_names"] == [f"f{n}" for n in range(5)]


def test_importance_is_the_gain_of_each_feature():
    gains = trainer.importance(fitted())
    assert gains.shape == (5,)
    assert (gains >= 0).all()
    assert gains[:2].min() > gains[2:].max()


def test_a_feature_that_no_tree_uses_counts_nothing():
    x, y = data()
    x[:, 4] = 1.0
    model = trainer.fit(job(), x, y, lambda done, total: None)
    assert trainer.importance(model)[4] == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_target_that_is_not_finite_is_refused(bad):
    x, y = data()
    y[3] = bad
    with pytest.raises(TrainerError, match="the target has values that are not finite"):
        trainer.fit(job(), x, y, lambda done, total: None)


@pytest.mark.parametrize("part", [0, 1, 0.5, 0.99], ids=["empty", "first", "half", "nearly all"])
def test_a_file_that_is_cut_is_refused_and_ends_no_process(part, tmp_path):
    path = tmp_path / "model"
    trainer.save(fitted(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: part if part in (0, 1) else int(len(whole) * part)])
    with pytest.raises(TrainerError, match="model is no"):
        trainer.load(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"\x80\x04}" * 100)
    with pytest.raises(TrainerError, match="model is no"):
        trainer.load(path)
