"""The perceptron by epochs: what an epoch is, when training stops, and what is kept."""

import numpy as np
import pytest

from repro.facts.trainers import declaration
from repro.trainers import mlp as trainer
from repro.trainers.contract import Job, TrainerError

DECLARATION = declaration("mlp")
PARAMETERS = {
    **{"hidden_layer_sizes": [6, 4], "activation": "relu", "alpha": 1e-4, "solver": "adam"},
    **{"learning_rate_init": 0.01, "learning_rate_schedule": "constant", "power_t": 0.5},
    **{"momentum": 0.9, "nesterovs_momentum": True, "beta_1": 0.9, "beta_2": 0.999},
    **{"epsilon": 1e-8, "shuffle": True, "batch_size": 64, "max_epochs": 6},
    **{"early_stopping_rounds": 0, "tol": 0.0, "impute": "mean", "standardize": True},
}


def data(task="regression", rows=300, seed=7):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 4))
    y = x[:, 0] - 0.5 * x[:, 1] ** 2 + generator.normal(scale=0.5, size=rows)
    if task == "multiclass":
        return x, np.searchsorted([-0.6, 0.2], y).astype(float)
    return x, (y > 0).astype(float) if task == "binary" else y


def job(task="regression", validation=None, **changed):
    parameters = {**PARAMETERS, **DECLARATION.forced("strict"), **changed}
    names = ["a", "b", "c", "d"]
    classes = 3 if task == "multiclass" else 0
    return Job(task, names, parameters, {"random_state": 3}, 1, validation, classes)


def fitted(task="regression", validation=None, told=None, **changed):
    told = [] if told is None else told
    asked = job(task, validation, **changed)
    return trainer.fit(asked, *data(task), lambda done, total: told.append((done, total)))


