"""What a YAML scalar means: the core schema of YAML 1.2, and nothing of YAML 1.1.

``no`` is text, ``1e-3`` is a number, ``012`` is twelve (YAML 1.2.2 §10.3.2). A number that
cannot be kept as written (NaN, infinity, ``1e400``) is refused, never replaced by another.
"""

from __future__ import annotations

import math
import re

Scalar = None | bool | int | float | str

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
TELLING = frozenset("+-.0123456789~nNtTfF")
"""First characters of all plain scalars that are not text."""

_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_DIGITS_MAX = 4300
"""Python refuses to read longer integers, and nobody means one."""

TAG_PREFIX = "tag:yaml.org,2002:"


class ScalarError(ValueError):
    """The text is a scalar that cannot be kept as it is written."""


def resolve(text: str) -> Scalar:
    """Return what the plain scalar ``text`` means; raise ScalarError if it cannot be kept."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in TELLING or first.isalpha():
        return text
    if (text.isdecimal() and text.isascii()) or _DECIMAL.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return _integer(text)
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a finite number; NaN and infinity are refused")
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """Return ``text`` as the scalar type that ``tag`` (``str``, ``int``, …) names."""
    if tag == "str":
        return text
    value = resolve(text)
    if tag == "null" and value is None:
        return None
    if tag == "bool" and isinstance(value, bool):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScalarError(f"{shown(text)} does not fit its tag, !!{tag}")
    if tag == "float":
        return _finite(text) if _FLOAT.fullmatch(text) else float(value)
    if tag == "int" and isinstance(value, int):
        return value
    raise ScalarError(f"{shown(text)} does not fit its tag, !!{tag}")


def shown(text: str) -> str:
    """Return ``text`` in double quotes, shortened, as a message can show it."""
    short = text if len(text) <= 40 else text[:39] + "…"
    return '"' + short.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _integer(text: str) -> int:
    if len(text) > _DIGITS_MAX:
        raise ScalarError(f"a number of {len(text)} digits is too long to be meant")
    if text[1:2] == "o":
        return int(text[2:], 8)
    if text[1:2] == "x":
        return int(text[2:], 16)
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ScalarError(f"{text} is too large for a number")
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise ScalarError(f"{text} is too small for a number: it would become 0")
    return value
