"""Metrics of predictions, and of the naive baseline that every model must beat.

Sums are correctly rounded (``math.fsum``) or exact (ranks are integers), so no metric depends on
the order of rows or on how a library adds.  What is undefined is None, never NaN.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.errors import TrainingError
from repro.pipeline.panel import Floats, Ints
from repro.pipeline.ranking import doubled_ranks, spearman_by_group

Metrics = dict[str, float | int | None]

CLIP: Final = sys.float_info.epsilon
"""Log loss takes probabilities as within [2^-52, 1 - 2^-52], as scikit-learn does for float64."""
_ROUNDING: Final = 2.0**-16
"""How far from 1 the probabilities of a row may add up: a library in float32 is less far away."""


def evaluate(task: str, truth: Floats, predicted: Floats, time: Ints, baseline: Floats) -> Metrics:
    """Return the metrics of one set of predictions, by the names in ``metric_names``.

    truth: (n,) float64, for classes 0.0, 1.0 and so on.  predicted: (n,) float64, for a binary task
    the probability of 1; for a multiclass task (n, classes), the probability of each in the order
    of the labels.  time: (n,) nanoseconds, for metrics per date.  baseline: like ``predicted``,
    what the naive model says: for each row the mean of the target, or the share of each class, in
    the training that the row was predicted from.
    Raises TrainingError if a prediction is not finite, or no probability, or so far from the truth
    that the metric by which runs are judged is not finite.
    """
    wrong = int(np.count_nonzero(~np.isfinite(predicted)))
    if wrong:
        raise TrainingError(f"{wrong} of {predicted.size} predictions are NaN or infinite")
    if task == "regression":
        return _regression(truth, predicted, time, baseline)
    if task == "binary":
        outside = int(np.count_nonzero((predicted < 0.0) | (predicted > 1.0)))
        if outside:
            raise TrainingError(f"{outside} of {len(predicted)} predictions are no probability")
        return _binary(truth, predicted, baseline)
    if task == "multiclass":
        _require_distributions(predicted)
        return _multiclass(truth, predicted, baseline)
    raise AssertionError(f"task got past the schemas: {task!r}")


@contextmanager
def scoring(what: str) -> Iterator[None]:
    """Say of a TrainingError which predictions it was raised for, such as those of a fold."""
    try:
        yield
    except TrainingError as error:
        raise TrainingError(f"{what}: {error.problem}", error.hint) from error


def _regression(truth: Floats, predicted: Floats, time: Ints, baseline: Floats) -> Metrics:
    with np.errstate(over="ignore"):  # what is not finite is told below
        error, naive = predicted - truth, baseline - truth
        mse, base = _mean((error * error).tolist()), _mean((naive * naive).tolist())
    if len(error) and (mse is None or base is None):
        _refuse_errors(error if mse is None else naive, naive=mse is not None)
    by_date = spearman_by_group(truth, predicted, time)
    return {
        "rmse": _root(mse),
        "mae": _mean(np.abs(error).tolist()),
        "r2": _one_minus(mse, _variance(truth)),
        "rank_ic": _mean(by_date),
        "rank_ic_dates": len(by_date),
        "baseline_rmse": _root(base),
        "skill": _one_minus(mse, base),
    }


def _binary(truth: Floats, predicted: Floats, baseline: Floats) -> Metrics:
    """Accuracy calls 1 what is above one half; at exactly one half it calls 0."""
    loss = _log_loss(truth, predicted)
    base_loss = _log_loss(truth, baseline)
    return {
        "auc": _plain(_auc(truth == 1.0, predicted)),
        "log_loss": loss,
        "accuracy": _accuracy(truth, predicted),
        "baseline_log_loss": base_loss,
        "baseline_accuracy": _accuracy(truth, baseline),
        "skill": _one_minus(loss, base_loss),
    }


def _multiclass(truth: Floats, predicted: Floats, baseline: Floats) -> Metrics:
    """Return the metrics of several classes.

    A row is called what is likeliest, and of equally likely classes the first. The means over the
    classes, of the AUC of each against the others and of the share of its rows that are called
    what they are, are None where one of the classes does not occur.
    """
    loss = _log_loss_of_classes(truth, predicted)
    base_loss = _log_loss_of_classes(truth, baseline)
    right = np.argmax(predicted, axis=1) == truth
    each = [truth == label for label in range(predicted.shape[1])]
    return {
        "macro_auc": _macro([_auc(mine, predicted[:, n]) for n, mine in enumerate(each)]),
        "log_loss": loss,
        "accuracy": _plain(_share(right)),
        "balanced_accuracy": _macro([_share(right[mine]) for mine in each]),
        "baseline_log_loss": base_loss,
        "baseline_accuracy": _plain(_share(np.argmax(baseline, axis=1) == truth)),
        "skill": _one_minus(loss, base_loss),
    }


def _refuse_errors(errors: Floats, *, naive: bool) -> None:
    """Raise TrainingError for errors whose squares have no mean, so that there is no rmse."""
    whose = "the naive baseline" if naive else "the model"
    largest = float(np.abs(errors).max())
    raise TrainingError(
        f"rmse is not finite: errors of {whose} go up to {largest:g} in {len(errors)} rows, and"
        " their squares have no sum in floating point",
        "rescale the target and the features, or change the hyperparameters",
    )


def _require_distributions(predicted: Floats) -> None:
    """Raise TrainingError unless each row (n, classes) is made of probabilities that add up."""
    sums = predicted.sum(axis=1)
    sound = (predicted >= 0.0).all(axis=1) & (np.abs(sums - 1.0) <= _ROUNDING)
    outside = int(np.count_nonzero(~sound))
    if outside:
        raise TrainingError(
            f"{outside} of {len(predicted)} predictions are no probabilities that add up to 1"
        )


def _auc(positive: npt.NDArray[np.bool_], predicted: Floats) -> Fraction | None:
    """Return the share of (positive, other) pairs in the right order, ties counting one half."""
    ones = int(np.count_nonzero(positive))
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return None
    ranks = doubled_ranks(predicted)
    return Fraction(int(ranks[positive].sum()) - ones * (ones + 1), 2 * ones * zeros)


def _share(which: npt.NDArray[np.bool_]) -> Fraction | None:
    """Return the share of rows that are true."""
    return Fraction(int(np.count_nonzero(which)), len(which)) if len(which) else None


def _macro(each: list[Fraction | None]) -> float | None:
    """Return the mean over the classes; None if it is not known of all."""
    known = [value for value in each if value is not None]
    return float(sum(known, Fraction()) / len(each)) if len(known) == len(each) else None


def _plain(exact: Fraction | None) -> float | None:
    """Return the float that is nearest."""
    return None if exact is None else float(exact)


def _log_loss(truth: Floats, predicted: Floats) -> float | None:
    clipped = np.clip(predicted, CLIP, 1.0 - CLIP)
    return _mean([-math.log(p) for p in np.where(truth == 1.0, clipped, 1.0 - clipped).tolist()])


def _log_loss_of_classes(truth: Floats, predicted: Floats) -> float | None:
    likely = predicted[np.arange(len(truth)), truth.astype(np.int64)]
    return _mean([-math.log(p) for p in np.clip(likely, CLIP, 1.0 - CLIP).tolist()])


def _accuracy(truth: Floats, predicted: Floats) -> float | None:
    return _plain(_share((predicted > 0.5) == (truth == 1.0)))


def _variance(values: Floats) -> float | None:
    mean = _mean(values.tolist())
    if mean is None or (values == values[0]).all():
        return None
    with np.errstate(over="ignore"):
        apart = values - mean
        return _mean((apart * apart).tolist())


def _mean(values: list[float]) -> float | None:
    try:
        mean = math.fsum(values) / len(values)
    except (ZeroDivisionError, OverflowError):  # no values, or a sum beyond float64
        return None
    return mean if math.isfinite(mean) else None


def _root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def _one_minus(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else 1.0 - part / whole
