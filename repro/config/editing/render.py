"""Values as YAML text that reads back as the very same values."""

from __future__ import annotations

import json
import re
from typing import Any

from repro.config.text.scalars import ScalarError, resolve

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+(-][A-Za-z0-9_./+()-]*)*\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_SINGLE = re.compile(r"[ -~\u00a1-\u2027]*\Z")
STEP = 2
"""Columns that a level is indented by."""


def identical(a: Any, b: Any) -> bool:
    """Return whether two values are one, types and the sign of zero too: 1 is not 1.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(identical(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(identical(x, y) for x, y in zip(a, b, strict=True))
    return repr(a) == repr(b)


def scalar(value: Any, style: str = "") -> str:
    """Return a scalar's text; ``style`` is the quote it had, which is kept where it can be."""
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and _SINGLE.match(value):
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _is_plain(value):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _is_plain(text: str) -> bool:
    if not _PLAIN.match(text):
        return False
    try:
        return resolve(text) == text
    except ScalarError:
        return False


def inline(value: Any, style: str = "") -> str:
    """Return a value on one line: a scalar, or a mapping or list in brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return scalar(value, style)


def entry(key: str, value: Any, column: int) -> list[str]:
    """Return the lines of a key and its value, indented by ``column``."""
    head = " " * column + scalar(key) + ":"
    if isinstance(value, dict) and value:
        below = column + STEP
        return [head, *(line for k, v in value.items() for line in entry(k, v, below))]
    if isinstance(value, list) and any(isinstance(item, dict | list) and item for item in value):
        return [head, *(line for item in value for line in list_item(item, column + STEP))]
    return [f"{head} {inline(value)}"]


def list_item(value: Any, column: int) -> list[str]:
    """Return the lines of one item of a list, indented by ``column``."""
    if not isinstance(value, dict) or not value:
        return [" " * column + "- " + inline(value)]
    lines = [line for k, v in value.items() for line in entry(k, v, column + STEP)]
    return [" " * column + "- " + lines[0][column + STEP :], *lines[1:]]


def with_value(root: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of ``root`` with ``value`` at ``path``, which may be a new key at its end."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(root, list) and isinstance(step, int):
        return [with_value(v, rest, value) if n == step else v for n, v in enumerate(root)]
    below = root.get(step, {}) if isinstance(root, dict) else {}
    changed = with_value(below, rest, value)
    return {**(root if isinstance(root, dict) else {}), step: changed}


def without(root: Any, path: tuple[str | int, ...]) -> Any:
    """Return a copy of ``root`` without what is at ``path``."""
    step, rest = path[0], path[1:]
    if isinstance(root, list):
        if not rest:
            return [v for n, v in enumerate(root) if n != step]
        return [without(v, rest) if n == step else v for n, v in enumerate(root)]
    if not rest:
        return {k: v for k, v in root.items() if k != step}
    return {k: without(v, rest) if k == step else v for k, v in root.items()}


def with_name(root: Any, path: tuple[str | int, ...], name: str) -> Any:
    """Return a copy of ``root`` with the key at ``path`` called ``name``, in its place."""
    step, rest = path[0], path[1:]
    if isinstance(root, list):
        return [with_name(v, rest, name) if n == step else v for n, v in enumerate(root)]
    if not rest:
        return {name if k == step else k: v for k, v in root.items()}
    return {k: with_name(v, rest, name) if k == step else v for k, v in root.items()}


def value_at(root: Any, path: tuple[str | int, ...]) -> Any:
    """Return the value at ``path``; KeyError or IndexError if there is none."""
    for step in path:
        if not isinstance(root, dict | list) or isinstance(root, list) != isinstance(step, int):
            raise KeyError(step)
        root = root[step]  # type: ignore[index]  # the line above
    return root
