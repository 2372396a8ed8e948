"""What a worker is asked for a resolved configuration, for verbs that train nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.config.resolution.active import Active, activate
from repro.config.resolution.resolve import Resolved
from repro.config.sealed import request as requests
from repro.execution.session import Job
from repro.facts.trainers import Declaration
from repro.verbs.configuring.data_files import data_files


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run as it would be asked for."""

    active: Active
    trainer: Declaration
    selectors: tuple[Declaration, ...]
    job: Job


def wanted(root: Path, resolved: Resolved, families: Mapping[str, Declaration]) -> Wanted:
    """Return what the worker of a run would be asked; InputError for data files not there."""
    active = activate(resolved)
    trainer = families[active.family]
    selectors = tuple(families[name] for name in active.selecting)
    request = requests.build(resolved, active, trainer, selectors)
    job = Job(
        request.decides,
        request.options,
        trainer,
        data_files(root, resolved),
        active.level,
        active.threads,
        active.time_limit_seconds,
        selectors,
    )
    return Wanted(active, trainer, selectors, job)
