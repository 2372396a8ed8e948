"""``repro train``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting

if TYPE_CHECKING:
    from repro.sealing import Outcome


@selecting
def command(
    chosen: Chosen,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Train one model: validated, identified, planned in the log, strict, sealed, and logged."""
    from repro.train import TrainCommand, train

    selection = chosen.selection()
    with observer(quiet, no_progress) as watching:
        outcome = train(TrainCommand(workspace, selection, watching))
    if form is Format.json:
        output.result(json.dumps(_json(outcome), indent=2, ensure_ascii=False))
    else:
        _text(outcome)
    return 0


def _json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as JSON."""
    return {
        "schema": 1,
        "command": "train",
        "run": outcome.run,
        "folder": str(outcome.folder),
        "comparison_group": outcome.snapshot["comparison_group"],
        "metrics": outcome.snapshot["metrics"],
        "output_digest": outcome.snapshot["output_digest"],
        "leakage": outcome.snapshot["leakage"],
        "log": {"size": outcome.log_size, "head": outcome.log_head},
    }


def _text(outcome: Outcome) -> None:
    """Write the identity and the metrics as tables."""
    snapshot = outcome.snapshot
    group = snapshot["comparison_group"]
    output.result(f"run {outcome.run}: {snapshot['family']} for {snapshot['target']}")
    output.result("")
    rows = [(name, str(value)) for name, value in group.items()]
    rows.append(("output_digest", snapshot["output_digest"]))
    output.result(output.columns(rows))
    output.result("")
    metrics = [
        ("metric", "out of fold"),
        *((k, output.number(v)) for k, v in snapshot["metrics"].items()),
    ]
    output.result(output.columns(metrics, right=(1,)))
    output.result("")
    for finding in snapshot["leakage"]["findings"]:
        output.result(f"leakage warning: {finding['message']}")
    if snapshot["level"] == "best-effort":
        output.result(output.NOT_PROMISED)
    output.result(f"sealed in {outcome.folder}")
    output.result(f"log: {outcome.log_size} records, head {outcome.log_head}")
