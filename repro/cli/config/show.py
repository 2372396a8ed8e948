"""``repro config show``."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import Key, Workspace
from repro.cli.selection import Chosen, selecting

if TYPE_CHECKING:
    from repro.config.sealed.leaf import Leaf
    from repro.verbs.configuring.configuration import Configuration


class Form(StrEnum):
    """How the tree is written."""

    yaml = "yaml"
    json = "json"


AsForm = Annotated[Form, typer.Option("--format", help="How the tree is written.")]


@selecting
def command(
    chosen: Chosen,
    key: Key = None,
    workspace: Workspace = Path(),
    origin: Annotated[
        bool, typer.Option("--origin", help="Write beside each value where it came from.")
    ] = False,
    used: Annotated[bool, typer.Option("--used", help="Only what the run would use.")] = False,
    form: AsForm = Form.yaml,
) -> int:
    """Show the resolved configuration: all of it, or what lies below KEY."""
    from repro.config.resolution.layers import nest
    from repro.config.sealed.record import yaml_lines
    from repro.verbs.configuring.configuration import Desk, find_key

    if key is not None and "=" in key:  # an override that stands where a key may
        chosen, key = replace(chosen, overrides=[key, *(chosen.overrides or ())]), None
    desk = Desk(workspace, chosen.selection())
    found = desk.configured()
    path: tuple[str, ...] = ()
    if key is not None:
        path = find_key(key, found.leaves, found.family, desk.families)
    shown = {
        p[len(path) :]: leaf
        for p, leaf in found.leaves.items()
        if p[: len(path)] == path and (leaf.used or not used)
    }
    if form is Form.json:
        tree = shown[()].value if () in shown else nest({p: x.value for p, x in shown.items()})
        document = _json(found, path, tree, list(shown.values()) if origin else None)
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        output.result(f"# target {found.target}, family {found.family}")
        for layer in found.layers if origin else ():
            output.result(f"# layer: {layer}")
        leaves = ((p, x.value, _origin(x) if origin else "") for p, x in shown.items())
        for line in yaml_lines(leaves):
            output.result(line)
        if not shown:
            output.result("{}")
    warn_of_problems(found)
    return 0


def warn_of_problems(found: Configuration) -> None:
    """Say that a configuration would not be accepted, if that is so."""
    count = len(found.problems)
    if count:
        problems = "1 problem" if count == 1 else f"{count} problems"
        output.warn(f"{found.name} has {problems}: see repro validate, with the same options")


def _origin(leaf: Leaf) -> str:
    """Return where a value came from, and what it was laid over."""
    from repro.config.sealed.leaf import WRITTEN

    word = leaf.word
    place = word.place
    told = f"{place.file}:{place.line}:{place.column}"
    if word.layer not in WRITTEN and word.layer != "--set" and place.file not in word.layer:
        told += f" ({word.layer})"
    for earlier in reversed(leaf.history[:-1]):
        place = earlier.place
        value = json.dumps(earlier.value, ensure_ascii=False)
        told += f", over {value} at {place.file}:{place.line}:{place.column}"
    return told if leaf.used else f"{told}; not used"


def _json(
    found: Configuration, path: tuple[str, ...], tree: Any, leaves: list[Leaf] | None
) -> dict[str, Any]:
    """Return the tree as JSON, with every leaf's history if it is wanted."""
    from repro.config.sealed.leaf import as_json

    return {
        "schema": 1,
        "command": "config show",
        "family": found.family,
        "target": found.target,
        "layers": list(found.layers),
        "key": ".".join(path) or None,
        "tree": tree,
        "values": None if leaves is None else [as_json(leaf) for leaf in leaves],
        "problems": len(found.problems),
    }
