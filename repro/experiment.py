"""``repro train --experiment NAME``: every target, family and view that an experiment names.

Each is an ordinary run with one plan and one end in the log. All configurations are checked before
anything is trained. One that is sealed already, by its execution key, is not trained again unless
that is asked for: after an interruption the same command goes on where it stopped. One that fails
does not stop the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from repro.choosing import VALUES, override
from repro.config.documents.tree import load
from repro.config.documents.workspace import find_root
from repro.config.resolution.experiments import Experiment, chosen
from repro.errors import (
    InputError,
    Problem,
    ProblemsError,
    ReproError,
    TrainingError,
    UsageError,
)
from repro.facts.trainers import declarations
from repro.sealing import Outcome
from repro.train import TrainCommand, train
from repro.validate import configuration

SYMBOL_SPECIFIC = "symbol_specific"


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

    @property
    def exit_status(self) -> int:
        """Return 0, or the status of the first that failed."""
        errors = (one.error for one in self.done)
        return next((error.exit_status for error in errors if error is not None), 0)


def members(command: TrainCommand) -> tuple[Member, ...]:
    """Return what an experiment names, in its order: targets, then families, then views.

    What the command asks for by name (a target, a family, a view or symbol) is not varied. Raises
    UsageError for an experiment that does not exist, and where a view of each symbol is asked for
    and no symbol named.
    """
    selection = command.selection
    tree, _ = load(find_root(command.start.resolve()), declarations())
    experiment = chosen(tree.experiments, selection.experiment)
    asked = [text.partition("=")[0].strip() for text in selection.sets]
    targets = _names(experiment, "targets") if selection.target is None else ()
    families = () if _sets(asked, "family") else _names(experiment, "families")
    views: list[tuple[str | None, str | None]] = []
    if not _sets(asked, "view") and not _sets(asked, "symbol"):
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

    Raises ProblemsError with the problems of all members before anything is trained, what ``train``
    raises but for InputError and TrainingError, and these if none could be trained.
    """
    commands = [_command(command, member, rerun=rerun) for member in named]
    problems: list[Problem] = []
    for one in commands:
        try:
            configuration(one.start, one.selection)
        except ProblemsError as error:
            problems += error.problems
    if problems:
        raise ProblemsError(list(dict.fromkeys(problems)))
    done = []
    for number, (member, one) in enumerate(zip(named, commands, strict=True), start=1):
        command.observer.stage(f"{member.name}, {number} of {len(named)}")
        try:
            done.append(Done(member, train(one)))
        except (InputError, TrainingError) as error:
            done.append(Done(member, None, error))
    failed = [one.error for one in done if one.error is not None]
    if len(failed) == len(done):
        raise failed[0]
    return Experimented(str(command.selection.experiment), tuple(done))


def _command(command: TrainCommand, member: Member, *, rerun: bool) -> TrainCommand:
    """Return the command that trains one member."""
    named = {"family": member.family, "view": member.view, "symbol": member.symbol}
    sets = tuple(override(VALUES[key], value) for key, value in named.items() if value is not None)
    selection = command.selection
    chosen_so = replace(
        selection, target=member.target or selection.target, sets=(*selection.sets, *sets)
    )
    return replace(command, selection=chosen_so, reuse=not rerun)


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


def _sets(asked: Sequence[str], name: str) -> bool:
    """Return whether an override sets a value, by whatever end of its path."""
    return any(VALUES[name] == key or VALUES[name].endswith(f".{key}") for key in asked)
