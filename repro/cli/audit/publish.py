"""``repro audit publish``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.audit.publishing import Published


def command(
    destination: Annotated[
        str, typer.Argument(help="A folder, or an address such as s3://…", metavar="DEST")
    ],
    workspace: Workspace = Path(),
    sign: Annotated[
        bool, typer.Option("--sign", help="Commit what is durable first; needs the private key.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare everything that is there; put back what lacks.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw-pruned", help="Remove there what was pruned here.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="End the turn of a publisher that was killed.")
    ] = False,
    evidence: Annotated[
        Path | None,
        typer.Option("--evidence", help="Where to write proof of a fork.", metavar="DIR"),
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Publish the signed log as static C2SP tlog-tiles; only what is new is written.

    Exit status: 3 if another log is there, 4 if what is there is not a beginning of this log.
    """
    from repro.config.documents.workspace import find_root
    from repro.stores.store import require_lasting
    from repro.verbs.audit.publishing import Wanted, publish

    require_lasting(destination)
    wanted = Wanted(
        check=check, withdraw=withdraw, evidence=evidence, sign=sign, take_over=take_over
    )
    made = publish(find_root(workspace.resolve()), destination, wanted, output.warn)
    if form is Format.json:
        document = {"schema": 1, "command": "audit publish", **made.as_json()}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    _say(made, is_complete=check)
    return 0


def _say(made: Published, *, is_complete: bool) -> None:
    """Write what was published for people, and what was not looked at there."""
    new = made.size - made.before
    records = output.counted(made.size, "record")
    output.result(f"{records} of {made.origin}, {new} of them new: {made.destination}")
    output.result(f"written: {output.counted(made.written, 'file')}, {made.size_bytes} bytes")
    if made.compared:
        output.result(f"there already: {output.counted(made.compared, 'file')}, the same bytes")
    if made.before and not is_complete:
        older = (
            f"{made.not_compared} full tiles and bundles, and partial ones of earlier checkpoints"
        )
        output.result(f"not looked at: {older} (--check)")
    if made.removed:
        files = output.counted(made.removed, "file")
        output.result(f"removed: {files}, partial tiles that grew full, or pruned")
    if made.pending:
        pending = output.counted(made.pending, "record")
        output.result(f"not published: {pending} that no checkpoint covers (--sign)")
    if made.pruned:
        text = f"of {made.pruned} pruned records the leaf hashes alone are published"
        more = f", and {made.withheld} others apart from the bundles" if made.withheld else ""
        output.result(f"{text}{more}")
    if made.still_there:
        output.talk(
            f"repro: warning: {len(made.still_there)} bundles there still hold entries that were "
            f"pruned here, such as {made.still_there[0]}: --withdraw-pruned removes them"
        )
