"""From what a worker prepared to the plan of its run, held against what this command sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.config.resolution.active import Active
from repro.config.resolution.resolve import Resolved
from repro.execution.git import describe
from repro.execution.session import Job
from repro.facts.code import code_digests
from repro.facts.data import DataFile
from repro.facts.host import host
from repro.facts.trainers import Declaration
from repro.identity.keys import Identity
from repro.identity.payloads import drawn_folds
from repro.identity.run import Inputs, identity_of, seeds_of
from repro.runs.purpose import Purpose
from repro.verbs.observer import Observer
from repro.verbs.training.inputs import digest_inputs, require_same_files
from repro.verbs.training.leaking import located
from repro.verbs.training.plan import Plan


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is to be, by its configuration."""

    root: Path
    resolved: Resolved
    active: Active
    trainer: Declaration
    selectors: tuple[Declaration, ...]
    observer: Observer
    reuse: bool = False
    """Whether a sealed run with the same execution key is as good as a new one."""
    fixed: tuple[Mapping[str, Any], ...] = ()
    """What the scans of earlier tries found: features that leaked, and are left out now."""
    reruns: int = 0
    """How many tries there were before this one."""
    made_for: Purpose | None = None
    """What needs the run, if it is not asked for by itself."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What this command sees by itself, for one run or for many that it starts."""

    files: tuple[DataFile, ...]
    """Held, for each run, against what its worker parsed: a digest from here is never believed."""
    git: Mapping[str, Any] | None
    host: Mapping[str, Any]
    code: dict[str, str] = field(default_factory=dict)
    """Modules that were looked at so far, with their digests; of another run's worker, who must
    have loaded the same bytes, they are not read again."""


def evidence(root: Path, job: Job) -> Evidence:
    """Return what is to be seen of a job's data files, of the repository and of this machine."""
    return Evidence(digest_inputs(root, job), describe(root), host())


def plan_of(asked: Asked, job: Job, found: Evidence, prepared: Mapping[str, Any]) -> Plan:
    """Return the plan of a run whose worker has said what it ``prepared``.

    Raises InputError for data that the worker read otherwise, DeterminismError for other code.
    """
    active, declaration = asked.active, asked.trainer
    environment = dict(prepared["environment"])
    facts = dict(prepared["facts"])
    facts["findings"] = located(facts["findings"], asked.resolved)
    code = code_digests(declaration, environment.pop("code"), asked.selectors, found.code)
    require_same_files(asked.root, found.files, facts["files"])
    seeds = seeds_of(
        active.base_seed,
        declaration.seeds,
        declaration.seed_bits,
        job.decides,
        len(drawn_folds(facts)["folds"]),
        asked.selectors,
    )
    return Plan(
        root=asked.root,
        resolved=asked.resolved,
        active=active,
        job=job,
        files=found.files,
        code=code,
        git=found.git,
        facts=facts,
        environment={
            **environment,
            "host": environment.get("host") or dict(found.host),
            "settings": job.settings,
        },
        identity=identity_with(active, job, facts, code, environment),
        forced=declaration.forced(active.level),
        seeds=seeds,
        idle=tuple(declaration.idle(active.hyperparameters, job.decides["target"]["task"])),
        fixed=asked.fixed,
        reruns=asked.reruns,
        made_for=asked.made_for,
    )


def identity_with(
    active: Active,
    job: Job,
    facts: Mapping[str, Any],
    code: Mapping[str, str],
    environment: Mapping[str, Any],
) -> Identity:
    """Return the identity that a job has with such facts, code and environment."""
    return identity_of(
        Inputs(
            active.components,
            facts,
            active.base_seed,
            code,
            environment,
            job.settings,
            job.threads,
            job.decides,
        )
    )
