"""``repro audit export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace

COPIES = (
    "opened values are copies now: erasing them from the log later does not reach this file; "
    "note who got it"
)


def command(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Runs: name, prefix or @latest.", metavar="[RUN]…")
    ] = None,
    workspace: Workspace = Path(),
    record: Annotated[
        list[int] | None, typer.Option("--record", help="A record's number.", min=0)
    ] = None,
    with_openings: Annotated[
        bool, typer.Option("--with-openings", help="With who acted, and what else may be erased.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="The new file.", metavar="FILE")
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Write a bundle for an auditor: records with their proofs, in one file."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.exporting import export

    made = export(
        find_root(workspace.resolve()),
        runs or (),
        record or (),
        out=out,
        with_openings=with_openings,
    )
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit export",
            "file": str(made.file),
            "origin": made.origin,
            "size": made.size,
            "records": list(made.records),
            "openings": made.openings,
            "unopened": made.unopened,
            "timestamps": made.timestamps,
            "verify": made.command,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        numbers = ", ".join(str(seq) for seq in made.records)
        output.result(f"records {numbers} of the first {made.size}: {made.file}")
        if made.unopened:
            output.result(f"not opened: {made.unopened} values that may be erased")
        output.result(f"check: {made.command}")
    if made.openings:
        output.talk(f"repro: warning: {made.openings} {COPIES}")
    return 0
