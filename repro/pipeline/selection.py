"""Which features to keep: scores from training rows, and the best of them.

Everything here is given the rows of one fit and nothing else; a score is never below zero, a larger
one is better, and equal scores are settled by the declared order of the features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from repro.pipeline.panel import Floats
from repro.pipeline.ranking import doubled_ranks, spearman


def correlations(x: Floats, y: Floats) -> Floats:
    """Return |Spearman's rank correlation| of each column of ``x`` (n, k) with ``y`` (n,): (k,).

    Over the rows in which the column has a value; 0 where it is not defined: fewer than two such
    rows, or a constant on either side.
    """
    scores = np.zeros(x.shape[1])
    for column, values in enumerate(x.T):
        known = ~np.isnan(values)
        found = spearman(values[known], y[known])
        scores[column] = 0.0 if found is None else abs(found)
    return scores


def shares(importance: Floats) -> Floats:
    """Return each feature's share (k,) of a model's whole importance (k,); all 0 if it has none."""
    whole = math.fsum(importance.tolist())
    return importance / whole if whole > 0.0 else np.zeros(len(importance))


def ranks(importance: Floats) -> Floats:
    """Return for each feature (k,) the share of the other ones that it beats, in [0, 1].

    A tie counts one half. A feature that is alone has 1.
    """
    others = len(importance) - 1
    if others == 0:
        return np.ones(1)
    # doubled_ranks are exact integers, from 2 (beats none) to 2k (beats all).
    doubled = doubled_ranks(importance)
    beaten: Floats = (doubled - 2) / (2 * others)
    return beaten


AGGREGATES = {"mean_rank": ranks, "mean_share": shares}


def aggregate(importances: Sequence[Floats], rule: str) -> Floats:
    """Return one score for each feature (k,) from the importance (k,) that each model gives it."""
    parts = [AGGREGATES[rule](importance).tolist() for importance in importances]
    return np.array([math.fsum(column) / len(parts) for column in zip(*parts, strict=True)])


def best(scores: Floats, k: int) -> tuple[int, ...]:
    """Return the indices of the ``k`` best scores, ascending; all of them if there are no more.

    Of equal scores, the one that is declared first.
    """
    order = sorted(range(len(scores)), key=lambda n: (-float(scores[n]), n))
    return tuple(sorted(order[:k]))


def stability(choices: Sequence[Sequence[str]]) -> float | None:
    """Return the mean Jaccard index over all pairs of choices: 1 if all are alike; None for one."""
    found = [
        len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in combinations(choices, 2) if a or b
    ]
    return math.fsum(found) / len(found) if found else None
