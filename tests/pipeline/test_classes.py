"""What is asked of the labels of training rows before anything is trained, and what they say."""

import numpy as np
import pytest

from repro.errors import InputError
from repro.pipeline.classes import baseline, naive, require_every_class
from repro.pipeline.predicted import as_table
from repro.pipeline.samples import Samples
from repro.pipeline.splits.fold import Fold

THREE = {
    "name": "fwd",
    "task": "multiclass",
    "formula": {"kind": "forward_return_class", "column": "c", "edges": [-0.5, 0.5]},
}
TWO = {
    "name": "up",
    "task": "binary",
    "formula": {"kind": "forward_return_above", "column": "c", "threshold": 0},
}
Y = np.array([0.0, 1.0, 1.0, 0.0, 2.0, 1.0, 0.0, 2.0])
FOLDS = tuple(
    Fold(n, np.arange(end), np.arange(end, end + 2), 0, 0, 0, 0) for n, end in enumerate((4, 6))
)


def test_a_class_that_a_fold_does_not_train_on_is_named_with_the_fold():
    fits = {"fold 1": np.arange(5), "fold 2": np.arange(4), "final": np.arange(8)}
    with pytest.raises(InputError) as caught:
        require_every_class(Y, fits, THREE)
    assert caught.value.problem == (
        "fold 2: class 2 (above 0.5) of target fwd does not occur in its 4 training rows"
    )
    require_every_class(Y, {"fold 1": np.arange(5)}, THREE)


def test_two_classes_are_asked_for_too_and_of_a_regression_none():
    with pytest.raises(InputError, match=r"fold 1: class 0 \(up to 0\) of target up"):
        require_every_class(Y, {"fold 1": np.array([1, 2])}, TWO)
    require_every_class(np.ones(3), {"fold 1": np.arange(3)}, {"task": "regression"})


def test_the_naive_model_says_the_mean_or_the_share_of_each_class():
    assert naive(np.array([0.0, 1.0, 1.0, 1.0]), 2) == 0.75
    assert naive(np.array([0.5, 1.0]), 0) == 0.75
    assert naive(Y, 3).tolist() == [3 / 8, 3 / 8, 2 / 8]
    assert naive(Y[:4], 3).tolist() == [0.5, 0.5, 0.0]


def test_the_baseline_of_a_row_is_what_the_training_rows_of_its_fold_say():
    found = baseline(Y, FOLDS, 3)
    assert found.shape == (8, 3)
    assert np.isnan(found[:4]).all()
    assert found[4:6].tolist() == [[0.5, 0.5, 0.0]] * 2
    assert found[6:].tolist() == [naive(Y[:6], 3).tolist()] * 2
    assert baseline(Y, FOLDS, 0)[4:].tolist() == [0.5, 0.5, Y[:6].mean(), Y[:6].mean()]


def test_predictions_are_a_number_or_one_a_class_beside_the_identity_of_the_row():
    samples = Samples(
        X=np.zeros((8, 1)),
        y=Y,
        time=np.arange(8, dtype=np.int64),
        label_end=np.arange(8, dtype=np.int64) + 1,
        symbol=np.array([0, 1] * 4, dtype=np.int32),
        symbols=("A", "Bé"),
        names=("f",),
        dropped={},
    )
    fold_of = np.array([-1] * 4 + [0, 0, 1, 1], dtype=np.int32)
    each = np.arange(24.0).reshape(8, 3)
    table = as_table(samples, fold_of, each)
    assert table["prediction"].tolist() == each[4:].tolist()
    assert table["symbol"].tolist() == [b"A", "Bé".encode()] * 2
    assert (table["fold"].tolist(), table["target"].tolist()) == ([1, 1, 2, 2], Y[4:].tolist())
    assert table.dtype.itemsize == 3 + 8 + 4 + 8 + 3 * 8
    one = as_table(samples, fold_of, each[:, 0])
    assert one.dtype.descr[-1] == ("prediction", "<f8")
    assert one["prediction"].tolist() == each[4:, 0].tolist()
