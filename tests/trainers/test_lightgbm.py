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
from repro.trainers import lightgbm_ as trainer
from repro.trainers.contract import Job, TrainerError

DECLARATION = declaration("lightgbm")
PARAMETERS = {
    "num_iterations": 12,
    "early_stopping_round": 0,
    "early_stopping_min_delta": 0.0,
    "learning_rate": 0.1,
    "num_leaves": 7,
    "max_depth": 4,
    "min_data_in_leaf": 5,
    "min_sum_hessian_in_leaf": 0.001,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.6,
    "feature_fraction_bynode": 0.9,
    "lambda_l1": 0.1,
    "lambda_l2": 1.0,
    "min_gain_to_split": 0.0,
    "max_delta_step": 0.0,
    "path_smooth": 0.5,
    "extra_trees": False,
    "max_bin": 63,
    "min_data_in_bin": 3,
    "bin_construct_sample_cnt": 1000,
    "boost_from_average": True,
    "use_missing": True,
    "zero_as_missing": False,
    "reg_sqrt": False,
    "is_unbalance": False,
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
    trainer.save(model, tmp_path / "model.txt")
    assert bits(trainer.load(tmp_path / "model.txt")) == bits(model)
    assert trainer.canonical_model(trainer.load(tmp_path / "model.txt")) == trainer.canonical_model(
        model
    )


def test_the_declaration_and_the_test_name_the_same_hyperparameters():
    assert set(PARAMETERS) == set(DECLARATION.hyperparameters)


def test_every_parameter_and_seed_that_was_asked_for_is_in_force():
    asked = {**job().parameters, **SEEDS}
    assert differing_parameters(asked, trainer.effective_parameters(fitted())) == {}


OTHER = {
    "num_iterations": 13,
    "early_stopping_round": 1,
    "early_stopping_min_delta": 5.0,
    "learning_rate": 0.123456789,
    "num_leaves": 5,
    "max_depth": 2,
    "min_data_in_leaf": 60,
    "min_sum_hessian_in_leaf": 50.0,
    "bagging_fraction": 0.5,
    "bagging_freq": 2,
    "feature_fraction": 1.0,
    "feature_fraction_bynode": 0.5,
    "lambda_l1": 5.0,
    "lambda_l2": 9.0,
    "min_gain_to_split": 20.0,
    "max_delta_step": 0.05,
    "path_smooth": 9.0,
    "extra_trees": True,
    "max_bin": 7,
    "min_data_in_bin": 90,
    "bin_construct_sample_cnt": 60,
    "boost_from_average": False,
    "use_missing": False,
    "zero_as_missing": True,
    "reg_sqrt": True,
    "is_unbalance": True,
    "scale_pos_weight": 3.0,
}
OF_CLASSES = ("is_unbalance", "scale_pos_weight")
"""Parameters that only a binary target has a use for."""


def held_out(task="regression"):
    """Return rows on which a few trees are enough: another draw, its target mostly noise."""
    x, y = data(task)
    return x[::-1].copy(), np.random.default_rng(9).permutation(y)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_every_declared_hyperparameter_is_consumed(name):
    task = "binary" if name in OF_CLASSES else "regression"
    both = {"validation": held_out(task)} if name.startswith("early") else {}
    if name == "early_stopping_min_delta":
        both = {"validation": data(task), "early_stopping_round": 5}
    changed = fitted(task, **both, **{name: OTHER[name]})
    effective = trainer.effective_parameters(changed)
    assert differing_parameters({name: OTHER[name]}, effective) == {}
    assert bits(changed, task) != bits(fitted(task, **both), task)


@pytest.mark.parametrize("name", ["bagging_seed", "feature_fraction_seed"])
def test_the_seeds_of_sampling_matter(name):
    assert bits(fitted(seeds={**SEEDS, name: 5})) != bits(fitted())


def test_every_alias_is_one_that_the_library_knows():
    import lightgbm

    known = lightgbm.basic._ConfigAliases.get(*DECLARATION.hyperparameters)
    for name, schema in DECLARATION.hyperparameters.items():
        assert name in known
        assert set(schema["aliases"]) <= known


def test_what_the_library_refuses_is_a_trainer_error_with_its_words():
    with pytest.raises(TrainerError, match="LightGBM: "):
        fitted(bagging_fraction=7.0)


def test_progress_counts_the_rounds():
    told = []
    trainer.fit(job(), *data(), lambda done, total: told.append((done, total)))
    assert told == [(n, 12) for n in range(1, 13)]


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
import test_lightgbm as t
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
    code = "import repro.trainers.lightgbm_, sys; print('lightgbm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_saved_model_is_text_without_code(tmp_path):
    trainer.save(fitted(), tmp_path / "model.txt")
    text = (tmp_path / "model.txt").read_text("utf-8")
    assert text.startswith("tree\n")
    assert "parameters:" in text
    json.dumps(text)


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


def test_a_target_beyond_32_bits_is_refused_where_the_library_would_cut_it():
    x, y = data()
    y[3] = -1e39
    with pytest.raises(TrainerError, match=r"the target goes from -1e\+39 to .* LightGBM keeps it"):
        trainer.fit(job(), x, y, lambda done, total: None)
