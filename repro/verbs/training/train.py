"""``repro train``: one run, from a command to a started worker, and on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.documents.workspace import find_root
from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Resolved, Selection
from repro.config.sealed import request as requests
from repro.errors import InterruptedRunError, ReproError, UsageError
from repro.execution.session import Job, Session
from repro.facts.trainers import Declaration
from repro.runs.purpose import Purpose
from repro.runs.staging import Staging, staging
from repro.verbs.configuring.data_files import data_files
from repro.verbs.configuring.validate import configuration
from repro.verbs.observer import Observer
from repro.verbs.training.leaking import LeakingFeatures

if TYPE_CHECKING:
    from repro.verbs.training.sealing import Outcome


_UNRECORDED = "interrupted before the plan: nothing was recorded"


@dataclass(frozen=True, slots=True)
class TrainCommand:
    """What the user asked for."""

    start: Path
    selection: Selection
    observer: Observer = field(default_factory=Observer)
    reuse: bool = False
    """Whether a sealed run with the same execution key is as good as a new one."""
    in_stage: bool = False
    """Whether it is the experiment that asks, which ranks and selects by itself."""
    made_for: Purpose | None = None
    """What needs the run, if it is not asked for by itself."""


def train(command: TrainCommand) -> Outcome:
    """Train one model and seal the run.

    Where the policy is to drop features that leak, it is started again without them, as often as
    the configuration allows; nothing of the earlier tries is in the log but what was dropped.

    Raises ProblemsError for a configuration that is not valid (nothing is written), InputError for
    data or an environment that cannot be used, DeterminismError, TrainingError, InterruptedRunError
    and the log's own errors; after the plan, each of them has left its record.
    """
    found: LeakingFeatures | None = None
    while True:
        try:
            return _try(command, found)
        except LeakingFeatures as again:
            found = again
        try:
            for finding in found.findings:
                command.observer.warn(f"leakage: {finding['message']}; again without it")
        except KeyboardInterrupt:
            raise InterruptedRunError(_UNRECORDED) from None
        command = replace(command, selection=without_leaking(command.selection, found.findings))


def _try(command: TrainCommand, found: LeakingFeatures | None) -> Outcome:
    """Train and seal once; LeakingFeatures if features are to be dropped first.

    ``found`` is what ended the try before, if there was one.
    """
    root, resolved, families = _configuration(command, found)
    if resolved.stages and not command.in_stage:
        raise UsageError(
            f"experiment {resolved.experiment} says {' and '.join(resolved.stages)}: what it trains"
            " is not known before that is done",
            f"carry it out: repro train --experiment {resolved.experiment}, without --replicates",
        )
    if found is None:
        for told in resolved.warnings:
            command.observer.warn(f"{told.place.file}:{told.place.line}: {told.message}")
    active = activate(resolved)
    declaration = families[active.family]
    selectors = tuple(families[name] for name in active.selecting)
    request = requests.build(resolved, active, declaration, selectors)
    with ExitStack() as stack:
        started: tuple[Staging, Session] | ReproError
        try:
            job = Job(
                request.decides,
                request.options,
                declaration,
                data_files(root, resolved),
                active.level,
                active.threads,
                active.time_limit_seconds,
                selectors,
            )
            place = stack.enter_context(staging(root))
            started = place, stack.enter_context(Session(job, place.work))
        except ReproError as error:
            started = error
        except KeyboardInterrupt:
            raise InterruptedRunError(_UNRECORDED) from None
        try:
            # Loading all this takes as long as the worker takes to start, which is under way.
            from repro.verbs.training.preparing import Asked
            from repro.verbs.training.running import carry_out

            asked = Asked(
                root=root,
                resolved=resolved,
                active=active,
                trainer=declaration,
                selectors=selectors,
                observer=command.observer,
                reuse=command.reuse,
                made_for=command.made_for,
                fixed=() if found is None else (*found.judged.fixed, *found.findings),
                reruns=0 if found is None else found.judged.reruns + 1,
            )
            return carry_out(asked, started)
        except KeyboardInterrupt:  # once there is a log to tell, it is told there
            raise InterruptedRunError(_UNRECORDED) from None


def _configuration(
    command: TrainCommand, found: LeakingFeatures | None
) -> tuple[Path, Resolved, Mapping[str, Declaration]]:
    """Return the configuration of a try; of another than the first, what it lacks is recorded."""
    try:
        return configuration(command.start, command.selection)
    except ReproError as error:
        if found is None:
            raise
        from repro.verbs.training.refusing import refuse_again

        root = find_root(command.start.resolve())
        raise refuse_again(root, command.observer.warn, found, error) from error


def without_leaking(selection: Selection, findings: Sequence[Mapping[str, Any]]) -> Selection:
    """Return a selection without the features that were found, beside those left out before."""
    names = (*selection.without, *(finding["subject"] for finding in findings))
    return replace(selection, without=names)
