"""``repro select``."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import NoProgress, Quiet, Rerun, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting

if TYPE_CHECKING:
    from repro.runs.agreement import Agreement
    from repro.runs.importance import Ranked
    from repro.verbs.research.select import Selected


class Form(StrEnum):
    """How the result is written."""

    text = "text"
    json = "json"
    yaml = "yaml"


AsForm = Annotated[
    Form, typer.Option("--format", help="How the result is written; yaml is an experiment.")
]


@selecting
def command(
    chosen: Chosen,
    rerun: Rerun = False,
    workspace: Workspace = Path(),
    form: AsForm = Form.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Train each family of feature_selection; rank the features that their models count on."""
    from repro.verbs.research.select import select
    from repro.verbs.training.train import TrainCommand

    with observer(quiet, no_progress) as watching:
        found = select(TrainCommand(workspace, chosen.selection(), watching), rerun=rerun)
    if form is Form.json:
        document = {
            "schema": 1,
            "command": "select",
            "selection": selection_json(found),
            "document": found.document,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    elif form is Form.yaml:
        output.result(found.document.rstrip("\n"))
    else:
        text(found)
        output.result("")
        output.result("to train on them, put this into CONFIG/experiments (--format yaml):")
        output.result("")
        output.result(found.document.rstrip("\n"))
    return 0


def selection_json(found: Selected) -> dict[str, Any]:
    """Return ranked features as a part of a JSON document."""
    ranked = found.ranked
    return {
        "target": found.target,
        "view": found.view,
        "symbol": found.symbol,
        "aggregate": found.aggregate,
        "top_k": ranked.top_k,
        "models": [
            {"family": family, "run": outcome.run, "reused": outcome.reused}
            for family, outcome in found.outcomes.items()
        ],
        "features": [
            {"rank": place, **asdict(one)} for place, one in enumerate(ranked.features, start=1)
        ],
        "stability": [
            {"among": among, "family": family, **asdict(alike)}
            for among, family, alike in _agreements(ranked)
        ],
        "conclusions": list(ranked.conclusions),
        "selected": list(found.names),
    }


def _agreements(ranked: Ranked) -> list[tuple[str, str | None, Agreement]]:
    """Return how alike folds, families and all models are, where that is defined."""
    found: list[tuple[str, str | None, Agreement | None]] = [
        *(("folds", family, alike) for family, alike in ranked.folds.items()),
        ("families", None, ranked.families),
        ("models", None, ranked.everything),
    ]
    return [(among, family, alike) for among, family, alike in found if alike is not None]


def text(found: Selected) -> None:
    """Write the features as a table, how alike the models are, and what follows."""
    ranked, families = found.ranked, tuple(found.outcomes)
    of = found.symbol or found.view
    output.result(f"{found.target}, {of}: {found.aggregate} of {', '.join(families)}, over folds")
    output.result("")
    rows = [("", "feature", "kept", "score", "in top", *families)]
    for place, one in enumerate(ranked.features, start=1):
        own = (output.number(one.scores[family]) for family in families)
        score, times = output.number(one.score), f"{one.times} of {one.models}"
        rows.append((str(place), one.name, "yes" if one.kept else "no", score, times, *own))
    output.result(output.columns(rows, right=(0, 3, *range(5, 5 + len(families)))))
    output.result("")
    rows = [("alike", "pairs", f"best {ranked.top_k} (Jaccard)", "least", "order (tau)", "least")]
    for among, family, alike in _agreements(ranked):
        numbers = (alike.jaccard, alike.jaccard_least, alike.tau, alike.tau_least)
        shown = f"{among} of {family}" if family else among
        rows.append((shown, str(alike.pairs), *map(output.number, numbers)))
    if len(rows) > 1:
        output.result(output.columns(rows, right=(1, 2, 3, 4, 5)))
        output.result("")
    for line in ranked.conclusions:
        output.result(line)
