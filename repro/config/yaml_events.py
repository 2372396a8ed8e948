"""YAML text as events, from libyaml or from the pure parser, and its errors in our words.

The two parsers accept the same texts here: where the pure one differs (a tab after a key,
an escape that is no character), it is brought to what libyaml does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import Event
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError
from yaml.tokens import ScalarToken

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


class _PureParser(Reader, Scanner, Parser):
    """PyYAML's own parser, made to accept what libyaml accepts."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def scan_to_next_token(self) -> None:
        """Skip blanks, comments and line breaks; a tab too, where it cannot indent."""
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            while self.peek() in "\t ":
                self.forward()
            super().scan_to_next_token()

    def scan_plain_spaces(self, indent: int, start_mark: Mark) -> list[str]:
        """Return what the blanks inside a plain scalar come to; a tab is one of them."""
        blanks = self._blanks()
        if "\t" in blanks:
            self.forward(len(blanks))
            if self.peek() not in ("\r", "\n"):
                return [blanks]
        folded: list[str] = super().scan_plain_spaces(indent, start_mark) or []
        blanks = self._blanks()
        if "\t" in blanks and self.column >= indent and self.peek(len(blanks)) in "\r\n\0#":
            self.forward(len(blanks))  # a blank line, be it the last: what it adds is refused
            self.scan_plain_spaces(indent, start_mark)
        return folded

    def _blanks(self) -> str:
        length = 0
        while self.peek(length) in (" ", "\t"):
            length += 1
        blanks: str = self.prefix(length)
        return blanks

    def scan_flow_scalar(self, style: str) -> ScalarToken:
        """Return the quoted scalar; raise ScannerError if an escape in it is no character."""
        start = self.get_mark()
        try:
            token = super().scan_flow_scalar(style)
            token.value.encode()
        except (ValueError, OverflowError):
            raise ScannerError(None, start, "found invalid Unicode character", start) from None
        return token


def reader(text: str) -> Callable[[], Event | None]:
    """Return the function that gives the next event of ``text``, and None after the last."""
    parser = _PureParser(text) if CParser is None else CParser(text)
    get: Callable[[], Event | None] = parser.get_event
    return get


BLOCK_HEADER = "after '|' or '>' only a comment may stand on the line"
TAB = "a tab cannot indent; use spaces"
_MISFIT = "this fits nothing above it; check the indentation and the quotes"
_QUOTE = "quote the text that contains it"
_RULES: tuple[tuple[str, bool, str, str | None], ...] = (
    # (in the parser's words, whether the fault is where the construct began, ours, hint)
    ("directive", True, "a line cannot begin with '%'", "quote the text"),
    (r"scanning a tag|parsing a tag|tag URI", True, "the tag is not understood", None),
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
