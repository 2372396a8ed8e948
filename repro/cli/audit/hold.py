"""``repro audit hold``: place, lift, list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Reason, Workspace

if TYPE_CHECKING:
    from repro.audit_log.storage.hold import Hold

Id = Annotated[str, typer.Argument(help="The name of the hold.", metavar="ID")]


def app_for(_: Sequence[str]) -> typer.Typer:
    """Return the group."""
    app = typer.Typer(help="Legal holds.", no_args_is_help=True, rich_markup_mode=None)
    app.command("list")(list_holds)
    app.command("place")(place)
    app.command("lift")(lift)
    return app


def list_holds(workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """List the legal holds in force."""
    from repro.verbs.audit import holds

    return _said("list", holds.listed(_root(workspace)), form)


def place(
    hold: Id, reason: Reason, workspace: Workspace = Path(), form: AsFormat = Format.text
) -> int:
    """Place a legal hold: from now on nothing is erased and nothing is pruned."""
    from repro.verbs.audit import holds

    return _said("place", holds.place(_root(workspace), hold, reason, output.warn), form)


def lift(
    hold: Id, reason: Reason, workspace: Workspace = Path(), form: AsFormat = Format.text
) -> int:
    """Lift a legal hold."""
    from repro.verbs.audit import holds

    return _said("lift", holds.lift(_root(workspace), hold, reason, output.warn), form)


def _root(workspace: Path) -> Path:
    from repro.config.documents.workspace import find_root

    return find_root(workspace.resolve())


def _said(action: str, holds: Sequence[Hold], form: Format) -> int:
    """Write the holds in force now."""
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit hold",
            "action": action,
            "holds": [{"hold": h.id, "record": h.seq, "reason": h.reason} for h in holds],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    for held in holds:
        output.result(f"legal hold {held.id!r}, placed by record {held.seq}: {held.reason}")
    if not holds:
        output.result("no legal hold is in force")
    return 0
