"""``repro audit seal``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace


def command(
    workspace: Workspace = Path(),
    keep_until: Annotated[
        str | None,
        typer.Option("--keep-until", help="The last day it must be kept.", metavar="DATE"),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="The rule that says so.", metavar="TEXT")
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """End the active segment of the log with a signed seal, and begin a new file."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.retention import seal

    done = seal(find_root(workspace.resolve()), keep_until, policy, output.warn)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit seal",
            "segment": done.number,
            "first": done.first,
            "count": done.count,
            "record": done.record,
            "keep_until": keep_until,
            "policy": policy,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    kept = f"; kept until {keep_until}" if keep_until else ""
    records = output.counted(done.count, "record")
    output.result(f"sealed segment {done.number}: {records} from {done.first} on{kept}")
    return 0
