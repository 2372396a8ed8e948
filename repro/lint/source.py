"""Bytes of a file to text as Python reads it, its tree, and places in it."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass

from repro.errors import Place, Problem
from repro.lint.rules import RULES, SYNTAX

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name for messages, its text and its lines, without line breaks."""

    file: str
    text: str
    lines: tuple[str, ...]

    def line(self, number: int) -> str:
        """Return a line, counted from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def place(self, node: ast.expr | ast.stmt) -> Place:
        """Return where a node is, in characters; one of several lines ends with its first."""
        line = self.line(node.lineno)
        column = _characters(line, node.col_offset) + 1
        ends_here = node.end_lineno == node.lineno and node.end_col_offset is not None
        end = _characters(line, node.end_col_offset or 0) + 1 if ends_here else len(line) + 1
        return Place(self.file, node.lineno, column, max(end, column + 1))

    def text_at(self, node: ast.expr) -> str:
        """Return what is written at a node, at most 40 characters of its first line."""
        place = self.place(node)
        text = self.line(place.line)[place.column - 1 : place.end - 1]
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

    def problem(self, rule: str, place: Place, message: str) -> Problem:
        """Return a finding of ``rule`` with its hint and its line."""
        return Problem(place, "", message, rule, RULES[rule].mend, self.line(place.line))


def read(data: bytes, file: str) -> Source | Problem:
    """Return the text as Python would read it, or why it cannot (PEP 263, UTF-8 by default)."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        try:
            data.decode("utf-8")  # a bad byte in the first lines has a place, a bad cookie has none
        except UnicodeDecodeError as bad:
            return _undecodable(data, file, bad)
        return _refused(file, 1, 1, f"its encoding: {error}")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return _undecodable(data, file, error)
    except (LookupError, UnicodeError) as error:
        return _refused(file, 1, 1, f"its encoding: {error}")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Source(file, text, tuple(text.split("\n")))


def parse(source: Source) -> ast.Module | Problem:
    """Return the syntax tree, or why there is none, with its place."""
    try:
        with warnings.catch_warnings():  # of invalid escapes: they are the owner's affair
            warnings.simplefilter("ignore")
            return ast.parse(source.text)
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), len(source.lines))
        column = max(error.offset or 1, 1)
        place = Place(source.file, line, column, column + 1)
        return source.problem(SYNTAX, place, f"not Python: {error.msg}")
    except (RecursionError, MemoryError):
        said = "not Python that can be read: it is nested too deeply"
    except ValueError as error:  # null bytes, lone surrogates
        said = f"not Python: {error}"
    return source.problem(SYNTAX, Place(source.file, 1, 1, 2), said)


def _undecodable(data: bytes, file: str, error: UnicodeDecodeError) -> Problem:
    """Return the place of the first byte that the encoding does not know."""
    line = data.count(b"\n", 0, error.start) + 1
    begin = data.rfind(b"\n", 0, error.start) + 1
    column = len(data[begin : error.start].decode("utf-8", "replace")) + 1
    return _refused(file, line, column, f"byte 0x{data[error.start]:02x} is not {error.encoding}")


def _refused(file: str, line: int, column: int, said: str) -> Problem:
    place = Place(file, line, column, column + 1)
    return Problem(place, "", f"not Python: {said}", SYNTAX, RULES[SYNTAX].mend)


def _characters(line: str, offset: int) -> int:
    """Return how many characters ``offset`` bytes of UTF-8 are."""
    if line.isascii():
        return offset
    return len(line.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))
