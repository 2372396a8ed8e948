"""``repro trainers show FAMILY``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, NeededFamily

if TYPE_CHECKING:
    from repro.facts.limits import Limit
    from repro.facts.trainers import Declaration, Rule

_LIMITS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "above"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "below"),
)


def command(
    family: NeededFamily,
    document: Annotated[
        bool,
        typer.Option(
            "--document", help="Print its model document, as a start for CONFIG/model_config."
        ),
    ] = False,
    form: AsFormat = Format.text,
) -> int:
    """Show what a trainer declares: hyperparameters, seeds, rules and their reasons."""
    from repro.facts.trainers import declaration

    trainer = declaration(family)
    if document:
        from repro.conformance.values import start

        output.result("\n".join(start(trainer).lines).rstrip("\n"))
        return 0
    if form is Format.json:
        output.result(json.dumps(_described(trainer), indent=2, ensure_ascii=False))
        return 0
    output.result(f"{trainer.family}: {trainer.title}")
    missing = trainer.missing()
    facts = [
        ("offered by", f"{trainer.distribution} {trainer.version} ({trainer.module})"),
        ("tasks", ", ".join(trainer.tasks)),
        ("levels", ", ".join(trainer.levels())),
        ("library", f"not installed: {trainer.install_command()}" if missing else "installed"),
        ("computes with", ", ".join(trainer.distributions)),
        ("imports", ", ".join(trainer.modules)),
        ("kept out", ", ".join(trainer.shielded) or "nothing"),
        ("stops early by", trainer.early_stopping or "nothing"),
        ("predicts a row", "alone as among others" if trainer.rowwise else "as its table has it"),
        ("threads", _threads(trainer)),
        ("seeds", f"{', '.join(trainer.seeds) or 'none'} ({trainer.seed_bits} bits)"),
    ]
    output.result(output.columns(facts))
    for name, reason in trainer.inert_seeds.items():
        output.result(f"  {name} changes nothing: {reason}")
    for limit in trainer.limits:
        output.result(f"  {_limit(limit)}")
    output.result("\nhyperparameters")
    for name, schema in trainer.hyperparameters.items():
        also = f"; also {', '.join(schema['aliases'])}" if schema["aliases"] else ""
        output.result(f"  {name}: {_type(schema)}{also}")
        output.result(f"      {schema['description']}")
    output.result("\nrulebook")
    for rule in trainer.rulebook:
        output.result(f"  {rule.parameter} = {json.dumps(rule.value)} ({', '.join(rule.levels)})")
        output.result(f"      {rule.reason}")
        output.result(f"      evidence: {rule.evidence}")
    if not trainer.rulebook:
        output.result("  nothing is forced")
    for condition in trainer.conditions:
        output.result(f"\nwhere {_when(condition.when, condition.task)}: {condition.reason}")
        for name in condition.idle:
            output.result(f"  {name} has no effect")
        for name, possible in condition.requires.items():
            output.result(f"  {name} can only be {_values(possible)}")
    return 0


def _threads(trainer: Declaration) -> str:
    """Return in words how bits hang on threads."""
    threads = trainer.threads
    if threads.timing:
        return f"one where bits are promised: {threads.reason}"
    count = "may hang on their number" if threads.count else "hang neither on number nor timing"
    return f"bits {count}: {threads.reason}"


def _limit(limit: Limit) -> str:
    """Return in words what levels cannot promise."""
    when = _when(limit.when, limit.task)
    where = [*([f"where {when}"] if when else []), *(["above one thread"] if limit.several else [])]
    return " ".join(["not", " or ".join(limit.levels), *where]) + f": {limit.reason}"


def _type(schema: Mapping[str, Any]) -> str:
    """Return in words what values a schema allows."""
    if "enum" in schema:
        return _values(schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(branch) for branch in schema["anyOf"])
    kinds = schema.get("type", "any value")
    words = kinds if isinstance(kinds, str) else " or ".join(kinds)
    limits = [f"{said} {schema[word]}" for word, said in _LIMITS if word in schema]
    if isinstance(schema.get("items"), Mapping):
        words += f" of {_type(schema['items'])}"
    return ", ".join([words, *limits])


def _values(values: Any) -> str:
    """Return values as they are written, with an or."""
    return " or ".join(json.dumps(value) for value in values)


def _when(when: Mapping[str, Any], task: str | None) -> str:
    """Return in words when a condition holds."""
    parts = [f"{name} is {_values(values)}" for name, values in when.items()]
    return " and ".join([*parts, *([f"the task is {task}"] if task else [])])


def _described(trainer: Declaration) -> dict[str, Any]:
    """Return a declaration as JSON."""
    missing = trainer.missing()
    return {
        "schema": 1,
        "command": "trainers show",
        "family": trainer.family,
        "title": trainer.title,
        "distribution": trainer.distribution,
        "version": trainer.version,
        "module": trainer.module,
        "declaration": trainer.digest,
        "installed": not missing,
        "install": trainer.install_command() if missing else None,
        "tasks": list(trainer.tasks),
        "levels": list(trainer.levels()),
        "distributions": list(trainer.distributions),
        "modules": list(trainer.modules),
        "shielded": list(trainer.shielded),
        "early_stopping": trainer.early_stopping,
        "rowwise": trainer.rowwise,
        "threads": asdict(trainer.threads),
        "limits": [_limit(limit) for limit in trainer.limits],
        "seeds": [{"name": name, "inert": trainer.inert_seeds.get(name)} for name in trainer.seeds],
        "seed_bits": trainer.seed_bits,
        "hyperparameters": [
            {
                "name": name,
                "aliases": schema["aliases"],
                "description": schema["description"],
                "procedure": bool(schema.get("procedure")),
                "values": {
                    word: part
                    for word, part in schema.items()
                    if word not in ("aliases", "description", "procedure")
                },
            }
            for name, schema in trainer.hyperparameters.items()
        ],
        "rulebook": [_rule(rule) for rule in trainer.rulebook],
        "conditions": [
            {
                "when": {name: list(values) for name, values in condition.when.items()},
                "task": condition.task,
                "idle": list(condition.idle),
                "requires": {name: list(values) for name, values in condition.requires.items()},
                "reason": condition.reason,
                "evidence": condition.evidence,
            }
            for condition in trainer.conditions
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON."""
    return {
        "parameter": rule.parameter,
        "value": rule.value,
        "levels": list(rule.levels),
        "reason": rule.reason,
        "evidence": rule.evidence,
        "probe": rule.probe is not None,
    }
