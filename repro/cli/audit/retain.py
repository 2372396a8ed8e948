"""``repro audit retain``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace


def command(
    segment: Annotated[int, typer.Argument(help="Number of a sealed segment.", min=0)],
    keep_until: Annotated[
        str, typer.Option("--keep-until", help="The last day it must be kept.", metavar="DATE")
    ],
    policy: Annotated[str, typer.Option("--policy", help="The rule that says so.", metavar="TEXT")],
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Record until when a sealed segment is kept; it replaces what was said of it before."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.retention import retain

    done = retain(find_root(workspace.resolve()), segment, keep_until, policy, output.warn)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit retain",
            "segment": done.number,
            "record": done.record,
            "keep_until": keep_until,
            "policy": policy,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    output.result(f"segment {segment} is kept until {keep_until}, by record {done.record}")
    return 0
