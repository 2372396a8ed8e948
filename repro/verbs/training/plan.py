"""The plan of a run: everything known before training, and what must hold before and after."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import payload_digest
from repro.config.checks.composed import source
from repro.config.resolution.active import Active, overridden
from repro.config.resolution.layers import WRITTEN, Path, Value, dotted
from repro.config.resolution.resolve import Resolved
from repro.errors import DeterminismError, InputError, ReproError, TrainingError, named, recordable
from repro.execution.session import Job, Module
from repro.facts.data import DataFile
from repro.identity.keys import Identity, exact
from repro.identity.payloads import differing_parameters
from repro.identity.seeds import selection_stage
from repro.runs.purpose import Purpose
from repro.verbs.training.leaking import Judged, fixed_record, judge_checks, judge_scan, verdict_of

LONGEST_LIST = 16_000
"""Bytes of the list of data files that a plan holds; of a longer one it holds the digest alone."""
TOO_SHORT = "too few rows"
"""Why a symbol is left out that the configuration says to leave out; see ``pipeline.coverage``."""
NAMED = 5
"""Symbols that a warning names."""
FINAL = "final"
GLOBAL_SEEDS = ("python", "numpy")
"""Seeds of the interpreter's own generators; no library reports them back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked, what was found, and the identity made of both."""

    root: pathlib.Path
    resolved: Resolved
    active: Active
    job: Job
    files: tuple[DataFile, ...]
    code: Mapping[str, str]
    git: Mapping[str, Any] | None
    facts: Mapping[str, Any]
    environment: Mapping[str, Any]
    identity: Identity
    forced: Mapping[str, Any]
    """Parameters that the level forces."""
    seeds: Mapping[str, Mapping[str, int]]
    idle: tuple[str, ...] = ()
    """Hyperparameters that are asked for and, with the others as they are, have no effect."""
    fixed: tuple[Mapping[str, Any], ...] = ()
    """What the scans of earlier tries found: features that leaked, and are left out now."""
    reruns: int = 0
    """How many tries there were before this one."""
    made_for: Purpose | None = None
    """What needs the run, if it is not asked for by itself."""

    @property
    def judged(self) -> Judged:
        """Return what leakage is judged by in this try."""
        return Judged(self.resolved, self.active, self.fixed, self.reruns)

    @property
    def is_promised(self) -> bool:
        """Return whether another run with this execution key must have the same bits."""
        return self.active.level != "best-effort" and not self.identity.missing

    @property
    def purpose(self) -> dict[str, Any]:
        """Return what the run is made for, as it is recorded; nothing if it is asked for itself."""
        return {} if self.made_for is None else {"made_for": self.made_for.record()}

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """Return the data files as they are recorded."""
        return [file.facts() for file in self.files]


