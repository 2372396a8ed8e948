"""``repro verify RUN``: do it again from what was sealed, and compare every bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.audit_log.storage.store import Log
from repro.config.sealed.request import selecting
from repro.errors import (
    DeterminismError,
    InterruptedRunError,
    ReproError,
    TrainingError,
    UsageError,
)
from repro.execution.interrupts import deferred
from repro.execution.load import busy
from repro.execution.session import Job, Session
from repro.execution.variation import NONE, VARIATIONS, Variation
from repro.facts.code import code_digests
from repro.facts.data import locate
from repro.facts.trainers import Declaration, declaration
from repro.identity.keys import Identity, output_digest
from repro.identity.payloads import ENVIRONMENT
from repro.identity.run import Inputs, identity_of
from repro.runs import differences, layout
from repro.runs.differences import Cause
from repro.runs.divergence import Again, Sealed, divergences
from repro.runs.sealed import Run
from repro.runs.staging import names_locked, staging
from repro.runs.writing import outputs
from repro.verbs.audit.log import (
    contradictions,
    cosigner,
    open_log_to_sign,
    pulled_from,
    require_as_logged,
)
from repro.verbs.comparing.rounds import (
    Failure,
    Known,
    Round,
    Verification,
    body,
    causes_of,
    early,
    is_promised,
    verdict_of,
)
from repro.verbs.observer import Observer
from repro.verbs.training.inputs import digest_inputs, require_same_files

COMPUTING = ENVIRONMENT
BEGINNING = "the beginning"
"""What fails where data or trainer are not at hand."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What the re-execution starts from, and what its outcome is held against."""

    run: Run
    request: Mapping[str, Any]
    job: Job
    trainer: Declaration
    selectors: tuple[Declaration, ...]
    state: Sealed


def variations(names: Sequence[str]) -> tuple[Variation, ...]:
    """Return the variations of these names; raises UsageError for a name that there is not."""
    unknown = [name for name in names if name not in VARIATIONS]
    if unknown:
        raise UsageError(
            f"no variation is called {unknown[0]!r}", f"there are: {', '.join(VARIATIONS)}"
        )
    return tuple(VARIATIONS[name] for name in dict.fromkeys(names))


def verify_run(
    root: Path,
    run: Run,
    observer: Observer,
    rounds: int = 1,
    vary: Sequence[Variation] = (),
) -> Verification:
    """Re-execute a sealed run in fresh workers and append ``run.verified`` to the log.

    First ``rounds`` times as it was, then once under each of ``vary``. Bits that contradict each
    other, or an earlier run, under one execution key are an ``incident`` in the log too.

    Whatever ends it early, what the rounds before it showed is recorded: an alarm is not lost. A
    round that fails is recorded too, with the reason, also where there was none before it; and so
    is that nothing could be done again, for want of the data or the trainer.

    Raises IntegrityError for a run that is not what was sealed, InputError where its data or its
    trainer are not at hand, InterruptedRunError where somebody stopped it, and what the worker
    raises where nothing is otherwise.
    """
    log = open_log_to_sign(root, observer.warn)
    cosign = cosigner(log, observer.warn)
    require_as_logged(root, run)
    found: list[Round] = []
    known: list[Known] = []
    during = BEGINNING
    try:
        sealed = _sealed(root, run)
        for number in range(1, rounds + 1):
            during = f"round {number}"
            what = "again" if rounds == 1 else f"again, round {number} of {rounds}"
            found.append(_again(root, sealed, NONE, what, observer, known))
        for one in vary:
            during = one.name
            found.append(_varied(root, sealed, one.at(sealed.job.level), observer))
    except KeyboardInterrupt:
        said = "nothing was recorded"
        if found:
            showed = _recorded(root, log, cosign, run, found, known)
            said = early(showed, None)
            if showed.incident is not None:
                raise DeterminismError(f"interrupted: {said}") from None
        raise InterruptedRunError(f"interrupted: {said}") from None
    except ReproError as error:
        failure = Failure(during, error.problem)
        showed = _recorded(root, log, cosign, run, found, known, failure)
        observer.warn(early(showed, failure))
        raise error
    return _recorded(root, log, cosign, run, found, known)


def _recorded(
    root: Path,
    log: Log,
    cosign: Callable[[], None],
    run: Run,
    found: Sequence[Round],
    known: Sequence[Known],
    failure: Failure | None = None,
) -> Verification:
    """Append what the rounds showed to the log, and return it."""
    # One at a time, as results of trainings are: of two, the second must see the first one's bits.
    with deferred(), names_locked(root):
        others = _contradicted(root, run, found)
        verdict = verdict_of(found, broken=bool(others))
        records: list[tuple[str, dict[str, Any]]] = [
            ("run.verified", body(run, known, verdict, found, failure) | _whose(root, run))
        ]
        records += [("incident", contradiction) for contradiction in others]
        appended = log.append_many(records)
        log.commit()
    cosign()
    incident = appended[1].seq if others else None
    causes = causes_of(known)
    return Verification(run, verdict, causes, tuple(found), appended[0].seq, incident)


