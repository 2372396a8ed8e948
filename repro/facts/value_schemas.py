"""The JSON Schemas that a declaration has for values of hyperparameters: which words they may use.

A word that JSON Schema does not know is not refused by it but passed over, so that a slip
(``minimun``) would let any value through. The words are a closed list here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
OURS = frozenset({"aliases", "procedure"})
"""What a declaration says of a hyperparameter beside its schema."""
_SAID = frozenset({"$comment", "default", "deprecated", "description", "examples", "title"})
_VALUES = frozenset({"const", "enum", "format", "required", "dependentRequired", "uniqueItems"})
_NUMBERS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("minContains", "maxContains"),
    }
)
_ONE = frozenset(
    {"items", "contains", "not", "if", "then", "else", "additionalProperties", "propertyNames"}
)
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
WORDS = frozenset({"type", "pattern"}) | _SAID | _VALUES | _NUMBERS | _ONE | _SEVERAL | _NAMED
"""Every word of a hyperparameter's schema but ours; no ``$ref``, which has nothing to refer to."""

Path = tuple[str, ...]


class UnsoundError(ValueError):
    """A schema is none, or says what no schema says; ``path`` ends with the key at fault."""

    def __init__(self, path: Path, message: str) -> None:
        """Keep where it is."""
        super().__init__(f"{'.'.join(path)}: {message}")
        self.path = path


def require_sound(schema: Any, path: Path) -> None:
    """Raise UnsoundError unless ``schema`` can be what a declaration has for a hyperparameter."""
    if not isinstance(schema, Mapping):
        raise UnsoundError(path, f"found {schema!r}, expected a mapping")
    aliases = schema.get("aliases")
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise UnsoundError(path, f"aliases: missing, or no list of names{_near('aliases', schema)}")
    _require({word: part for word, part in schema.items() if word not in OURS}, path)


def _near(word: str, others: Any) -> str:
    near = get_close_matches(word, [other for other in others if other != word], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _require(schema: Any, path: Path) -> None:
    """Raise UnsoundError unless this is a schema, to its depths."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise UnsoundError(path, f"found {schema!r}, expected a schema")
    for word, part in schema.items():
        at = (*path, word)
        if word not in WORDS:
            raise UnsoundError(
                at, f"no word of JSON Schema that may stand here{_near(word, WORDS)}"
            )
        if word in _ONE:
            _require(part, at)
        elif word in _SEVERAL or word in _NAMED:
            _require_parts(part, at, list if word in _SEVERAL else dict)
        elif word == "type":
            _require_types(part, at)
        elif word in _NUMBERS and (isinstance(part, bool) or not isinstance(part, int | float)):
            raise UnsoundError(at, f"found {part!r}, expected a number")
        elif word == "enum" and not isinstance(part, list):
            raise UnsoundError(at, f"found {part!r}, expected a list of values")
        elif word == "pattern":
            _require_pattern(part, at)


def _require_parts(parts: Any, at: Path, kind: type[list[Any]] | type[dict[str, Any]]) -> None:
    if not isinstance(parts, kind) or not parts:
        raise UnsoundError(at, f"found {parts!r}, expected schemas")
    named = parts.items() if isinstance(parts, dict) else enumerate(parts)
    for name, part in named:
        _require(part, (*at, str(name)))


def _require_types(types: Any, at: Path) -> None:
    for name in types if isinstance(types, list) and types else [types]:
        if not isinstance(name, str) or name not in TYPES:
            near = _near(name, TYPES) if isinstance(name, str) else ""
            raise UnsoundError(
                at, f"{name!r} is no type: they are {', '.join(sorted(TYPES))}{near}"
            )


def _require_pattern(pattern: Any, at: Path) -> None:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise UnsoundError(at, f"{pattern!r} is no regular expression: {error}") from error
