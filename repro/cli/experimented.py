"""What ``repro train`` writes of an experiment that names several runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import Format

if TYPE_CHECKING:
    from repro.experiment import Done, Member
    from repro.train import TrainCommand


def experimented(command: TrainCommand, named: Sequence[Member], rerun: bool, form: Format) -> int:
    """Train every member of an experiment, and write one summary."""
    from repro.experiment import carry_out

    found = carry_out(command, named, rerun=rerun)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "train experiment",
            "experiment": found.name,
            "exit_status": found.exit_status,
            "runs": [_json(one) for one in found.done],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return found.exit_status
    rows: list[tuple[str, ...]] = [
        ("target", "family", "view", "run", "metric", "value", "skill", "")
    ]
    rows += [_row(one) for one in found.done]
    output.result(output.columns(rows, right=(5, 6)))
    for one in found.done:
        if one.error is not None:
            output.result(f"{one.member.name}: {one.error.problem}")
    made = [one for one in found.done if one.outcome is not None]
    again = sum(one.outcome.reused for one in made if one.outcome is not None)
    failed = len(found.done) - len(made)
    counts = f"{len(made) - again} trained, {again} sealed before, {failed} failed"
    output.result(f"experiment {found.name}: {counts}")
    return found.exit_status


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
        "reused": outcome is not None and outcome.reused,
        "metrics": None if outcome is None else dict(outcome.metrics),
        "leakage": None if outcome is None else outcome.leakage["verdict"],
        "problem": None if one.error is None else one.error.problem,
    }
