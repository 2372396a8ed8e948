"""What ``repro train`` writes of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.cli import output

if TYPE_CHECKING:
    from repro.verbs.training.sealing import Outcome


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as JSON."""
    return {
        "schema": 1,
        "command": "train",
        "run": outcome.run,
        "folder": str(outcome.folder),
        "comparison_group": outcome.snapshot["comparison_group"],
        **({"used": used} if (used := outcome.snapshot["samples"].get("used")) else {}),
        "metrics": outcome.snapshot["metrics"],
        "output_digest": outcome.snapshot["output_digest"],
        "leakage": outcome.leakage,
        "log": {"size": outcome.log_size, "head": outcome.log_head},
    }


def text(outcome: Outcome) -> None:
    """Write the identity and the metrics as tables."""
    from repro.report.leaking import verdict

    snapshot = outcome.snapshot
    group = snapshot["comparison_group"]
    again = ", sealed before" if outcome.reused else ""
    output.result(f"run {outcome.run}: {snapshot['family']} for {snapshot['target']}{again}")
    output.result("")
    rows = [(name, str(value)) for name, value in group.items()]
    rows.append(("output_digest", snapshot["output_digest"]))
    output.result(output.columns(rows))
    output.result(output.used(snapshot["samples"]))
    output.result("")
    metrics = [
        ("metric", "out of fold"),
        *((k, output.number(v)) for k, v in snapshot["metrics"].items()),
    ]
    output.result(output.columns(metrics, right=(1,)))
    output.result("")
    leakage = outcome.leakage
    without = [finding["subject"] for finding in leakage["fixed"]]
    output.result(f"leakage: {verdict(leakage['verdict'], without)}")
    for finding in leakage["findings"]:
        output.result(f"leakage warning: {finding['message']}")
    if snapshot["level"] == "best-effort":
        output.result(output.NOT_PROMISED)
    output.result(f"sealed in {outcome.folder}")
    if not outcome.reused:
        output.result(f"log: {outcome.log_size} records, head {outcome.log_head}")
