"""``repro runs list``, ``repro runs show`` and ``repro runs commands``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace
from repro.cli.options import Run as RunName

if TYPE_CHECKING:
    from repro.commands import Executed
    from repro.runs.sealed import Run

Limit = Annotated[int, typer.Option("--limit", "-n", help="How many; 0 for all.", min=0)]


def app_for(_: Sequence[str]) -> typer.Typer:
    """Return the group."""
    app = typer.Typer(help="What has been run.", no_args_is_help=True, rich_markup_mode=None)
    app.command("list")(list_runs)
    app.command("show")(show)
    app.command("commands")(commands)
    return app


def list_runs(
    workspace: Workspace = Path(),
    limit: Limit = 50,
    form: AsFormat = Format.text,
) -> int:
    """List the sealed runs, newest first."""
    from repro.config.documents.workspace import find_root
    from repro.runs.sealed import all_runs

    found = all_runs(find_root(workspace.resolve()))
    shown = list(reversed(found))[: limit or None]
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "runs list",
            "total": len(found),
            "runs": [_summary(run) for run in shown],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    if not found:
        output.result("no runs yet; make one with: repro train")
        return 0
    rows: list[tuple[str, ...]] = [("run", "target", "family", "level", "seed", "metric", "value")]
    rows += [_row(run) for run in shown]
    output.result(output.columns(rows, right=(4, 6)))
    if len(shown) < len(found):
        output.result(f"{len(found) - len(shown)} older ones: --limit 0 shows all")
    return 0


def show(
    run: RunName,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Show one run: identity, parameters, metrics and files."""
    from repro.audit.log import require_as_logged
    from repro.config.documents.workspace import find_root
    from repro.runs.sealed import find

    root = find_root(workspace.resolve())
    found = find(root, run)
    require_as_logged(root, found)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "runs show",
            "folder": str(found.folder),
            "snapshot": found.snapshot,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    snapshot = found.snapshot
    output.result(f"run {found.name}: {snapshot['family']} for {snapshot['target']}")
    output.result(f"in {found.folder}\n")
    if snapshot["level"] == "best-effort":
        output.result(f"{output.NOT_PROMISED}\n")
    output.result(output.columns([(k, str(v)) for k, v in found.group.items()]))
    output.result("\nparameters (requested; the library's own word on them: --format json)")
    asked = snapshot["parameters"]["requested"]
    idle = snapshot["parameters"].get("idle", ())
    said = dict.fromkeys(idle, "  (requested, but idle)")
    shown = [(f"  {k}", f"{json.dumps(v)}{said.get(k, '')}") for k, v in asked.items()]
    output.result(output.columns(shown))
    output.result("\nmetrics")
    metrics = snapshot["metrics"].items()
    output.result(output.columns([(f"  {k}", output.number(v)) for k, v in metrics], right=(1,)))
    output.result("\nfiles")
    rows = [(f"  {a['path']}", str(a["size"]), a["blake3"]) for a in snapshot["artifacts"]]
    output.result(output.columns(rows, right=(1,)))
    return 0


def commands(
    workspace: Workspace = Path(),
    limit: Limit = 50,
    form: AsFormat = Format.text,
) -> int:
    """List what was run with `repro exec`, newest first."""
    from repro.commands import all_commands
    from repro.config.documents.workspace import find_root

    found = all_commands(find_root(workspace.resolve()))
    shown = list(reversed(found))[: limit or None]
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "runs commands",
            "total": len(found),
            "commands": [_command(one) for one in shown],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    if not found:
        output.result("no commands yet; run one with: repro exec -- COMMAND")
        return 0
    rows: list[tuple[str, ...]] = [("command", "planned", "level", "ended", "as typed")]
    rows += [
        (one.run, one.time[:19], str(one.plan["level"]), one.ending, _line(one.command))
        for one in shown
    ]
    output.result(output.columns(rows))
    if len(shown) < len(found):
        output.result(f"{len(found) - len(shown)} older ones: --limit 0 shows all")
    return 0


def _command(one: Executed) -> dict[str, Any]:
    """Return one execution as JSON."""
    end = one.end or {}
    return {
        "run": one.run,
        "time": one.time,
        "state": one.state,
        "status": end.get("status"),
        "signal": end.get("signal"),
        "level": one.plan["level"],
        "arguments": one.plan["arguments"].get("list"),
        "execution_key": one.plan["execution_key"],
        "output_digest": end.get("output_digest"),
    }


def _line(text: str) -> str:
    """Return a text on one line: what cannot be shown there is escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _summary(run: Run) -> dict[str, Any]:
    """Return one run as JSON."""
    return {
        "run": run.name,
        "folder": str(run.folder),
        **{k: run.snapshot[k] for k in ("target", "view", "symbol", "family", "level", "metrics")},
        "comparison_group": run.group,
    }


def _row(run: Run) -> tuple[str, ...]:
    """Return one run as a line of the table."""
    from repro.runs.variance import HEADLINE

    snapshot = run.snapshot
    metric = HEADLINE[snapshot["task"]]
    return (
        run.name,
        snapshot["target"],
        snapshot["family"],
        snapshot["level"],
        str(run.group["train_seed"]),
        metric,
        output.number(snapshot["metrics"][metric]),
    )
