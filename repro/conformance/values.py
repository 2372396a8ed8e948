"""The hyperparameters that a trainer is tried with: those of its model document, and others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from repro.config.documents.catalog import NOT_SCHEMA
from repro.config.schema.validator import problems
from repro.config.text.document import Document, parse
from repro.errors import InputError
from repro.facts.trainers import Declaration

MODELS = "model_config"
TIMES = (2, 5, 10)
"""What a number is multiplied and divided by to have another one."""
MOST = 8
"""Other values, at most, that are tried of one hyperparameter."""


def document(declaration: Declaration) -> Document:
    """Return the model document of a family: the one beside its declaration, or that of ``init``.

    Raises InputError if there is none.
    """
    return _document(declaration, "defaults", MODELS)


def start(declaration: Declaration) -> Document:
    """Return the document that a workspace starts with, as it is put into ``CONFIG/model_config``.

    Of a family of ours it leaves to the defaults beneath it what they say. Raises InputError if
    there is none.
    """
    return _document(declaration, MODELS)


def _document(declaration: Declaration, *folders: str) -> Document:
    """Return the document beside a declaration, or that of ``init`` in these folders."""
    beside = declaration.document
    if beside is not None:
        return parse(beside.read_bytes(), beside.name)
    name = f"{declaration.family}.yaml"
    shipped = files("repro.template.CONFIG").joinpath(*folders, name)
    if not shipped.is_file():
        raise InputError(
            f"the trainer {declaration.family} brings no model document",
            f"put one beside its declaration: {declaration.file.with_suffix('.yaml').name}",
        )
    return parse(shipped.read_bytes(), name)


def given(declaration: Declaration) -> dict[str, Any]:
    """Return the hyperparameters of the model document, under canonical names.

    Names that are not declared are left out. Raises InputError if it has none, or is not there.
    """
    found = document(declaration).value
    written = found.get("hyperparameters") if isinstance(found, Mapping) else None
    if not isinstance(written, Mapping):
        raise InputError(f"the model document of {declaration.family} has no hyperparameters")
    names = declaration.aliases()
    return {names[name]: value for name, value in written.items() if name in names}


def base(declaration: Declaration) -> dict[str, Any]:
    """Return the values that trials start from: the document's, with ``trial.values`` over them.

    Raises InputError as ``given`` does.
    """
    return {**given(declaration), **declaration.trial.values}


def others(
    declaration: Declaration, values: Mapping[str, Any], name: str, task: str
) -> Iterator[Any]:
    """Yield other values of a hyperparameter that its declaration allows beside the ``values``.

    First the one that the declaration names for trials, then some made from its schema.
    """
    told = declaration.trial.others
    made = [told[name]] if name in told else []
    schema = declaration.hyperparameters[name]
    made += [value for value in _made(schema, values[name]) if value not in made]
    count = 0
    for value in made:
        if count == MOST or _same(value, values[name]) or not fits(declaration, name, value):
            continue
        if not declaration.contradictions({**values, name: value}, task):
            count += 1
            yield value


def fits(declaration: Declaration, name: str, value: Any) -> bool:
    """Return whether a value fits the schema of a hyperparameter."""
    schema = declaration.hyperparameters[name]
    own = {key: part for key, part in schema.items() if key not in NOT_SCHEMA}
    holding = parse(json.dumps({name: value}), "a value")
    return not problems(holding, {"type": "object", "properties": {name: own}})


def _same(a: Any, b: Any) -> bool:
    """Return whether two values are one; true is not 1."""
    return bool(a == b) and isinstance(a, bool) is isinstance(b, bool)


def _made(schema: Mapping[str, Any], value: Any) -> list[Any]:
    """Return values that might fit a schema and are not ``value``, likely ones first."""
    found: list[Any] = list(schema.get("enum", ()))
    for branch in schema.get("anyOf", ()):
        found += _made(branch, value)
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "boolean" in kinds:
        found += [value is not True]
    if "integer" in kinds:
        found += _numbers(schema, value, whole=True)
    if "number" in kinds:
        found += _numbers(schema, value, whole=False)
    if "array" in kinds and isinstance(value, list):
        found += [[other] for item in value[:1] for other in _made(schema.get("items", {}), item)]
    return [*found, None] if "null" in kinds else found


def _numbers(schema: Mapping[str, Any], value: Any, *, whole: bool) -> list[Any]:
    """Return numbers near a number, and at the limits of a schema that are near."""
    counts = isinstance(value, int | float) and not isinstance(value, bool) and value
    start = value if counts else 1
    near: list[Any] = []
    for times in TIMES:
        near += [start // times, start * times] if whole else [start / times, start * times]
    limits = [schema[word] for word in ("minimum", "maximum") if word in schema]
    limits = [limit for limit in limits if abs(limit) <= max(TIMES) * abs(start)]
    found = [start, *near, start + 1, *limits]
    return [int(number) for number in found] if whole else [float(number) for number in found]
