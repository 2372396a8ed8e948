"""Sealing: a finished run becomes a directory of its own and the body of ``run.completed``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repro import __version__
from repro.audit_log.formats.digests import payload_digest
from repro.config.sealed import record as config_record
from repro.config.sealed.record import Leaves
from repro.errors import TrainingError
from repro.identity.keys import exact, output_digest
from repro.pipeline.formulas import class_table
from repro.runs import layout
from repro.runs.brought import HINT, collect, require_told
from repro.runs.sealed import oddity
from repro.runs.staging import Staging, seal, sync_tree
from repro.runs.writing import (
    SCHEMA,
    artifact,
    artifacts,
    json_text,
    outputs,
    placed,
    spelled,
    write_json,
)
from repro.verbs.training.leaking import Judged, as_judged, verdict
from repro.verbs.training.plan import Plan

Planned = tuple[str, int, str]
"""The name of a run, and place and time of its plan in the log."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sealed run: its name, its folder, its snapshot, and the record that ends its plan."""

    run: str
    folder: Path
    """The folder that holds ``snapshot.json``."""
    snapshot: Mapping[str, Any] = field(repr=False)
    """Everything that its ``snapshot.json`` says."""
    record: Mapping[str, Any] = field(repr=False)
    log_size: int = 0
    """Records that the signed checkpoint covers."""
    log_head: str = ""
    """Hash of the record that ended the plan."""
    reused: bool = False
    """Whether it was sealed before, and nothing was trained now."""
    judged: Judged | None = field(default=None, repr=False)
    """Of a run that was sealed before: what leakage is judged by now."""
    is_last: bool = False
    """Whether somebody asked to stop when it was sealed already: nothing may come after it."""

    @property
    def leakage(self) -> Mapping[str, Any]:
        """Return policy, verdict, what was left out and what was found, for who asked for it."""
        sealed: Mapping[str, Any] = self.snapshot["leakage"]
        return sealed if self.judged is None else as_judged(self.judged, sealed)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Return the metrics, out of fold."""
        metrics: Mapping[str, Any] = self.snapshot["metrics"]
        return metrics

    def committed(self, size: int, head: str) -> Outcome:
        """Return the outcome with the head of the log that covers it."""
        return replace(self, log_size=size, log_head=head)


def input_texts(plan: Plan) -> dict[str, str]:
    """Return the files that say what went in, as `Speller` does, of a run that is alone."""
    return Speller().texts(plan)


@dataclass(slots=True)
class Speller:
    """Spells the files that say what went in: configuration, request, environment, data.

    All this is known once a run is planned, and spelling it takes a moment: the notary does so
    while the worker trains, and writes nothing before that process has ended. Of many runs over
    one tree of documents, what the last one said as well is not spelled again.
    """

    _leaves: Leaves = field(default_factory=lambda: Leaves(lambda leaf: spelled(leaf, _LEAF)))
    _last: tuple[Plan, Mapping[str, str]] | None = None

    def texts(self, plan: Plan) -> dict[str, str]:
        """Return the text of each file."""
        texts = {
            "config.json": json_text(config_record.record(plan.resolved, self._leaves)),
            "config.resolved.yaml": config_record.to_yaml(plan.resolved),
            "request.json": json_text(
                {
                    "decides": plan.job.decides,
                    "options": plan.job.options,
                    "seeds": plan.seeds,
                    "components": plan.active.components,
                    "base_seed": plan.active.base_seed,
                    "time_limit_seconds": plan.job.seconds,
                }
            ),
            **{name: self._text(plan, name, said) for name, said in _SHARED.items()},
        }
        self._last = (plan, texts)
        return texts

    def _text(self, plan: Plan, name: str, said: Callable[[Plan], dict[str, Any]]) -> str:
        """Return the text of a file that many plans may have in common."""
        if self._last is not None and said(self._last[0]) == said(plan):
            return self._last[1][name]
        return json_text(said(plan))


_LEAF = 2
"""How deep a leaf stands in ``config.json``: in the list of the mapping."""
_SHARED: Mapping[str, Callable[[Plan], dict[str, Any]]] = {
    "environment.json": lambda plan: {
        "environment": plan.environment,
        "code": plan.code,
        "git": plan.git,
    },
    "dataset.json": lambda plan: {
        "files": plan.inputs,
        "locators": plan.facts["locators"],
        "summary": plan.facts["summary"],
    },
}
"""Files that say what many runs have in common, by name, and what each says of a plan."""


@dataclass(frozen=True, slots=True)
class Written:
    """A run that is durable under no name yet: nobody sees it."""

    place: Staging
    run: str
    inner: Path
    """The folder inside the run that holds its files."""
    snapshot: Mapping[str, Any] = field(repr=False)
    record: Mapping[str, Any] = field(repr=False)


def seal_run(
    place: Staging,
    plan: Plan,
    texts: Mapping[str, str],
    finished: Mapping[str, Any],
    planned: Planned,
) -> Outcome:
    """Write every file of the run, make it durable, and rename it to its name.

    ``texts`` are those of ``input_texts``, by name of the file.
    """
    return named(write_run(place, plan, texts, finished, planned))


def named(written: Written) -> Outcome:
    """Rename a run that is written to its name."""
    folder = seal(written.place, written.run) / written.inner
    return Outcome(written.run, folder, written.snapshot, written.record)


def write_run(
    place: Staging,
    plan: Plan,
    texts: Mapping[str, str],
    finished: Mapping[str, Any],
    planned: Planned,
) -> Written:
    """Write every file of the run and make it durable; see `seal_run`.

    Raises TrainingError for what a worker told that is not so, or that nobody could read again.
    """
    (name, seq, _), view = planned, plan.active.routing["view"]
    inner = layout.inner(plan.resolved.target, view, plan.identity.replicate_key)
    final = place.final / inner
    final.mkdir(parents=True)
    collect(place.work, final, finished["files"])
    require_told(final, finished)
    for file, text in texts.items():
        (final / file).write_text(text, "utf-8")
    write_json(final / "metrics.json", _metrics(finished))
    write_json(final / layout.PARTS, finished["parts"])
    write_json(final / layout.IMPORTANCE, finished["importance"])
    snapshot = _snapshot(plan, finished, planned)
    snapshot["artifacts"] = artifacts(final)
    text = json_text(snapshot)
    _require_readable(json.loads(text))
    (final / layout.SNAPSHOT).write_text(text, "utf-8")
    below = f"{layout.RESULTS}/{layout.RUNS}/{name}/{inner.as_posix()}"
    record = {
        "run": name,
        "plan": seq,
        "execution_key": plan.identity.execution_key,
        "promised": plan.is_promised,
        "output_digest": snapshot["output_digest"],
        "metrics": exact(finished["metrics"]),
        "artifacts": placed([*snapshot["artifacts"], artifact(final / layout.SNAPSHOT)], below),
    }
    sync_tree(place.final)
    return Written(place, name, inner, snapshot, record)


def _require_readable(snapshot: Mapping[str, Any]) -> None:
    """Raise TrainingError for a snapshot that every command would refuse once it is sealed."""
    said = oddity(snapshot)
    if said is not None:
        raise TrainingError(f"the worker told of {said} what no run does", HINT)


def _metrics(finished: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics as they are written."""
    return {
        "overall": finished["metrics"],
        "training": finished["training_metrics"],
        "folds": finished["folds"],
    }


