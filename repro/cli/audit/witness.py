"""``repro audit witness``: whom this log asks for cosignatures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.audit import witnessing
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.audit.cosigning import Asked
    from repro.verbs.audit.witnesses import Witnesses

Name = Annotated[str, typer.Argument(help="What you call the witness.")]


def app_for(_: Sequence[str]) -> typer.Typer:
    """Return the group: the log's side first, then the witness' own."""
    app = typer.Typer(
        help="Who cosigns this log (add, remove, list, quorum, ask); "
        "being a witness (new, trust, forget, logs, serve).",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.command("list")(list_witnesses)
    for function in (add, remove, quorum, ask):
        app.command(function.__name__)(function)
    witnessing.add_to(app)
    return app


def list_witnesses(workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """List the witnesses of this log, and which of them are enough."""
    from repro.verbs.audit import witnesses

    return _listed("list", witnesses.listed(_root(workspace)), form)


def add(
    name: Name,
    vkey: Annotated[list[str], typer.Argument(help="Its public keys, or a file of them.")],
    url: Annotated[str, typer.Argument(help="Where it is asked: https://witness.example.com.")],
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Let this log ask a witness after each commit."""
    from repro.verbs.audit import witnesses
    from repro.verbs.audit.files import public_keys

    done = witnesses.add(_root(workspace), name, public_keys(vkey), url)
    output.talk(
        "repro: the witness must know this log too; its operator runs: "
        "repro audit witness trust DIR FILE (your keys as a file: repro audit key show -o FILE)"
    )
    return _listed("add", done, form)


def remove(name: Name, workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """Let this log no longer ask a witness."""
    from repro.verbs.audit import witnesses

    return _listed("remove", witnesses.remove(_root(workspace), name), form)


def quorum(
    rule: Annotated[str, typer.Argument(help="none, any, all, a number, or a witness' name.")],
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Say which witnesses are enough for a checkpoint to count as witnessed."""
    from repro.verbs.audit import witnesses

    return _listed("quorum", witnesses.set_quorum(_root(workspace), rule), form)


def ask(
    workspace: Workspace = Path(),
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds for all of them.", min=0.1, max=3600)
    ] = 10.0,
    form: AsFormat = Format.text,
) -> int:
    """Ask all witnesses to cosign the checkpoint that stands.

    Exit status: 0 all have cosigned, 1 not all, 4 one has seen another history of this log.
    """
    from repro.verbs.audit.cosigning import collect_cosignatures, said

    asked = collect_cosignatures(_root(workspace), timeout, output.warn)
    for outcome in asked.outcomes:
        if text := said(outcome):
            output.warn(text)
    _asked(asked, form)
    return asked.exit_status


def _asked(asked: Asked, form: Format) -> None:
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit witness ask",
            "size": asked.size,
            "exit_status": asked.exit_status,
            "witnesses": [
                {
                    "witness": outcome.witness,
                    "cosigned": outcome.ok,
                    "times": list(outcome.times),
                    "size": outcome.size,
                    "problem": outcome.problem or None,
                    "evidence": outcome.evidence,
                }
                for outcome in asked.outcomes
            ],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return
    count = sum(outcome.ok for outcome in asked.outcomes)
    output.result(f"{count} of {len(asked.outcomes)} have cosigned {asked.size} records")
    for outcome in asked.outcomes:
        state = "cosigned" if outcome.ok else "EVIDENCE" if outcome.evidence else "not cosigned"
        output.result(f"  {outcome.witness}: {state}")


def _root(workspace: Path) -> Path:
    from repro.config.documents.workspace import find_root

    return find_root(workspace.resolve())


def _listed(action: str, found: Witnesses, form: Format) -> int:
    """Write the witnesses as they are now."""
    from repro.audit_log.formats.note_key import format_vkey

    arrangement = found.arrangement
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit witness",
            "action": action,
            "origin": found.origin,
            "policy": str(found.file),
            "witnesses": [
                {"name": w.name, "vkeys": [format_vkey(k) for k in w.keys], "url": w.url}
                for w in arrangement.witnesses
            ],
            "quorum": arrangement.quorum if arrangement.witnesses else "none",
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    if not arrangement.witnesses:
        output.result("this log has no witness; add one: repro audit witness add NAME VKEY… URL")
        return 0
    for witness in arrangement.witnesses:
        output.result(f"{witness.name}: {witness.url or 'not asked'}")
        for key in witness.keys:
            output.result(f"  {format_vkey(key)}")
    output.result(f"quorum: {arrangement.quorum}")
    output.result(f"policy, also for `repro-verify log --policy`: {found.file}")
    return 0
