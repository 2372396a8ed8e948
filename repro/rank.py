"""``repro rank``: an ordinary run for each target, and which of them is predicted best."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from repro.config.checks.composed import composed_problems, missing_hyperparameters
from repro.config.checks.cross import RANKED, cross_checks
from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import find_root
from repro.config.resolution.active import Active, activate
from repro.config.resolution.experiments import TARGETS
from repro.config.resolution.layers import below
from repro.config.resolution.resolve import Resolved, resolve
from repro.errors import InputError, Problem, ProblemsError, ReproError, TrainingError
from repro.facts.trainers import declarations
from repro.identity.seeds import derive_seed
from repro.runs.ranking import Standing, conclusions, interval_of, ordered
from repro.sealing import Outcome
from repro.train import TrainCommand, train

SEED_BITS = 64


@dataclass(frozen=True, slots=True)
class Ranking:
    """The targets in order, best first, and what may be said of that."""

    family: str
    rule: Mapping[str, Any]
    """Metric, confidence and resamples, as configured."""
    standings: tuple[Standing, ...]
    conclusions: tuple[str, ...]
    level: str

    @property
    def exit_status(self) -> int:
        """Return 1 if the training of a target failed, else 0."""
        return 1 if any(one.outcome == "failed" for one in self.standings) else 0


def rank(command: TrainCommand) -> Ranking:
    """Train each target that is to be ranked, one after the other, and rank them.

    A target that the configuration does not allow is reported as such, and so is one whose training
    fails; the others go on. Raises ProblemsError before anything is trained for what is wrong with
    every target, what the first one failed with if none could be trained, and everything that
    ``train`` raises but InputError and TrainingError.
    """
    unfit, active = _asked(command)
    standings: list[Standing] = []
    failures: list[ReproError] = []
    for number, (target, problems) in enumerate(unfit.items(), start=1):
        if problems:
            reason = problems[0].message
            standings.append(Standing(target, "unfit", reason=reason))
            continue
        command.observer.stage(f"target {target}, {number} of {len(unfit)}")
        try:
            outcome = train(replace(command, selection=replace(command.selection, target=target)))
        except (InputError, TrainingError) as error:
            failures.append(error)
            standings.append(Standing(target, "failed", reason=error.problem))
            continue
        standings.append(_standing(target, outcome, active))
    if failures and all(one.run is None for one in standings):
        raise failures[0]
    best_first = ordered(standings)
    return Ranking(active.family, active.ranking, best_first, conclusions(best_first), active.level)


def _asked(command: TrainCommand) -> tuple[dict[str, tuple[Problem, ...]], Active]:
    """Return each target with what keeps it from being trained, and what is the same for all."""
    families = declarations()
    tree, found = load(find_root(command.start.resolve()), families)
    if found:
        raise ProblemsError(found)
    base = resolve(tree, command.selection, families)
    found = composed_problems(base, families) + missing_hyperparameters(base, families)
    declared = dict.fromkeys(path[0] for path in below(base.flat, TARGETS))
    targets = base.flat[RANKED].value or list(declared)
    if found or not set(targets) <= set(declared):
        raise ProblemsError(found or cross_checks(base, families))
    each = {target: _resolved(tree, command, target) for target in targets}
    unfit = {target: cross_checks(resolved, families) for target, resolved in each.items()}
    everywhere = set.intersection(*(set(problems) for problems in unfit.values()))
    fit = [target for target, problems in unfit.items() if not problems]
    if everywhere or not fit:
        raise ProblemsError(list(everywhere) or list(dict.fromkeys(sum(unfit.values(), ()))))
    return unfit, activate(each[fit[0]])


def _resolved(tree: Tree, command: TrainCommand, target: str) -> Resolved:
    """Return the configuration of one target."""
    return resolve(tree, replace(command.selection, target=target), declarations())


def _standing(target: str, outcome: Outcome, active: Active) -> Standing:
    """Return how a target that was trained stands by itself."""
    metric = active.ranking["metric"]
    folds = json.loads((outcome.folder / "metrics.json").read_bytes())["folds"]
    value = outcome.snapshot["metrics"].get(metric)
    if value is None:
        task = outcome.snapshot["task"]
        reason = f"its run has no {metric}: the task is {task}"
        return Standing(target, "unranked", outcome.run, folds=len(folds), reason=reason)
    seed = derive_seed(active.base_seed, "ranking", [target, metric], SEED_BITS)
    interval = interval_of(folds, metric, active.ranking, seed)
    return Standing(target, "ranked", outcome.run, value, interval, len(folds))
