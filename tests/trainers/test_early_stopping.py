"""Early stopping, on the real libraries: when it stops, and which model is kept."""

import numpy as np
import pytest

from repro.facts.trainers import declaration
from repro.identity.payloads import differing_parameters
from repro.trainers import lightgbm_, stopping, xgboost_
from repro.trainers.contract import Job, TrainerError

FAMILIES = {"lightgbm": lightgbm_, "xgboost": xgboost_}
ROUNDS = 200
SHARED = {"learning_rate": 0.5, "max_depth": 6, "max_bin": 63, "reg_lambda": 0.0}
OWN = {
    "lightgbm": {
        "num_leaves": 63,
        "min_data_in_leaf": 2,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
    },
    "xgboost": {"tree_method": "hist", "min_child_weight": 0, "subsample": 0.8},
}
TASKS = ("regression", "binary", "multiclass")
EACH = [(family, task) for family in FAMILIES for task in TASKS]


def planted(task, rows, seed):
    """Return a weak signal under much noise: a few trees learn the one, more learn the other."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 6))
    y = 0.5 * x[:, 0] + generator.normal(size=rows)
    if task == "multiclass":
        return x, np.searchsorted([-0.5, 0.5], y).astype(float)
    return x, (y > 0).astype(float) if task == "binary" else y


def asked(family, **changed):
    """Return parameters: the library's defaults for what is not of interest."""
    names = declaration(family).aliases()
    rounds, patience = names["n_estimators"], names["n_iter_no_change"]
    own = {names[k]: v for k, v in {**SHARED, **OWN[family]}.items()}
    rest = {"max_leaves": 0, "grow_policy": "depthwise", "scale_pos_weight": 1.0}
    rest = rest if family == "xgboost" else {}
    forced = declaration(family).forced("strict")
    given = {rounds: ROUNDS, patience: 5, **own, **rest, **forced}
    return given | {names[k]: v for k, v in changed.items()}


def job(family, task, threads=1, validation=True, **changed):
    names = declaration(family).seeds
    return Job(
        task=task,
        features=[f"f{n}" for n in range(6)],
        parameters=asked(family, **changed),
        seeds=dict.fromkeys(names, 11),
        threads=threads,
        validation=planted(task, 300, 2) if validation else None,
        classes=3 if task == "multiclass" else 0,
    )


def fitted(family, task, **changed):
    told = []
    model = FAMILIES[family].fit(
        job(family, task, **changed),
        *planted(task, 600, 1),
        lambda done, total: told.append((done, total)),
    )
    return model, told


def predicted(family, task, model):
    return FAMILIES[family].predict(model, planted(task, 200, 3)[0], 1)


@pytest.mark.parametrize(("family", "task"), EACH)
def test_training_stops_before_the_end_and_patience_after_the_best_round(family, task):
    model, told = fitted(family, task)
    best = FAMILIES[family].rounds(model)
    assert 1 <= best < ROUNDS
    assert told == [(n, ROUNDS) for n in range(1, best + 6)]


@pytest.mark.parametrize(("family", "task"), EACH)
def test_the_round_it_stops_at_has_the_least_loss_on_the_rows_held_out(family, task):
    trainer = FAMILIES[family]
    model, told = fitted(family, task)
    x, y = planted(task, 300, 2)
    losses = []
    for rounds in range(1, len(told) + 1):
        shorter, _ = fitted(family, task, validation=False, n_iter_no_change=0, n_estimators=rounds)
        losses.append(stopping.loss(task, y, trainer.predict(shorter, x, 1)))
    assert int(np.argmin(losses)) + 1 == trainer.rounds(model)


@pytest.mark.parametrize(("family", "task"), EACH)
def test_the_model_is_the_very_one_of_so_many_rounds_asked_for(family, task):
    trainer = FAMILIES[family]
    model, _ = fitted(family, task)
    plain, _ = fitted(
        family, task, validation=False, n_iter_no_change=0, n_estimators=trainer.rounds(model)
    )
    assert trainer.canonical_model(plain) == trainer.canonical_model(model)
    assert (predicted(family, task, plain) == predicted(family, task, model)).all()
    assert (trainer.importance(plain) == trainer.importance(model)).all()


