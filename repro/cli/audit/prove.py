"""``repro audit prove``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace

PINNED = "whoever checks takes the key that they got from elsewhere, not from the log"


def command(
    what: Annotated[
        str | None, typer.Argument(help="A record's number, or a run: name, prefix or @latest.")
    ] = None,
    workspace: Workspace = Path(),
    consistency: Annotated[
        Path | None,
        typer.Option("--consistency", help="An older checkpoint that the log is to continue."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; of a run, a folder.")
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Write proofs: that a record is in the log, or that the log continues a checkpoint."""
    from repro.config.documents.workspace import find_root
    from repro.errors import UsageError
    from repro.verbs.audit.proving import prove, prove_consistency

    if (what is None) == (consistency is None):
        raise UsageError(
            "name what to prove: a record's number, a run, or --consistency OLD",
            "repro audit prove 3, repro audit prove @latest",
        )
    root = find_root(workspace.resolve())
    proofs: list[dict[str, Any]] = []
    if consistency is not None:
        continued = prove_consistency(root, consistency, out)
        old, new = continued.old.size, continued.new.size
        lines = [f"the first {new} records begin with the first {old}: {continued.proof}"]
        lines.append(f"check: {continued.command}")
        facts: dict[str, Any] = {"old": old, "new": new, "file": str(continued.proof)}
        facts["verify"] = continued.command
    else:
        facts, lines = {"old": None, "new": None, "file": None, "verify": None}, []
        for proven in prove(root, str(what), out):
            proofs.append(proven.as_json())
            beside = f", its line in {proven.entry}" if proven.entry else " (its line was pruned)"
            lines.append(f"record {proven.seq}: {proven.proof}{beside}")
            lines.append(f"check: {proven.command}")
    if form is Format.json:
        document = {"schema": 1, "command": "audit prove", "proofs": proofs, "consistency": facts}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        output.result("\n".join(lines))
        output.talk(f"repro: {PINNED}")
    return 0
