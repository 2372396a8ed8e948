"""What ``repro train`` writes of an experiment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import Format
from repro.cli.rank import interval_json, ranking_json
from repro.cli.rank import text as ranking_text
from repro.cli.select import selection_json
from repro.cli.select import text as selection_text
from repro.cli.trained import text as run_text

if TYPE_CHECKING:
    from repro.verbs.research.experiment import Done, Experimented
    from repro.verbs.research.stages import RankedTargets, Route
    from repro.verbs.training.train import TrainCommand


def experimented(command: TrainCommand, rerun: bool, form: Format) -> int:
    """Train every member of an experiment, and write one summary."""
    from repro.verbs.research.experiment import carry_out, members

    found = carry_out(command, members(command), rerun=rerun)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "train experiment",
            "experiment": found.name,
            "exit_status": found.exit_status,
            "ranking": _ranked(found.ranked),
            "selections": [selection_json(one) for one in found.selections],
            "runs": [_json(one) for one in found.done],
            "routing": [_route(one) for one in found.routes],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return found.exit_status
    _stages(found)
    (_one if len(found.done) == 1 else _several)(found.done)
    _routes(found)
    made = [one for one in found.done if one.outcome is not None]
    again = sum(one.outcome.reused for one in made if one.outcome is not None)
    failed = len(found.done) - len(made)
    counts = f"{len(made) - again} trained, {again} sealed before, {failed} failed"
    output.result(f"experiment {found.name}: {counts}")
    return found.exit_status


def _one(done: Sequence[Done]) -> None:
    """Write the only run as one that is trained by itself; if it failed, that was raised."""
    for one in done:
        if one.outcome is not None:
            run_text(one.outcome)


def _several(done: Sequence[Done]) -> None:
    """Write a line for each run, and why those that failed did."""
    rows: list[tuple[str, ...]] = [
        ("target", "family", "view", "run", "metric", "value", "skill", "")
    ]
    rows += [_row(one) for one in done]
    output.result(output.columns(rows, right=(5, 6)))
    for one in done:
        if one.error is not None:
            output.result(f"{one.member.name}: {output.failure(one.error)}")


def _stages(found: Experimented) -> None:
    """Write what came of the stages before the runs."""
    if found.ranked is not None:
        ranking_text(found.ranked.ranking)
        output.result(f"kept: {', '.join(found.ranked.kept)}")
        for target, reason in found.ranked.left_out.items():
            output.result(f"left out: {target}: {reason}")
        output.result("")
    for one in found.selections:
        selection_text(one)
        output.result(f"kept: {', '.join(one.names)}")
        output.result("")


def _routes(found: Experimented) -> None:
    """Write which model to use for each symbol, and why."""
    if not found.routes:
        return
    output.result("")
    rows = [("target", "family", "symbol", "use", "run", "because")]
    for one in found.routes:
        said = one.verdict
        rows.append((one.target, one.family, one.symbol, said.view, one.run, said.reason))
    output.result(output.columns(rows))
    output.result("")


def _ranked(ranked: RankedTargets | None) -> dict[str, Any] | None:
    """Return the targets that were ranked as JSON."""
    if ranked is None:
        return None
    out = [{"target": target, "reason": reason} for target, reason in ranked.left_out.items()]
    return {**ranking_json(ranked.ranking), "kept": list(ranked.kept), "left_out": out}


def _route(one: Route) -> dict[str, Any]:
    """Return which model to use for a symbol as JSON."""
    return {
        "target": one.target,
        "family": one.family,
        "symbol": one.symbol,
        "view": one.verdict.view,
        "run": one.run,
        "reason": one.verdict.reason,
        "rows": one.verdict.rows,
        "gain": one.verdict.gain,
        "interval": interval_json(one.verdict.interval),
    }


def _row(one: Done) -> tuple[str, ...]:
    """Return one member as a line of the table."""
    from repro.runs.variance import HEADLINE

    member, outcome = one.member, one.outcome
    if outcome is None:
        names = (member.target or "-", member.family or "-", member.symbol or member.view or "-")
        return (*names, "-", "-", "-", "-", "failed")
    snapshot = outcome.snapshot
    metric = HEADLINE[str(snapshot["task"])]
    verdict = outcome.leakage["verdict"]
    level = snapshot["level"]
    marks = (("sealed before", outcome.reused), (level, level == "best-effort"))
    told = [word for word, holds in marks if holds]
    told += [verdict] if verdict != "clean" else []
    return (
        snapshot["target"],
        snapshot["family"],
        snapshot["symbol"] or snapshot["view"],
        outcome.run,
        metric,
        output.number(outcome.metrics[metric]),
        output.number(outcome.metrics.get("skill")),
        ", ".join(told),
    )


def _json(one: Done) -> dict[str, Any]:
    """Return one member as JSON."""
    outcome = one.outcome
    return {
        "target": one.member.target if outcome is None else outcome.snapshot["target"],
        "family": one.member.family if outcome is None else outcome.snapshot["family"],
        "view": one.member.view if outcome is None else outcome.snapshot["view"],
        "symbol": one.member.symbol if outcome is None else outcome.snapshot["symbol"],
        "run": None if outcome is None else outcome.run,
        "folder": None if outcome is None else str(outcome.folder),
        "comparison_group": None if outcome is None else outcome.snapshot["comparison_group"],
        "output_digest": None if outcome is None else outcome.snapshot["output_digest"],
        "reused": outcome is not None and outcome.reused,
        "metrics": None if outcome is None else dict(outcome.metrics),
        "leakage": None if outcome is None else outcome.leakage["verdict"],
        "problem": None if one.error is None else one.error.problem,
        "hint": None if one.error is None else one.error.hint,
    }
