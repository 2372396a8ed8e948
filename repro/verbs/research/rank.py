"""``repro rank``: an ordinary run of each family for each target, and which is predicted best."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from repro.config.checks.composed import composed_problems, missing_hyperparameters
from repro.config.checks.cross import RANKED, RANKING_FAMILIES, cross_checks
from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import find_root
from repro.config.resolution.active import Active, activate
from repro.config.resolution.experiments import TARGETS, Experiment, chosen
from repro.config.resolution.given import asked_by
from repro.config.resolution.layers import below
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.errors import InputError, Problem, ProblemsError, ReproError, TrainingError, UsageError
from repro.facts.trainers import declarations
from repro.identity.seeds import derive_seed
from repro.runs.purpose import RANKING, Purpose
from repro.runs.ranking import (
    Model,
    Standing,
    conclusions,
    interval_of,
    ordered,
    standing,
)
from repro.verbs.research.choosing import VALUES, is_set, not_so
from repro.verbs.research.resuming import resumable
from repro.verbs.training.sealing import Outcome
from repro.verbs.training.train import TrainCommand, train

SEED_BITS = 64


@dataclass(frozen=True, slots=True)
class Ranking:
    """The targets in order, best first, and what may be said of that."""

    families: tuple[str, ...]
    """The families that were asked."""
    rule: Mapping[str, Any]
    """Metric, average, confidence and resamples, as configured."""
    standings: tuple[Standing, ...]
    conclusions: tuple[str, ...]
    """What may be said of it, in sentences."""
    level: str

    @property
    def exit_status(self) -> int:
        """Return 1 if a training failed, else 0."""
        models = (model for one in self.standings for model in one.models)
        return 1 if any(model.outcome == "failed" for model in models) else 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be trained, and what of it cannot be."""

    selections: Mapping[tuple[str, str], Selection]
    """By target and family."""
    problems: Mapping[tuple[str, str], tuple[Problem, ...]]
    active: Active
    """What is the same for all."""


def rank(command: TrainCommand, *, rerun: bool = False) -> Ranking:
    """Train each target that is to be ranked by each family, one after the other, and rank them.

    What is sealed already, by its execution key, is not trained again unless that is asked for with
    ``rerun``. A target that the configuration does not allow is reported as such, and so is one
    whose training fails; the others go on. Raises ProblemsError before anything is trained for what
    is wrong with every target and family, what the first one failed with if none could be trained,
    everything that ``train`` raises but InputError and TrainingError, and UsageError for a target.
    """
    if (target := command.selection.target) is not None:
        raise UsageError(
            "a target says what a run trains; what is ranked stands in target_ranking.targets",
            not_so("target_ranking.targets", target),
        )
    asked = _asked(command)
    models: dict[str, list[Model]] = {}
    failures: list[ReproError] = []
    with resumable(rerun=rerun) as going:
        for number, ((target, family), selection) in enumerate(asked.selections.items(), start=1):
            made = models.setdefault(target, [])
            if problems := asked.problems[target, family]:
                made.append(Model(family, "unfit", reason=problems[0].message))
                continue
            shown = f"target {target}, family {family}, {number} of {len(asked.selections)}"
            command.observer.stage(shown)
            one = replace(command, selection=selection, reuse=not rerun, in_stage=True)
            try:
                outcome = train(replace(one, made_for=Purpose(RANKING)))
            except (InputError, TrainingError) as error:
                failures.append(error)
                made.append(Model(family, "failed", reason=error.problem))
                continue
            going.add(outcome)
            made.append(_model(family, target, outcome, asked.active))
    if failures and all(one.run is None for each in models.values() for one in each):
        raise failures[0]
    rule = asked.active.ranking
    standings = ordered(
        [
            standing(target, each, rule["metric"], rule, _seed(asked.active, target))
            for target, each in models.items()
        ]
    )
    families = tuple(dict.fromkeys(family for _, family in asked.selections))
    return Ranking(families, rule, standings, conclusions(standings), asked.active.level)


def candidates(resolved: Resolved, experiment: Experiment) -> tuple[str, ...]:
    """Return the targets to be ranked: of an experiment, or those that are configured, or all."""
    named = experiment.names("targets") or resolved.flat[RANKED].value
    return tuple(named or dict.fromkeys(path[0] for path in below(resolved.flat, TARGETS)))


def _families(resolved: Resolved, experiment: Experiment, selection: Selection) -> tuple[str, ...]:
    """Return the families that judge: the one that was asked for, those configured, or the own."""
    if is_set(selection.sets, "family"):
        return (resolved.family,)
    named = resolved.flat[RANKING_FAMILIES].value or experiment.names("families")
    return tuple(named or (resolved.family,))


def _asked(command: TrainCommand) -> _Asked:
    """Return each target with each family, with what keeps them from being trained."""
    declared = declarations()
    tree, found = load(find_root(command.start.resolve()), declared)
    if found:
        raise ProblemsError(found)
    asked = replace(command.selection, target=None, staged=True)
    experiment = chosen(tree.experiments, asked.experiment)
    base = resolve(tree, asked, declared)
    found = composed_problems(base, declared) + missing_hyperparameters(base, declared)
    targets, families = candidates(base, experiment), _families(base, experiment, asked)
    known = {path[0] for path in below(base.flat, TARGETS)}
    if found or not set(targets) <= known or not set(families) <= set(declared):
        raise ProblemsError(found or cross_checks(base, declared))
    selections = {
        (target, family): _one(asked, target, family, base)
        for target in targets
        for family in families
    }
    each = {pair: _resolved(tree, selection) for pair, selection in selections.items()}
    problems = {pair: cross_checks(resolved, declared) for pair, resolved in each.items()}
    everywhere = set.intersection(*(set(some) for some in problems.values()))
    fit = [pair for pair, some in problems.items() if not some]
    if everywhere or not fit:
        raise ProblemsError(list(everywhere) or list(dict.fromkeys(sum(problems.values(), ()))))
    return _Asked(selections, problems, activate(each[fit[0]]))


def _one(asked: Selection, target: str, family: str, base: Resolved) -> Selection:
    """Return what asks for one target and one family."""
    sets = () if family == base.family else (asked_by("repro rank", VALUES["family"], family),)
    return replace(asked, target=target, sets=(*asked.sets, *sets))


def _resolved(tree: Tree, selection: Selection) -> Resolved:
    """Return the configuration of one target and family."""
    return resolve(tree, selection, declarations())


def _model(family: str, target: str, outcome: Outcome, active: Active) -> Model:
    """Return what one family's run reaches for a target."""
    metric = active.ranking["metric"]
    folds = json.loads((outcome.folder / "metrics.json").read_bytes())["folds"]
    made = Model(family, "unranked", outcome.run, outcome.reused, folds=tuple(folds))
    value = outcome.snapshot["metrics"].get(metric)
    if value is None:
        return replace(made, reason=f"no {metric}: the task is {outcome.snapshot['task']}")
    interval = interval_of([folds], metric, active.ranking, _seed(active, target))
    return replace(made, outcome="ranked", value=value, interval=interval)


def _seed(active: Active, target: str) -> int:
    """Return the seed by which folds are drawn anew: one for all families of a target."""
    return derive_seed(active.base_seed, "ranking", [target, active.ranking["metric"]], SEED_BITS)
