"""What an experiment does beside its runs: rank targets, select features, compare views.

Every training of a stage is an ordinary run that is reused by its execution key: after an
interruption the same stages come to the same outcome, and nothing is trained twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from repro.config.resolution.active import activate
from repro.config.resolution.experiments import Experiment
from repro.errors import InputError, Problem, ProblemsError, ReproError, TrainingError
from repro.identity.seeds import derive_seed
from repro.runs import layout
from repro.runs.routing import OWN, SHARED, Losses, Verdict, losses, verdict
from repro.runs.table import read
from repro.verbs.configuring.validate import configuration
from repro.verbs.research.choosing import VALUES, without
from repro.verbs.research.rank import Ranking, rank
from repro.verbs.research.resuming import resumable
from repro.verbs.research.select import Selected, require_possible, selected
from repro.verbs.training.sealing import Outcome
from repro.verbs.training.train import TrainCommand

SEED_BITS = 64


@dataclass(frozen=True, slots=True)
class RankedTargets:
    """Which targets an experiment goes on with."""

    ranking: Ranking
    kept: tuple[str, ...]
    """The best first."""
    left_out: Mapping[str, str]
    """Target to the reason."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which model to use for a symbol, and why."""

    target: str
    family: str
    symbol: str
    run: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Trained:
    """One run of an experiment, as far as views are concerned."""

    target: str
    family: str
    symbol: str | None
    """None for the model of all symbols."""
    outcome: Outcome | None
    problem: str | None


def stage_command(command: TrainCommand, experiment: Experiment) -> TrainCommand:
    """Return the command of a stage: what only narrows the experiment's runs does not change it.

    Otherwise a part of an experiment would rank and select otherwise than all of it.
    """
    sets = command.selection.sets
    narrowing = {"families": ("family",), "views": ("view", "symbol")}
    for key, names in narrowing.items():
        for name in names if experiment.names(key) else ():
            sets = without(sets, VALUES[name])
    return replace(command, selection=replace(command.selection, sets=sets))


def rank_targets(command: TrainCommand, *, rerun: bool) -> RankedTargets:
    """Rank the targets of an experiment, and keep the best; InputError if none has a value."""
    ranking = rank(command, rerun=rerun)
    top = ranking.rule["top_targets"]
    ranked = [one for one in ranking.standings if one.value is not None]
    if not ranked:
        raise InputError(ranking.conclusions[0], "rank them by another metric or other families")
    left_out = {
        one.target: f"rank {place} of {len(ranked)}, and top_targets is {top}"
        for place, one in enumerate(ranked, start=1)
        if place > top
    }
    left_out |= {
        one.target: f"{one.outcome}: {one.reason}" for one in ranking.standings if one.value is None
    }
    return RankedTargets(ranking, tuple(one.target for one in ranked[:top]), left_out)


def selection_problems(command: TrainCommand, targets: Iterable[str | None]) -> list[Problem]:
    """Return what would keep features from being selected for any of the targets."""
    found: list[Problem] = []
    for target in targets:
        try:
            require_possible(_for_target(command, target))
        except ProblemsError as error:
            found += error.problems
    return found


def select_features(
    command: TrainCommand, targets: Sequence[str | None], *, rerun: bool
) -> tuple[dict[str | None, Selected], dict[str | None, ReproError]]:
    """Return the features of each target, and why there are none; one does not stop the others."""
    found: dict[str | None, Selected] = {}
    failed: dict[str | None, ReproError] = {}
    with resumable(rerun=rerun) as going:
        for target in targets:
            try:
                found[target] = selected(_for_target(command, target), rerun=rerun)
            except (InputError, TrainingError) as error:
                failed[target] = error
                continue
            for outcome in found[target].outcomes.values():
                going.add(outcome)
    return found, failed


def routes(command: TrainCommand, trained: Sequence[Trained]) -> tuple[Route, ...]:
    """Return which view to use for each symbol that has a model of its own, or was to have one.

    Only where the model of all symbols was to be trained for the same target and family.
    """
    found: list[Route] = []
    for shared in (one for one in trained if one.symbol is None):
        same = (shared.target, shared.family)
        own = [one for one in trained if one.symbol and (one.target, one.family) == same]
        if own:
            found += _routes_of(command, shared, own)
    return tuple(found)


def _routes_of(command: TrainCommand, shared: Trained, owns: Sequence[Trained]) -> Iterator[Route]:
    """Yield which model to use for each symbol, unless it has neither."""
    selection = replace(command.selection, target=shared.target, staged=True)
    active = activate(configuration(command.start, selection)[1])
    everybody = None if shared.outcome is None else _losses(shared.outcome)
    for own in owns:
        symbol = str(own.symbol)
        if own.outcome is None:
            said = Verdict(SHARED, f"its own model could not be trained: {own.problem}")
        elif everybody is None:
            why = f"the model of all symbols could not be trained: {shared.problem}"
            said = Verdict(OWN, why)
        else:
            names = [own.target, own.family, symbol]
            seed = derive_seed(active.base_seed, "routing", names, SEED_BITS)
            mine = _losses(own.outcome).get(symbol, {})
            said = verdict(everybody.get(symbol, {}), mine, active.comparing, seed)
        used = own.outcome if said.view == OWN else shared.outcome
        if used is not None:
            yield Route(own.target, own.family, symbol, used.run, said)


def _losses(outcome: Outcome) -> dict[str, Losses]:
    """Return the losses of a run's predictions out of fold, by symbol."""
    return losses(read(outcome.folder / layout.PREDICTIONS), str(outcome.snapshot["task"]))


def _for_target(command: TrainCommand, target: str | None) -> TrainCommand:
    """Return the command for one target, or as it is where none is named."""
    if target is None:
        return command
    return replace(command, selection=replace(command.selection, target=target))
