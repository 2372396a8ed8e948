"""``repro audit erase``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.options import AsFormat, Format, Reason, Workspace, Yes

if TYPE_CHECKING:
    from repro.verbs.audit.erasing import Value


def command(
    reason: Reason,
    workspace: Workspace = Path(),
    user: Annotated[
        str | None, typer.Option("--user", help="Every opening that names this user as an actor.")
    ] = None,
    commitment: Annotated[
        list[str] | None,
        typer.Option("--commitment", help="A commitment; may be given again.", metavar="HEX"),
    ] = None,
    record: Annotated[
        int | None, typer.Option("--record", help="The record of one value; needs --path.", min=0)
    ] = None,
    path: Annotated[
        str | None, typer.Option("--path", help="Which value of --record: actor, body.reason, …")
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", help="A directory with copies; may be given again.", metavar="DIR"),
    ] = None,
    yes: Yes = False,
    form: AsFormat = Format.text,
) -> int:
    """Forget values that stand in the log as commitments: what opens them is deleted.

    Every hash, proof and signature stays valid, and a record says what was forgotten and why.
    """
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.erasing import Wanted, erase, would_erase
    from repro.verbs.audit.words import require_words

    require_words("reason", reason)
    root = find_root(workspace.resolve())
    values = would_erase(root, Wanted(user, tuple(commitment or ()), record, path))
    output.talk("to be forgotten, and nobody can bring it back:")
    for value in values:
        output.talk(f"  {_shown(value)}")
    require_consent("erase?", yes)
    commitments = [value.commitment for value in values]
    done = erase(root, commitments, reason, also or (), output.warn)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit erase",
            "commitments": commitments,
            "records": list(done.records),
            "removed": list(done.removed),
            "left": list(done.left),
            "beyond": list(done.beyond),
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    names = ", ".join(str(seq) for seq in done.records)
    output.result(
        f"erased, as record {names} says" if names else "deleted again: it was erased before"
    )
    for name in done.removed:
        output.result(f"removed: {name}")
    for text in done.left:
        output.result(f"LEFT: {text}")
    for text in done.beyond:
        output.result(f"not reached: {text}")
    return 0


def _shown(value: Value) -> str:
    times = f"in {value.records} record{'' if value.records == 1 else 's'}"
    if value.path is None:
        return f"{value.commitment}, {times}; what opens it is not here"
    return f"{value.commitment}, {times}: {value.path} = {(value.value or '')[:200]}"
