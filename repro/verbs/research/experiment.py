"""``repro train --experiment NAME``: every target, family and view that an experiment names.

Each is an ordinary run with one plan and one end in the log. All configurations are checked before
anything is trained. One that is sealed already, by its execution key, is not trained again unless
that is asked for: after an interruption the same command goes on where it stopped. One that fails
does not stop the others. What the targets and features are may be left to stages that go before,
which are made of such runs too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import find_root
from repro.config.resolution.experiments import RANKS, SELECTS, Experiment, chosen
from repro.config.resolution.given import asked_by
from repro.config.resolution.resolve import Resolved, Selection
from repro.errors import (
    InputError,
    Problem,
    ProblemsError,
    ReproError,
    TrainingError,
    UsageError,
)
from repro.facts.trainers import declarations
from repro.verbs.configuring.validate import configuration
from repro.verbs.research.choosing import VALUES, is_set, with_features
from repro.verbs.research.rank import candidates
from repro.verbs.research.resuming import Going, resumable
from repro.verbs.research.select import Selected, without_idle
from repro.verbs.research.stages import (
    RankedTargets,
    Route,
    Trained,
    rank_targets,
    routes,
    select_features,
    selection_problems,
    stage_command,
)
from repro.verbs.research.symbols import unknown_symbols
from repro.verbs.training.sealing import Outcome
from repro.verbs.training.train import TrainCommand, train

SYMBOL_SPECIFIC = "symbol_specific"
CROSS_SECTIONAL = "cross_sectional"


@dataclass(frozen=True, slots=True)
class Member:
    """One run of an experiment; None is what the configuration says without it."""

    target: str | None
    family: str | None
    view: str | None
    symbol: str | None

    @property
    def name(self) -> str:
        """Return it in words."""
        parts = (self.target, self.family, self.symbol or self.view)
        return ", ".join(part for part in parts if part) or "the one run"


@dataclass(frozen=True, slots=True)
class Done:
    """A member, and what came of it."""

    member: Member
    outcome: Outcome | None
    error: ReproError | None = None
    """Why there is no outcome."""


@dataclass(frozen=True, slots=True)
class Experimented:
    """An experiment that was carried out."""

    name: str
    done: tuple[Done, ...]
    ranked: RankedTargets | None = None
    """Which targets it went on with, if it ranked them."""
    selections: tuple[Selected, ...] = ()
    """Which features it trained on, target by target, if it selected them."""
    routes: tuple[Route, ...] = ()
    """Which model to use for each symbol, where both views were trained."""

    @property
    def exit_status(self) -> int:
        """Return 0, or the status of the first that failed."""
        errors = (one.error for one in self.done)
        ranking = 0 if self.ranked is None else self.ranked.ranking.exit_status
        return next((error.exit_status for error in errors if error is not None), ranking)


def members(command: TrainCommand) -> tuple[Member, ...]:
    """Return what an experiment names, in its order: targets, then families, then views.

    What the command asks for by name (a target, a family, a view or symbol) is not varied. Of an
    experiment that ranks its targets, all that are ranked. Raises UsageError for an experiment that
    does not exist, and where a view of each symbol is asked for and no symbol named.
    """
    selection, targets = command.selection, None
    tree, _ = load(find_root(command.start.resolve()), declarations())
    experiment = chosen(tree.experiments, selection.experiment)
    if RANKS in experiment.stages and selection.target is None:
        resolved = configuration(command.start, replace(selection, staged=True))[1]
        targets = candidates(resolved, experiment)
    return members_in(tree, selection, targets)


def members_in(
    tree: Tree, selection: Selection, targets: Sequence[str] | None = None
) -> tuple[Member, ...]:
    """Return what an experiment of some documents names, or with these targets; see `members`."""
    experiment = chosen(tree.experiments, selection.experiment)
    if targets is None:
        targets = _names(experiment, "targets") if selection.target is None else ()
    families = () if is_set(selection.sets, "family") else _names(experiment, "families")
    views: list[tuple[str | None, str | None]] = []
    if not is_set(selection.sets, "view") and not is_set(selection.sets, "symbol"):
        views = _views(experiment)
    return tuple(
        Member(target, family, *view)
        for target, family, view in product(
            targets or (None,), families or (None,), views or [(None, None)]
        )
    )


def carry_out(
    command: TrainCommand, named: Sequence[Member], *, rerun: bool = False
) -> Experimented:
    """Train every member, one after the other; with ``rerun`` also those that are sealed already.

    Before that come the stages that the experiment says: of the members, those of targets that are
    not kept are left out, and the others get the features that are selected. Raises ProblemsError
    with the problems of all members and stages before anything is trained, what ``train`` raises
    but for InputError and TrainingError, and these if none could be trained.
    """
    experiment = _experiment(command)
    staged = stage_command(command, experiment)
    with resumable(rerun=rerun) as going:
        meant = _require_valid(command, staged, named, experiment)
        return _carried_out(command, staged, experiment, named, meant, going, rerun=rerun)


def _carried_out(
    command: TrainCommand,
    staged: TrainCommand,
    experiment: Experiment,
    named: Sequence[Member],
    meant: Mapping[Member, Resolved],
    going: Going,
    *,
    rerun: bool,
) -> Experimented:
    """Return what ``carry_out`` does, of members that are known to be valid."""
    ranked: RankedTargets | None = None
    selections: dict[str | None, Selected] = {}
    errors: dict[str | None, ReproError] = {}
    if RANKS in experiment.stages and command.selection.target is None:
        ranked = rank_targets(staged, rerun=rerun)
        models = [model for one in ranked.ranking.standings for model in one.models]
        going.sealed |= {model.run for model in models if model.run is not None}
        named = [member for member in named if member.target in ranked.kept]
    if SELECTS in experiment.stages:
        targets = list(dict.fromkeys(member.target for member in named))
        selections, errors = select_features(staged, targets, rerun=rerun)
        for selected in selections.values():
            for outcome in selected.outcomes.values():
                going.add(outcome)
    done = []
    for number, member in enumerate(named, start=1):
        if len(named) > 1:
            command.observer.stage(f"{member.name}, {number} of {len(named)}")
        if member.target in errors:
            done.append(Done(member, None, errors[member.target]))
            continue
        one = _command(command, member, rerun=rerun)
        if member.target in selections:
            asked = replace(one.selection, sets=without_idle(one.selection, meant[member]))
            names = selections[member.target].names
            one = replace(one, selection=with_features(asked, names))
        try:
            outcome = train(one)
        except (InputError, TrainingError) as error:
            done.append(Done(member, None, error))
            continue
        going.add(outcome)
        done.append(Done(member, outcome))
    failed = [one.error for one in done if one.error is not None]
    if len(failed) == len(done):
        raise failed[0]
    return Experimented(
        str(command.selection.experiment),
        tuple(done),
        ranked,
        tuple(selections.values()),
        routes(staged, [_trained(one, meant[one.member]) for one in done]),
    )


def _require_valid(
    command: TrainCommand,
    staged: TrainCommand,
    named: Sequence[Member],
    experiment: Experiment,
) -> dict[Member, Resolved]:
    """Return the configuration of each member.

    Raises ProblemsError with the problems of all, and of the selection of features; if there are
    none, with the symbols that the data do not have.
    """
    problems: list[Problem] = []
    meant: dict[Member, Resolved] = {}
    for member in named:
        selection = _command(command, member, rerun=False).selection
        try:
            meant[member] = configuration(command.start, selection)[1]
        except ProblemsError as error:
            problems += error.problems
    if SELECTS in experiment.stages and not problems:
        targets = dict.fromkeys(member.target for member in named)
        problems += selection_problems(staged, targets)
    if not problems:
        first = _command(command, named[0], rerun=False).selection
        symbols = (member.symbol for member in named)
        problems += unknown_symbols(command.start, experiment, symbols, first, command.observer)
    if problems:
        raise ProblemsError(list(dict.fromkeys(problems)))
    return meant


def _trained(one: Done, meant: Resolved) -> Trained:
    """Return a member as far as views are concerned."""
    problem = None if one.error is None else one.error.problem
    return Trained(meant.target, meant.family, one.member.symbol, one.outcome, problem)


def _experiment(command: TrainCommand) -> Experiment:
    """Return the experiment that a command names."""
    tree, _ = load(find_root(command.start.resolve()), declarations())
    return chosen(tree.experiments, command.selection.experiment)


def narrowed(selection: Selection, member: Member) -> Selection:
    """Return the selection that asks for one member."""
    named = {"family": member.family, "view": member.view, "symbol": member.symbol}
    who = f"experiment {selection.experiment}"
    sets = tuple(
        asked_by(who, VALUES[key], value) for key, value in named.items() if value is not None
    )
    return replace(
        selection, target=member.target or selection.target, sets=(*selection.sets, *sets)
    )


def _command(command: TrainCommand, member: Member, *, rerun: bool) -> TrainCommand:
    """Return the command that trains one member."""
    selection = narrowed(command.selection, member)
    return replace(command, selection=selection, reuse=not rerun, in_stage=True)


def _names(experiment: Experiment, key: str) -> tuple[str, ...]:
    """Return what an experiment names; nothing if it is one, which is a layer as any other."""
    names = experiment.names(key)
    return names if len(names) > 1 else ()


def _views(experiment: Experiment) -> list[tuple[str | None, str | None]]:
    """Return view and symbol of each model that an experiment wants for a target."""
    views, symbols = experiment.names("views"), experiment.names("symbols")
    found: list[tuple[str | None, str | None]] = []
    for view in views:
        if view != SYMBOL_SPECIFIC:
            found.append((view, None))
        elif not symbols:
            raise UsageError(
                f"experiment {experiment.name} wants a view of each symbol, and names none",
                "write its `symbols`",
            )
        else:
            found += [(view, symbol) for symbol in symbols]
    return found
