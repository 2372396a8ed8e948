"""``repro runs list``, ``show``, ``unsealed``, ``commands``, ``pin``, ``unpin`` and ``pins``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output, transfers
from repro.cli.listing import Limit, list_runs
from repro.cli.options import AsFormat, Format, Workspace
from repro.cli.options import Run as RunName
from repro.cli.unsealed import tell, unsealed, write

if TYPE_CHECKING:
    from repro.verbs.commands.commands import Executed
    from repro.verbs.sealed.pins import Pin

Name = Annotated[str, typer.Argument(help="A name: letters, digits and _.", metavar="NAME")]


def app_for(_: Sequence[str]) -> typer.Typer:
    """Return the group."""
    app = typer.Typer(help="What has been run.", no_args_is_help=True, rich_markup_mode=None)
    app.command("list")(list_runs)
    app.command("show")(show)
    app.command("unsealed")(unsealed)
    app.command("commands")(commands)
    app.command("pin")(pin)
    app.command("unpin")(unpin)
    app.command("pins")(pins)
    app.command("push")(transfers.push)
    app.command("pull")(transfers.pull)
    app.command("pulled")(transfers.pulled)
    return app


def show(
    run: RunName,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Show one run, or why nothing is sealed of it."""
    from repro.config.documents.workspace import find_root
    from repro.report.leaking import verdict
    from repro.runs.index import opened
    from repro.runs.purpose import purpose_in
    from repro.verbs.audit.log import require_as_logged
    from repro.verbs.sealed.unsealed import Unsealed, named

    root = find_root(workspace.resolve())
    found = named(root, run)
    if isinstance(found, Unsealed):
        if form is Format.json:
            write([found], 1)
        else:
            tell(found)
        return 0
    require_as_logged(root, found)
    with opened(root) as index:  # what it holds is of the runs of this log
        marks = [] if found.log else index.marks([found.name])[found.name]
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "runs show",
            "folder": str(found.folder),
            "snapshot": found.snapshot,
            "since": [{"kind": m.kind, "detail": m.detail, "record": m.seq} for m in marks],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    snapshot = found.snapshot
    output.result(f"run {found.name}: {snapshot['family']} for {snapshot['target']}")
    output.result(f"in {found.folder}\n")
    if (made_for := purpose_in(snapshot)) is not None:
        output.result(f"made for: {made_for.words}\n")
    if snapshot["level"] == "best-effort":
        output.result(f"{output.NOT_PROMISED}\n")
    output.result(output.columns([(k, str(v)) for k, v in found.group.items()]))
    output.result(output.used(snapshot["samples"]))
    output.result("\nparameters (requested; the library's own word on them: --format json)")
    asked = snapshot["parameters"]["requested"]
    idle = snapshot["parameters"].get("idle", ())
    said = dict.fromkeys(idle, "  (requested, but idle)")
    shown = [(f"  {k}", f"{json.dumps(v)}{said.get(k, '')}") for k, v in asked.items()]
    output.result(output.columns(shown))
    leakage = found.leakage
    output.result(f"\nleakage: {verdict(leakage['verdict'], leakage['without'])}")
    for message in leakage["findings"]:
        output.result(f"  {message}")
    output.result("\nmetrics")
    metrics = snapshot["metrics"].items()
    output.result(output.columns([(f"  {k}", output.number(v)) for k, v in metrics], right=(1,)))
    if marks:
        output.result("\nsince then")
        for mark in marks:
            output.result(f"  {mark.kind} ({mark.detail}), record {mark.seq} of the log")
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
    from repro.config.documents.workspace import find_root
    from repro.verbs.commands.commands import all_commands

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


def pin(
    name: Name,
    run: RunName,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Let a name stand for a run from here on: @NAME. It goes into the log."""
    from repro.verbs.sealed.pins import pin as make

    made = make(workspace, name, run, output.warn)
    _pinned([made], form, f"@{made.name} is run {made.run}, by record {made.record} of the log")
    return 0


def unpin(name: Name, workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """Take a name away from its run; that, too, goes into the log."""
    from repro.verbs.sealed.pins import pin as make

    made = make(workspace, name, None, output.warn)
    _pinned([made], form, f"@{made.name} is no run any more, by record {made.record} of the log")
    return 0


def pins(workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """List the names that stand for runs."""
    from repro.verbs.sealed.pins import all_pins

    found = all_pins(workspace)
    rows = [(f"@{one.name}", str(one.run)) for one in found]
    none = "no run has a name; give one with: repro runs pin NAME RUN"
    _pinned(found, form, output.columns(rows) if rows else none)
    return 0


def _pinned(found: Sequence[Pin], form: Format, text: str) -> None:
    """Write names and their runs."""
    if form is Format.text:
        output.result(text)
        return
    document = {
        "schema": 1,
        "command": "runs pins",
        "pins": [{"name": p.name, "run": p.run, "record": p.record} for p in found],
    }
    output.result(json.dumps(document, indent=2, ensure_ascii=False))
