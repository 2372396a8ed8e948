"""``repro config rollback RUN``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.completing import offer, runs
from repro.cli.options import AsFormat, Format, Workspace, Yes

if TYPE_CHECKING:
    from repro.verbs.configuring.rollback import Rollback

_OTHERWISE = (
    "if it is meant, add --yes; --dry-run only shows it, --out DIR writes elsewhere, "
    "--as-overlay beside the documents"
)


def command(
    run: Annotated[
        str,
        typer.Argument(
            help="A run: name, key, unique prefix, path or @latest~1.",
            autocompletion=offer(runs),
        ),
    ],
    workspace: Workspace = Path(),
    as_overlay: Annotated[
        bool,
        typer.Option("--as-overlay/--files", help="Overlays beside the documents, or in them."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write into this directory, not CONFIG.", metavar="DIR"),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show the diff and write nothing; exit 1 if something would change."
        ),
    ] = False,
    yes: Yes = False,
    form: AsFormat = Format.text,
) -> int:
    """Write back the configuration that a sealed run had; comments stay, the diff is shown first.

    Before anything is written it is resolved, and must have the identity that the run had.
    """
    from repro.errors import UsageError
    from repro.verbs.configuring.rollback import carry_out, plan

    if dry_run and yes:
        raise UsageError("--dry-run writes nothing: it does not go with --yes")
    found = plan(workspace, run, as_overlay=as_overlay, out=out)
    text = form is Format.text
    if text and found.changes:
        output.result(found.diff.rstrip("\n"))
    writes = bool(found.changes) and not dry_run
    if writes:
        require_consent("write these files?", yes, _OTHERWISE)
        carry_out(found)
    status = 1 if dry_run and found.changes else 0
    if not text:
        document = {
            "schema": 1,
            "command": "config rollback",
            "run": found.run,
            "as_overlay": as_overlay,
            "files": [
                {"kind": change.kind, "file": (found.shown / change.new).as_posix()}
                for change in found.changes
                if change.new is not None
            ],
            "diff": found.diff,
            "written": writes,
            "train": found.command,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    elif not (found.changes or found.overlays or found.target):
        output.result(f"nothing differs: the configuration is that of {found.run}")
    else:
        _close(found, dry_run)
    return status


def _close(found: Rollback, dry_run: bool) -> None:
    """Write what was done, or would be, and how the result is trained with."""
    count = len(found.changes)
    what = f"{count} file{'' if count == 1 else 's'}, as {found.run} had them"
    output.result(f"{'would write' if dry_run else 'written'}: {what}")
    if found.command is None:
        output.result(f"no command reads {found.shown}: copy its files into CONFIG to train with")
    elif not dry_run:
        output.result(f"train with: {found.command}")
