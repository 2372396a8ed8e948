"""``repro audit timestamp``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace


def command(
    workspace: Workspace = Path(),
    tsa: Annotated[
        str | None, typer.Option("--tsa", help="Ask this authority (RFC 3161).", metavar="URL")
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option("--request", help="Write the request to carry; with --response, read it."),
    ] = None,
    response: Annotated[
        Path | None, typer.Option("--response", help="Take in a response that was carried here.")
    ] = None,
    stamp_authority: Annotated[
        Path | None,
        typer.Option(
            "--stamp-authority", help="Accept these authorities alone (PEM).", metavar="PEM"
        ),
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Have the current checkpoint stamped by a trusted time-stamp authority."""
    from repro.config.documents.workspace import find_root
    from repro.errors import UsageError
    from repro.verbs.audit.stamping import fetch_stamp, request_stamp, take_stamp

    root = find_root(workspace.resolve())
    if tsa is not None and request is None and response is None:
        made = fetch_stamp(root, tsa, stamp_authority)
    elif tsa is None and response is not None:
        made = take_stamp(root, response, request, stamp_authority)
    elif tsa is None and request is not None:
        made = request_stamp(root, request)
    else:
        raise UsageError(
            "say how: --tsa URL, or --request FILE, or --response FILE [--request FILE]",
            "--tsa asks over the network; the files are carried",
        )
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit timestamp",
            "size": made.checkpoint.size,
            "root": made.checkpoint.root.hex(),
            "request": None if made.request is None else str(made.request),
            "response": None if made.response is None else str(made.response),
            "time": made.time,
            "authority": made.authority,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    size = made.checkpoint.size
    if made.response is None:
        output.result(f"request over {output.counted(size, 'record')}: {made.request}")
        output.talk("repro: carry it to an authority, then: repro audit timestamp --response FILE")
        return 0
    who = made.authority or "an authority that was not checked"
    output.result(
        f"stamped at {made.time} by {who}, over {output.counted(size, 'record')}: {made.response}"
    )
    if made.authority is None:
        output.talk("repro: check it with: repro audit verify --stamp-authority PEM")
    return 0