@pytest.mark.parametrize(("family", "task"), EACH)
def test_the_saved_model_has_only_the_trees_that_predict(family, task, tmp_path):
    trainer = FAMILIES[family]
    model, _ = fitted(family, task)
    path = tmp_path / f"model{trainer.EXTENSION}"
    trainer.save(model, path)
    loaded = trainer.load(path)
    assert trainer.rounds(loaded) == trainer.rounds(model)
    assert trainer.canonical_model(loaded) == trainer.canonical_model(model)
    bits = predicted(family, task, model).tobytes()
    assert predicted(family, task, loaded).tobytes() == bits
    trainer.save(loaded, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("family", "task"), EACH)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_it_stops_at_the_same_round_with_the_same_bits(family, task, threads):
    trainer = FAMILIES[family]
    one, _ = fitted(family, task)
    other, _ = fitted(family, task, threads=threads)
    assert trainer.rounds(one) == trainer.rounds(other)
    assert trainer.canonical_model(one) == trainer.canonical_model(other)
    assert predicted(family, task, one).tobytes() == predicted(family, task, other).tobytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_number_of_rounds_may_differ_from_what_was_asked_for(family):
    model, told = fitted(family, "regression")
    rounds = declaration(family).canonical_name("n_estimators")
    effective = FAMILIES[family].effective_parameters(model)
    differing = differing_parameters(asked(family), effective)
    assert set(differing) <= {rounds}
    assert effective[rounds] in (ROUNDS, len(told))


@pytest.mark.parametrize("family", FAMILIES)
def test_more_patience_than_rounds_keeps_the_best_round_too(family):
    model, told = fitted(family, "regression", n_iter_no_change=ROUNDS, n_estimators=40)
    best, _ = fitted(family, "regression")
    trainer = FAMILIES[family]
    assert len(told) == 40
    assert trainer.canonical_model(model) == trainer.canonical_model(best)


@pytest.mark.parametrize("family", FAMILIES)
def test_stopping_early_without_rows_held_out_is_refused(family):
    with pytest.raises(TrainerError, match="needs rows held out of the fit"):
        fitted(family, "regression", validation=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_held_out_change_nothing_where_training_may_not_stop(family):
    trainer = FAMILIES[family]
    models = [
        fitted(family, "binary", n_iter_no_change=0, n_estimators=7, validation=held)[0]
        for held in (True, False)
    ]
    assert len({trainer.canonical_model(model) for model in models}) == 1
    assert trainer.rounds(models[0]) == 7


def test_the_loss_is_the_mean_squared_error_or_the_mean_log_loss():
    truth = np.array([0.0, 1.0, 1.0])
    assert stopping.loss("regression", truth, [1.0, 1.0, 3.0]) == pytest.approx(5 / 3)
    assert stopping.loss("binary", truth, [0.5, 0.5, 0.25]) == pytest.approx(
        (2 * np.log(2) + np.log(4)) / 3
    )
    assert np.isfinite(stopping.loss("binary", truth, [1.0, 0.0, 1.0]))


def test_the_loss_of_several_classes_is_scikit_learns_whatever_the_order_of_rows():
    from sklearn.metrics import log_loss

    generator = np.random.default_rng(1)
    truth = generator.integers(0, 4, 500).astype(float)
    likely = generator.dirichlet([0.3] * 4, 500)
    found = stopping.loss("multiclass", truth, likely)
    assert found == pytest.approx(log_loss(truth, likely))
    order = generator.permutation(500)
    assert stopping.loss("multiclass", truth[order], likely[order]) == found
    assert np.isfinite(stopping.loss("multiclass", truth, np.eye(4)[generator.integers(0, 4, 500)]))


def test_a_loss_beyond_all_numbers_is_infinite():
    assert stopping.loss("regression", np.zeros(3), [1e154] * 3) == np.inf
