"""``repro config diff A B``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.completing import configurations, offer
from repro.cli.config.show import warn_of_problems
from repro.cli.options import AsFormat, Format, Workspace
from repro.cli.selection import Chosen, selecting

if TYPE_CHECKING:
    from repro.config.sealed.changes import Change
    from repro.config.sealed.leaf import Leaf
    from repro.verbs.configuring.configuration import Configuration


@selecting
def command(
    a: Annotated[
        str,
        typer.Argument(
            help="today; a run; an overlay, experiment, variant or profile (or KIND:NAME).",
            autocompletion=offer(configurations),
        ),
    ],
    b: Annotated[
        str,
        typer.Argument(
            help="What to compare with it, named alike.", autocompletion=offer(configurations)
        ),
    ],
    chosen: Chosen,
    workspace: Workspace = Path(),
    used: Annotated[bool, typer.Option("--used", help="Only what the runs would use.")] = False,
    form: AsFormat = Format.text,
) -> int:
    """Compare two configurations: what differs, and the lines that decided it.

    The options say what lies beneath both sides; to a sealed run they mean nothing.
    """
    from repro.config.sealed.changes import changes
    from repro.verbs.configuring.configuration import Desk

    desk = Desk(workspace, chosen.selection())
    left, right = desk.referenced(a), desk.referenced(b)
    found = [change for change in changes(left.leaves, right.leaves) if change.used or not used]
    if form is Format.json:
        output.result(json.dumps(_json(left, right, found), indent=2, ensure_ascii=False))
    else:
        _text(left, right, found)
    for side in (left, right):
        warn_of_problems(side)
    return 1 if found or left.target != right.target else 0


def _json(left: Configuration, right: Configuration, found: list[Change]) -> dict[str, Any]:
    """Return the comparison as JSON."""
    from repro.config.sealed.leaf import as_json

    return {
        "schema": 1,
        "command": "config diff",
        "same": not found and left.target == right.target,
        **{
            side: {"name": c.name, "target": c.target, "family": c.family, "layers": [*c.layers]}
            for side, c in (("a", left), ("b", right))
        },
        "moves": _moved(left, right, found),
        "changes": [
            {
                "path": ".".join(change.path),
                "kind": change.kind,
                "used": change.used,
                "component": change.component,
                "moves": change.moves,
                "a": as_json(change.a) if change.a else None,
                "b": as_json(change.b) if change.b else None,
            }
            for change in found
        ],
    }


def _text(left: Configuration, right: Configuration, found: list[Change]) -> None:
    """Write what the runs use first, then what lies idle."""
    rows = [
        (name, side.name, f"target {side.target}, family {side.family}")
        for name, side in (("A", left), ("B", right))
    ]
    output.result(output.columns(rows))
    if left.target != right.target:
        output.result(f"\ntarget: {left.target} -> {right.target}  (moves target)")
    said = [change for change in found if change.kind != "use"]
    for title, idle in (("used", False), ("idle: no run of either side uses these", True)):
        some = [change for change in said if change.used is not idle]
        if some:
            output.result(f"\n{title}")
        for change in some:
            _change(change)
    taken = [change for change in found if change.kind == "use"]
    if taken:
        output.result("\nthe same on both sides, but used on one alone")
        sides = Counter((".".join(c.path[:-1]), "A" if c.a and c.a.used else "B") for c in taken)
        rows = [(f"  {at}", f"{n} value{'s' * (n > 1)}", side) for (at, side), n in sides.items()]
        output.result(output.columns(rows, right=(1,)))
    if not found and left.target == right.target:
        output.result(f"\nthe same: {len(left.leaves)} values")
    else:
        _summary(said, _moved(left, right, found))


def _moved(left: Configuration, right: Configuration, found: list[Change]) -> list[str]:
    """Return the identity components by which the two runs differ.

    A value that is the same on both sides moves one too if a single side uses it.
    """
    target = {"target"} if left.target != right.target else set()
    return sorted({change.moves for change in found} - {""} | target)


def _summary(found: list[Change], components: list[str]) -> None:
    """Write how many values differ, and what of the identity is moved."""
    moved = ", ".join(components)
    count = "1 value differs" if len(found) == 1 else f"{len(found)} values differ"
    idle = sum(not change.used for change in found)
    output.result(
        f"\n{count}, {idle} of them idle; "
        + (f"identity moved: {moved}" if moved else "no identity component is moved")
    )


def _change(change: Change) -> None:
    """Write one change: what, from what to what, and the lines that decided it."""
    from repro.config.sealed.changes import type_name

    old, new = change.a, change.b
    if old is None or new is None:
        leaf = old or new
        told = f"{change.kind}: {_value(leaf)}"
    else:
        told = f"{_value(old)} -> {_value(new)}"
    if change.kind == "type" and old and new:
        told += f"  type changed: {type_name(old.value)} -> {type_name(new.value)}"
    moves = f"  (moves {change.moves})" if change.moves else ""
    output.result(f"  {output.style('.'.join(change.path), 'bold')}: {told}{moves}")
    for name, side in (("A", old), ("B", new)):
        if side is not None:
            place = side.word.place
            text = f"  {side.word.text.strip()}" if side.word.text else ""
            output.result(f"    {name} {place.file}:{place.line}:{place.column}{text}")


def _value(leaf: Leaf | None) -> str:
    """Return a value with its type kept apart: text stands in quotes."""
    return json.dumps(leaf.value if leaf else None, ensure_ascii=False)
