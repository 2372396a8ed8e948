"""``repro train --replicates N``: the same run under several seeds, each an ordinary run.

Replicate number n, from 0, has the base seed that was asked for plus n. What is drawn with are
digests of the base seed, so that neighbours are as unlike as any others. One that is sealed
already, by its execution key, is not trained again unless that is asked for: after an interruption
the same command goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from repro.config.resolution.active import activate
from repro.config.resolution.given import asked_by
from repro.errors import InputError, ReproError, TrainingError, UsageError
from repro.runs.purpose import REPLICATES, Purpose
from repro.verbs.configuring.validate import configuration
from repro.verbs.research.choosing import VALUES, without
from repro.verbs.research.resuming import resumable
from repro.verbs.training.sealing import Outcome
from repro.verbs.training.train import TrainCommand, train


@dataclass(frozen=True, slots=True)
class Replicate:
    """One seed, and what came of it."""

    seed: int
    outcome: Outcome | None
    error: ReproError | None = None
    """Why there is no outcome."""


@dataclass(frozen=True, slots=True)
class Replicates:
    """All of them, in the order of their seeds."""

    made: tuple[Replicate, ...]

    @property
    def replicate_key(self) -> str | None:
        """Return the key that they share; None if none was trained."""
        keys: list[Any] = [
            one.outcome.snapshot["comparison_group"]["replicate_key"]
            for one in self.made
            if one.outcome is not None
        ]
        return keys[0] if keys else None

    @property
    def exit_status(self) -> int:
        """Return 0, or the status of the first that failed."""
        errors = (one.error for one in self.made)
        return next((error.exit_status for error in errors if error is not None), 0)


def replicate(command: TrainCommand, count: int, *, rerun: bool = False) -> Replicates:
    """Train ``count`` replicates, one after the other; one that fails does not stop the others.

    With ``rerun`` also those that are sealed already. Raises what ``train`` raises but for
    InputError and TrainingError, and these if none could be trained.
    """
    if count < 1:
        raise UsageError(f"{count} replicates are none", "ask for one or more")
    _, resolved, _ = configuration(command.start, command.selection)
    base = activate(resolved).base_seed
    made = []
    with resumable(rerun=rerun) as going:
        for seed in range(base, base + count):
            command.observer.stage(f"seed {seed}, {seed - base + 1} of {count}")
            others = without(command.selection.sets, VALUES["seed"])
            sets = (*others, asked_by("--replicates", VALUES["seed"], seed))
            chosen = replace(command.selection, sets=sets)
            purpose = Purpose(REPLICATES)
            one = replace(command, selection=chosen, reuse=not rerun, made_for=purpose)
            try:
                outcome = train(one)
            except (InputError, TrainingError) as error:
                made.append(Replicate(seed, None, error))
                continue
            going.add(outcome)
            made.append(Replicate(seed, outcome))
    failed = [one.error for one in made if one.error is not None]
    if len(failed) == len(made):
        raise failed[0]
    return Replicates(tuple(made))
