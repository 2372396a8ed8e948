"""A YAML document as text that can be changed, and the questions that a change asks of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from repro.config.editing.nodes import Lines, Node, comments, compose
from repro.config.editing.render import identical
from repro.config.text.document import JSON, Document, Path, dotted, parse
from repro.errors import InputError, ProblemsError

BOM = "\ufeff"
_COLON = re.compile(r"[ \t]*:")
_NEWLINE = re.compile("\r\n|\n|\r")

Splice = tuple[int, int, str]
"""Start and end of what is replaced, and what stands there afterwards."""


class EditError(InputError):
    """A text cannot be changed as wanted without harm to something else; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document with its text, every character of it accounted for."""

    document: Document
    text: str
    """Without its byte order mark."""
    bom: bool
    root: Node
    lines: Lines
    comments: tuple[tuple[int, int], ...]

    @property
    def value(self) -> JSON:
        """Return what the text says."""
        return self.document.value

    @property
    def file(self) -> str:
        """Return the file as shown to the user."""
        return self.document.file

    @property
    def eol(self) -> str:
        """Return the line break of the text: its first."""
        found = _NEWLINE.search(self.text)
        return found[0] if found else "\n"

    def encoded(self) -> bytes:
        """Return the bytes of the file."""
        return ((BOM if self.bom else "") + self.text).encode("utf-8")

    def comments_in(self, start: int, end: int) -> list[str]:
        """Return the comments that lie in a part of the text."""
        return [self.text[a:b] for a, b in self.comments if a >= start and b <= end]

    def is_comment_line(self, number: int) -> int | None:
        """Return the column of the comment that is all of a line, or None."""
        line = self.lines.line(number)
        column = len(line) - len(line.lstrip(" \t"))
        start = self.lines.starts[number] + column
        return column if any(a == start for a, _ in self.comments) else None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a path leads in the text."""

    path: Path
    keys: tuple[Node | None, ...]
    """The key of each step; None for an item of a list."""
    above: tuple[Node, ...]
    """The mappings and lists that it lies in, outermost first; none for the root."""
    node: Node

    @property
    def parent(self) -> Node:
        """Return what it lies directly in."""
        return self.above[-1]

    @property
    def key(self) -> Node | None:
        """Return its own key."""
        return self.keys[-1] if self.keys else None

    @property
    def in_flow(self) -> bool:
        """Whether it stands in brackets."""
        return any(node.style == "flow" for node in self.above)


def draft(content: bytes | str, file: str) -> Draft:
    """Return the text of a document, ready to be changed; raise ProblemsError if it is none."""
    document = parse(content, file)
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    lines = Lines(text)
    root = compose(text, lines)
    return Draft(document, text, bom, root, lines, tuple(comments(text, root)))


def locate(source: Draft, path: Path) -> Spot:
    """Return where ``path`` leads.

    Raise EditError if there is no such value, or if it stands elsewhere: behind an alias or ``<<``,
    or in a part of the text that an alias repeats.
    """
    aliased = {node.text for node in source.root.below() if node.kind == "alias"}
    node = source.root
    above: list[Node] = []
    keys: list[Node | None] = []
    for n, step in enumerate(path):
        require_here(source, node, path[:n], aliased)
        above.append(node)
        if node.kind == "mapping" and isinstance(step, str):
            found = node.own(step)
            if found is None and node.merges:
                reason = "it comes through <<"
                raise refusal(source, node, path, reason, "write the key out where it is to hold")
            if found is None:
                raise refusal(source, node, path, "there is no such key")
            keys.append(found[0])
            node = found[1]
        elif node.kind == "list" and isinstance(step, int) and step < len(node.items):
            keys.append(None)
            node = node.items[step]
        else:
            raise refusal(source, node, path, "there is no such value")
    return Spot(path, tuple(keys), tuple(above), node)


def require_here(source: Draft, node: Node, path: Path, aliased: set[str]) -> None:
    """Raise EditError if what is done inside ``node`` would be done elsewhere too."""
    if node.kind == "alias":
        hint = f"write the value out in place of *{node.text}"
        raise refusal(source, node, path, f"*{node.text} stands there", hint)
    if node.anchor is not None and node.anchor in aliased:
        hint = f"write the value out where *{node.anchor} stands, and remove &{node.anchor}"
        raise refusal(source, node, path, f"*{node.anchor} repeats it elsewhere", hint)


def require_free(source: Draft, spot: Spot) -> None:
    """Raise EditError if an alias, a used anchor or ``<<`` lies in what is to be replaced."""
    aliased = {node.text for node in source.root.below() if node.kind == "alias"}
    parts = [spot.node] if spot.key is None else [spot.key, spot.node]
    for part in parts:
        for node in part.below():
            require_here(source, node, spot.path, aliased)
            if node.merges:
                raise refusal(source, node, spot.path, "<< stands in it", "write the keys out")


def colon(source: Draft, spot: Spot) -> int:
    """Return the offset behind the colon of a key of a block mapping."""
    assert_key = spot.key
    found = _COLON.match(source.text, assert_key.end) if assert_key is not None else None
    if found is None:
        raise refusal(source, spot.node, spot.path, "its key is written with '?'")
    return found.end()


def leads(source: Draft, offset: int) -> bool:
    """Return whether only blanks stand before ``offset`` on its line."""
    number = source.lines.number(offset)
    return not source.text[source.lines.starts[number] : offset].strip(" ")


def extent(source: Draft, spot: Spot) -> tuple[int, int]:
    """Return the first and last line of a key that begins its line, with the comments of its own.

    Its own are comment lines directly above in its column (but not those that begin the file), and
    deeper ones directly below.
    """
    key = spot.key or spot.node
    lines = source.lines
    column = lines.column(key.start)
    first = top = lines.number(key.start)
    while first and source.is_comment_line(first - 1) == column:
        first -= 1
    if first == 0 and len(spot.above) == 1:
        first = top
    last = lines.number(max(key.end, spot.node.end))
    while last + 1 < len(lines.starts):
        below = source.is_comment_line(last + 1)
        if below is None or below <= column:
            break
        last += 1
    return first, last


def hoisted(source: Draft, spot: Spot, told: list[str]) -> list[Splice]:
    """Return the splice that puts comments above the line of the nearest key in a block."""
    if not told:
        return []
    at = source.root.start
    for parent, key in zip(spot.above, spot.keys, strict=True):
        if parent.style == "block" and key is not None:
            at = key.start
    number = source.lines.number(at)
    line = source.lines.line(number)
    indent = line[: len(line) - len(line.lstrip(" "))]
    start = source.lines.starts[number]
    return [(start, start, "".join(indent + text + source.eol for text in told))]


def refusal(
    source: Draft, node: Node, path: Path, reason: str, hint: str | None = None
) -> EditError:
    """Return the error that says where a change was refused and why."""
    where = f"{source.file}:{source.lines.number(node.start) + 1}"
    hint = hint or "change the file by hand"
    return EditError(f"{where}: {dotted(path)} cannot be changed: {reason}", hint)


def verified(source: Draft, splices: Iterable[Splice], expected: Any, path: Path) -> Draft:
    """Return the draft after ``splices``; its value must be ``expected``, types and all.

    Raises EditError otherwise: a text that means anything else is never handed out.
    """
    text = source.text
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    spot = source.root
    try:
        changed = draft((BOM if source.bom else "") + text, source.file)
    except ProblemsError as error:
        said = error.problems[0].message
        raise refusal(source, spot, path, f"the text would not be sound: {said}") from error
    if not identical(changed.value, expected):
        raise refusal(source, spot, path, "the text around it would come to mean something else")
    return changed
