"""YAML text as a value, with the place of every value and of every key.

A strict reader of our own on the parser's events: duplicate keys, keys that are not text,
foreign tags and numbers that cannot be kept are problems, and all of them are reported.
A syntax error ends the reading, after what was found before it.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from repro.config.text.events import At, Spot
from repro.config.text.frames import JSON, Span
from repro.config.text.lines import Text, dotted
from repro.config.text.nodes import Composer
from repro.errors import InputError, Place, Problem, ProblemsError

__all__ = ["JSON", "Document", "Path", "dotted", "parse", "read"]

Path: TypeAlias = tuple[str | int, ...]

SIZE_MAX = 8 << 20
"""Bytes in one file: far above what ``NODES_MAX`` values need, far below what hurts to read."""
_USUAL = 1 << 16
"""Bytes that nearly every file has fewer of."""

_BREAK = re.compile("\r\n|\n|\r")
_MARKS = (
    # (byte order mark, encoding); the longer ones first
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_SAVE = "save the file as UTF-8"
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_UNSEEN = r"\x80-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"
"""Control characters, and the breaks of YAML 1.1 that editors do not count as lines."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file as read."""

    file: str
    """As shown to the user, relative."""
    value: JSON
    places: Mapping[Path, Place]
    """Place of each value."""
    keys: Mapping[Path, Place]
    """Place of each mapping key; the path ends with the key."""
    lines: tuple[str, ...]

    def place(self, path: Path) -> Place:
        """Return the place of the value at ``path``, or of its nearest ancestor."""
        while True:
            found = self.places.get(path)
            if found is not None:
                return found
            if not path:
                return Place(self.file, 1, 1, 1)
            path = path[:-1]

    def forget_places(self) -> None:
        """Let go of what places are worked out from; the next question reads the lines again.

        They are most of what a document takes, and of a thousand overlays few are ever laid.
        """
        for table in (self.places, self.keys):
            if isinstance(table, _Table):
                table.forget()

    def source(self, place: Place) -> str:
        """Return the text of the line at ``place``; empty if it is not in this file."""
        if place.file != self.file or place.line > len(self.lines):
            return ""
        return self.lines[place.line - 1]


class _Table(Mapping[Path, Place]):
    """Places by path, worked out at the first question: most files are never asked about."""

    def __init__(self, text: Text, span: Span, *, keys: bool) -> None:
        self._text, self._keys = text, keys
        self._span: Span | None = span
        self._made: dict[Path, tuple[Spot, Spot, object]] | None = None

    def forget(self) -> None:
        """Let go of everything but the lines."""
        self._span = self._made = None

    @property
    def _table(self) -> dict[Path, tuple[Spot, Spot, object]]:
        if self._made is None:
            if self._span is None:  # which breaks the lines had makes no difference to places
                self._span = Composer(self._text).compose("\n".join(self._text.lines))[1]
            self._made = {} if self._keys else {(): self._span}
            self._enter((), self._span, self._made)
        return self._made

    def _enter(self, path: Path, span: Span, made: dict[Path, tuple[Spot, Spot, object]]) -> None:
        kids = span[2]
        if isinstance(kids, dict):
            for key, entry in kids.items():
                below = (*path, key)
                made[below] = entry if self._keys else entry[2]
                if entry[2][2]:
                    self._enter(below, entry[2], made)
        elif kids:
            for index, kid in enumerate(kids):
                if not self._keys:
                    made[*path, index] = kid
                if kid[2]:
                    self._enter((*path, index), kid, made)

    def __getitem__(self, path: Path) -> Place:
        start, end, _ = self._table[path]
        return self._text.place(start, end)

    def __contains__(self, path: object) -> bool:
        return path in self._table

    def __iter__(self) -> Iterator[Path]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __reduce__(self) -> tuple[type[dict[Path, Place]], tuple[dict[Path, Place]]]:
        return dict, (dict(self),)


def parse(text: str | bytes, file: str) -> Document:
    """Return the document in ``text``; raise ProblemsError with all that is wrong with it."""
    if len(text) > SIZE_MAX:
        message = f"larger than {SIZE_MAX >> 20} MiB, which no configuration is"
        raise ProblemsError([Text(file, ("",)).problem(At(0, 0), message, "size")])
    if isinstance(text, bytes):
        text = _decode(text, file)
    text = text.removeprefix("\ufeff")
    source = Text(file, tuple(_BREAK.split(text)))
    # The wide class takes long to compile, and few files have a character that it might mean.
    odd = not text.isascii() and any(c > "\x7f" and not c.isprintable() for c in set(text))
    if refused := re.search(f"[{_CONTROLS}{_UNSEEN if odd else ''}]", text):
        raise ProblemsError([_refusal(source, text, refused.start())])
    value, span = Composer(source).compose(text)
    places = _Table(source, span, keys=False)
    return Document(file, value, places, _Table(source, span, keys=True), source.lines)


def read(path: pathlib.Path, shown: str) -> Document:
    """Return the document in the file at ``path``, called ``shown`` in messages.

    Raise InputError if the file cannot be read, ProblemsError if it is not a document.
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(_USUAL)
            if len(content) == _USUAL:  # room for the most there may be costs more than parsing
                content += opened.read(SIZE_MAX + 1 - _USUAL)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        hint = f"check that {shown} exists and may be read"
        raise InputError(f"cannot read {shown}: {reason}", hint) from error
    return parse(content, shown)


def _decode(content: bytes, file: str) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            message = f"the file is {encoding} text, not UTF-8"
            problem = Text(file, ("",)).problem(At(0, 0), message, "encoding", _SAVE)
            raise ProblemsError([problem])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        lines = tuple(_BREAK.split(content.decode("utf-8", "replace").removeprefix("\ufeff")))
        at = _position(before)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8 text"
        problem = Text(file, lines).problem(at, message, "encoding", _SAVE)
        raise ProblemsError([problem]) from None


def _refusal(source: Text, text: str, index: int) -> Problem:
    code = ord(text[index])
    hint = None
    if code == 0:
        hint = f"if the file is UTF-16 text: {_SAVE}"
    elif not 0xD800 <= code <= 0xDFFF:
        hint = f'write it as "\\u{code:04x}" in double quotes if it is meant'
    message = f"the character U+{code:04X} cannot be read by people and is refused"
    return source.problem(_position(text[:index]), message, "character", hint)


def _position(before: str) -> Spot:
    lines = _BREAK.split(before)
    return At(len(lines) - 1, len(lines[-1]))
