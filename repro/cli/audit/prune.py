"""``repro audit prune``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.options import AsFormat, Format, Reason, Workspace, Yes


def command(
    segment: Annotated[int, typer.Argument(help="Number of a sealed segment.", min=0)],
    reason: Reason,
    workspace: Workspace = Path(),
    yes: Yes = False,
    form: AsFormat = Format.text,
) -> int:
    """Remove the lines of a sealed segment whose retention has passed; proofs stay possible."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.retention import prune, would_prune
    from repro.verbs.audit.words import require_words

    require_words("reason", reason)
    root = find_root(workspace.resolve())
    found = would_prune(root, segment)
    last = found.first + found.count - 1
    output.talk(f"to be removed: the lines of records {found.first} to {last}, segment {segment}")
    require_consent("prune?", yes)
    done = prune(root, segment, reason, output.warn)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit prune",
            "segment": done.number,
            "first": done.first,
            "count": done.count,
            "record": done.record,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    records = output.counted(done.count, "record")
    output.result(
        f"pruned segment {done.number}: {records} from {done.first} on, "
        f"as record {done.record} says; their hashes stay"
    )
    return 0
