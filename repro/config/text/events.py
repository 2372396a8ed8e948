"""YAML text as events, from libyaml or from the pure parser, and its errors in our words.

The two parsers accept the same texts: ``yaml_pure`` brings the pure one to what libyaml does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import Event

from repro.config.text.pure import PureParser
from repro.config.text.slips import SPACE, slip, unspaced

CParser: Any
try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML built without libyaml
    CParser = None


class Spot(Protocol):
    """A position, both numbers from 0; the marks of either parser are such."""

    @property
    def line(self) -> int:
        """The line, from 0."""
        ...

    @property
    def column(self) -> int:
        """The column in characters, from 0."""
        ...


class At(NamedTuple):
    """A position of our own."""

    line: int
    column: int


class Complaint(NamedTuple):
    """A syntax error: where it is, what it is, and what is safe to do about it."""

    at: Spot
    message: str
    hint: str | None


def reader(text: str) -> Callable[[], Event | None]:
    """Return the function that gives the next event of ``text``, and None after the last."""
    parser = PureParser(text) if CParser is None else CParser(text)
    get: Callable[[], Event | None] = parser.get_event
    return get


BLOCK_HEADER = "after '|' or '>' only a comment may stand on the line"
TAG = "the tag is not understood"
TAB = "a tab cannot indent; use spaces"
_MISFIT = "this fits nothing above it; check the indentation and the quotes"
KEY_MAX = 1024
"""Characters of a key without ``?`` (YAML 1.2.2 §7.4.2)."""
_QUOTE = "quote the text that contains it"
_RULES: tuple[tuple[str, bool, str, str | None], ...] = (
    # (in the parser's words, whether the fault is where the construct began, ours, hint)
    ("directive", True, "a line cannot begin with '%'", "quote the text"),
    (r"scanning a tag|parsing a tag|tag URI", True, TAG, None),
    ("mapping values are not allowed", False, "a second ':' cannot stand here", _QUOTE),
    ("sequence entries are not allowed", False, "a list item cannot stand here", None),
    ("mapping keys are not allowed", False, "a '?' key cannot stand here", None),
    ("find expected ':'", True, "a key needs a ':' after it", None),
    ("end of stream.*quoted", True, "the quote is never closed", None),
    ("document (?:separator|indicator).*quoted", True, "the quote is never closed", None),
    ("unknown escape", False, "unknown escape", "in single quotes a backslash is a backslash"),
    ("invalid Unicode character", True, "an escape here is not a character", None),
    ("hexa?decimal n", False, "the escape needs more hexadecimal digits", None),
    ("alphabetic or numeric", True, "an alias or anchor needs a name", "quote text like '*.csv'"),
    ("undefined tag handle", False, "the tag has no meaning here", None),
    ("flow sequence", True, "the '[' is never closed, or a ',' is missing", None),
    ("flow mapping", True, "the '{' is never closed, or a ',' is missing", None),
    ("tab character", False, TAB, None),
    ("scanning a block scalar", True, BLOCK_HEADER, None),
    ("block collection", False, _MISFIT, None),
    ("block mapping", False, _MISFIT, None),
    ("document start", False, _MISFIT, None),
    ("node content", False, "a value was expected here", None),
)


def complaint(error: YAMLError, lines: tuple[str, ...]) -> Complaint:
    """Return what ``error`` says about the text in ``lines``, in the same words for both parsers.

    A rule looks into the parser's problem followed by its context.
    """
    if not isinstance(error, MarkedYAMLError):
        return Complaint(At(0, 0), "the text is not YAML", None)
    mark = _within(error.problem_mark or error.context_mark or At(0, 0), lines)
    start = _within(error.context_mark or mark, lines)
    words = f"{error.problem} {error.context or ''}"
    character = _character(lines, mark)
    if "unknown escape" in words and character != "\\":  # the pure parser is one behind it
        mark = At(mark.line, max(0, mark.column - 1))
    if "cannot start any token" in words:
        if character == "\t":
            return Complaint(mark, TAB, None)
        hint = f"quote the text that begins with '{character}'"
        return Complaint(mark, f"'{character}' cannot begin a value", hint)
    long = mark.column > KEY_MAX and ": " not in lines[mark.line][: mark.column]
    if "mapping values are not allowed" in words and long:
        return Complaint(mark, f"a key may have no more than {KEY_MAX} characters", None)
    if "mapping values are not allowed" in words or "block mapping" in words:
        found = slip(lines, mark.line, mark.column)
        if found is not None:
            return Complaint(At(found[0], found[1]), found[2], found[3])
    if "find expected ':'" in words and (colon := unspaced(lines[start.line])) is not None:
        return Complaint(At(start.line, colon), SPACE, None)
    for pattern, at_start, message, hint_ in _RULES:
        if re.search(pattern, words):
            return Complaint(start if at_start else mark, message, hint_)
    return Complaint(mark, re.sub(r"[^ -~]", "?", str(error.problem)), None)


def _within(at: Spot, lines: tuple[str, ...]) -> Spot:
    """Return ``at``, or the end of the text if it is behind it, as libyaml's last mark is."""
    return at if at.line < len(lines) else At(len(lines) - 1, len(lines[-1]))


def _character(lines: tuple[str, ...], at: Spot) -> str:
    line = lines[at.line] if at.line < len(lines) else ""
    return line[at.column : at.column + 1]
