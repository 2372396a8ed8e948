"""``repro audit checkpoint``."""

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
    sign: Annotated[
        bool, typer.Option("--sign", help="First commit what is durable and not committed.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file for it.", metavar="FILE")
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Print the signed checkpoint: what somebody else should keep."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.exporting import checkpoint

    signed = checkpoint(find_root(workspace.resolve()), sign=sign, out=out)
    found = signed.head.checkpoint
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit checkpoint",
            "origin": found.origin,
            "size": found.size,
            "root": found.root.hex(),
            "pending": signed.pending,
            "note": signed.head.note.decode(),
            "vkey": signed.head.vkey,
            "file": None if out is None else str(out),
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    if out is None:
        sys.stdout.write(signed.head.note.decode())
    else:
        output.result(f"checkpoint over {output.counted(found.size, 'record')}: {out}")
    if signed.pending:
        output.talk(
            f"repro: {signed.pending} records are durable and not committed: "
            "repro audit checkpoint --sign"
        )
    return 0
