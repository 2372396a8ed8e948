"""``repro train``: one run, from a command to a sealed directory and two records of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.audit.log import Warn, contradictions, cosigner, incident, open_log_to_sign, unheard
from repro.audit_log.errors import LogError
from repro.audit_log.storage.running import hold, is_running
from repro.audit_log.storage.store import Log
from repro.config.resolution.active import Active, activate, overridden
from repro.config.resolution.resolve import Resolved, Selection
from repro.config.sealed import request as requests
from repro.errors import DeterminismError, InputError, InterruptedRunError, ReproError
from repro.execution.git import describe
from repro.execution.interrupts import deferred
from repro.execution.session import Job, Session
from repro.facts.code import code_digests
from repro.facts.data import locate
from repro.facts.host import host
from repro.facts.trainers import Declaration
from repro.identity.payloads import drawn_folds
from repro.identity.run import Inputs, identity_of, seeds_of
from repro.inputs import digest_inputs, require_same_files
from repro.plan import (
    Plan,
    ended,
    override,
    planned,
    require_in_force,
    require_sound,
)
from repro.runs.staging import Staging, keep_failed, names_locked, next_name, staging
from repro.sealing import Outcome, seal_run
from repro.validate import configuration


@dataclass(frozen=True, slots=True)
class Observer:
    """Who is told how far it is; the front desk draws it."""

    stage: Callable[[str], None] = lambda _: None
    progress: Callable[[str, int, int], None] = lambda *_: None
    warn: Warn = unheard


@dataclass(frozen=True, slots=True)
class TrainCommand:
    """What the user asked for."""

    start: Path
    selection: Selection
    observer: Observer = field(default_factory=Observer)


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
    log = open_log_to_sign(root, command.observer.warn)
    cosign = cosigner(log, command.observer.warn)
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
        with staging(root) as place:
            command.observer.stage("preparing data, features and folds")
            with Session(job, place.work) as session:
                plan = _plan(root, resolved, active, session, declaration, selectors)
                if plan.identity.missing and active.identity_mode == "relaxed":
                    missing = ", ".join(plan.identity.missing)
                    command.observer.warn(f"the run is marked incomplete: no facts of {missing}")
                return _execute(log, cosign, place, plan, session, command.observer)
    except _PlannedError as failure:
        raise failure.error from failure.error.__cause__
    except KeyboardInterrupt:
        ended_runs = log.recover_runs()
        if ended_runs:
            log.commit()
            cosign()
            raise InterruptedRunError(f"run {ended_runs[-1]} was interrupted") from None
        raise InterruptedRunError("interrupted before the plan: nothing was recorded") from None
    except ReproError as error:
        _refuse(log, cosign, resolved, error)
        raise


class _PlannedError(Exception):
    """A failure after the plan: it has its record already."""

    def __init__(self, error: ReproError) -> None:
        super().__init__(str(error))
        self.error = error


def _plan(
    root: Path,
    resolved: Resolved,
    active: Active,
    session: Session,
    declaration: Declaration,
    selectors: tuple[Declaration, ...],
) -> Plan:
    """Return everything that must be known before training; hash inputs while the worker loads."""
    job = session.job
    files = digest_inputs(root, job.files)
    git = describe(root)
    prepared = session.prepared()
    facts, environment = prepared["facts"], prepared["environment"]
    code = code_digests(declaration, environment.pop("code"), selectors)
    require_same_files(root, files, facts["files"])
    identity = identity_of(
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
    seeds = seeds_of(
        active.base_seed,
        declaration.seeds,
        declaration.seed_bits,
        job.decides,
        len(drawn_folds(facts)["folds"]),
        selectors,
    )
    environment["host"] = host()
    environment["settings"] = job.settings
    plan = Plan(
        root=root,
        resolved=resolved,
        active=active,
        job=job,
        files=files,
        code=code,
        git=git,
        facts=facts,
        environment=environment,
        identity=identity,
        forced=declaration.forced(active.level),
        seeds=seeds,
        idle=tuple(declaration.idle(active.hyperparameters, job.decides["target"]["task"])),
    )
    require_sound(plan)
    return plan


def _execute(
    log: Log,
    cosign: Callable[[], None],
    place: Staging,
    plan: Plan,
    session: Session,
    observer: Observer,
) -> Outcome:
    """Plan durably, train, seal, and end the plan in the log, whatever happens."""
    with ExitStack() as held:
        name, seq = _planned(log, plan, held)
        done: Outcome | None = None
        others: list[dict[str, Any]] = []
        try:
            cosign()  # so that somebody else has seen the plan before its outcome can be known
            observer.stage(f"training {plan.active.family}, run {name}")
            finished = session.train(
                plan.seeds, lambda m: observer.progress(m["stage"], m["done"], m["total"])
            )
            require_in_force(plan, finished)
            observer.stage("sealing")
            # One at a time: of two that end together, the second must see the first one's bits.
            with deferred(), names_locked(plan.root):
                outcome = seal_run(place, plan, finished, name, seq)
                others = contradictions(plan.root, outcome.record)
                records = [("run.completed", outcome.record)]
                records += [("incident", incident(outcome.record, others))] if others else []
                appended = log.append_many(records)[0]
                done = outcome.committed(log.commit().size, appended.hash)
            cosign()
        except KeyboardInterrupt:
            if done is None:
                _end(log, cosign, "run.interrupted", ended(name, seq, reason="the user stopped it"))
                raise _PlannedError(InterruptedRunError(f"run {name} was interrupted")) from None
        except (ReproError, OSError) as error:
            failure = _as_failure(error)
            _end(log, cosign, "run.failed", ended(name, seq, failure, _keep(place, name)))
            raise _PlannedError(failure) from error
        except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as bug:
            _end(log, cosign, "run.failed", ended(name, seq, _as_bug(bug), _keep(place, name)))
            raise
        if done is None:
            raise AssertionError("a plan ended without an outcome")
        if others:
            raise _PlannedError(_alarm(name, others))
        return done


def _planned(log: Log, plan: Plan, held: ExitStack) -> tuple[str, int]:
    """Give the run its name and its lock, and make its plan durable and signed.

    All under the lock of names, so that no two runs can have one.
    """
    with names_locked(plan.root):
        name = next_name(
            plan.root,
            plan.identity.execution_key,
            lambda n: log.find_bytes(f'"run":"{n}"'.encode()) or is_running(log.directory, n),
        )
        held.enter_context(hold(log.directory, name))
        with deferred():
            records = [("run.planned", planned(plan, name))]
            changed = overridden(plan.resolved)
            if changed:
                records.append(("config.override", override(changed, name)))
            seq = log.append_many(records)[0].seq
            log.commit()
    return name, seq


def _as_bug(bug: Exception) -> ReproError:
    """Return how a mistake of our own stands in the log."""
    return ReproError(f"a bug in repro: {type(bug).__name__}: {bug}")


def _alarm(name: str, others: list[dict[str, Any]]) -> DeterminismError:
    """Return the error for bits that contradict an earlier run with the same execution key."""
    earlier = str(others[-1]["run"])
    return DeterminismError(
        f"run {name} has other bits than {earlier}, though nothing that decides them differs",
        f"both are kept and the log has an incident; look closer with: repro diff {earlier} {name}",
    )


def _end(log: Log, cosign: Callable[[], None], kind: str, body: Mapping[str, Any]) -> None:
    """End a plan in the log and commit it."""
    with deferred():
        log.append(kind, body)
        log.commit()
        cosign()


def _as_failure(error: ReproError | OSError) -> ReproError:
    """Return what the user is told of a failure; the system's own errors get a hint."""
    if isinstance(error, ReproError):
        return error
    return InputError(
        f"the run could not be written: {error.strerror}", "is there space left in the workspace?"
    )


def _keep(place: Staging, name: str) -> str | None:
    """Keep the worker's output if that is possible; return where, below the workspace."""
    try:
        kept = keep_failed(place, name)
    except (OSError, ReproError):
        return None
    return None if kept is None else kept.relative_to(place.root).as_posix()


def _refuse(log: Log, cosign: Callable[[], None], resolved: Resolved, error: ReproError) -> None:
    """Record that a run was refused before its plan; the refusal itself is what the user sees."""
    body = {
        "target": resolved.target,
        "family": resolved.family,
        "reason": error.problem[:2000],
        "exit_status": error.exit_status,
    }
    try:
        log.append("run.refused", body)
        log.commit()
        cosign()
    except LogError as failure:
        raise InputError(
            f"{error.problem} (and the log could not record it: {failure})", error.hint
        ) from error
