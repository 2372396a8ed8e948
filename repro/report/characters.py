"""Names and texts as other programs may hold them."""

from __future__ import annotations

import re

from repro.errors import Problem

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped: control characters, surrogates, U+FFFE, U+FFFF."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def xml(text: str) -> str:
    """Return ``text`` with every character that XML cannot hold written as its escape."""
    return _NOT_XML.sub(_escape, text)


def unicode(text: str) -> str:
    """Return ``text`` with lone surrogates, which no UTF-8 can hold, written as their escapes."""
    return _SURROGATE.sub(_escape, text)


def is_file(problem: Problem) -> bool:
    """Return whether a problem lies in a file, not in an argument or in standard input.

    Of those the place reads ``--set 2`` and ``<stdin>``.
    """
    return not problem.place.file.startswith(("--", "<"))


def sentence(problem: Problem) -> str:
    """Return what is wrong, with the path of the value, and on a line of its own what to do."""
    said = ": ".join(part for part in (problem.path, problem.message) if part)
    return f"{said}\nhint: {problem.hint}" if problem.hint else said


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
