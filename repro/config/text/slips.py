"""Slips of indentation and of a missing space, behind what a parser complains of.

A line that is indented too far continues the value above it, and ``a:1`` is text: so the parser
stops at a ``:`` that is in order, often in the next line. Here is told what was most likely meant.
"""

from __future__ import annotations

import re

UNSPACED = r"[ ]*(?:- +)*(?:[A-Za-z_][\w.-]*|\"[^\"]*\"|'[^']*')(?P<colon>:)[^\s:/].*"
SPACE = "a key ends in ':' and a space: put a space after the ':'"
FURTHER = "this line is indented further than the one before it"
_KEY = (
    r"(?P<indent>[ ]*(?P<items>(?:- +)*))(?P<key>[^\s:#\[\]{},&*!'\"-][^\s:]*|\"[^\"]*\"|'[^']*')"
)
_KEY_LINE = _KEY + r"(?P<colon>:)(?:[ ]+(?P<value>[^\s#].*)?)?"


def unspaced(line: str) -> int | None:
    """Return the column, from 0, of a ``:`` that lacks its space behind a key; None if none."""
    found = re.fullmatch(UNSPACED, line)
    return found.start("colon") if found else None


def slip(lines: tuple[str, ...], line: int, column: int) -> tuple[int, int, str, str | None] | None:
    """Return line and column, both from 0, message and hint of the slip behind a complaint.

    The complaint is of a key, or of its ``:``, at ``line`` and ``column``. None if it is as the
    parser says.
    """
    here = re.fullmatch(_KEY_LINE, lines[line])
    above = _above(lines, line)
    if here is None or above is None or column not in (here.end("indent"), here.start("colon")):
        return None
    if (colon := unspaced(lines[above])) is not None:
        return above, colon, SPACE, None
    before = re.fullmatch(_KEY_LINE, lines[above])
    begin = here.start("items")
    if before is None or before["value"] is None or begin <= before.start("items"):
        return None
    if not here["items"] and begin == before.end("indent"):
        return None
    hint = f"begin it in column {before.end('indent') + 1}, as {before['key']} does"
    return line, begin, FURTHER, None if here["items"] else hint


def _above(lines: tuple[str, ...], line: int) -> int | None:
    """Return the line before that is neither empty nor a comment alone."""
    for n in range(line - 1, -1, -1):
        text = lines[n].strip()
        if text and not text.startswith("#"):
            return n
    return None
