"""``repro config diff A B``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
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
    from repro.config.sealed.leaf import Leaf, Word
    from repro.verbs.configuring.configuration import ConfigurationComparison


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
    from repro.verbs.configuring.configuration import Desk

    found = Desk(workspace, chosen.selection()).compared(a, b, used=used)
    if form is Format.json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
    else:
        _text(found)
    for side in (found.a, found.b):
        warn_of_problems(side)
    return found.exit_status


def _json(found: ConfigurationComparison) -> dict[str, Any]:
    """Return the comparison as JSON."""
    from repro.config.sealed.leaf import as_json

    return {
        "schema": 1,
        "command": "config diff",
        "same": found.same,
        **{
            side: {"name": c.name, "target": c.target, "family": c.family, "layers": [*c.layers]}
            for side, c in (("a", found.a), ("b", found.b))
        },
        "moves": list(found.moves),
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
            for change in found.changes
        ],
    }


def _text(compared: ConfigurationComparison) -> None:
    """Write what the runs use first, then what lies idle."""
    left, right, found = compared.a, compared.b, compared.changes
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
    if compared.same:
        output.result(f"\nthe same: {len(left.leaves)} values")
    else:
        _summary(said, compared.moves)


def _summary(found: Sequence[Change], components: Sequence[str]) -> None:
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
            output.result(f"    {name} {_decided(side.word)}")


def _decided(word: Word) -> str:
    """Return where a value was decided, with the text of the line or the words that were given."""
    from repro.runs.differences import ASKED, asked_words

    place, text = word.place, (word.text or "").strip()
    if word.layer == ASKED and text:
        return f"command line  {asked_words(place.file, text)}"
    return f"{place.file}:{place.line}:{place.column}" + (f"  {text}" if text else "")


def _value(leaf: Leaf | None) -> str:
    """Return a value with its type kept apart: text stands in quotes."""
    return json.dumps(leaf.value if leaf else None, ensure_ascii=False)
