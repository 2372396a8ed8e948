"""``repro verify RUN``: do it again from what was sealed, and compare every bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.audit.log import cosigner, open_log_to_sign, require_as_logged
from repro.config.sealed.request import selecting
from repro.errors import InterruptedRunError
from repro.execution.session import Job, Session
from repro.facts.code import code_digests
from repro.facts.data import digest_files, locate
from repro.facts.trainers import declaration
from repro.identity.keys import Identity
from repro.identity.payloads import ENVIRONMENT
from repro.identity.run import Inputs, identity_of
from repro.plan import require_same_files
from repro.runs import differences
from repro.runs.differences import Cause
from repro.runs.sealed import Run
from repro.runs.staging import staging
from repro.runs.writing import outputs
from repro.train import Observer

COMPUTING = ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Verification:
    """What doing it again showed."""

    run: Run
    verdict: str
    """``reproduced``, ``not reproduced``, or ``BROKEN``: other bits where all else is the same."""
    causes: tuple[Cause, ...]
    """What differs between then and now: said first, compared all the same."""
    outputs: tuple[str, ...]
    """Names of the outputs whose bits differ."""
    record: int
    """The place of ``run.verified`` in the log."""

    @property
    def exit_status(self) -> int:
        """Return 0 for the same bits, 5 for an alarm, 1 where something else differed too."""
        return {"reproduced": 0, "not reproduced": 1, "BROKEN": 5}[self.verdict]


def verify_run(root: Path, run: Run, observer: Observer) -> Verification:
    """Re-execute a sealed run in a fresh worker and append ``run.verified`` to the log.

    Raises IntegrityError for a run that is not what was sealed, InputError where its data or its
    trainer are not at hand, and what the worker raises.
    """
    log = open_log_to_sign(root, observer.warn)
    cosign = cosigner(log, observer.warn)
    require_as_logged(root, run)
    sealed = run.read("request.json")
    trainer = declaration(run.snapshot["family"])
    decides = sealed["decides"]
    selectors = tuple(declaration(name) for name in selecting(decides))
    job = Job(
        decides,
        sealed["options"],
        trainer,
        locate(root, [file["name"] for file in run.read("dataset.json")["files"]]),
        decides["execution"]["level"],
        decides["execution"]["threads"],
        sealed["time_limit_seconds"],
        selectors,
    )
    try:
        with staging(root) as place, Session(job, place.work) as session:
            observer.stage("preparing from what was sealed")
            files = digest_files(dict(job.files))
            prepared = session.prepared()
            require_same_files(files, prepared["facts"]["files"])
            code = code_digests(trainer, prepared["environment"].pop("code"), selectors)
            now = _now(job, code, sealed, prepared)
            causes = tuple(_since(run, job, code, prepared, [f.facts() for f in files]))
            observer.stage(f"training {trainer.family} again")
            finished = session.train(
                sealed["seeds"], lambda m: observer.progress(m["stage"], m["done"], m["total"])
            )
            produced = outputs(finished)
    except KeyboardInterrupt:
        raise InterruptedRunError("interrupted: nothing was recorded") from None
    differing = _differing(run.snapshot["outputs"], produced)
    verdict = _verdict(run, now, differing)
    record = log.append("run.verified", _body(run, now, verdict, causes, differing)).seq
    log.commit()
    cosign()
    return Verification(run, verdict, causes, differing, record)


def _now(
    job: Job, code: Mapping[str, str], sealed: Mapping[str, Any], prepared: Mapping[str, Any]
) -> Identity:
    """Return the identity that the sealed request has here and now."""
    return identity_of(
        Inputs(
            sealed["components"],
            prepared["facts"],
            sealed["base_seed"],
            code,
            prepared["environment"],
            job.settings,
            job.threads,
            job.decides,
        )
    )


def _since(
    run: Run,
    job: Job,
    code: Mapping[str, str],
    prepared: Mapping[str, Any],
    files: list[dict[str, Any]],
) -> list[Cause]:
    """Return what differs between the run and now: data, code, environment."""
    then, data = run.read("environment.json"), run.read("dataset.json")
    found = list(
        differences.data(data, {"locators": prepared["facts"]["locators"], "files": files})
    )
    found += differences.files(data, {"files": files})
    found += differences.mapping("code", "execution_key", then["code"], code)
    old = {name: then["environment"][name] for name in (*COMPUTING, "settings")}
    new = {name: prepared["environment"][name] for name in COMPUTING}
    new["settings"] = job.settings
    found += differences.mapping("environment", "execution_key", old, new)
    return found


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the outputs that are not the same bits."""
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def _verdict(run: Run, now: Identity, differing: tuple[str, ...]) -> str:
    """Return the verdict; a best-effort run can fail to be reproduced, but never be broken."""
    if not differing:
        return "reproduced"
    promised = run.snapshot["level"] != "best-effort" and not run.snapshot["incomplete"]
    same = now.execution_key == run.group["execution_key"]
    return "BROKEN" if promised and same else "not reproduced"


def _body(
    run: Run,
    now: Identity,
    verdict: str,
    causes: tuple[Cause, ...],
    differing: tuple[str, ...],
) -> dict[str, Any]:
    """Return the body of ``run.verified``."""
    return {
        "run": run.name,
        "verdict": verdict,
        "output_digest": run.snapshot["output_digest"],
        "execution_key": now.execution_key,
        "same_execution_key": now.execution_key == run.group["execution_key"],
        "differences": [f"{c.kind}: {c.subject}"[:200] for c in causes[:50]],
        "differing_outputs": list(differing)[:100],
    }
