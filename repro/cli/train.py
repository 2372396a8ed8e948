"""``repro train``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import (
    AsFormat,
    Family,
    Format,
    Level,
    NoProgress,
    Overlay,
    Overrides,
    Profile,
    Quiet,
    Seed,
    Set,
    Symbol,
    Target,
    Variant,
    View,
    Workspace,
)
from repro.cli.progress import observer
from repro.cli.selection import selection

if TYPE_CHECKING:
    from repro.sealing import Outcome


def command(
    workspace: Workspace = Path(),
    target: Target = None,
    family: Family = None,
    variant: Variant = None,
    profile: Profile = None,
    config: Overlay = None,
    sets: Set = None,
    seed: Seed = None,
    view: View = None,
    symbol: Symbol = None,
    level: Level = None,
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    overrides: Overrides = None,
) -> int:
    """Train one model: validated, identified, planned in the log, strict, sealed, and logged."""
    from repro.train import TrainCommand, train

    chosen = selection(
        target=target,
        family=family,
        variant=variant,
        profile=profile,
        overlays=config,
        sets=sets,
        seed=seed,
        view=view,
        symbol=symbol,
        level=level,
        overrides=overrides,
    )
    with observer(quiet, no_progress) as watching:
        outcome = train(TrainCommand(workspace, chosen, watching))
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
        output.result("best-effort: its bits are not promised, and never compared as if they were")
    output.result(f"sealed in {outcome.folder}")
    output.result(f"log: {outcome.log_size} records, head {outcome.log_head}")
