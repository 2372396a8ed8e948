"""Whole numbers as whole numbers: JSON Schema's ``integer`` takes 20.0, and no library does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repro.config.documents import catalog
from repro.config.documents.catalog import DOCUMENTS, MODELS, Trainer
from repro.config.resolution.layers import Path


def as_declared(path: Path, value: Any, families: Mapping[str, Trainer]) -> Any:
    """Return the leaf at a full path with 20.0 as 20 wherever its schema asks for an integer.

    ``path`` has the canonical names of hyperparameters. What is no whole number comes back as it
    is: the schema refuses it.
    """
    return _whole(value, _schema(path, families)) if _has_whole(value) else value


def _has_whole(value: Any) -> bool:
    """Return whether a whole number is written as 20.0 anywhere in ``value``; hardly ever."""
    if isinstance(value, list):
        return any(map(_has_whole, value))
    if isinstance(value, Mapping):
        return any(map(_has_whole, value.values()))
    return isinstance(value, float) and value.is_integer()


def _whole(value: Any, schema: Any) -> Any:
    """Return ``value`` with the whole numbers that ``schema`` wants."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and _wants_integer(schema) else value
    if isinstance(value, list):
        items = schema.get("items", {}) if isinstance(schema, Mapping) else {}
        return [_whole(item, items) for item in value]
    if isinstance(value, Mapping):
        inside = dict(_properties(schema))
        return {key: _whole(part, inside.get(key, schema)) for key, part in value.items()}
    return value


def _wants_integer(schema: Any) -> bool:
    """Return whether an integer is wanted where no other number is."""
    if not isinstance(schema, Mapping):
        return False
    types = schema.get("type", ())
    types = (types,) if isinstance(types, str) else types
    choices = [part for word in ("anyOf", "oneOf") for part in schema.get(word, ())]
    if choices:
        return any(map(_wants_integer, choices)) and not any(map(_takes_number, choices))
    return "integer" in types and "number" not in types


def _takes_number(schema: Any) -> bool:
    types = schema.get("type", ())
    return "number" in ((types,) if isinstance(types, str) else types)


def _properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys that a formula's alternatives declare, whichever of them is meant."""
    if isinstance(schema, list):
        for part in schema:
            yield from _properties(part)
    elif isinstance(schema, Mapping):
        for word, below in schema.items():
            if word == "properties":
                yield from ((key, part) for key, part in below.items() if part is not True)
            if word not in ("enum", "const", "required"):
                yield from _properties(below)


def _schema(path: Path, families: Mapping[str, Trainer]) -> Any:
    """Return the schema of the leaf at ``path``; an empty one if nothing is known of it."""
    if path[0] == MODELS or "training_profiles" in path:
        for trainer in [families[name] for name in path if name in families] or families.values():
            name = trainer.aliases().get(path[-1])
            if name is not None:
                return trainer.hyperparameters[name]
        return {}
    document = path[0] if path[0] in DOCUMENTS else ".".join(path[:2])
    if document not in DOCUMENTS:
        return {}
    node: Any = catalog.config_schema(DOCUMENTS[document])
    defs = node.get("$defs", {})
    for key in path[document.count(".") + 1 :]:
        below = node.get("properties", {}).get(key, node.get("additionalProperties", {}))
        node = below if isinstance(below, Mapping) else {}
    reference = str(node.get("$ref", ""))
    return {"properties": dict(_properties(defs))} if reference.startswith("#/$defs/") else node
