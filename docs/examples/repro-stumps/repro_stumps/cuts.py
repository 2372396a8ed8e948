"""The arithmetic of boosted stumps: how one cut is found, and what it adds.

Sums run in the order of stably sorted rows, and BLAS is not called, so that neither threads nor the
shape of a call can reach a bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.trainers.contract import TrainerError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Settings:
    """The hyperparameters, under the names of the declaration."""

    rounds: int
    learning_rate: float
    min_rows: int
    row_share: float
    early_stopping_rounds: int


@dataclass(frozen=True, slots=True)
class Stump:
    """One cut: rows at most ``threshold`` get ``below``, all others ``above``."""

    feature: int
    threshold: float
    below: float
    above: float
    gain: float
    """By how much it lowered the squared error of the rows that it was fitted to."""


def filled(x: Floats) -> Floats:
    """Return features with infinity for what is missing; TrainerError for other infinities."""
    import numpy as np

    if np.isinf(x).any():
        raise TrainerError("stumps: there are infinite values among the features")
    return np.where(np.isnan(x), np.inf, x)


def drawn_rows(draws: Any, rows: int, settings: Settings) -> Any:
    """Return which rows a round is fitted to, (rows,) of bool; at least two."""
    import numpy as np

    taken = np.zeros(rows, dtype=bool)
    taken[draws.permutation(rows)[: max(2, round(rows * settings.row_share))]] = True
    return taken


def best_stump(
    task: str,
    x: Floats,
    orders: list[Rows],
    y: Floats,
    raw: Floats,
    taken: Any,
    settings: Settings,
) -> Stump:
    """Return the cut that lowers the squared error of the residuals most; the first of equals.

    A table that cannot be cut gives a stump whose two sides are one value.
    """
    import numpy as np

    residual = y - probability(raw) if task == "binary" else y - raw
    weight = weights(task, raw)
    best: tuple[float, int, float, Any] | None = None
    for feature, order in enumerate(orders):
        rows = order[taken[order]]
        values, sums = x[rows, feature], np.cumsum(residual[rows])
        counts = np.arange(1, len(rows) + 1)
        # A cut lies after a row whose successor has another value; missing values lie last.
        can = np.flatnonzero(values[:-1] < values[1:])
        can = can[
            (counts[can] >= settings.min_rows) & (len(rows) - counts[can] >= settings.min_rows)
        ]
        if not len(can):
            continue
        left, right = sums[can], sums[-1] - sums[can]
        gains = left**2 / counts[can] + right**2 / (len(rows) - counts[can])
        gains = gains - sums[-1] ** 2 / len(rows)
        at = int(np.argmax(gains))
        if best is None or gains[at] > best[0]:
            cut = can[at]
            best = (float(gains[at]), feature, float(values[cut]), rows[: cut + 1])
    if best is None:
        whole = np.flatnonzero(taken)
        step = step_of(residual, weight, whole, settings)
        return Stump(0, 0.0, step, step, 0.0)
    gain, feature, threshold, below = best
    above = orders[feature][taken[orders[feature]]][len(below) :]
    return Stump(
        feature,
        threshold,
        step_of(residual, weight, below, settings),
        step_of(residual, weight, above, settings),
        max(gain, 0.0),
    )


def step_of(residual: Floats, weight: Floats, rows: Rows, settings: Settings) -> float:
    """Return what the rows of one side are moved by."""
    import numpy as np

    total = float(np.cumsum(residual[rows])[-1])
    return settings.learning_rate * total / float(np.cumsum(weight[rows])[-1])


def weights(task: str, raw: Floats) -> Floats:
    """Return the second derivative of the loss of each row, kept away from zero."""
    import numpy as np

    if task == "regression":
        return np.ones(len(raw))
    likely = probability(raw)
    return np.maximum(likely * (1.0 - likely), np.finfo(np.float64).eps)


def added(stump: Stump, x: Floats) -> Floats:
    """Return what a stump adds to each row."""
    import numpy as np

    return np.where(x[:, stump.feature] <= stump.threshold, stump.below, stump.above)


def start_of(task: str, y: Floats) -> float:
    """Return the mean of the target, or the log odds of class 1."""
    mean = math.fsum(y) / len(y)
    return math.log(mean / (1.0 - mean)) if task == "binary" else mean


def probability(raw: Floats) -> Floats:
    """Return 1 / (1 + exp(-raw)) without overflow."""
    import numpy as np

    small = np.exp(-np.abs(raw))
    return np.where(raw >= 0, 1.0, small) / (1.0 + small)


def loss_of(task: str, y: Floats, raw: Floats) -> float:
    """Return the mean squared error, or the mean log loss."""
    import numpy as np

    if task == "regression":
        return math.fsum((y - raw) ** 2) / len(y)
    right = np.where(y == 1.0, -raw, raw)
    return math.fsum(np.logaddexp(0.0, right)) / len(y)
