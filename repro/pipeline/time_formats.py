"""Formats of times: which library they need, and what a text in one looks like, to the character.

Plain Python, to be known before a library is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

UTC: Final = "UTC"
OFFSET_GROUP: Final = "offset"
_FINER = re.compile(r"%[fz]")
_WIDTHS: Final[Mapping[str, int]] = {"Y": 4, "j": 3, **dict.fromkeys("ymdHIMS", 2)}
"""Digits of the directives that are numbers, at their widest."""
_WORDS: Final[Mapping[str, str]] = {
    "f": "[0-9]{1,9}",
    "b": "[A-Za-z]+",
    "B": "[A-Za-z]+",
    "p": "[A-Za-z]+",
    "z": "(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%": "%",
}


def needs_pandas(form: str | None, timezone: str) -> bool:
    """Return whether times of this format and zone are more than Python's own ``strptime`` reads.

    Its fractions of seconds end at six digits. ``form`` is None for times that are stored as such.
    """
    return timezone != UTC or (form is not None and _FINER.search(form) is not None)


def exactly(form: str) -> re.Pattern[str]:
    """Return what a text in a format looks like in full: ASCII digits, and all else as written.

    A number may lack its leading zeros, as in 1/2/2001, unless it touches another one: of 2001115
    nobody can say which day it is. A year always has four digits. The group ``offset``, where the
    format has one, is the offset from UTC.
    """
    parts = re.split(r"(%.)", form)
    found = ""
    for n, part in enumerate(parts):
        if len(part) == 2 and n % 2:
            alone = not _ends_in_digit(parts[n - 2 : n]) and not _begins_with_digit(parts[n + 1 :])
            found += _field(part[1], alone=alone)
        else:
            found += re.escape(part)
    return re.compile(found)


def offset_of(text: str, shape: re.Pattern[str]) -> str | None:
    """Return the offset of a text in a format of this shape, as +01:00; None if it has none."""
    match = shape.fullmatch(text)
    if match is None or OFFSET_GROUP not in shape.groupindex:
        return None
    offset = match[OFFSET_GROUP]
    if offset == "Z":
        return "+00:00"
    return f"{offset[:3]}:{offset[-2:]}"


def _field(directive: str, *, alone: bool) -> str:
    """Return the pattern of one directive; ``alone`` is whether no number touches it."""
    if directive in _WORDS:
        return _WORDS[directive]
    width = _WIDTHS[directive]
    return f"[0-9]{{{1 if alone and directive != 'Y' else width},{width}}}"


def _ends_in_digit(before: list[str]) -> bool:
    """Return whether the directive and the text before a number end in a digit."""
    text = before[-1] if before else ""
    if text:
        return text[-1].isdigit()
    return len(before) > 1 and before[0][1:] in {*_WIDTHS, "f", "z"}


def _begins_with_digit(after: list[str]) -> bool:
    """Return whether the text and the directive after a number begin with a digit."""
    text = after[0] if after else ""
    if text:
        return text[0].isdigit()
    return len(after) > 1 and after[1][1:] in {*_WIDTHS, "f"}