def library(task, **changed):
    """Return scikit-learn's own fit of the prepared rows."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, y = data(task)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    kind = MLPRegressor if task == "regression" else MLPClassifier
    model = kind(
        hidden_layer_sizes=[6, 4],
        learning_rate_init=0.01,
        batch_size=64,
        max_iter=6,
        n_iter_no_change=np.inf,
        random_state=3,
        **changed,
    )
    with pytest.warns(UserWarning, match="Maximum iterations"):
        return model.fit(x, y), x


@pytest.mark.parametrize("task", DECLARATION.tasks)
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_epochs_without_shuffling_are_the_librarys_fit(task, activation):
    theirs, x = library(task, shuffle=False, activation=activation)
    ours = fitted(task, shuffle=False, activation=activation)
    for mine, other in zip(ours.weights, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)
    expected = theirs.predict(x) if task == "regression" else theirs.predict_proba(x)
    expected = expected[:, 1] if task == "binary" else expected
    np.testing.assert_allclose(trainer.predict(ours, data(task)[0], 1), expected, rtol=1e-8)


def test_without_any_preparation_they_are_the_librarys_fit_to_the_bit():
    from sklearn.neural_network import MLPRegressor

    x, y = data()
    theirs = MLPRegressor(
        hidden_layer_sizes=[6, 4], learning_rate_init=0.01, batch_size=64, max_iter=6, shuffle=False
    )
    theirs.set_params(n_iter_no_change=np.inf, random_state=3)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(x, y)
    ours = fitted(shuffle=False, standardize=False)
    for mine, other in zip(ours.weights, theirs.coefs_, strict=True):
        assert mine.tobytes() == np.ascontiguousarray(other).tobytes()


def test_epochs_are_shuffled_each_in_its_own_way():
    """One generator runs through all epochs: were it made anew, each would shuffle alike."""
    from sklearn.neural_network import MLPRegressor

    alike = MLPRegressor(
        hidden_layer_sizes=[6, 4], learning_rate_init=0.01, batch_size=64, random_state=3
    )
    x, y = data()
    for _ in range(6):
        alike.partial_fit(x, y)
    ours = fitted(standardize=False)
    assert ours.weights[0].tobytes() != np.ascontiguousarray(alike.coefs_[0]).tobytes()


def test_progress_counts_the_epochs():
    told = []
    model = fitted(told=told)
    assert told == [(n, 6) for n in range(1, 7)]
    assert trainer.rounds(model) == 6


@pytest.mark.parametrize("task", DECLARATION.tasks)
def test_stopping_early_keeps_the_best_epoch_to_the_bit(task):
    held, told = data(task, 100, 8), []
    quick = {"learning_rate_init": 0.05, "hidden_layer_sizes": [32, 16]}
    stopped = fitted(task, held, told, max_epochs=200, early_stopping_rounds=5, **quick)
    kept = trainer.rounds(stopped)
    assert told[-1] == (kept + 5, 200)
    straight = fitted(task, max_epochs=kept, **quick)
    assert trainer.canonical_model(stopped) == trainer.canonical_model(straight)

    def loss(model):
        out = trainer.predict(model, held[0], 1)
        if task == "regression":
            return np.mean((out - held[1]) ** 2)
        if task == "multiclass":
            return -np.mean(np.log(out[np.arange(len(out)), held[1].astype(int)]))
        return -np.mean(np.log(np.where(held[1] == 1, out, 1 - out)))

    losses = [loss(fitted(task, max_epochs=n, **quick)) for n in range(1, kept + 6)]
    assert int(np.argmin(losses)) + 1 == kept
    effective = trainer.effective_parameters(stopped)
    assert (effective["epochs_done"], effective["epochs_kept"]) == (kept + 5, kept)
    assert effective["max_epochs"] == 200


def test_held_out_rows_decide_only_when_to_stop():
    """They are prepared as the training rows are: nothing is fitted on them."""
    x, y = data(rows=100, seed=8)
    one = fitted(validation=(x + 1000.0, y), early_stopping_rounds=50).preparation.arrays()
    two = fitted().preparation.arrays()
    assert {k: v.tobytes() for k, v in one.items()} == {k: v.tobytes() for k, v in two.items()}


def test_stopping_early_without_rows_to_look_at_is_refused():
    with pytest.raises(TrainerError, match="early_stopping_rounds: 0"):
        fitted(early_stopping_rounds=2)


def test_zero_rounds_never_look_at_the_held_out_rows():
    held = (np.full((5, 4), np.inf), np.zeros(5))
    same = trainer.canonical_model(fitted(validation=held))
    assert same == trainer.canonical_model(fitted())


@pytest.mark.parametrize("size", [301, 10_000])
def test_a_batch_that_the_rows_cannot_fill_is_refused(size):
    with pytest.raises(TrainerError, match=f"batch_size is {size}, but there are only 300 rows"):
        fitted(batch_size=size)


def test_a_batch_of_all_rows_is_one():
    assert trainer.effective_parameters(fitted(batch_size=300))["batch_size"] == 300


def test_training_that_runs_away_is_refused():
    with pytest.raises(TrainerError, match=r"scikit-learn: .*non-finite"):
        fitted(solver="sgd", learning_rate_init=1e150)


def test_the_documented_profile_fragment_is_in_force():
    for fragment in ({"batch_size": 256, "max_epochs": 50}, {"batch_size": 32, "max_epochs": 5}):
        model = fitted(**fragment)
        effective = trainer.effective_parameters(model)
        assert {name: effective[name] for name in fragment} == fragment
        assert trainer.rounds(model) == fragment["max_epochs"]


def test_what_drives_the_procedure_is_declared_as_such():
    marked = {n for n, s in DECLARATION.hyperparameters.items() if s.get("procedure")}
    assert marked == {"batch_size", "max_epochs", "early_stopping_rounds"}


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        *(("learning_rate", "learning_rate_init"), ("max_iter", "max_epochs")),
        *(("epochs", "max_epochs"), ("patience", "early_stopping_rounds")),
        ("n_iter_no_change", "early_stopping_rounds"),
    ],
)
def test_the_names_that_people_know_mean_ours(alias, name):
    assert DECLARATION.canonical_name(alias) == name


def test_importance_of_one_path_is_the_product_of_its_weights():
    model = fitted(hidden_layer_sizes=[1])
    first, second = model.weights
    np.testing.assert_allclose(trainer.importance(model), np.abs(first[:, 0] * second[0, 0]))


def test_a_hyperparameter_that_the_library_does_not_have_is_refused():
    with pytest.raises(TrainerError, match="no_such_one"):
        fitted(no_such_one=1)
