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
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A tlog-policy: whose log, which witnesses.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="An older checkpoint, kept elsewhere.")
    ] = None,
    stamp_authority: Annotated[
        Path | None,
        typer.Option(
            "--stamp-authority", help="Certificates of time-stamp authorities.", metavar="PEM"
        ),
    ] = None,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Digest again every file that the records name.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Your own file: go on where the last time stopped."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, and check each line's form.")
    ] = False,
    without_openings: Annotated[
        bool, typer.Option("--without-openings", help="Accept a copy that came without openings/.")
    ] = False,
    evidence: Annotated[
        Path | None,
        typer.Option("--evidence", help="Where to write proof of a fork.", metavar="DIR"),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option("--from", help="The log as it is published there.", metavar="DEST"),
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Verify the log.

    Exit status: 0 ok, 1 torn or incomplete, 3 unverifiable, 4 tampered, truncated, rolled back or
    forked.
    """
    from repro.audit_log.verification.report import as_json, as_text
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.files import public_keys
    from repro.verbs.audit.verifying import Asked, verify_published, verify_workspace

    keys = public_keys(vkey or ())
    asked = Asked(
        keys, policy, checkpoint, stamp_authority, artifacts, state, full, without_openings
    )
    if published is None:
        report, written = verify_workspace(find_root(workspace.resolve()), asked, evidence)
    else:
        report, written = verify_published(workspace.resolve(), published, asked, evidence)
    if form is Format.json:
        document = {"schema": 1, "command": "audit verify", **as_json(report)}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        output.result(as_text(report))
    if written is not None:
        output.talk(f"repro: the proof of the fork is in {written}; give it to whoever must know")
    if (
        any(fault.code == "key" for fault in report.faults)
        and not keys
        and policy is None
        and form is Format.text
    ):
        output.talk(
            "repro: hint: this machine has no key of this log; name whom you trust with --vkey "
            "KEY (the file AUDIT_LOG/log.vkey is only what the log says of itself)"
        )
    return report.exit_status
