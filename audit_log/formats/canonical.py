"""JSON values and their one canonical spelling (RFC 8785, JCS), both ways.

Stricter than the RFC in one point: a number with an integral value beyond ±(2^53-1) is refused,
whether it is an integer or a float; such numbers travel as strings.

Most values take a short way: one pass proves that the standard encoder would write exactly the
canonical bytes. Whatever the proof does not cover goes the exact way, which is also the one that
knows the path of an offending value.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

from repro.audit_log.errors import CanonicalError

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 128
"""How deep values may nest; both directions refuse more."""

_SHORT: Final = json.JSONEncoder(
    ensure_ascii=False,
    check_circular=False,
    allow_nan=False,
    sort_keys=True,
    separators=(",", ":"),
).encode
_quote: Final = json.encoder.encode_basestring


def canonical(value: object) -> bytes:
    """Return the canonical bytes of ``value``; raise `CanonicalError` if it has none."""
    if _is_short(value, MAX_DEPTH):
        try:
            return _SHORT(value).encode()
        except UnicodeEncodeError:
            pass  # a lone surrogate: the exact way finds out where
    return _exact(value, [], 0).encode()


def short(value: object, depth: int) -> str | None:
    """Return `canonical` of ``value`` as text if the short way does, nested at most ``depth`` deep.

    None says nothing about ``value``: ask `canonical`. The text may hold lone surrogates.
    """
    return _SHORT(value) if _is_short(value, depth) else None


def parse(data: bytes) -> object:
    """Return the value that ``data`` is the canonical form of; raise `CanonicalError` otherwise."""
    # No byte from 0xF0 on: no character, so no key, beyond the BMP. Fewer brackets than the limit:
    # not nested too deep. The decoder stops at a number that is not short.
    within_bmp = data.isascii() or not _BEYOND_BMP.search(data)
    if within_bmp and data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        try:
            value: object = _SHORT_DECODE(data.decode())
            if _SHORT(value).encode() == data:
                return value
        except ValueError:
            pass  # not short, not JSON, not UTF-8, a lone surrogate: the exact way says which
    return _parse_exact(data)


def _parse_exact(data: bytes) -> object:
    try:
        value = json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise CanonicalError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise CanonicalError("nested too deep") from None
    except ValueError as error:
        raise CanonicalError(f"not JSON: {error}") from None
    # Duplicate keys, white space, other escapes, other spellings of a number: each of them makes
    # the second encoding differ from the first, so one comparison refuses them all.
    if canonical(value) != data:
        _refuse_duplicates(data)
        raise CanonicalError("not in canonical form (RFC 8785)")
    return value


def _short_int(text: str) -> int:
    """Return the integer; raise `ValueError` if the standard encoder may not write it back."""
    if len(text) > 15:
        raise ValueError(text)
    return int(text)


def _short_float(text: str) -> float:
    """Return the number; raise `ValueError` if ``repr`` may not write it canonically."""
    value = float(text)
    if not _is_short(value, 0):
        raise ValueError(text)
    return value


_SHORT_DECODE: Final = json.JSONDecoder(parse_int=_short_int, parse_float=_short_float).decode
_BEYOND_BMP: Final = re.compile(rb"[\xf0-\xff]")


def format_float(value: float) -> str:
    """Return ``value`` as ECMAScript writes it (RFC 8785 §3.2.2.3, ECMA-262 Number::toString)."""
    if not math.isfinite(value):
        raise CanonicalError(f"{value!r} is not a JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # repr gives the shortest digits that read back as the same double, as ECMAScript does;
    # only the placing of point and exponent differs.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return sign + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    """Return ``0.digits`` times ten to the ``point`` (steps 6-10 of Number::toString)."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _is_short(value: object, depth: int) -> bool:
    """Return whether the standard encoder provably writes ``value`` canonically.

    Keys within the BMP sort alike by code point and by UTF-16 unit. A float that is not integral
    and whose size lies in [1e-4, 2^53) is written alike by ``repr`` and by ECMAScript.
    """
    # Compared by type, not by isinstance: faster, and no subclass comes through. mypy does not
    # follow ``kind``, hence the ignores.
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    if kind is dict:
        if depth == 0:
            return False
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not (key.isascii() or max(key) <= "\uffff"):
                return False
            if type(item) is not str and not _is_short(item, depth - 1):
                return False
        return True
    if kind is list or kind is tuple:
        return depth > 0 and all(_is_short(item, depth - 1) for item in value)  # type: ignore[attr-defined]
    if kind is float:
        return 1e-4 <= abs(value) < MAX_INTEGER and not value.is_integer()  # type: ignore[arg-type, attr-defined]
    return False


def _exact(value: object, path: list[str | int], depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):  # before int: True is an int
        return "true" if value else "false"
    if isinstance(value, str):
        return _exact_string(value, path)
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise CanonicalError("integer beyond ±(2^53-1): write it as a string", _spell(path))
        return int.__repr__(value)
    if isinstance(value, float):
        return _exact_float(value, path)
    if depth == MAX_DEPTH and isinstance(value, dict | list | tuple):
        raise CanonicalError("nested too deep", _spell(path))
    if isinstance(value, dict):
        return _exact_object(value, path, depth)
    if isinstance(value, list | tuple):
        items = [_exact(item, [*path, index], depth + 1) for index, item in enumerate(value)]
        return f"[{','.join(items)}]"
    raise CanonicalError(f"{type(value).__name__} is not a JSON type", _spell(path))


def _exact_object(value: dict[object, object], path: list[str | int], depth: int) -> str:
    members: list[tuple[bytes, str]] = []
    for key, item in value.items():
        if not isinstance(key, str):
            problem = f"key {key!r} is {type(key).__name__}, not a string"
            raise CanonicalError(problem, _spell(path))
        inner = [*path, str.__str__(key)]
        name = _exact_string(key, inner)
        # Big-endian UTF-16 bytes compare as the code units do (RFC 8785 §3.2.3).
        order = key.encode("utf-16-be")
        members.append((order, f"{name}:{_exact(item, inner, depth + 1)}"))
    members.sort(key=lambda member: member[0])
    return f"{{{','.join(text for _, text in members)}}}"


def _exact_string(value: str, path: list[str | int]) -> str:
    plain = str.__str__(value)  # a str that is also an enum member prints as its value
    try:
        plain.encode()
    except UnicodeEncodeError as error:
        unit = f"U+{ord(plain[error.start]):04X}"
        raise CanonicalError(f"lone surrogate {unit}", _spell(path)) from None
    return _quote(plain)


def _exact_float(value: float, path: list[str | int]) -> str:
    number = float(value)
    if not math.isfinite(number):
        raise CanonicalError(f"{number!r} is not a JSON number", _spell(path))
    if number.is_integer() and abs(number) > MAX_INTEGER:
        problem = "integral value beyond ±(2^53-1): write it as a string"
        raise CanonicalError(problem, _spell(path))
    return format_float(number)


def _spell(path: list[str | int]) -> str:
    """Return ``path`` as in ``$.a[3]``; keys that are no plain words are quoted, as ASCII."""
    parts = ["$"]
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step.isascii() and step.isidentifier():
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step)}]")
    return "".join(parts)


def _refuse_duplicates(data: bytes) -> None:
    """Raise `CanonicalError` naming the key if an object in ``data`` has a key twice."""

    def members(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise CanonicalError(f"key {json.dumps(key)} occurs twice")
            seen.add(key)

    json.loads(data.decode(), object_pairs_hook=members)
