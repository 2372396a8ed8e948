"""Features in the order in which models of several families and folds count on them. Pure.

What is read is the importance of the models of folds, each of which was fitted to training rows
alone; the final model, which is fitted to all rows, has no say.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from repro.runs.agreement import Agreement, agreement

Shares = Mapping[str, float]
"""Feature to its share of a model's whole importance."""
Told = Mapping[str, Mapping[str, Shares]]
"""Family, then the fold of the model, to the shares."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature among the others."""

    name: str
    score: float
    """The mean over families of the mean over folds, by the rule."""
    kept: bool
    """Whether it is one of those that are kept."""
    times: int
    """Models, of ``models``, in which it is among the best ``top_k``."""
    models: int
    """How many models were asked."""
    scores: Mapping[str, float]
    """By family, the mean over its folds."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Features in order, and how alike the models are that were asked."""

    features: tuple[Feature, ...]
    """The best first; equal ones in the declared order."""
    top_k: int
    """How many are kept."""
    folds: Mapping[str, Agreement]
    """By family, over the pairs of its folds; without those of a single fold."""
    families: Agreement | None
    """Over the pairs of families, by their means over folds."""
    everything: Agreement | None
    """Over the pairs of all models, whatever their family and fold."""
    conclusions: tuple[str, ...]
    """What may be said of it, in sentences."""


def shares(found: Shares, names: Sequence[str]) -> dict[str, float]:
    """Return the share of each name; one that the model was not given has none."""
    return {name: found.get(name, 0.0) for name in names}


def beaten(found: Shares, names: Sequence[str]) -> dict[str, float]:
    """Return for each name the share of the others that it beats; a tie counts one half.

    A feature that is alone has 1.
    """
    values = shares(found, names)
    if len(names) == 1:
        return dict.fromkeys(names, 1.0)
    ordered = sorted(values.values())
    return {
        name: (bisect_left(ordered, value) + bisect_right(ordered, value) - 1)
        / (2 * (len(names) - 1))
        for name, value in values.items()
    }


AGGREGATES: Mapping[str, Callable[[Shares, Sequence[str]], dict[str, float]]] = {
    "mean_rank": beaten,
    "mean_share": shares,
}
"""What is averaged, as feature selection within training has it."""


def ranked(told: Told, declared: Sequence[str], top_k: int, aggregate: str) -> Ranked:
    """Return the features by what the models say, and how surely.

    ``declared`` is the order that settles ties; features that no model was given are left out.
    """
    known = {name for folds in told.values() for found in folds.values() for name in found}
    names = [name for name in declared if name in known]
    place = {name: n for n, name in enumerate(names)}
    each = {
        family: [AGGREGATES[aggregate](found, names) for found in folds.values()]
        for family, folds in told.items()
    }
    by_family = {family: _mean(models, names) for family, models in each.items()}
    scores = _mean(list(by_family.values()), names)
    models = [model for some in each.values() for model in some]
    tops = [best(model, names, top_k) for model in models]
    kept = best(scores, names, top_k)
    features = tuple(
        Feature(
            name=name,
            score=scores[name],
            kept=name in kept,
            times=sum(name in top for top in tops),
            models=len(models),
            scores={family: found[name] for family, found in by_family.items()},
        )
        for name in sorted(names, key=lambda name: (-scores[name], place[name]))
    )
    alike = {family: agreement(some, top_k, names) for family, some in each.items()}
    return Ranked(
        features=features,
        top_k=top_k,
        folds={family: found for family, found in alike.items() if found is not None},
        families=agreement(list(by_family.values()), top_k, names),
        everything=agreement(models, top_k, names),
        conclusions=tuple(_conclusions(features, told, top_k)),
    )


def best(scores: Shares, names: Sequence[str], k: int) -> tuple[str, ...]:
    """Return the ``k`` names of the best scores, in the order of ``names``, which settles ties."""
    order = sorted(range(len(names)), key=lambda n: (-scores[names[n]], n))
    return tuple(names[n] for n in sorted(order[:k]))


def _mean(several: Sequence[Shares], names: Sequence[str]) -> dict[str, float]:
    """Return the mean of each name over several models."""
    return {name: math.fsum(one[name] for one in several) / len(several) for name in names}


def _conclusions(features: Sequence[Feature], told: Told, top_k: int) -> list[str]:
    """Return what may be said of an order, and what may not."""
    said = []
    always = [one.name for one in features if one.kept and one.times == one.models]
    if always and len(features) > top_k:
        said.append(f"among the best {top_k} of every model: {', '.join(always)}")
    last, first = features[:top_k][-1], features[top_k : top_k + 1]
    if first and first[0].score == last.score:
        said.append(
            f"{last.name} is kept and {first[0].name} is not, by their order in the registry alone:"
            " their scores are equal"
        )
    for family, folds in told.items():
        idle = [fold for fold, found in folds.items() if not any(found.values())]
        if idle:
            said.append(f"{family} counts on no feature at all in {', '.join(idle)}")
    if len(features) > top_k and max(map(len, told.values())) > 1:
        said.append(
            "a run with this list has chosen by rows that its folds are tested on: its metrics"
            " flatter it; feature_selection.method=importance chooses anew in each fold"
        )
    return said
