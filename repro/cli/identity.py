"""``repro identity``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting

if TYPE_CHECKING:
    from repro.verbs.training.identifying import Identified, Origin, Part


@selecting
def command(
    chosen: Chosen,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Each payload as canonical JSON, and where its values come from."
        ),
    ] = False,
    cached: Annotated[
        bool,
        typer.Option("--cached", help="Say whether a sealed run has this key; exit 1 if none has."),
    ] = False,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Tell the keys of what would be trained: nothing is trained, and nothing recorded.

    A worker reads the data and prepares as for a training. Exit status 0, and 1 with --cached where
    no sealed run can stand for it.
    """
    from repro.verbs.training.identifying import identify

    with observer(quiet, no_progress) as watching:
        found = identify(workspace, chosen.selection(), watching, cached=cached)
    if form is Format.json:
        document = _json(found, explain=explain, cached=cached)
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _text(found, explain=explain, cached=cached)
    return 1 if cached and found.sealed is None else 0


def _json(found: Identified, *, explain: bool, cached: bool) -> dict[str, Any]:
    names = ("target", "family", "view", "symbol", "level")
    return {
        "schema": 1,
        "command": "identity",
        **{name: getattr(found, name) for name in names},
        "comparison_group": dict(found.comparison_group),
        "incomplete": list(found.incomplete),
        **({"parts": [_part(part) for part in found.parts]} if explain else {}),
        **({"sealed": found.sealed} if cached else {}),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "signature": part.signature,
        "context": part.context,
        "payload": None if part.payload is None else dict(part.payload),
        "origins": [_origin(origin) for origin in part.origins],
    }


def _origin(origin: Origin) -> dict[str, Any]:
    names = ("path", "value", "layer", "place")
    return {name: getattr(origin, name) for name in names}


def _text(found: Identified, *, explain: bool, cached: bool) -> None:
    """Write the keys, then what each is made of, then which run has them."""
    of = f" of {found.symbol}" if found.symbol else ""
    output.result(f"{found.family} for {found.target}{of}, {found.level}\n")
    group = [(name, str(value)) for name, value in found.comparison_group.items()]
    output.result(output.columns(group))
    if found.incomplete:
        output.result(f"\nincomplete: no facts of {', '.join(found.incomplete)}")
    for part in found.parts if explain else ():
        _explained(part)
    if cached:
        none = "no sealed run has this execution key, or none can stand for another"
        told = f"sealed as {found.sealed}" if found.sealed else none
        output.result(f"\n{told}")


def _explained(part: Part) -> None:
    from repro.audit_log.formats.canonical import canonical

    output.result(f"\n{part.name}  {part.signature}\n  derived in: {part.context}")
    if part.payload is None:
        output.result("  facts are missing")
        return
    output.result(f"  {canonical(dict(part.payload)).decode()}")
    rows = [
        (f"  {origin.path}", json.dumps(origin.value, ensure_ascii=False), origin.place)
        for origin in part.origins
    ]
    if rows:
        output.result(output.columns(rows))
