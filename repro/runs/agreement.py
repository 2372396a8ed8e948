"""How alike several models are in what they say of the importance of features. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.runs import statistics


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike models, or what was made of several, are: over all pairs of them."""

    pairs: int
    """How many pairs were held against each other."""
    jaccard: float | None
    """Mean over pairs: how much the sets of most important features have in common."""
    jaccard_least: float | None
    """The least of any pair."""
    tau: float | None
    """Mean over pairs of Kendall's tau-b of the importance of all features."""
    tau_least: float | None
    """The least of any pair."""
    top_features: int
    """How many of the most important features the sets have."""


def agreement(
    importance: Sequence[Mapping[str, float]], k: int, order: Sequence[str] | None = None
) -> Agreement | None:
    """Return how alike the importance of features is; None for fewer than two that tell it.

    The ``k`` most important ones are those of the largest values; of equal ones the first of
    ``order``, which has all names, or else the first by name. What a model does not know counts 0.
    """
    if len(importance) < 2:
        return None
    names = sorted({name for one in importance for name in one}) if order is None else order
    place = {name: n for n, name in enumerate(names)}
    tops = [set(sorted(one, key=lambda name: (-one[name], place[name]))[:k]) for one in importance]
    vectors = [[one.get(name, 0.0) for name in names] for one in importance]
    common = statistics.over_pairs(tops, statistics.jaccard)
    taus = statistics.over_pairs(vectors, statistics.kendall)
    return Agreement(
        pairs=len(importance) * (len(importance) - 1) // 2,
        jaccard=statistics.mean(common),
        jaccard_least=min(common),
        tau=statistics.mean(taus) if taus else None,
        tau_least=min(taus, default=None),
        top_features=k,
    )
