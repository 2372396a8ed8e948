"""Signs that a model knows what it cannot know: before training in the data, after it in scores.

Findings only; what follows from them (strict, drop, warn) is the configuration's to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from repro.pipeline.panel import Floats
from repro.pipeline.ranking import doubled_ranks, spearman
from repro.pipeline.samples import Samples

_ROUNDING: Final = 2.0**-40
"""How far from a straight line, as a share of the target's range, is still rounding."""
_FEWEST_ROWS: Final = 3
"""Two points always lie on a line."""
_ON_TRAINING: Final = {"auc": "accuracy", "macro_auc": "accuracy", "r2": "r2"}
"""The score of a task on test rows to its score on training rows."""
_SCORES: Final = tuple(_ON_TRAINING)


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign of leakage."""

    code: str
    """``target_in_feature``, ``target_correlation``, ``cv_score`` or ``training_accuracy``."""
    subject: str
    """The feature, or the metric."""
    value: float
    threshold: float
    message: str


def scan(
    samples: Samples,
    features: Sequence[Mapping[str, Any]],
    target: Mapping[str, Any],
    thresholds: Mapping[str, float],
) -> tuple[Finding, ...]:
    """Return at most one finding a feature, in order: it is the target, or nearly determines it.

    ``target_in_feature``: the target is an affine function of it on all rows where it has a value.
    ``target_correlation``: |Pearson| or |Spearman| on those rows is at least
    ``thresholds["feature_target_correlation"]``; of classes also |rank-biserial|, because ties keep
    the others below 1 even where the feature tells all classes apart.
    """
    limit = thresholds["feature_target_correlation"]
    found = []
    for position, feature in enumerate(features):
        column = samples.X[:, position]
        present = ~np.isnan(column)
        x, y = column[present], samples.y[present]
        if len(x) < _FEWEST_ROWS or (x == x[0]).all() or (y == y[0]).all():
            continue
        name, kind = feature["name"], feature["formula"]["kind"]
        if _is_affine(x, y):
            said = f"target {target['name']} is a linear function of {name} ({kind})"
            found.append(Finding("target_in_feature", name, 1.0, 1.0, said))
            continue
        found_so = [(abs(_pearson(x, y)), "Pearson"), (abs(spearman(x, y) or 0.0), "Spearman")]
        if target["task"] != "regression":
            found_so.append((_separation(x, y), "rank-biserial"))
        value, measure = max(found_so)
        if value >= limit:
            said = (
                f"|{measure}| correlation of {name} ({kind}) with target {target['name']}"
                f" is {value:.6f}, at least {limit}"
            )
            found.append(Finding("target_correlation", name, value, limit, said))
    return tuple(found)


def checks(
    metrics: Mapping[str, float | int | None],
    training_metrics: Mapping[str, float | int | None],
    thresholds: Mapping[str, float],
) -> tuple[Finding, ...]:
    """Return what is too good to be true after training.

    ``cv_score``: AUC (of classes; of more than two the mean of each against the others) or R² of
    ``metrics``, from test rows.
    ``training_accuracy``: accuracy or R² of ``training_metrics``, from training rows.
    An undefined metric is no finding.
    """
    score = next(name for name in _SCORES if name in metrics)
    rules = (
        ("cv_score", metrics, score, "test"),
        ("training_accuracy", training_metrics, _ON_TRAINING[score], "training"),
    )
    found = []
    for code, source, metric, rows in rules:
        value, limit = source[metric], thresholds[code]
        if value is not None and value >= limit:
            said = f"{metric} on {rows} rows is {value:.6f}, at least {limit}: too good to be true"
            found.append(Finding(code, metric, float(value), limit, said))
    return tuple(found)


def _is_affine(x: Floats, y: Floats) -> bool:
    """Return whether all points lie on the line through the two that are farthest apart in x."""
    low, high = int(np.argmin(x)), int(np.argmax(x))
    with np.errstate(over="ignore", invalid="ignore"):
        line = y[low] + (y[high] - y[low]) * ((x - x[low]) / (x[high] - x[low]))
        away = np.abs(y - line).max()
    return bool(away <= _ROUNDING * (y.max() - y.min()))


def _pearson(x: Floats, y: Floats) -> float:
    """Return the correlation of two columns that vary; without BLAS, whose sums differ by CPU."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        a, b = x / np.abs(x).max(), y / np.abs(y).max()
        a, b = a - a.mean(), b - b.mean()
        value = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    return value if abs(value) <= 1.0 else float(np.sign(value))


def _separation(x: Floats, y: Floats) -> float:
    """Return |rank-biserial correlation| of a feature with classes, both (n,); exact counts.

    The share of pairs of unlike classes in one order less that in the other. A pair counts once
    for each edge between its classes; 1 if the classes do not overlap in the feature.
    """
    ranks = doubled_ranks(x, np.zeros(len(x), dtype=np.int64))
    surplus = pairs = 0
    for label in np.unique(y)[1:].tolist():
        above = y >= label
        ones = int(np.count_nonzero(above))
        both = ones * (len(y) - ones)
        surplus += int(ranks[above].sum()) - ones * (ones + 1) - both
        pairs += both
    return abs(surplus) / pairs
