"""How findings are worded: values as they are written, kinds by name, lists cut short."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from repro.config.spelling.names import oddity
from repro.config.text.scalars import ScalarError, resolve

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_BARE = re.compile(r"[A-Za-z_][\w.+-]*")
_GROUPED = re.compile(r"[-+]?(?:\d+(?:_\d+)+|[1-9]\d{0,2}([ ,])\d{3}(?:\1\d{3})*)(?:\.\d+)?")
_COMMA = re.compile(r"[-+]?\d+,\d+")
"""A number as half of Europe writes it; three digits behind the comma are a group."""
_YES_NO = {
    **dict.fromkeys(("yes", "y", "on", "true"), "true"),
    **dict.fromkeys(("no", "n", "off", "false"), "false"),
}
_LONGEST = 60
_MOST = 8


def shown(value: object) -> str:
    """Return ``value`` as a message shows it: text in quotes, containers by their kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str) and len(value) > _LONGEST:
        value = value[: _LONGEST - 1] + "…"
    return json.dumps(value, ensure_ascii=False)


def expected(types: Iterable[str], values: Iterable[object] = ()) -> str:
    """Return the kinds and values that would do, as in ``a number, null or "auto"``."""
    kinds = list(dict.fromkeys(types))
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    return listing([*(_KINDS.get(kind, kind) for kind in kinds), *map(_plain, values)], " or ")


def listing(words: Sequence[str], last: str = ", ") -> str:
    """Return ``words`` in a row; of many only the first, and how many more there are."""
    if len(words) > _MOST:
        return f"{', '.join(words[: _MOST - 1])}, … ({len(words) - _MOST + 1} more)"
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + last + words[-1]


def values(among: Iterable[object]) -> str:
    """Return the allowed values in a row, text without quotes where that is plain."""
    return listing([_plain(value) for value in among])


def count(number: int, noun: str) -> str:
    """Return ``number`` with its noun, which takes an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def broken(rule: str, value: Any, limit: Any) -> str:
    """Return how ``value`` breaks ``rule``, a keyword of JSON Schema, whose limit is ``limit``."""
    say = _BROKEN.get(rule)
    return say(value, limit) if say else f"{shown(value)} is not allowed here"


SPELLING = "x-spelling"
"""What a schema says in words of its ``pattern``, which is for programs."""


def misspelled(value: Any, spelling: str) -> str:
    """Return that ``value`` is not spelled as a schema says in words."""
    return f"{shown(value)} is not {spelling}{oddity(value, None)}"


_BROKEN: dict[str, Callable[[Any, Any], str]] = {
    "maximum": lambda v, n: f"{shown(v)} is above the maximum, {n}",
    "minimum": lambda v, n: f"{shown(v)} is below the minimum, {n}",
    "exclusiveMaximum": lambda v, n: f"{shown(v)} is not below {n}",
    "exclusiveMinimum": lambda v, n: f"{shown(v)} is not above {n}",
    "multipleOf": lambda v, n: f"{shown(v)} is not a multiple of {n}",
    "maxLength": lambda v, n: f"{shown(v)} is longer than {count(n, 'character')}",
    "minLength": lambda v, n: f"{shown(v)} is shorter than {count(n, 'character')}",
    "pattern": lambda v, n: f"{shown(v)} does not match {n}{oddity(v, None)}",
    "maxItems": lambda v, n: f"found {count(len(v), 'item')}, expected at most {n}",
    "minItems": lambda v, n: f"found {count(len(v), 'item')}, expected at least {n}",
    "maxProperties": lambda v, n: f"found {count(len(v), 'key')}, expected at most {n}",
    "minProperties": lambda v, n: f"found {count(len(v), 'key')}, expected at least {n}",
    "contains": lambda v, n: "no item is of the kind that the list must contain",
    "items": lambda v, n: "the list has more items than are allowed",
}


def requoted(value: object, types: Iterable[str], source: str) -> str | None:
    """Return how to write ``value`` so that it is one of ``types``, if only its spelling is wrong.

    ``source`` is the text of the value in its file, empty if not known.
    """
    kinds = set(types)
    if isinstance(value, str):
        meant = _meant(value, kinds)
        if meant is None:
            return None
        quoted = meant == value and source[:1] in ("'", '"')
        return f"{shown(value)} is text; write {meant}{' without quotes' if quoted else ''}"
    if "string" in kinds and isinstance(value, bool | int | float):
        text = source if source and _scalar(source) == value else json.dumps(value)
        kind = "a boolean" if isinstance(value, bool) else "a number"
        return f'{text} is {kind}; write "{text}" in quotes'
    return None


def _meant(text: str, kinds: set[str]) -> str | None:
    """Return the scalar of one of ``kinds`` that somebody meant by ``text``."""
    candidates = [text.strip(), text.strip().casefold()]
    if _GROUPED.fullmatch(text.strip()):
        candidates.append(re.sub("[_ ,]", "", text.strip()))
    elif _COMMA.fullmatch(text.strip()):
        candidates.append(text.strip().replace(",", "."))
    if "boolean" in kinds:
        candidates.append(_YES_NO.get(text.strip().casefold(), ""))
    if "null" in kinds and text.strip().casefold() == "none":
        candidates.append("null")
    return next((c for c in candidates if c and _is(_scalar(c), kinds)), None)


def _scalar(text: str) -> object:
    try:
        return resolve(text)
    except ScalarError:
        return text


def _is(value: object, kinds: set[str]) -> bool:
    if value is None:
        return "null" in kinds
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return bool({"integer", "number"} & kinds)
    return isinstance(value, float) and "number" in kinds


def _plain(value: object) -> str:
    bare = isinstance(value, str) and _BARE.fullmatch(value) and _scalar(value) == value
    return str(value) if bare else shown(value)
