"""What a schema says of one value: its type and bounds as a sentence, its meaning, why no identity.

Only references inside the same schema are followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repro.config.documents.catalog import DOCUMENTS, MODELS, Trainer, schema_of
from repro.config.resolution.layers import Path
from repro.config.resolution.settings import split

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The schema's word on one value."""

    description: str | None
    """What it means; of an item of a mapping, what the mapping's items mean."""
    type: str
    """Type, bounds and choices, as people read them."""
    choices: tuple[Any, ...]
    """All values that are allowed, if they are listed."""
    reason: str | None
    """Why the value belongs to no identity component, if its schema says so."""
    schema: Schema
    """The schema of the value alone."""


def meaning(path: Path, families: Mapping[str, Trainer]) -> Meaning | None:
    """Return what the schema says of the value at a full path, or None if it says nothing."""
    document, inner = split(path)
    return meaning_in(schema_of(kind_of(document), families), inner)


def meaning_in(schema: Schema, inner: Path) -> Meaning | None:
    """Return what a document's schema says of the value at ``inner``, or None."""
    node: Schema = schema
    reason, description = _reason(node, None), node.get("description")
    for key in inner:
        child = _child(_followed(node, schema), key)
        if child is None:
            return None
        node, reason = child, _reason(child, reason)
        said = _followed(node, schema).get("description", description)
        description = node.get("description", said)
    whole = _followed(node, schema)
    return Meaning(
        description,
        described(whole, schema),
        tuple(_choices(whole, schema)),
        reason,
        node,
    )


def kind_of(document: str) -> str:
    """Return the kind of the document of this name, such as ``model:lightgbm``."""
    family = document.removeprefix(f"{MODELS}.")
    return f"model:{family}" if family != document else DOCUMENTS[document]


def described(node: Schema, schema: Schema) -> str:
    """Return type, bounds and choices as one phrase, such as ``integer, 1 to 1000``."""
    node = _followed(node, schema)
    if "const" in node:
        return f"only {_shown(node['const'])}"
    if "enum" in node:
        return "one of " + ", ".join(_shown(value) for value in node["enum"])
    for word in ("anyOf", "oneOf"):
        if word in node:
            return " or ".join(dict.fromkeys(described(part, schema) for part in node[word]))
    named = node.get("type", "any value")
    names = [named] if isinstance(named, str) else list(named)
    text = " or ".join({"array": "list", "object": "mapping"}.get(name, name) for name in names)
    if "array" in names and isinstance(node.get("items"), Mapping):
        text += f" of {described(node['items'], schema)}"
    return ", ".join([text, *_bounds(node)])


def _bounds(node: Schema) -> Iterator[str]:
    """Yield what limits a value."""
    low, high = node.get("minimum"), node.get("maximum")
    above, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"at least {low}"
    elif high is not None and above is None:
        yield f"at most {high}"
    if above is not None:
        yield f"above {above}"
        if high is not None and low is None:
            yield f"at most {high}"
    if under is not None:
        yield f"below {under}"
    for word, said in (
        ("minItems", "at least {} items"),
        ("maxItems", "at most {} items"),
        ("minLength", "at least {} characters"),
        ("maxLength", "at most {} characters"),
        ("x-spelling" if "x-spelling" in node else "pattern", _pattern_words(node)),
        ("multipleOf", "a multiple of {}"),
    ):
        if word in node:
            text = said.format(node[word])
            yield text.replace("1 items", "1 item").replace("1 characters", "1 character")
    if node.get("uniqueItems"):
        yield "each once"


def _pattern_words(node: Schema) -> str:
    """Return how a pattern is told: in the schema's words, if it has some."""
    return "{}" if "x-spelling" in node else "matching {}"


def _choices(node: Schema, schema: Schema) -> Iterator[Any]:
    """Yield the values that are allowed, if all of them are known."""
    node = _followed(node, schema)
    if "enum" in node:
        yield from node["enum"]
    elif "const" in node:
        yield node["const"]
    elif node.get("type") == "boolean":
        yield from (True, False)


def _child(node: Schema, key: str) -> Schema | None:
    """Return the schema of ``key`` inside ``node``, or None."""
    known = node.get("properties", {}).get(key)
    if isinstance(known, Mapping):
        return known
    below = node.get("additionalProperties")
    if isinstance(below, Mapping):
        return below
    for part in [*node.get("anyOf", ()), *node.get("oneOf", ())]:
        found = _child(part, key)
        if found is not None:
            return found
    return None


def _followed(node: Schema, schema: Schema) -> Schema:
    """Return what a local reference leads to, or the node itself."""
    seen = set()
    while str(node.get("$ref", "")).startswith("#/$defs/") and node["$ref"] not in seen:
        seen.add(node["$ref"])
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def _reason(node: Schema, above: str | None) -> str | None:
    """Return why a node has no identity; a component of its own ends what stood above."""
    if "x-identity" in node:
        above = None
    reason = node.get("x-identity-reason", above)
    return str(reason) if reason is not None else None


def _shown(value: Any) -> str:
    """Return a value as YAML writes it in a line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
