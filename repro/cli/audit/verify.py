"""``repro audit verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace


def command(
    workspace: Workspace = Path(),
    vkey: Annotated[
        list[str] | None, typer.Option("--vkey", help="The log's public key, or a file of it.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="An older checkpoint, kept elsewhere.")
    ] = None,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Digest again every file that the records name.")
    ] = False,
    form: AsFormat = Format.text,
) -> int:
    """Verify the log.

    Exit status: 0 ok, 1 torn or incomplete, 3 unverifiable, 4 tampered, truncated, rolled back or
    forked.
    """
    from repro.audit.log import verify_log
    from repro.audit_log.verification.report import as_json, as_text, read_vkeys
    from repro.config.workspace import find_root

    root = find_root(workspace.resolve())
    keys = [key for text in vkey or () for key in read_vkeys(text)]
    old = checkpoint.read_bytes() if checkpoint else None
    report = verify_log(root, keys, old, artifacts)
    if form is Format.json:
        document = {"schema": 1, "command": "audit verify", **as_json(report)}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        output.result(as_text(report))
        if report.verdict == "unverifiable" and not keys:
            output.talk(
                "repro: hint: this machine has no key of this log; name whom you trust with --vkey "
                "KEY (the file AUDIT_LOG/log.vkey is only what the log says of itself)"
            )
    return report.exit_status
