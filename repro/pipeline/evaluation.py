"""Metrics of predictions, and of the naive baseline that every model must beat.

Sums are correctly rounded (``math.fsum``) or exact (ranks are integers), so no metric depends on
the order of rows or on how a library adds.  What is undefined is None, never NaN.
"""

from __future__ import annotations

import math
import sys
from typing import Final

import numpy as np

from repro.errors import TrainingError
from repro.pipeline.panel import Floats, Ints
from repro.pipeline.ranking import doubled_ranks, spearman_by_group

Metrics = dict[str, float | int | None]

CLIP: Final = sys.float_info.epsilon
"""Log loss takes probabilities as within [2^-52, 1 - 2^-52], as scikit-learn does for float64."""


def evaluate(task: str, truth: Floats, predicted: Floats, time: Ints, baseline: Floats) -> Metrics:
    """Return the metrics of one set of predictions, by the names in ``metric_names``.

    truth, predicted: (n,) float64; a binary truth is 0.0 or 1.0 and its prediction the probability
    of 1.  time: (n,) nanoseconds, for metrics per date.  baseline: (n,) what the naive model says:
    for each row the mean of the target in the training that the row was predicted from.
    Raises TrainingError if a prediction is not finite, or no probability.
    """
    wrong = int(np.count_nonzero(~np.isfinite(predicted)))
    if wrong:
        raise TrainingError(f"{wrong} of {len(predicted)} predictions are NaN or infinite")
    if task == "regression":
        return _regression(truth, predicted, time, baseline)
    if task == "binary":
        outside = int(np.count_nonzero((predicted < 0.0) | (predicted > 1.0)))
        if outside:
            raise TrainingError(f"{outside} of {len(predicted)} predictions are no probability")
        return _binary(truth, predicted, baseline)
    raise AssertionError(f"task got past the schemas: {task!r}")


def _regression(truth: Floats, predicted: Floats, time: Ints, baseline: Floats) -> Metrics:
    error = _errors(truth, predicted)
    mse = _mean([e * e for e in error])
    base = _mean([e * e for e in _errors(truth, baseline)])
    by_date = spearman_by_group(truth, predicted, time)
    return {
        "rmse": _root(mse),
        "mae": _mean([abs(e) for e in error]),
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
        "auc": _auc(truth, predicted),
        "log_loss": loss,
        "accuracy": _accuracy(truth, predicted),
        "baseline_log_loss": base_loss,
        "baseline_accuracy": _accuracy(truth, baseline),
        "skill": _one_minus(loss, base_loss),
    }


def _auc(truth: Floats, predicted: Floats) -> float | None:
    """Return the share of (1, 0) pairs in the right order, ties counting one half; exact."""
    positive = truth == 1.0
    ones = int(np.count_nonzero(positive))
    zeros = len(truth) - ones
    if ones == 0 or zeros == 0:
        return None
    ranks = doubled_ranks(predicted, np.zeros(len(truth), dtype=np.int64))
    return (int(ranks[positive].sum()) - ones * (ones + 1)) / (2 * ones * zeros)


def _log_loss(truth: Floats, predicted: Floats) -> float | None:
    clipped = np.clip(predicted, CLIP, 1.0 - CLIP)
    return _mean([-math.log(p) for p in np.where(truth == 1.0, clipped, 1.0 - clipped).tolist()])


def _accuracy(truth: Floats, predicted: Floats) -> float | None:
    if len(truth) == 0:
        return None
    return int(np.count_nonzero((predicted > 0.5) == (truth == 1.0))) / len(truth)


def _errors(truth: Floats, predicted: Floats) -> list[float]:
    return [p - t for p, t in zip(predicted.tolist(), truth.tolist(), strict=True)]


def _variance(values: Floats) -> float | None:
    mean = _mean(values.tolist())
    if mean is None or (values == values[0]).all():
        return None
    return _mean([(v - mean) * (v - mean) for v in values.tolist()])


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
