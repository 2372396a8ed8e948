"""``repro diff A B``."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.completing import offer, runs
from repro.cli.options import Run, Workspace, Yes
from repro.errors import UsageError

if TYPE_CHECKING:
    from repro.verbs.comparing.compare import Comparison


class Report(StrEnum):
    """How a comparison is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


def command(
    a: Run,
    b: Annotated[
        str, typer.Argument(help="The run to compare with it.", autocompletion=offer(runs))
    ] = "@latest",
    workspace: Workspace = Path(),
    form: Annotated[
        Report, typer.Option("--format", help="How the comparison is written.")
    ] = Report.text,
    full: Annotated[
        bool,
        typer.Option("--full", help="List each cause by itself: text and Markdown group them."),
    ] = False,
    attribute: Annotated[
        bool,
        typer.Option("--attribute", help="Train, to say what each cause carries of a metric."),
    ] = False,
    metric: Annotated[
        str | None, typer.Option("--metric", help="With --attribute: of which metric.")
    ] = None,
    every_order: Annotated[
        int,
        typer.Option(
            "--every-order",
            min=0,
            max=10,
            help="Of so many causes every set is trained.",
        ),
    ] = 4,
    yes: Yes = False,
) -> int:
    """Compare two runs: the verdict, what differs and where it was decided, and the effect."""
    from repro.config.documents.workspace import find_root
    from repro.runs.finding import find
    from repro.verbs.comparing.compare import compare

    root = find_root(workspace.resolve())
    if full and (attribute or form in (Report.json, Report.html)):
        what = "--attribute" if attribute else form.value
        raise UsageError(f"--full is for text and Markdown: {what} has every cause", None)
    if attribute and form not in (Report.text, Report.json):
        raise UsageError(f"--attribute writes text or JSON, not {form.value}", "--format json")
    if metric is not None and not attribute:
        raise UsageError("--metric is for --attribute: a comparison has every metric", None)
    if attribute:
        from repro.cli.attribution import attributed

        pair = (find(root, a), find(root, b))
        as_json = form is Report.json
        return attributed(root, pair, metric, every_order, yes=yes, as_json=as_json)
    compared = compare(root, find(root, a), find(root, b))
    document = _json(compared)
    if form is Report.text:
        from repro.cli.compared import text

        text(document, compared.meaning, len(compared.a.snapshot["outputs"]), full=full)
    elif form is Report.json:
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        from repro.report.comparison import html, markdown

        output.result(
            html(document, compared.meaning)
            if form is Report.html
            else markdown(document, compared.meaning, full=full)
        )
    return compared.exit_status


