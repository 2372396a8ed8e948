"""``repro runs list``: a page of the sealed runs, as a table or as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.listed import Filters, filtering
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.sealed.listing import Listed, Page

Limit = Annotated[int, typer.Option("--limit", "-n", help="How many; 0 for all.", min=0)]


@filtering
def list_runs(
    filters: Filters,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            help="A metric or a column, such as time; with - in front the highest first.",
            metavar="[-]NAME",
        ),
    ] = None,
    limit: Limit = 50,
    offset: Annotated[int, typer.Option("--offset", help="How many to pass over.", min=0)] = 0,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the index anew first.")] = False,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """List the sealed runs, newest first, as an index has them."""
    from dataclasses import replace

    from repro.verbs.sealed.listing import NO_LOG, PUT_BACK
    from repro.verbs.sealed.listing import list_runs as listed

    asked = replace(
        filters.command(workspace), sort=sort, limit=limit, offset=offset, rebuild=rebuild
    )
    page = listed(asked)
    if page.exit_status:
        output.error(NO_LOG, PUT_BACK)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "runs list",
            "total": page.total,
            "matching": page.matching,
            "log": page.log,
            "runs": [_summary(run) for run in page.runs],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return page.exit_status
    if not page.total:
        output.result("no runs yet; make one with: repro train")
        return page.exit_status
    if not page.runs:
        output.result(_nothing(page, offset))
        return page.exit_status
    rows: list[tuple[str, ...]] = [
        ("run", "planned", "target", "family", "level", "seed", "metric", "value", "")
    ]
    rows += [_row(run, sort) for run in page.runs]
    output.result(output.columns(rows, right=(5, 7)))
    left = page.matching - offset - len(page.runs)
    if left > 0:
        output.result(f"{left} more: --limit 0 shows all, --offset {offset + limit} goes on")
    return page.exit_status


def _nothing(page: Page, offset: int) -> str:
    """Return why a page has no run."""
    if not page.matching:
        return (
            "the one run is not like that"
            if page.total == 1
            else (f"none of {page.total} runs is like that")
        )
    if page.matching == 1:
        return f"there is 1 run: --offset {offset} passes over it"
    return f"there are {page.matching} runs: --offset {offset} passes over all of them"


def _summary(run: Listed) -> dict[str, Any]:
    """Return one run as JSON."""
    keys = ("replicate_key", "strict_key", "execution_key", "output_digest")
    names = ("run", "time", "target", "view", "symbol", "family", "level", "experiment", "seed")
    return {
        **{name: getattr(run, name) for name in names},
        "made_for": run.made_for and run.made_for.record(),
        "leakage": run.leakage,
        "metrics": dict(run.metrics),
        **{name: getattr(run, name) for name in keys},
        "pins": list(run.pins),
        "verified": run.verified,
        "incidents": run.incidents,
        "logged": run.logged,
        "folder": str(run.folder),
    }


def _row(run: Listed, sort: str | None) -> tuple[str, ...]:
    """Return one run as a line of the table, with the metric that the table is sorted by."""
    name = (sort or "").removeprefix("-")
    metric = name if name in run.metrics else run.metric
    marks = [f"@{pin}" for pin in run.pins]
    marks += [run.made_for.words] if run.made_for else []
    marks += ["bits not promised"] if run.level == "best-effort" else []
    marks += [f"leakage: {run.leakage}"] if run.leakage not in (None, "clean") else []
    if run.verified:  # a run whose verification failed is sealed all the same
        marks.append("verification failed" if run.verified == "failed" else run.verified)
    marks += [f"INCIDENTS: {run.incidents}"] if run.incidents else []
    marks += [] if run.logged else ["not in the log"]
    return (
        run.run,
        (run.time or "-")[:16],
        run.target + (f" {run.symbol}" if run.symbol else ""),
        run.family,
        run.level,
        str(run.seed),
        metric,
        output.number(run.metrics.get(metric)),
        ", ".join(marks),
    )
