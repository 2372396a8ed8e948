"""``repro audit show``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.audit.showing import Shown


def command(
    what: Annotated[
        str | None, typer.Argument(help="A record's number, or a run: name, prefix or @latest.")
    ] = None,
    workspace: Workspace = Path(),
    type_: Annotated[
        str | None, typer.Option("--type", help="Every record of a type.", metavar="TYPE")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The lines as they stand in the log, and nothing else.")
    ] = False,
    form: AsFormat = Format.text,
) -> int:
    """Show records in full: one by its number, all of a run, or all of a type."""
    from repro.config.documents.workspace import find_root
    from repro.errors import UsageError
    from repro.verbs.audit.showing import show

    if raw and form is Format.json:
        raise UsageError("--raw and --format json exclude each other", "leave one of them out")
    records = show(find_root(workspace.resolve()), what, type_)
    if form is Format.json:
        found = [record.as_json() for record in records]
        document = {"schema": 1, "command": "audit show", "records": found}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    shown = 0
    for record in records:
        if raw:
            _write(record.found.line)
        else:
            output.result(("\n" if shown else "") + _text(record))
        shown += 1
    if not shown and not raw:
        output.result("no record of that type")
    return 0


def _write(line: bytes) -> None:
    """Write a line byte for byte."""
    sys.stdout.flush()
    data = memoryview(line + b"\n")
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


def _text(shown: Shown) -> str:
    """Return a record for people."""
    from repro.audit_log.verification.report import printable
    from repro.verbs.audit.actors import actor_text

    value = shown.as_json()
    tool, actor = value["tool"], actor_text(shown.actor)
    if shown.actor.state == "open":
        actor += f" ({shown.actor.value['how']})"
    rows = [
        ("type", value["type"]),
        ("time", value["time"]),
        ("actor", actor),
        ("tool", f"{tool['name']} {tool['version']}"),
        ("line hash", value["line_hash"]),
        ("leaf hash", value["leaf_hash"]),
        ("committed", "yes" if value["committed"] else "no: repro audit checkpoint --sign"),
    ]
    for one in shown.openings:
        said = json.dumps(one.value, ensure_ascii=False) if one.state == "open" else one.words()
        rows.append((one.path, said))
    body = json.dumps(value["body"], indent=2, ensure_ascii=False)
    lines = [f"record {value['seq']}", *output.columns(rows).split("\n"), *body.split("\n")]
    return "\n".join(printable(line) for line in lines)
