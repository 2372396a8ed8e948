"""A run, from a started worker to a sealed directory and two records of the log.

What the log and the seal need is loaded here, while the worker loads its libraries: `train` imports
this module once that one is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.audit_log.storage.running import hold, is_running
from repro.audit_log.storage.store import Log
from repro.errors import DeterminismError, InterruptedRunError, ReproError
from repro.execution.interrupts import deferred
from repro.execution.session import Session
from repro.runs import layout
from repro.runs.sealed import Run, runs_of
from repro.runs.staging import Staging, names_locked, next_name, set_aside
from repro.verbs.audit.log import (
    contradictions,
    cosigner,
    incident,
    open_log_to_sign,
    require_as_logged,
)
from repro.verbs.observer import Observer
from repro.verbs.training.ending import alarm, as_bug, as_failure, keep, name_log
from repro.verbs.training.leaking import Judged, is_as_good, located
from repro.verbs.training.plan import (
    Plan,
    ended,
    learned_nothing,
    records_of,
    require_in_force,
    require_sound,
    without_rows,
)
from repro.verbs.training.preparing import Asked, evidence, plan_of
from repro.verbs.training.refusing import record_fixed, refuse
from repro.verbs.training.sealing import Outcome, input_texts, seal_run

Started = tuple[Staging, Session]
"""Where a run is made, and the worker that prepares it."""


def carry_out(asked: Asked, started: Started | ReproError) -> Outcome:
    """Do a run whose worker is on its way, or record that it was refused with what starting raised.

    Raises what `train` does, but for problems of the configuration; and LeakingFeatures, of which
    the log has nothing yet, where the run is to be started again without them.
    """
    warn = asked.observer.warn
    log = open_log_to_sign(asked.root, warn)
    cosign = cosigner(log, warn)
    try:
        if isinstance(started, ReproError):
            raise started
        place, session = started
        asked.observer.stage("preparing data, features and folds")
        plan = _plan(asked, session)
        if plan.identity.missing and asked.active.identity_mode == "relaxed":
            missing = ", ".join(plan.identity.missing)
            warn(f"the run is marked incomplete: no facts of {missing}")
        if (vanished := without_rows(plan)) is not None:
            warn(vanished)
        if asked.reuse and (known := known_run(asked.root, plan)) is not None:
            record_fixed(log, cosign, plan.judged, known)
            return known
        return _execute(log, cosign, place, plan, session, asked.observer)
    except _PlannedError as failure:
        raise failure.error from failure.error.__cause__
    except KeyboardInterrupt:
        ended_runs = log.recover_runs()
        if ended_runs:
            log.commit()
            cosign()
            raise _stopped(ended_runs[-1]) from None
        raise InterruptedRunError("interrupted before the plan: nothing was recorded") from None
    except ReproError as error:
        refuse(log, cosign, asked.resolved, error)
        raise


def _stopped(run: str) -> InterruptedRunError:
    """Return what is said of a run that the log has as interrupted."""
    return InterruptedRunError(f"run {run} was interrupted", run=run)


class _PlannedError(Exception):
    """A failure after the plan: it has its record already."""

    def __init__(self, error: ReproError) -> None:
        super().__init__(str(error))
        self.error = error


def _plan(asked: Asked, session: Session) -> Plan:
    """Return everything that must be known before training; hash inputs while the worker loads."""
    found = evidence(asked.root, session.job)
    plan = plan_of(asked, session.job, found, session.prepared())
    require_sound(plan)
    return plan


def known_run(root: Path, plan: Plan) -> Outcome | None:
    """Return the newest sealed run with the plan's execution key; None if none is as good as it.

    Only bits that are promised can stand for others, and only a run that leakage would be judged of
    as it was; what an attribution trained stands for its like alone. Raises IntegrityError for a
    run that is not what was sealed, DeterminismError where the log has other bits under the same
    key: then nobody can say which of them are the run's.
    """
    if not plan.is_promised:
        return None
    key = plan.identity.execution_key
    found = runs_of(root, key, plan.made_for)
    if not found:
        return None
    require_as_logged(root, found[-1])
    return standing_for(root, found[-1], plan.judged)


def standing_for(root: Path, newest: Run, judged: Judged) -> Outcome | None:
    """Return a sealed run as the outcome of a new one with its execution key, if it is as good.

    Raises DeterminismError where the log has other bits under that key.
    """
    digest, key = newest.snapshot["output_digest"], newest.group["execution_key"]
    others = contradictions(root, {"promised": True, "execution_key": key, "output_digest": digest})
    if others:
        raise DeterminismError(
            f"run {newest.name} cannot stand for this one: the log has other bits under the "
            f"same execution key, of {others[-1]['run']}",
            f"find out what decides them first; to see where they part: repro verify {newest.name}",
        )
    return as_good(newest, judged)


def as_good(newest: Run, judged: Judged) -> Outcome | None:
    """Return a sealed run as an outcome; None if it is not what would be sealed today.

    That is where leakage would be judged otherwise, or where it lacks a digest that is asked for.
    """
    options = newest.read("request.json")["options"]
    if judged.active.input_sha256 and not options.get("inputs", {}).get("sha256"):
        return None
    thresholds = options["leakage"]["auto_fix_thresholds"]
    if not is_as_good(judged, newest.snapshot["leakage"], thresholds):
        return None
    return Outcome(newest.name, newest.folder, newest.snapshot, {}, reused=True, judged=judged)


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
        name, seq, time = _planned(log, plan, held)
        done: Outcome | None = None
        outcome: Outcome | None = None
        others: list[dict[str, Any]] = []
        texts: dict[str, str] = {}
        is_recorded = False
        try:
            cosign()  # so that somebody else has seen the plan before its outcome can be known
            observer.stage(f"training {plan.active.family}, run {name}")
            finished = session.train(
                plan.seeds,
                lambda m: observer.progress(m["stage"], m["done"], m["total"]),
                lambda: texts.update(input_texts(plan)),
            )
            finished["findings"] = located(finished["findings"], plan.resolved)
            require_in_force(plan, finished)
            if (nothing := learned_nothing(finished)) is not None:
                observer.warn(nothing)
            observer.stage("sealing")
            # One at a time: of two that end together, the second must see the first one's bits.
            with deferred(), names_locked(plan.root):
                outcome = seal_run(place, plan, texts, finished, (name, seq, time))
                others = contradictions(plan.root, outcome.record)
                records = [("run.completed", outcome.record)]
                records += [("incident", incident(outcome.record, others))] if others else []
                appended = log.append_many(records)[0]
                is_recorded = True
                done = outcome.committed(log.commit().size, appended.hash)
                keep(place, name, layout.PRINTED)
            cosign()
        except KeyboardInterrupt:
            if done is None:
                _end(log, cosign, "run.interrupted", ended(name, seq, reason="the user stopped it"))
                raise _PlannedError(_stopped(name)) from None
            done = replace(done, is_last=True)
        except (ReproError, OSError) as error:
            failure = as_failure(error)
            if outcome is not None and not is_recorded:
                set_aside(plan.root, name)  # what was sealed, and cannot be recorded as complete
            kept = keep(place, name)
            _end(log, cosign, "run.failed", ended(name, seq, failure, kept))
            name_log(failure, kept)
            raise _PlannedError(failure) from error
        except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as bug:
            if outcome is not None and not is_recorded:
                set_aside(plan.root, name)
            _end(log, cosign, "run.failed", ended(name, seq, as_bug(bug), keep(place, name)))
            raise
        if done is None:
            raise AssertionError("a plan ended without an outcome")
        if others:
            raise _PlannedError(alarm(name, others))
        return done


def _planned(log: Log, plan: Plan, held: ExitStack) -> tuple[str, int, str]:
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
            appended = log.append_many(records_of(plan, name))[0]
            log.commit()
    return name, appended.seq, appended.time


def _end(log: Log, cosign: Callable[[], None], kind: str, body: Mapping[str, Any]) -> None:
    """End a plan in the log and commit it."""
    with deferred():
        log.append(kind, body)
        log.commit()
        cosign()
