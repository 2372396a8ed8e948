"""``repro runs push`` and ``pull``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace

_PROOF: Final = {
    "there": "there with its proof",
    "sent": "sent with its proof",
    "mended": "sent again with its proof",
}


def push(
    runs: Annotated[
        list[str], typer.Argument(help="Runs: name, prefix or @latest; then where.", metavar="RUN…")
    ],
    destination: Annotated[
        str, typer.Argument(help="A folder, or an address such as s3://…", metavar="DEST")
    ],
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Put sealed runs into a store, by digest and with their proof."""
    from repro.stores.store import require_lasting
    from repro.verbs.sealed.pushing import push as send

    require_lasting(destination)
    done = send(workspace, runs, destination)
    if form is Format.json:
        names = ("run", "manifest", "destination", "files", "sent", "mended", "sent_bytes", "proof")
        _json("push", [{name: getattr(one, name) for name in names} for one in done])
        return 0
    for one in done:
        output.result(
            f"run {one.run}: {one.files} files in {one.destination}, {one.sent + one.mended} sent "
            f"({one.sent_bytes} bytes)"
        )
        output.result(f"  manifest {one.manifest}: {_PROOF[one.proof]}")
        if one.mended:
            output.warn(f"files that were damaged there, and were replaced: {one.mended}")
        if one.proof == "mended":
            output.warn("the manifest or the proof there did not hold, and was replaced")
    return 0


def pull(
    runs: Annotated[
        list[str], typer.Argument(help="Runs: name, prefix or RUN/DIGEST.", metavar="RUN…")
    ],
    source: Annotated[
        str, typer.Argument(help="A folder, or an address such as s3://…", metavar="SRC")
    ],
    workspace: Workspace = Path(),
    vkey: Annotated[
        list[str] | None,
        typer.Option("--vkey", help="The public key of the runs' log, or a file of it."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A tlog-policy: whose log, which witnesses.")
    ] = None,
    self_asserted: Annotated[
        bool, typer.Option("--self-asserted", help="Believe the key that the log names itself.")
    ] = False,
    form: AsFormat = Format.text,
) -> int:
    """Fetch sealed runs from a store, once their log vouches for them.

    Exit status: 3 if nothing says whose log vouches for them, 4 if they are not what it signed.
    """
    from repro.verbs.audit.files import public_keys
    from repro.verbs.audit.vouching import Trust
    from repro.verbs.sealed.pulling import pull as fetch

    keys = public_keys(vkey or ())
    done = fetch(workspace, runs, source, Trust(keys, policy, self_asserted), output.warn)
    if form is Format.json:
        names = ("run", "manifest", "source", "origin", "own", "trust")
        more = ("files", "fetched", "record", "new")
        _json(
            "pull",
            [
                {name: getattr(one, name) for name in (*names, *more)} | {"folder": str(one.folder)}
                for one in done
            ],
        )
        return 0
    for one in done:
        whose = "this log" if one.own else f"{one.origin}, believed by {one.trust}"
        output.result(f"run {one.run} of {whose}: {one.files} files, {one.fetched} fetched")
        output.result(f"  in {one.folder}")
        if one.record is not None:
            output.result(f"  said to be pulled by record {one.record} of the log")
        elif not one.new:
            output.result("  it was here already, and is whole")
        if one.trust == "self-asserted":
            output.warn(f"nobody vouches for {one.origin}: only its own word says whose log it is")
    return 0


def _json(command: str, runs: Sequence[dict[str, Any]]) -> None:
    document = {"schema": 1, "command": f"runs {command}", "runs": list(runs)}
    output.result(json.dumps(document, indent=2, ensure_ascii=False))


def pulled(
    workspace: Workspace = Path(),
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; 0 for all.", min=0)] = 50,
    form: AsFormat = Format.text,
) -> int:
    """List the runs that were pulled, and what became of them."""
    from dataclasses import asdict

    from repro.audit_log.verification.report import printable
    from repro.verbs.sealed.pulled import HERE, all_pulled

    found = all_pulled(workspace)
    shown = found[: limit or None]
    if form is Format.json:
        runs = [asdict(one) | {"folder": str(one.folder)} for one in shown]
        document = {"schema": 1, "command": "runs pulled", "total": len(found), "runs": runs}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    if not found:
        output.result("no run was pulled; fetch one with: repro runs pull RUN SRC")
        return 0
    rows: list[tuple[str, ...]] = [("run", "pulled", "log", "target", "family", "believed by", "")]
    rows += [
        (
            printable(one.run),
            (one.time or "-")[:16],
            printable(one.origin or "-"),
            one.target or "-",
            one.family or "-",
            one.trust or "-",
            "" if one.state == HERE else one.state.upper(),
        )
        for one in shown
    ]
    output.result(output.columns(rows))
    if len(shown) < len(found):
        output.result(f"{len(found) - len(shown)} older ones: --limit 0 shows all")
    return 0
