"""Signs that a model knows what it cannot know: before training in the data, after it in scores.

Findings only; what follows from them (strict, drop, warn) is the configuration's to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from repro.pipeline.panel import Floats, Ints
from repro.pipeline.ranking import doubled_ranks, spearman_of_ranks
from repro.pipeline.samples import Samples

_ROUNDING: Final = 2.0**-40
"""How far from a straight line, as a share of the target's range, is still rounding."""
_FEWEST_ROWS: Final = 3
"""Two points always lie on a line."""
_ON_TRAINING: Final = {"auc": "accuracy", "macro_auc": "accuracy", "r2": "r2"}
"""The score of a task on test rows to its score on training rows."""
_SCORES: Final = tuple(_ON_TRAINING)
_SHOWN: Final = 3
"""Rows that a finding names, for who wants to look at the data."""
_SECOND: Final = 10**9
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign of leakage."""

    code: str
    """``target_in_feature``, ``target_correlation``, ``cv_score`` or ``training_accuracy``."""
    subject: str
    """The feature, or the metric."""
    value: float
    threshold: float
    rows: int
    """How many rows it was found on."""
    message: str
    formula: Mapping[str, Any] | None = None
    """Of a feature: how it is computed."""
    first: tuple[Mapping[str, Any], ...] = ()
    """Of a feature: the first of those rows, as ``symbol``, ``time``, ``feature``, ``target``."""


def scan(
    samples: Samples,
    features: Sequence[Mapping[str, Any]],
    target: Mapping[str, Any],
    thresholds: Mapping[str, float],
    *,
    timed: bool = True,
) -> tuple[Finding, ...]:
    """Return at most one finding a feature, in order: it is the target, or nearly determines it.

    ``target_in_feature``: the target is an affine function of it on all rows where it has a value.
    ``target_correlation``: |Pearson| or |Spearman| on those rows is at least
    ``thresholds["feature_target_correlation"]``; of classes also |rank-biserial|, because ties keep
    the others below 1 even where the feature tells all classes apart.

    A feature is judged by its own rows alone, so that nothing more is found once others are left
    out. Unless the rows are ``timed``, the number of a row stands in the place of its time.
    """
    limit = thresholds["feature_target_correlation"]
    found = []
    ranks = _Ranks(samples.y)
    for position, feature in enumerate(features):
        column = samples.X[:, position]
        present = ~np.isnan(column)
        x, y = column[present], samples.y[present]
        if len(x) < _FEWEST_ROWS or (x == x[0]).all() or (y == y[0]).all():
            continue
        name, formula = feature["name"], feature["formula"]
        value, said = _told(x, y, ranks.of(present), f"{name} ({_words(formula)})", target)
        if value is not None and value < limit:
            continue
        said = f"{said} on {len(x)} rows" + ("" if value is None else f", at least {limit}")
        rest = (len(x), said, formula, _first(samples, position, present, timed=timed))
        if value is None:
            found.append(Finding("target_in_feature", name, 1.0, 1.0, *rest))
        else:
            found.append(Finding("target_correlation", name, value, limit, *rest))
    return tuple(found)


class _Ranks:
    """Doubled ranks of the target on the rows where a feature is known: for many the same rows."""

    def __init__(self, y: Floats) -> None:
        self._y = y
        self._found: dict[bytes, Ints] = {}

    def of(self, present: npt.NDArray[np.bool_]) -> Ints:
        """Return them among the rows that are ``present``, (n,)."""
        rows = present.tobytes()
        if rows not in self._found:
            self._found[rows] = doubled_ranks(self._y[present])
        return self._found[rows]


def _told(
    x: Floats, y: Floats, ranks: Ints, named: str, target: Mapping[str, Any]
) -> tuple[float | None, str]:
    """Return how well a feature tells the target, None for exactly so, and that in words.

    ``ranks`` are those of the target, doubled.
    """
    if _is_affine(x, y):
        return None, f"target {target['name']} is a linear function of {named}"
    ranked = doubled_ranks(x)
    found = [
        (abs(_pearson(x, y)), "Pearson"),
        (abs(spearman_of_ranks(ranked, ranks) or 0.0), "Spearman"),
    ]
    if target["task"] != "regression":
        found.append((_separation(ranked, y), "rank-biserial"))
    value, measure = max(found)
    return value, f"|{measure}| correlation of {named} with target {target['name']} is {value:.6f}"


def checks(
    metrics: Mapping[str, float | int | None],
    training_metrics: Mapping[str, float | int | None],
    thresholds: Mapping[str, float],
    rows: tuple[int, int],
) -> tuple[Finding, ...]:
    """Return what is too good to be true after training.

    ``cv_score``: AUC (of classes; of more than two the mean of each against the others) or R² of
    ``metrics``, from test rows.
    ``training_accuracy``: accuracy or R² of ``training_metrics``, from training rows.
    An undefined metric is no finding. ``rows`` are how many were tested and trained on.
    """
    score = next(name for name in _SCORES if name in metrics)
    rules = (
        ("cv_score", metrics, score, "test", rows[0]),
        ("training_accuracy", training_metrics, _ON_TRAINING[score], "training", rows[1]),
    )
    found = []
    for code, source, metric, kind, count in rules:
        value, limit = source[metric], thresholds[code]
        if value is not None and value >= limit:
            said = f"{metric} on {kind} rows is {value:.6f}, at least {limit}: too good to be true"
            found.append(Finding(code, metric, float(value), limit, count, said))
    return tuple(found)


def _words(formula: Mapping[str, Any]) -> str:
    """Return a formula on one line: its kind, then what it is given."""
    given = (f"{key}: {value}" for key, value in formula.items() if key != "kind")
    return ", ".join([str(formula["kind"]), *given])


def _first(
    samples: Samples, position: int, present: npt.NDArray[np.bool_], *, timed: bool
) -> tuple[Mapping[str, Any], ...]:
    """Return the first rows on which a feature is known."""
    return tuple(
        {
            "symbol": samples.symbols[samples.symbol[row]],
            "time": _moment(int(samples.time[row])) if timed else f"row {samples.time[row]}",
            "feature": float(samples.X[row, position]),
            "target": float(samples.y[row]),
        }
        for row in np.flatnonzero(present)[:_SHOWN]
    )


def _moment(nanoseconds: int) -> str:
    """Return a time as people read it: a date at midnight, and nothing cut off."""
    unit = "ns" if nanoseconds % _SECOND else "s"
    text = str(np.datetime64(nanoseconds, "ns").astype(f"datetime64[{unit}]"))
    return text.removesuffix("T00:00:00")


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


def _separation(ranks: Ints, y: Floats) -> float:
    """Return |rank-biserial correlation| of a feature with classes, both (n,); exact counts.

    Of the feature its doubled ranks.

    The share of pairs of unlike classes in one order less that in the other. A pair counts once
    for each edge between its classes; 1 if the classes do not overlap in the feature.
    """
    surplus = pairs = 0
    for label in np.unique(y)[1:].tolist():
        above = y >= label
        ones = int(np.count_nonzero(above))
        both = ones * (len(y) - ones)
        surplus += int(ranks[above].sum()) - ones * (ones + 1) - both
        pairs += both
    return abs(surplus) / pairs
