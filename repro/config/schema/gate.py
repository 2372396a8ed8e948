"""The quick way of validation: a yes that is sure, found without the library that explains a no.

Nearly every document is valid, and most of what ``jsonschema`` costs is importing it. So the
keywords that our schemas use are read here too, exactly as that library reads them. Whatever is
not plainly a yes (a keyword left to the library, a schema that is itself broken) is no answer, and
the library decides: it can never be overruled, only be spared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Rule: TypeAlias = Callable[[Any, Any, Any, Any], bool]
"""Value, limit, the schema that the limit stands in, and the whole schema."""

LEFT = frozenset(
    {
        "$dynamicRef",
        "$id",  # below the root it would move what a $ref begins at
        "contains",
        "dependentSchemas",
        "multipleOf",
        "patternProperties",
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords that the library alone reads. All others are in ``RULES``, or say nothing of a value."""

_DEFINED = "#/$defs/"


class _LeftError(Exception):
    """The quick way ends here."""


def surely_fits(value: object, schema: Mapping[str, object]) -> bool:
    """Return whether ``value`` is known to be valid; False says nothing."""
    root = {word: limit for word, limit in schema.items() if word != "$id"}
    try:
        return _fits(value, root, root)
    except (_LeftError, ArithmeticError, AttributeError, LookupError, RecursionError, re.error):
        return False
    except (TypeError, ValueError):  # a limit that is of no use as one
        return False


def _fits(value: Any, schema: Any, root: Any) -> bool:
    if isinstance(schema, bool):
        return schema
    known = _READ.get(id(schema))
    if known is None:
        known = _read(schema)
    for rule, limit in known[1]:  # noqa: SIM110  a generator costs as much as the rule
        if not rule(value, limit, schema, root):
            return False
    return True


_READ: dict[int, tuple[Any, tuple[tuple[Rule, Any], ...]]] = {}
"""Schemas by their id (they are held, so it stays theirs), with the rules that are in them."""
_READ_MOST = 20_000


def _read(schema: Any) -> tuple[Any, tuple[tuple[Rule, Any], ...]]:
    """Return the rules of a schema in its order; what is said for people is left out."""
    found = tuple(
        (RULES.get(word, _left), limit)
        for word, limit in schema.items()
        if word in RULES or word in LEFT
    )
    if len(_READ) >= _READ_MOST:
        _READ.clear()
    _READ[id(schema)] = schema, found
    return schema, found


def _left(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    """End the quick way at a keyword that the library alone reads."""
    raise _LeftError


def _type(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    if isinstance(limit, str):
        return _TYPES[limit](value)
    return any(_TYPES[kind](value) for kind in limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def equal(left: Any, right: Any) -> bool:
    """Return whether the two are one JSON value: ``1`` is ``1.0``, but not ``true``."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _properties(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    if isinstance(value, dict):
        for key, item in value.items():
            below = limit.get(key)
            if below is not None and not _fits(item, below, root):
                return False
    return True


def _additional(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    known = schema.get("properties", {})
    return all(_fits(item, limit, root) for key, item in value.items() if key not in known)


def _unique(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    if not limit or not isinstance(value, list):
        return True
    if all(isinstance(item, str) for item in value) or all(map(_is_number, value)):
        return len(set(value)) == len(value)
    raise _LeftError


def _ref(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    name = limit.removeprefix(_DEFINED)
    if name == limit or not re.fullmatch(r"\w+", name):
        raise _LeftError
    return _fits(value, root["$defs"][name], root)


def _if(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    return _fits(value, schema.get("then" if _fits(value, limit, root) else "else", True), root)


def _companions(value: Any, limit: Any, schema: Any, root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(other in value for key, wanted in limit.items() if key in value for other in wanted)


RULES: dict[str, Rule] = {
    "$ref": _ref,
    "additionalProperties": _additional,
    "allOf": lambda v, limit, _, root: all(_fits(v, part, root) for part in limit),
    "anyOf": lambda v, limit, _, root: any(_fits(v, part, root) for part in limit),
    "const": lambda v, limit, *_: equal(limit, v),
    "dependentRequired": _companions,
    "enum": lambda v, limit, *_: any(equal(item, v) for item in limit),
    "exclusiveMaximum": lambda v, limit, *_: not (_is_number(v) and v >= limit),
    "exclusiveMinimum": lambda v, limit, *_: not (_is_number(v) and v <= limit),
    "format": lambda *_: True,  # an annotation, to the library as well
    "if": _if,
    "items": lambda v, limit, _, root: (
        not isinstance(v, list) or all(_fits(item, limit, root) for item in v)
    ),
    "maxItems": lambda v, limit, *_: not isinstance(v, list) or len(v) <= limit,
    "maxLength": lambda v, limit, *_: not isinstance(v, str) or len(v) <= limit,
    "maxProperties": lambda v, limit, *_: not isinstance(v, dict) or len(v) <= limit,
    "maximum": lambda v, limit, *_: not (_is_number(v) and v > limit),
    "minItems": lambda v, limit, *_: not isinstance(v, list) or len(v) >= limit,
    "minLength": lambda v, limit, *_: not isinstance(v, str) or len(v) >= limit,
    "minProperties": lambda v, limit, *_: not isinstance(v, dict) or len(v) >= limit,
    "minimum": lambda v, limit, *_: not (_is_number(v) and v < limit),
    "not": lambda v, limit, _, root: not _fits(v, limit, root),
    "oneOf": lambda v, limit, _, root: sum([_fits(v, part, root) for part in limit]) == 1,
    "pattern": lambda v, limit, *_: not isinstance(v, str) or bool(re.search(limit, v)),
    "properties": _properties,
    "propertyNames": lambda v, limit, _, root: (
        not isinstance(v, dict) or all(_fits(key, limit, root) for key in v)
    ),
    "required": lambda v, limit, *_: not isinstance(v, dict) or all(key in v for key in limit),
    "type": _type,
    "uniqueItems": _unique,
}
