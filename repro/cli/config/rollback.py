"""``repro config rollback RUN``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.options import AsFormat, Format, Workspace, Yes


def command(
    run: Annotated[str, typer.Argument(help="A run: name, key, unique prefix, path or @latest~1.")],
    workspace: Workspace = Path(),
    as_overlay: Annotated[
        bool,
        typer.Option("--as-overlay/--files", help="Overlays beside the documents, or in them."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write into this directory, not CONFIG.", metavar="DIR"),
    ] = None,
    yes: Yes = False,
    form: AsFormat = Format.text,
) -> int:
    """Write back the configuration that a sealed run had; comments stay, the diff is shown first.

    Before anything is written it is resolved, and must have the identity that the run had.
    """
    from repro.rollback import carry_out, plan

    found = plan(workspace, run, as_overlay=as_overlay, out=out)
    text = form is Format.text
    if text and found.changes:
        output.result(found.diff.rstrip("\n"))
    if found.changes:
        require_consent("write these files?", yes)
        carry_out(found)
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
            "train": found.command,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    elif not (found.changes or found.overlays or found.target):
        output.result(f"nothing differs: the configuration is that of {found.run}")
    else:
        count = len(found.changes)
        output.result(f"written: {count} file{'' if count == 1 else 's'}, as {found.run} had them")
        output.result(f"train with: {found.command}")
    return 0
