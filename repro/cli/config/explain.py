"""``repro config explain KEY``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.completing import offer, runs
from repro.cli.config.show import warn_of_problems
from repro.cli.options import AsFormat, Format, NeededKey, Workspace
from repro.cli.selection import Chosen, selecting
from repro.errors import ProblemsError, UsageError
from repro.verbs.research.choosing import VALUES

if TYPE_CHECKING:
    from repro.config.sealed.leaf import Leaf, Word
    from repro.facts.trainers import Rule
    from repro.verbs.configuring.configuration import Configuration
    from repro.verbs.configuring.explain import Explanation

SHOWN = 60
"""Values of a section that are listed; the rest are counted."""


@selecting
def command(
    key: NeededKey,
    chosen: Chosen,
    workspace: Workspace = Path(),
    run: Annotated[
        str | None,
        typer.Option("--run", help="Explain from a sealed run.", autocompletion=offer(runs)),
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Explain a value: every layer that set it, what it means, and what identity it moves."""
    from repro.verbs.configuring.configuration import Desk
    from repro.verbs.configuring.explain import explain

    desk = Desk(workspace, chosen.selection())
    found = desk.sealed(run) if run is not None else desk.configured()
    try:
        told = explain(found, desk.families, key)
    except ProblemsError as error:
        raise _not_found(found, key, error) from error
    if form is Format.json:
        output.result(json.dumps(_json(found, told), indent=2, ensure_ascii=False))
    else:
        _text(found, told, key)
    warn_of_problems(found)
    return 0


def _not_found(found: Configuration, key: str, error: ProblemsError) -> UsageError:
    """Return the error for a key that means no value: where it was looked for, and what is near."""
    from repro.config.spelling.names import nearest_few

    problem = error.problems[0]
    where = f"looked for in {found.name}: the documents, and the hyperparameters of {found.family}"
    names = {path[-1] for path, leaf in found.leaves.items() if leaf.used}
    near = ", ".join(nearest_few(key.rpartition(".")[2], names))
    hint = problem.hint or (f"nearest names: {near}" if near else None)
    return UsageError(f"{key!r}: {problem.message}; {where}", hint)


def _json(found: Configuration, told: Explanation) -> dict[str, Any]:
    """Return the explanation as JSON."""
    from repro.config.sealed.leaf import as_json

    said = told.meaning
    return {
        "schema": 1,
        "command": "config explain",
        "configuration": found.name,
        "family": found.family,
        "target": found.target,
        "path": ".".join(told.path),
        "short": told.short,
        "kind": told.kind,
        "value": None if told.leaf is None else as_json(told.leaf),
        "values": [as_json(leaf) for leaf in told.section],
        "component": told.component,
        "reason": said.reason if said else None,
        "description": said.description if said else None,
        "type": said.type if said else None,
        "choices": list(said.choices) if said else [],
        "aliases": list(told.aliases),
        "rules": [_rule(rule) for rule in told.rules],
        "option": _option(told),
    }


def _text(found: Configuration, told: Explanation, key: str) -> None:
    """Write the chain of layers, newest first, then what is known of the value."""
    name = ".".join(told.path)
    if found.run is not None:
        output.result(f"as run {found.run.name} sealed it")
    if told.kind == "section":
        _section(told, name)
    elif told.leaf is not None:
        output.result(f"{output.style(name, 'bold')} = {_value(told.leaf.value)}")
        for n, word in enumerate(reversed(told.leaf.history)):
            output.result("")
            output.result(_word(word, "" if n else "set"))
    elif told.kind == "forced":
        output.result(f"{output.style(name, 'bold')}: not a value of the configuration")
    else:
        output.result(f"{output.style(name, 'bold')}: no layer sets it")
    rows = list(_facts(found, told, key))
    if rows:
        output.result("")
        output.result(output.columns(rows))


def _facts(found: Configuration, told: Explanation, key: str) -> list[tuple[str, str]]:
    """Return what is known of the value beside its history."""
    said = told.meaning
    rows = []
    if said and said.description:
        rows.append(("meaning", said.description))
    if said and told.kind != "section":
        rows.append(("type", said.type))
    if told.component == "none":
        rows.append(("identity", f"none: {said.reason}" if said and said.reason else "none"))
    elif told.component:
        rows.append(("identity", told.component))
    typed = key.rpartition(".")[2]
    if typed in told.aliases:
        rows.append(("name", f"{typed} is another name of {told.path[-1]}"))
    if told.aliases:
        rows.append(("aliases", ", ".join(told.aliases)))
    if told.leaf is not None:
        what = f"by a run of {found.family} for {found.target}"
        rows.append(("used", f"yes, {what}" if told.leaf.used else f"no, not {what}"))
    for rule in told.rules:
        levels = ", ".join(rule.levels)
        rows.append((f"{levels} mode", f"forces {_value(rule.value)}: {rule.reason}"))
        rows.append(("evidence", rule.evidence))
    option = _option(told)
    if option and found.run is None:
        rows.append(("set with", option))
    return rows


def _section(told: Explanation, name: str) -> None:
    """Write the values of a section with the places that decided them."""
    count = len(told.section)
    said = "1 value" if count == 1 else f"{count} values"
    output.result(f"{output.style(name, 'bold')}: a section of {said}")
    rows = [_row(told, leaf) for leaf in told.section[:SHOWN]]
    output.result(output.columns(rows))
    if count > SHOWN:
        output.result(f"  and {count - SHOWN} more: repro config show {told.short} --origin")


def _row(told: Explanation, leaf: Leaf) -> tuple[str, ...]:
    """Return one value of a section."""
    place = leaf.word.place
    name = ".".join(leaf.path[len(told.path) :])
    return f"  {name}", _value(leaf.value), f"{place.file}:{place.line}:{place.column}"


def _word(word: Word, verb: str) -> str:
    """Return one layer's word: who, where, and the line with a caret under the value."""
    from repro.config.schema.problem_text import render
    from repro.errors import Problem

    names = {
        "document": "by the document",
        "--set": "on the command line",
        "leakage": "by the policy for leakage",
    }
    who = names.get(word.layer, f"by the {word.layer}")
    value = _value(word.value)
    message = f"set to {value} {who}" if verb else f"over {value}, set {who}"
    return render(Problem(word.place, "", message, "", source=word.text))


def _option(told: Explanation) -> str | None:
    """Return the option that sets the value; None for a section and what is forced."""
    if told.kind in ("section", "forced"):
        return None
    name = ".".join(told.path)
    for option, path in VALUES.items():
        if name.endswith(f".{path}"):
            return f"--{option} VALUE, or --set {told.short}=VALUE"
    return f"--set {told.short}=VALUE"


def _value(value: Any) -> str:
    """Return a value with its type kept apart: text stands in quotes."""
    return json.dumps(value, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, Any]:
    """Return a rule of a rulebook as JSON."""
    said = {**asdict(rule), "levels": list(rule.levels)}
    said.pop("probe")
    return said