def records_of(plan: Plan, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the records that stand for a plan in the log, ``run.planned`` first."""
    records = [("run.planned", planned(plan, name))]
    changed = overridden(plan.resolved)
    if changed:
        records.append(("config.override", override(changed, name, plan.resolved)))
    if plan.fixed:
        records.append(("leakage.fixed", fixed_record(plan.judged, name)))
    return records


def planned(plan: Plan, name: str) -> dict[str, Any]:
    """Return the body of ``run.planned``."""
    inputs = plan.inputs
    body: dict[str, Any] = {
        "run": name,
        "target": plan.resolved.target,
        "view": plan.active.routing["view"],
        "symbol": plan.active.routing["symbol"],
        "family": plan.active.family,
        "level": plan.active.level,
        "comparison_group": exact(plan.identity.comparison_group()),
        "incomplete": list(plan.identity.missing),
        "layers": list(plan.resolved.layers)[:20],
        "experiment": plan.resolved.experiment,
        **plan.purpose,
        "legacy": list(plan.resolved.legacy)[:100],
        "inputs": {
            "files": len(inputs),
            "digest": payload_digest("repro-audit v1 inputs", exact(inputs)),
        },
        "request": plan.identity.request,
        "seeds": payload_digest("repro-audit v1 seeds", exact(dict(plan.seeds))),
        "environment": payload_digest("repro-audit v1 environment", exact(plan.environment)),
        "git": plan.git,
    }
    if len(canonical(exact(inputs))) <= LONGEST_LIST:
        body["inputs"]["list"] = exact(inputs)
    return body


def override(changed: Mapping[Path, Value], name: str, resolved: Resolved) -> dict[str, Any]:
    """Return the body of ``config.override``: what a run had otherwise than the documents say."""
    values = [
        {
            "path": dotted(path),
            "layer": v.setting.layer,
            "value": exact(v.value),
            **_given(v, resolved),
            **_written(v),
        }
        for path, v in sorted(changed.items())
    ]
    body: dict[str, Any] = {
        "run": name,
        "values": len(values),
        "digest": payload_digest("repro-audit v1 overrides", values),
    }
    if len(canonical(values)) <= LONGEST_LIST:
        body["list"] = values
    return body


def _given(value: Value, resolved: Resolved) -> dict[str, Any]:
    """Return the words that the user gave for a leaf, if the command line decided it."""
    if not value.setting.layer.endswith("--set"):
        return {}
    words = source(resolved, value.setting.place)
    return {} if words is None else {"given": words}


def _written(value: Value) -> dict[str, Any]:
    """Return what the documents say of a leaf, if they say anything."""
    said = [s for s in value.history if s.layer in WRITTEN]
    return {"written": exact(said[-1].value)} if said else {}


def ended(
    name: str,
    seq: int,
    error: ReproError | None = None,
    kept: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Return the body of ``run.failed`` or ``run.interrupted``."""
    body: dict[str, Any] = {"run": name, "plan": seq}
    if error is not None:
        body |= {
            "reason": recordable(error.problem)[:2000],
            "exit_status": error.exit_status,
            "output_tail": recordable(error.tail)[-4000:],
            "kept": kept,
        }
        body |= verdict_of(error)
    if reason is not None:
        body["reason"] = reason
    return body


def without_rows(plan: Plan) -> str | None:
    """Return a warning of the symbols of which no row is used though nobody said to leave them out.

    None if there are none. Symbols that are dropped for their length are, by ``short_symbols``.
    """
    left_out = plan.facts["samples"]["used"]["left_out"]
    gone = [f"{named(one['symbol'])} ({one['why']})" for one in left_out if one["why"] != TOO_SHORT]
    if not gone:
        return None
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return (
        f"no row is used of {', '.join(gone[:NAMED])}{more}: look at the columns of these symbols"
    )


def learned_nothing(finished: Mapping[str, Any]) -> str | None:
    """Return a warning of a final model to which no feature counts; None of any other.

    Such a model predicts one value for every row. The metrics do not always show it: those out of
    fold are of other models.
    """
    if any(finished["importance"][FINAL].values()):
        return None
    return "the final model learned nothing: no feature counts, it predicts the same for every row"


def require_sound(plan: Plan) -> None:
    """Raise unless the plan may be carried out.

    InputError if signatures are missing in strict mode; TrainingError if the scan found leakage
    and the policy is strict; AssertionError if a training label reaches into its test rows.
    LeakingFeatures instead where the policy is to drop them, and some features are left.
    """
    missing = plan.identity.missing
    if missing and plan.active.identity_mode == "strict":
        raise InputError(f"the run cannot be identified: no facts of {', '.join(missing)}")
    if not plan.facts["proof"]["holds"]:
        raise AssertionError(f"the folds overlap: {plan.facts['proof']}")
    judge_scan(plan.judged, plan.facts["findings"])


def require_in_force(plan: Plan, finished: Mapping[str, Any]) -> None:
    """Raise unless every parameter that was asked for is in force in every model.

    DeterminismError for a parameter that strict mode forces, TrainingError for any other, except
    that fewer rounds may have been done than were asked for where training may stop early;
    TrainingError too if the checks after training found leakage and the policy is strict.
    """
    decides = plan.job.decides
    for stage, effective in finished["effective"].items():
        fit = _Fit(stage, plan.job.trainer, decides["parameters"], plan.forced)
        _require_fit(plan, fit, effective, finished["rounds"][stage])
    for trainer in plan.job.selectors:
        (asked,) = (a for a in decides["selection"]["families"] if a["family"] == trainer.family)
        forced = trainer.forced(plan.active.level)
        made = finished["selection"]["models"][trainer.family]
        for stage, effective in made["effective"].items():
            name = selection_stage(stage, trainer.family)
            fit = _Fit(name, trainer, asked["parameters"], forced)
            _require_fit(plan, fit, effective, made["rounds"][stage])
    judge_checks(plan.judged, finished["findings"])


@dataclass(frozen=True, slots=True)
class _Fit:
    """What one fit was asked for."""

    stage: str
    trainer: Module
    parameters: Mapping[str, Any]
    forced: Mapping[str, Any]


def _require_fit(plan: Plan, fit: _Fit, effective: Mapping[str, Any], rounds: int | None) -> None:
    """Raise unless every parameter and seed that was asked for is in force in one model."""
    seeds = {k: v for k, v in plan.seeds[fit.stage].items() if k not in GLOBAL_SEEDS}
    for name, (asked, found) in differing_parameters(
        {**fit.parameters, **seeds}, effective
    ).items():
        if _stopped_early(fit, name, asked, found, rounds):
            continue
        kind = DeterminismError if name in fit.forced else TrainingError
        did = f"the library used {found!r}" if name in effective else "it reports no such parameter"
        raise kind(
            f"{fit.stage}: {name} of {fit.trainer.family} was set to {asked!r}, but {did}",
            "a value that is not in force must not stand in the configuration",
        )


def _stopped_early(fit: _Fit, name: str, asked: Any, found: Any, rounds: int | None) -> bool:
    """Return whether a parameter differs only because training stopped before its last round.

    ``rounds`` are those that the model predicts with; ``found`` those that the library did.
    """
    trainer, parameters = fit.trainer, fit.parameters
    switch = trainer.early_stopping
    if switch is None or name == switch or not parameters[switch]:
        return False
    counts = isinstance(asked, int) and isinstance(found, int) and rounds is not None
    return counts and name in trainer.procedure() and rounds <= found < asked
