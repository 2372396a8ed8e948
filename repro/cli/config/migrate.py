"""``repro config migrate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.options import AsFormat, Format, Workspace, Yes

if TYPE_CHECKING:
    from repro.verbs.configuring.migrate import Migration


def command(
    workspace: Workspace = Path(),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if something is to be moved.")
    ] = False,
    yes: Yes = False,
    form: AsFormat = Format.text,
) -> int:
    """Move documents and keys of older layouts to where they are now; comments and order stay.

    The whole diff is shown first. No value changes: that is checked before anything is written.
    """
    from repro.errors import UsageError
    from repro.verbs.configuring.migrate import carry_out, plan

    if check and yes:
        raise UsageError("--check writes nothing: it does not go with --yes")
    found = plan(workspace)
    text = form is Format.text
    if text:
        _text(found)
    writes = bool(found.changes) and not check
    if writes:
        require_consent("write these files?", yes)
        carry_out(found)
    if text and writes:
        output.result(f"moved: {len(found.changes)} file{'' if len(found.changes) == 1 else 's'}")
    status = 1 if check and not found.is_done else 0
    if not text:
        output.result(json.dumps(_json(found, writes, status), indent=2, ensure_ascii=False))
    return status


def _text(found: Migration) -> None:
    """Write the diff, then what it is made of, then what people must decide."""
    from repro.config.documents.legacy import warning

    if found.is_done:
        output.result("nothing stands in an older place")
        return
    output.result(found.diff.rstrip("\n"))
    for used in found.used:
        where = "" if used.old == used.place.file else f"{used.place.file}:{used.place.line}: "
        output.talk(f"{where}{used.old}: {warning(used).message} ({used.entry.id})")
    for old, winner in found.left:
        output.warn(
            f"CONFIG/{old.as_posix()} is left: CONFIG/{winner.as_posix()} is read in its place; "
            "compare the two and remove it"
        )


def _json(found: Migration, written: bool, status: int) -> dict[str, Any]:
    return {
        "schema": 1,
        "command": "config migrate",
        "root": str(found.root),
        "changes": [
            {
                "kind": change.kind,
                "old": None if change.old is None else f"CONFIG/{change.old.as_posix()}",
                "new": None if change.new is None else f"CONFIG/{change.new.as_posix()}",
            }
            for change in found.changes
        ],
        "used": [
            {
                "id": used.entry.id,
                "file": used.place.file,
                "line": used.place.line,
                "column": used.place.column,
                "old": used.old,
                "new": used.new,
                "read": used.winner is None,
            }
            for used in found.used
        ],
        "left": [
            {"file": f"CONFIG/{old.as_posix()}", "winner": f"CONFIG/{winner.as_posix()}"}
            for old, winner in found.left
        ],
        "diff": found.diff,
        "written": written,
        "exit_status": status,
    }
