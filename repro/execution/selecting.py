"""Features chosen for one model, from the rows that it is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from repro.execution.fitting import Part, fit
from repro.identity.seeds import selection_stage
from repro.pipeline import selection
from repro.pipeline.panel import Floats
from repro.pipeline.samples import Samples
from repro.pipeline.splits.holding_out import HoldOut
from repro.trainers.contract import Trainer, TrainerError

Progress = Callable[[str, int, int], None]
Families = Mapping[str, tuple[Trainer, str | None]]
"""Trainers by family, each with the hyperparameter that asks for early stopping."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A family whose models are asked."""

    trainer: Trainer
    held: Mapping[str, HoldOut] = field(default_factory=dict)
    """How the rows of each stage are cut for it; empty unless its training may stop early."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The features of one stage."""

    columns: tuple[int, ...]
    """Indices of those that are kept, ascending."""
    scores: Floats
    """(k,), of all of them."""
    effective: Mapping[str, Mapping[str, Any]]
    """Parameters that each family's library used."""
    rounds: Mapping[str, int | None]


def choose(
    selectors: Mapping[str, Selector],
    request: Mapping[str, Any],
    samples: Samples,
    part: Part,
    stage: str,
    seeds: Mapping[str, Mapping[str, int]],
    progress: Progress,
) -> Choice:
    """Return the features of a stage, chosen from the rows that its model is fitted to.

    ``part`` is what that model would see of all features. A family that stops early watches the
    rows that are held out of the fit; nobody else sees them.
    """
    rule = request["selection"]
    if rule["method"] == "correlation":
        x = part.x(samples, part.fitted)
        scores = selection.correlations(x, part.labels(samples, request["clipping"]))
        return Choice(selection.best(scores, rule["top_k"]), scores, {}, {})
    importances, effective, rounds = [], {}, {}
    for asked in rule["families"]:
        family = asked["family"]
        trainer, held = selectors[family].trainer, selectors[family].held.get(stage)
        name = selection_stage(stage, family)
        own = replace(part, rows=part.fitted, held=held)
        model = fit(
            trainer,
            request,
            asked["parameters"],
            samples,
            own,
            seeds[name],
            lambda done, total, name=name: progress(name, done, total),  # type: ignore[misc]
        )
        importances.append(importance_of(trainer, model, family, part.names(samples)))
        effective[family] = dict(trainer.effective_parameters(model))
        rounds[family] = trainer.rounds(model)
    scores = selection.aggregate(importances, rule["aggregate"])
    return Choice(selection.best(scores, rule["top_k"]), scores, effective, rounds)


def may_stop(early_stopping: str | None, parameters: Mapping[str, Any]) -> bool:
    """Return whether a family with these parameters may stop early."""
    return early_stopping is not None and bool(parameters.get(early_stopping))


def families_that_may_stop(families: Families, request: Mapping[str, Any]) -> set[str]:
    """Return those of the families that choose features whose training may stop early."""
    asked = request["selection"]["families"] if families else ()
    return {a["family"] for a in asked if may_stop(families[a["family"]][1], a["parameters"])}


def outcome(made: Mapping[str, Choice | None], names: Sequence[str], final: str) -> dict[str, Any]:
    """Return what was chosen in each stage, with the scores, and how alike the folds' choices are.

    Nothing if no features were chosen. ``final`` is the stage that is no fold.
    """
    choices = {stage: choice for stage, choice in made.items() if choice is not None}
    if not choices:
        return {}
    chosen = {stage: [names[n] for n in choice.columns] for stage, choice in choices.items()}
    families = choices[final].effective
    found = {
        "stages": {
            stage: {
                "chosen": chosen[stage],
                "scores": dict(zip(names, choice.scores.tolist(), strict=True)),
            }
            for stage, choice in choices.items()
        },
        "stability": selection.stability([v for stage, v in chosen.items() if stage != final]),
        "models": {
            family: {
                "effective": {stage: c.effective[family] for stage, c in choices.items()},
                "rounds": {stage: c.rounds[family] for stage, c in choices.items()},
            }
            for family in families
        },
    }
    return {"selection": found}


def importance_of(trainer: Trainer, model: Any, family: str, names: Sequence[str]) -> Floats:
    """Return what a model says of each feature; TrainerError unless it is one number each."""
    features = len(names)
    found = np.asarray(trainer.importance(model), dtype=np.float64)
    if found.shape == (features,) and np.isposinf(found).any():
        raise TrainerError(
            f"feature {names[int(np.argmax(found))]} counts infinitely much in {family}: the target"
            " is so large that the library cannot add up what splits bring; rescale the target"
        )
    if found.shape != (features,) or not np.isfinite(found).all() or (found < 0.0).any():
        raise TrainerError(
            f"trainer {family} does not say how much each feature counts:"
            " one finite number, not below zero"
        )
    return found
