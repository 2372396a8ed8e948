"""``repro trend``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.listed import Filters, filtering
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.comparing.trend import Line

BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
WIDTH = 60


@filtering
def command(
    filters: Filters,
    metric: Annotated[
        str | None, typer.Option("--metric", "-m", help="Which; without it the one that is judged.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", help="Newest runs; 0 for the newest 1000.", min=0)
    ] = 0,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Show how a metric went over the times at which runs were planned, and whether it drifts.

    Exits 1 if one drifts to the worse.
    """
    from repro.verbs.comparing.trend import trend

    found = trend(replace(filters.command(workspace), limit=limit), metric)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "trend",
            "exit_status": found.exit_status,
            "lines": [_json(line) for line in found.lines],
            "left_out": list(found.left_out),
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for line in found.lines:
            _text(line)
        if found.left_out:
            without = _without(len(found.left_out), metric or "headline metric")
            output.result(f"{without}, and no line")
    return found.exit_status


def _json(line: Line) -> dict[str, Any]:
    """Return one line as JSON."""
    return {
        **{name: getattr(line, name) for name in ("target", "view", "symbol", "family", "metric")},
        "runs": [
            {"run": run.run, "time": run.time, "seed": run.seed, "value": value}
            for run, value in zip(line.runs, line.values, strict=True)
        ],
        "left_out": list(line.left_out),
        "drift": None if line.drift is None else {"tau": line.drift.tau, "p": line.drift.p},
        "drifts": line.drifts,
        "better": line.better,
    }


def _text(line: Line) -> None:
    """Write a line: its name, a picture, where it began and where it is, and what to make of it."""
    of = f"{line.target}, {line.family}" + (f", {line.symbol}" if line.symbol else "")
    times = [(run.time or "-")[:16] for run in (line.runs[0], line.runs[-1])]
    count = output.counted(len(line.runs), "run")
    output.result(f"{of}: {line.metric} of {count}, {times[0]} to {times[1]}")
    low, high = min(line.values), max(line.values)
    bars = "".join(_bar(value, low, high) for value in line.values[-WIDTH:])
    output.result(
        f"  {bars}  {output.number(line.values[0])} -> {output.number(line.values[-1])}"
        f"  (from {output.number(low)} to {output.number(high)})"
    )
    if line.left_out:
        output.result(f"  left out: {_without(len(line.left_out), line.metric)}")
    if line.drift is not None:
        side = {True: ", to the better", False: ", to the worse", None: ""}[line.better]
        verdict = f"drifts{side}" if line.drifts else "no drift beyond chance"
        output.result(
            f"  {verdict}: tau {output.number(line.drift.tau)}, p {output.number(line.drift.p)}"
        )


def _without(count: int, metric: str) -> str:
    """Return in words that so many runs lack a metric."""
    verb = "has" if count == 1 else "have"
    return f"{output.counted(count, 'run')} {verb} no {metric} that is a finite number"


def _bar(value: float, low: float, high: float) -> str:
    """Return the character for a value between the lowest and the highest."""
    share = (value - low) / (high - low) if high > low else 0.0
    return BARS[round(share * (len(BARS) - 1))]
