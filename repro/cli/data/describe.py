"""``repro data describe``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.cli import output
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting

SHOWN = ("min", "max", "mean", "std")


@selecting
def command(
    chosen: Chosen,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Sum up the dataset as it lies now, by symbol and column; the JSON rounds nothing."""
    from repro.verbs.data.look import look_at

    selection = chosen.selection()
    with observer(quiet, no_progress) as watching:
        facts = look_at(workspace, selection, "description", watching).facts
    if form is Format.json:
        output.result(json.dumps(_json(facts), indent=2, ensure_ascii=False))
    else:
        _text(facts)
    return 0


def _json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description as JSON."""
    dataset, summary = facts["dataset"], facts["summary"]
    return {
        "schema": 1,
        "command": "data describe",
        **{name: dataset[name] for name in ("root", "rows", "first", "last")},
        **facts["description"],
        **{name: summary[name] for name in ("dropped_symbols", "dropped_duplicates")},
    }


def _text(facts: Mapping[str, Any]) -> None:
    """Write a table for each column, with a line for each symbol and one for all of them."""
    from repro.errors import named

    dataset, described = facts["dataset"], facts["description"]
    output.result(f"{dataset['rows']} rows, {dataset['first']} to {dataset['last']}")
    for name, whole in described["columns"].items():
        shares = list(whole["quantiles"])
        head = ("symbol", "values", "missing", *SHOWN, *(f"q{share}" for share in shares))
        rows = [(*head, "first", "last")]
        rows += [_row(s, kept["columns"][name]) for s, kept in described["symbols"].items()]
        if len(described["symbols"]) > 1:
            rows.append(_row("all", whole))
        output.result(f"\n{output.style(name, 'bold')} ({whole['dtype']})")
        output.result(output.columns(rows, right=range(1, len(head))))
    dropped = facts["summary"]["dropped_symbols"]
    if dropped:
        told = ", ".join(f"{named(symbol)} ({rows} rows)" for symbol, rows in dropped.items())
        output.result(f"\nleft out, too short: {told}")
    if duplicates := facts["summary"]["dropped_duplicates"]:
        output.result(f"\nleft out, duplicates: {duplicates} rows")


def _row(symbol: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line of a column's table."""
    numbers = [one[name] for name in SHOWN] + list(one["quantiles"].values())
    shown = (output.number(number) for number in numbers)
    ends = (one["first"] or "-", one["last"] or "-")
    return (symbol, str(one["count"]), str(one["missing"]), *shown, *ends)
