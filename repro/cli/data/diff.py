"""``repro data diff A B``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.completing import datasets, offer
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting

if TYPE_CHECKING:
    from repro.pipeline.locate import Difference
    from repro.verbs.data.comparison import DataComparison, Pair

SHOWN = 20
"""Differences of one kind that are listed; the rest are counted, and all are in the JSON."""
SAID = {"rows": "rows added or removed", "unlocated": "cut into blocks of another size"}
SUMS = ("dtype", "count", "missing", "min", "max", "mean", "std")


@selecting
def command(
    a: Annotated[
        str,
        typer.Argument(
            help="today, a run, or a file with a fingerprint.", autocompletion=offer(datasets)
        ),
    ],
    b: Annotated[
        str,
        typer.Argument(
            help="What to compare with it, named alike.", autocompletion=offer(datasets)
        ),
    ],
    chosen: Chosen,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Compare two datasets: which symbol, column and dates changed, and which file.

    The options say which configuration today's dataset is of; to the others they mean nothing.
    """
    from repro.verbs.data.comparison import compare_data

    selection = chosen.selection()
    with observer(quiet, no_progress) as watching:
        compared = compare_data(workspace, a, b, selection, watching)
    if form is Format.json:
        output.result(json.dumps(_json(compared), indent=2, ensure_ascii=False))
    else:
        _text(compared)
    return compared.exit_status


def _json(compared: DataComparison) -> dict[str, Any]:
    """Return the comparison as JSON; nothing is rounded."""
    return {
        "schema": 1,
        "command": "data diff",
        "verdict": compared.verdict,
        "exit_status": compared.exit_status,
        **{
            name: {"name": side.name, "root": side.root, "rows": side.summary["rows"]}
            for name, side in (("a", compared.a), ("b", compared.b))
        },
        "cells": [found._asdict() for found in compared.cells],
        "files": _pairs(compared.files),
        "symbols": _pairs(compared.symbols),
        "columns": _pairs(compared.columns),
    }


def _pairs(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    return [{"name": p.name, "change": p.change, "old": p.old, "new": p.new} for p in pairs]


def _text(compared: DataComparison) -> None:
    """Write the verdict, then where the values differ, the files, and the effect in sums."""
    from repro.verbs.data.comparison import MEANING

    colour = "yellow" if compared.exit_status else "green"
    output.result(f"{output.style(compared.verdict, colour)}: {MEANING[compared.verdict]}")
    for name, side in (("A", compared.a), ("B", compared.b)):
        output.plain(f"  {name} {side.name}: {side.summary['rows']} rows, root {side.root or '-'}")
    _listed("values", [_cell(found) for found in compared.cells])
    _listed("files", [_file(pair) for pair in compared.files])
    _listed("symbols", [_symbol(pair) for pair in compared.symbols])
    _listed("columns", [_column(pair) for pair in compared.columns])


def _listed(title: str, lines: Sequence[str]) -> None:
    """Write lines below a title; of many the first, and how many more there are."""
    if lines:
        output.plain(f"\n{title}")
        for line in lines[:SHOWN]:
            output.plain(f"  {line}")
        if len(lines) > SHOWN:
            output.plain(f"  and {len(lines) - SHOWN} more (all of them: --format json)")


def _cell(found: Difference) -> str:
    """Return where values differ: symbol, column, first and last block of dates."""
    span = found.first if found.first == found.last else f"{found.first} to {found.last}"
    return (
        f"{found.symbol}, {found.column or 'rows'}, {span}: {SAID.get(found.change, found.change)}"
    )


def _file(pair: Pair) -> str:
    return f"{pair.name}: {pair.old or '-'} -> {pair.new or '-'}"


def _symbol(pair: Pair) -> str:
    """Return what became of a symbol's rows."""
    extents = [
        "-" if side is None else f"{side['rows']} rows, {side['first']} to {side['last']}"
        for side in (pair.old, pair.new)
    ]
    return f"{pair.name}: {' -> '.join(extents)}"


def _column(pair: Pair) -> str:
    """Return the sums in which a column differs."""
    if pair.change != "changed":
        side: Mapping[str, Any] = pair.new if pair.old is None else pair.old
        return f"{pair.name}: {pair.change}: {side['count']} values"
    told = [
        f"{name} {' -> '.join(_apart(pair.old[name], pair.new[name]))}"
        for name in SUMS
        if pair.old[name] != pair.new[name]
    ]
    return f"{pair.name}: {', '.join(told)}"


def _apart(old: Any, new: Any) -> tuple[str, str]:
    """Return two values as people read them, with every digit if they would look alike."""
    told = output.number(old), output.number(new)
    return told if told[0] != told[1] else (repr(old), repr(new))
