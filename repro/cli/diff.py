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
        int | None,
        typer.Option(
            "--every-order",
            min=0,
            max=10,
            show_default="4",
            help="With --attribute: of so many causes every set is trained.",
        ),
    ] = None,
    yes: Yes = False,
) -> int:
    """Compare two runs: the verdict, what differs and where it was decided, and the effect.

    Exits 0 for the same bits or a difference within variance, 1 for one that is explained or cannot
    be judged, 4 if a run is not what was sealed, 5 for one that nothing explains: an alarm.
    """
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
    for flag, is_given in (("--every-order", every_order is not None), ("--yes", yes)):
        if is_given and not attribute:
            raise UsageError(f"{flag} is for --attribute: a comparison trains nothing", None)
    if attribute:
        from repro.cli.attribution import attributed
        from repro.verbs.research.attribute import MOST

        pair = (find(root, a), find(root, b))
        as_json = form is Report.json
        most = MOST if every_order is None else every_order
        return attributed(root, pair, metric, most, yes=yes, as_json=as_json)
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
        "effects": [
            {**asdict(e), "delta": e.delta, "within_noise": e.within_noise}
            for e in compared.effects
        ],
        "predictions": exact_integers(asdict(compared.predictions))
        if compared.predictions
        else None,
        "spread": asdict(compared.spread) if compared.spread else None,
    }