def _whose(root: Path, run: Run) -> dict[str, Any]:
    """Return what says that a run is of another log; nothing for one of this log."""
    pulled = pulled_from(root, run.name, run.log) if run.log else None
    return {} if pulled is None else {"origin": pulled["origin"]}


def _sealed(root: Path, run: Run) -> _Sealed:
    """Return what a sealed run says of itself, with the job that does it again."""
    request, data = run.read("request.json"), run.read("dataset.json")
    decides = request["decides"]
    trainer = declaration(run.snapshot["family"])
    selectors = tuple(declaration(name) for name in selecting(decides))
    job = Job(
        decides,
        request["options"],
        trainer,
        locate(root, [file["name"] for file in data["files"]], exact=True),
        decides["execution"]["level"],
        decides["execution"]["threads"],
        request["time_limit_seconds"],
        selectors,
    )
    parts, predictions = run.read(layout.PARTS), run.folder / layout.PREDICTIONS
    state = Sealed(run.snapshot, data["locators"], parts, predictions)
    return _Sealed(run, request, job, trainer, selectors, state)


def _again(
    root: Path,
    sealed: _Sealed,
    variation: Variation,
    what: str,
    observer: Observer,
    known: list[Known],
) -> Round:
    """Return one re-execution; what is known of it before it trains is added to ``known``."""
    job = sealed.job
    with staging(root) as place, busy(variation.load):
        work = place.work / variation.subdirectory
        work.mkdir(parents=True, exist_ok=True)
        with Session(job, work, variation) as session:
            observer.stage(f"preparing from what was sealed, {what}")
            files = digest_inputs(root, job)
            prepared = session.prepared()
            facts, environment = prepared["facts"], prepared["environment"]
            require_same_files(root, files, facts["files"])
            code = code_digests(sealed.trainer, environment.pop("code"), sealed.selectors)
            now = _now(sealed, code, facts, environment)
            causes = tuple(_since(sealed, code, prepared, [f.facts() for f in files]))
            known.append(Known(now, causes))
            observer.stage(f"training {job.trainer.family} {what}")
            finished = session.train(
                sealed.request["seeds"],
                lambda m: observer.progress(m["stage"], m["done"], m["total"]),
            )
        produced = outputs(finished)
        again = Again(facts, finished, produced, work / layout.PREDICTIONS)
        old = sealed.run.snapshot["outputs"]
        differing = tuple(n for n in sorted({*old, *produced}) if old.get(n) != produced.get(n))
        diverged = divergences(sealed.state, again)
    key, digest = now.execution_key, output_digest(produced)
    return Round(variation, key, digest, differing, diverged)


def _varied(root: Path, sealed: _Sealed, variation: Variation, observer: Observer) -> Round:
    """Return one re-execution under a variation; one that fails there is a finding too."""
    try:
        return _again(root, sealed, variation, f"under {variation.name}", observer, [])
    except (DeterminismError, TrainingError) as error:
        return Round(variation, "", "", (), (), error.problem)


def _now(
    sealed: _Sealed,
    code: Mapping[str, str],
    facts: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> Identity:
    """Return the identity that the sealed request has here and now."""
    request, job = sealed.request, sealed.job
    return identity_of(
        Inputs(
            request["components"],
            facts,
            request["base_seed"],
            code,
            environment,
            job.settings,
            job.threads,
            job.decides,
        )
    )


def _since(
    sealed: _Sealed,
    code: Mapping[str, str],
    prepared: Mapping[str, Any],
    files: list[dict[str, Any]],
) -> list[Cause]:
    """Return what differs between the run and now: data, code, environment."""
    then, data = sealed.run.read("environment.json"), sealed.run.read("dataset.json")
    found = list(
        differences.data(data, {"locators": prepared["facts"]["locators"], "files": files})
    )
    found += differences.files(data, {"files": files})
    found += differences.mapping("code", "execution_key", then["code"], code)
    old = {name: then["environment"][name] for name in (*COMPUTING, "settings")}
    new = {name: prepared["environment"][name] for name in COMPUTING}
    new["settings"] = sealed.job.settings
    found += differences.mapping("environment", "execution_key", old, new)
    return found


def _contradicted(root: Path, run: Run, rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """Return the body of an ``incident`` if two results have one execution key, else none.

    Those of the rounds, and all that the log has under their key, whoever produced them.
    """
    if not is_promised(run):
        return []
    counting = [r for r in rounds if r.counts]
    for one in reversed(counting):
        found = {"execution_key": one.execution_key, "output_digest": one.output_digest}
        others = contradictions(root, {"promised": True, **found})
        others += [
            {"run": run.name, "output_digest": other.output_digest}
            for other in counting
            if other.execution_key == one.execution_key and other.output_digest != one.output_digest
        ]
        if others:
            unique = [o for n, o in enumerate(others) if o not in others[:n]]
            return [{"run": run.name, **found, "others": unique[:50]}]
    return []