def _json(compared: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON; nothing is rounded."""
    from repro.identity.keys import exact_integers

    return {
        "schema": 1,
        "command": "diff",
        "a": compared.a.name,
        "b": compared.b.name,
        "verdict": compared.verdict,
        "exit_status": compared.exit_status,
        "same_bits": compared.same_bits,
        "differing_outputs": list(compared.outputs),
        "label": compared.label,
        "leakage": {"a": compared.a.leakage, "b": compared.b.leakage},
        "moved": list(compared.moved),
        "unstated": list(compared.unstated),
        "causes": [asdict(cause) for cause in compared.causes],
        "divergence": [asdict(found) for found in compared.divergence],
        "effects": [{**asdict(e), "delta": e.delta} for e in compared.effects],
        "predictions": exact_integers(asdict(compared.predictions))
        if compared.predictions
        else None,
        "spread": asdict(compared.spread) if compared.spread else None,
    }


def _text(compared: Comparison) -> None:
    """Write the verdict, then the causes by kind, then the effect."""
    from repro.report.comparison import leakages

    colour = {0: "green", 1: "yellow"}.get(compared.exit_status, "red")
    output.result(f"{output.style(compared.verdict, colour)}: {compared.meaning}")
    output.result(f"  A {compared.a.name}")
    output.result(f"  B {compared.b.name}")
    if compared.label:
        output.result(f"  note: {compared.label}")
    for line in leakages(compared.a.leakage, compared.b.leakage):
        output.result(f"  {line}")
    if compared.same_bits:
        count = len(compared.a.snapshot["outputs"])
        output.result(f"  outputs: all {count} are the same, bit for bit")
    else:
        output.result(f"  outputs that differ: {grouped(compared.outputs)}")
    if compared.moved:
        output.result(f"  other: {', '.join(compared.moved)}")
    if compared.unstated:
        output.result(f"  without a cause: {', '.join(compared.unstated)}")
    for kind in KINDS:
        causes = [cause for cause in compared.causes if cause.kind == kind]
        if causes:
            output.result(f"\n{kind}")
            causes.sort(key=lambda cause: not cause.component)
            for cause in causes[:SHOWN]:
                _cause(cause)
            if len(causes) > SHOWN:
                output.result(f"  and {len(causes) - SHOWN} more (all of them: --format json)")
    if compared.divergence:
        output.result("\nfirst divergence, each kind as it follows from those above it")
        rows = [(f"  {found.kind}", found.where) for found in compared.divergence]
        output.result(output.columns(rows))
    _effect(compared)


def grouped(outputs: tuple[str, ...]) -> str:
    """Return names of outputs with those of one kind together: ``model (fold 1, final)``."""
    kinds: dict[str, list[str]] = {}
    for name in outputs:
        kind, _, part = name.partition(", ")
        kinds.setdefault(kind, []).append(part or "all")
    return "; ".join(f"{kind} ({', '.join(parts)})" for kind, parts in kinds.items())


def _ulps(count: int) -> str:
    """Return a distance in units in the last place; across zero it has no meaning for people."""
    return f"{count} ULPs" if count < 10**9 else "more than 10^9 ULPs"


def _cause(cause: Cause) -> None:
    """Write one cause: what, from what to what, and the lines that decided it."""
    moves = f"  (moves {cause.component})" if cause.component else ""
    moves += "  (follows)" if cause.follows else ""
    if cause.kind == "data" and cause.old is None:
        output.result(f"  {cause.subject}: {cause.new}{moves}")
        return
    idle = "  (idle on both sides)" if cause.idle else ""
    retyped = "  (another type)" if cause.retyped else ""
    if cause.items:
        output.result(f"  {cause.subject}{moves}{idle}")
        for item in cause.items:
            output.result(f"    {item_text(asdict(item))}")
    else:
        between = f"{_value(cause.old)} -> {_value(cause.new)}"
        output.result(f"  {cause.subject}: {between}{retyped}{moves}{idle}")
    for name, side in (("A", cause.a), ("B", cause.b)):
        if side is not None:
            output.result(f"    {name} {_side(side)}")


def item_text(item: dict[str, Any]) -> str:
    """Return in words what became of an item of a list."""
    value, old, new = _value(item["value"]), item["old"], item["new"]
    if item["change"] == "moved":
        return f"moved {value} from place {old} to {new}"
    return f"{item['change']} {value}, place {new if old is None else old}"


def _side(side: Side) -> str:
    """Return where a value was decided, with the text of the line."""
    text = f"  {side.text.strip()}" if side.text else ""
    if side.layer == "--set":
        return f"command line{text}"
    if side.layer == "leakage":
        return f"policy for leakage{text}"
    return f"{side.file}:{side.line}:{side.column}{text}"


def _value(value: Any) -> str:
    """Return a value with its type kept apart: text stands in quotes."""
    return json.dumps(value, ensure_ascii=False)


def _noise(effect: Effect) -> str:
    """Return the noise of a metric, and what it was told from."""
    if effect.noise is None:
        return ""
    return f"± {output.number(effect.noise)} ({effect.noise_count} {effect.noise_from})"


def _effect(compared: Comparison) -> None:
    """Write the metrics that changed, the predictions, and the spread of the replicates."""
    from repro.report.replicates import beside

    changed = [e for e in compared.effects if e.old != e.new]
    if changed:
        words = {True: "better", False: "worse", None: ""}
        rows = [("metric", "A", "B", "B - A", "noise", "")]
        rows += [
            (
                e.metric,
                output.number(e.old),
                output.number(e.new),
                output.number(e.delta),
                _noise(e),
                words[e.better],
            )
            for e in changed
        ]
        output.result("")
        output.result(output.columns(rows, right=(1, 2, 3, 4)))
    found = compared.predictions
    if found:
        output.result(
            f"\npredictions: {found.changed} of {found.rows} rows differ, largest by "
            f"{output.number(found.largest)} ({_ulps(found.largest_ulps)}), correlation "
            f"{output.number(found.correlation)}"
        )
        if found.only_a or found.only_b:
            output.result(f"  rows only in A: {found.only_a}, only in B: {found.only_b}")
    spread = compared.spread
    if spread:
        width = (
            f"{output.number(spread.low)} to {output.number(spread.high)}"
            if spread.low is not None
            else "unknown"
        )
        output.result(
            f"\n{spread.metric} differs by {output.number(spread.difference)}; "
            f"{beside(spread.count, spread.needed)}, range {width}"
        )
