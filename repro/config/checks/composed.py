"""The configuration after its layers, against its schemas: problems where the user can fix them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from repro.config.documents import catalog
from repro.config.documents.catalog import DEFAULTS, DOCUMENTS, MODELS, Trainer
from repro.config.documents.tree import missing_hint, without_defaults
from repro.config.documents.workspace import MARKER
from repro.config.resolution.layers import Path, Value, nest
from repro.config.resolution.resolve import Resolved
from repro.config.resolution.settings import split
from repro.config.schema.gate import surely_fits
from repro.config.schema.validator import problems
from repro.config.text.document import JSON, Document
from repro.errors import Place, Problem


def composed_problems(resolved: Resolved, families: Mapping[str, Trainer]) -> tuple[Problem, ...]:
    """Return what the schemas say of the composed documents that a layer changed."""
    found: list[Problem] = []
    for name, values in _changed(resolved).items():
        family = name.removeprefix(f"{MODELS}.")
        kind = f"model:{family}" if family != name else DOCUMENTS[name]
        schema = catalog.schema_of(kind, families)
        value = nest({path: value.value for path, value in values.items()})
        if surely_fits(value, schema):  # most do, and need no places
            continue
        for problem in problems(_document(name, value, values), schema):
            missing = problem.rule == "required"
            hint = _hint(resolved, missing_hint(name)) if missing else problem.hint
            found.append(replace(problem, source=source(resolved, problem.place), hint=hint))
    return tuple(found)


def missing_hyperparameters(
    resolved: Resolved, families: Mapping[str, Trainer]
) -> tuple[Problem, ...]:
    """Return a problem for each family one of whose declared hyperparameters has no value."""
    found = []
    given: dict[str, set[str]] = {}
    for path in resolved.flat:
        if path[0] == MODELS:
            said = given.setdefault(path[1], set())
            if path[2:3] == ("hyperparameters",):
                said.update(path[3:4])
    for family in sorted(given.keys() & set(families)):
        declared = families[family].hyperparameters
        missing = [name for name in declared if name not in given[family]]
        if missing:
            message = f"missing: {', '.join(missing)}"
            hint = (
                "a library's own default that nobody wrote down would decide; write the value "
                f"here, or in CONFIG/{DEFAULTS}/{MODELS}/{family}.yaml"
            )
            hint = _hint(resolved, hint)
            place = Place(f"CONFIG/{MODELS}/{family}.yaml", 1, 1, 1)
            found.append(Problem(place, "hyperparameters", message, "required", hint))
    return tuple(found)


def _hint(resolved: Resolved, hint: str) -> str:
    """Return ``hint`` of a missing value, and whether all that lies beneath is missing."""
    if any(file.startswith(f"{MARKER}/{DEFAULTS}/") for file in resolved.sources):
        return hint
    older = any(problem.path == problem.place.file for problem in resolved.warnings)
    return f"{hint}; {without_defaults(older)}"


def source(resolved: Resolved, place: Place) -> str | None:
    """Return the line that ``place`` points into, or None if its file was not read."""
    lines = resolved.sources.get(place.file)
    return lines[place.line - 1] if lines and 0 < place.line <= len(lines) else None


def _changed(resolved: Resolved) -> dict[str, dict[Path, Value]]:
    """Return the leaves of each document that something but the document itself has set."""
    documents: dict[str, dict[Path, Value]] = {}
    touched: set[str] = set()
    for path, value in resolved.flat.items():
        name, inner = split(path)
        documents.setdefault(name, {})[inner] = value
        if any(setting.layer != "document" for setting in value.history):
            touched.add(name)
    return {name: documents[name] for name in sorted(touched)}


def _document(name: str, nested: JSON, values: Mapping[Path, Value]) -> Document:
    """Return the leaves and what they make as a document with the places of their layers."""
    places: dict[tuple[str | int, ...], Place] = {}
    keys: dict[tuple[str | int, ...], Place] = {}
    # What is missing is said of the workspace's own document, where it could be written.
    own = sorted(values.items(), key=lambda leaf: leaf[1].setting.layer == "defaults")
    for path, value in own:
        for n in range(len(path)):
            places.setdefault(path[:n], value.setting.place)
            keys.setdefault(path[:n], value.setting.key)
        places[path] = value.setting.place
        keys[path] = value.setting.key
        _inside(value.value, path, value, places, keys)
    shown = f"CONFIG/{name.replace('.', '/')}.yaml"
    return Document(shown, nested, places, keys, ())


def _inside(
    value: Any,
    path: tuple[str | int, ...],
    leaf: Value,
    places: dict[tuple[str | int, ...], Place],
    keys: dict[tuple[str | int, ...], Place],
) -> None:
    """Give everything inside a leaf that is a list or a formula the leaf's own place."""
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, child in items:
        known = leaf.setting.items if isinstance(value, list) and value is leaf.value else ()
        places[(*path, key)] = known[key] if known else leaf.setting.place
        keys[(*path, key)] = leaf.setting.key
        _inside(child, (*path, key), leaf, places, keys)
