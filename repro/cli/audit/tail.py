"""``repro audit tail``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace


def command(
    workspace: Workspace = Path(),
    count: Annotated[
        int, typer.Option("--lines", "-n", help="How many records.", min=0, max=1_000_000)
    ] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with each record that is added.")
    ] = False,
    form: AsFormat = Format.text,
) -> int:
    """Show the newest records, a line each."""
    from repro.audit_log.verification.report import printable
    from repro.config.documents.workspace import find_root
    from repro.errors import UsageError
    from repro.verbs.audit import showing
    from repro.verbs.audit.reading import reading

    root = find_root(workspace.resolve())
    if follow:
        if form is Format.json:
            raise UsageError("--follow has no end, and JSON is one document", "leave one out")
        for brief in showing.follow(root, count):
            output.result(printable(brief.text()))
            sys.stdout.flush()
        return 0
    with reading(root) as reader:
        records = showing.newest(reader, count)
        if form is Format.json:
            found = [brief.as_json() for brief in records]
            document = {
                "schema": 1,
                "command": "audit tail",
                "committed": reader.committed,
                "records": found,
            }
            output.result(json.dumps(document, indent=2, ensure_ascii=False))
            return 0
        for brief in records:
            output.result(printable(brief.text()))
    return 0
