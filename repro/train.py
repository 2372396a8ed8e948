"""``repro train``: one run, from a command to a started worker, and on from there."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection
from repro.config.sealed import request as requests
from repro.errors import InterruptedRunError, ReproError
from repro.execution.session import Job, Session
from repro.facts.data import locate
from repro.observer import Observer
from repro.runs.staging import Staging, staging
from repro.validate import configuration

if TYPE_CHECKING:
    from repro.sealing import Outcome


@dataclass(frozen=True, slots=True)
class TrainCommand:
    """What the user asked for."""

    start: Path
    selection: Selection
    observer: Observer = field(default_factory=Observer)
    reuse: bool = False
    """Whether a sealed run with the same execution key is as good as a new one."""


def train(command: TrainCommand) -> Outcome:
    """Train one model and seal the run.

    Raises ProblemsError for a configuration that is not valid (nothing is written), InputError for
    data or an environment that cannot be used, DeterminismError, TrainingError, InterruptedRunError
    and the log's own errors; after the plan, each of them has left its record.
    """
    root, resolved, families = configuration(command.start, command.selection)
    for found in resolved.warnings:
        command.observer.warn(f"{found.place.file}:{found.place.line}: {found.message}")
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
                locate(root, active.dataset["files"]),
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
            raise InterruptedRunError("interrupted before the plan: nothing was recorded") from None
        # Loading all this takes as long as the worker takes to start, which is under way.
        from repro.running import Asked, carry_out

        asked = Asked(
            root, resolved, active, declaration, selectors, command.observer, command.reuse
        )
        return carry_out(asked, started)