def _snapshot(plan: Plan, finished: Mapping[str, Any], planned: Planned) -> dict[str, Any]:
    """Return the snapshot: one document that says what the run was."""
    (name, seq, time), produced = planned, outputs(finished)
    findings = [*plan.facts["findings"], *finished["findings"]]
    return {
        "schema": SCHEMA,
        "tool": {"name": "repro", "version": __version__},
        "run": name,
        "status": "complete",
        "target": plan.resolved.target,
        "task": plan.job.decides["target"]["task"],
        **_classes(plan.job.decides["target"]),
        "view": plan.active.routing["view"],
        "symbol": plan.active.routing["symbol"],
        "family": plan.active.family,
        "level": plan.active.level,
        "experiment": plan.resolved.experiment,
        **plan.purpose,
        "incomplete": list(plan.identity.missing),
        "comparison_group": plan.identity.comparison_group(),
        "payloads": dict(plan.identity.payloads),
        "request_digest": plan.identity.request,
        "seeds": plan.seeds,
        "parameters": {
            "requested": dict(plan.active.hyperparameters),
            "idle": list(plan.idle),
            "forced": dict(plan.forced),
            "effective": finished["effective"]["final"],
            "rounds": finished["rounds"],
        },
        "samples": plan.facts["samples"],
        **{name: plan.facts[name] for name in ("drawn_folds",) if name in plan.facts},
        "proof": plan.facts["proof"],
        "leakage": {
            "policy": plan.active.leakage["policy"],
            "verdict": verdict(plan.fixed, findings),
            "fixed": list(plan.fixed),
            "findings": findings,
        },
        **_selection(finished),
        "after": finished["after"],
        "metrics": finished["metrics"],
        "outputs": produced,
        "output_digest": output_digest(produced),
        "log": {
            "plan": seq,
            "time": time,
            "environment": payload_digest("repro-audit v1 environment", exact(plan.environment)),
        },
    }


def _classes(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the classes in the order of labels and probabilities; nothing for a regression."""
    table = class_table(target)
    return {"classes": table} if table else {}


def _selection(finished: Mapping[str, Any]) -> dict[str, Any]:
    """Return which features each model was trained on, if they were selected."""
    if "selection" not in finished:
        return {}
    found = finished["selection"]
    models = {
        family: {"effective": made["effective"]["final"], "rounds": made["rounds"]}
        for family, made in found["models"].items()
    }
    return {"selection": {**found, "models": models}}
