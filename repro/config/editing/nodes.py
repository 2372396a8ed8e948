"""YAML text as nodes with the exact characters that each takes, for edits that keep all others.

The reader of documents keeps where a value begins and what it means; whoever changes text must also
know where it ends, how it is written, and what hangs on anchors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from repro.config.text import events as yaml_events

BREAK = re.compile("\r\n|\n|\r")
_COMMENT = re.compile(r"(?<![^ \t\r\n])#[^\r\n]*")
MERGE = "<<"


@dataclass(slots=True)
class Node:
    """One value or key as it is written; offsets count characters of the text."""

    kind: str
    """``scalar``, ``mapping``, ``list`` or ``alias``."""
    start: int
    """Where it begins, with its tag and anchor."""
    end: int
    """Behind its last character; a block ends where its last value does."""
    style: str
    """Of a scalar its quote, ``|``, ``>`` or nothing; of all else ``flow`` or ``block``."""
    text: str = ""
    """What a scalar says, or the name that an alias refers to."""
    anchor: str | None = None
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    """Keys and values of a mapping; a list has its values under no key of their own."""
    items: list[Node] = field(default_factory=list)

    def own(self, key: str) -> tuple[Node, Node] | None:
        """Return the key and value that stand here, not what ``<<`` brings."""
        for entry in self.entries:
            if entry[0].text == key and not self._is_merge(entry[0]):
                return entry
        return None

    @property
    def merges(self) -> bool:
        """Whether ``<<`` stands among its keys."""
        return any(self._is_merge(key) for key, _ in self.entries)

    @staticmethod
    def _is_merge(key: Node) -> bool:
        return key.text == MERGE and not key.style

    def below(self) -> Iterator[Node]:
        """Yield this node and all in it."""
        yield self
        for key, value in self.entries:
            yield from key.below()
            yield from value.below()
        for item in self.items:
            yield from item.below()


class Lines:
    """The lines of a text by number, and offsets as lines and columns."""

    def __init__(self, text: str) -> None:
        """Find the breaks of ``text``."""
        self.text = text
        found = list(BREAK.finditer(text))
        self.starts = [0, *(m.end() for m in found)]
        self.ends = [*(m.start() for m in found), len(text)]

    def number(self, offset: int) -> int:
        """Return the line, from 0, that ``offset`` lies in."""
        from bisect import bisect_right

        return bisect_right(self.starts, offset) - 1

    def column(self, offset: int) -> int:
        """Return how many characters of its line stand before ``offset``."""
        return offset - self.starts[self.number(offset)]

    def line(self, number: int) -> str:
        """Return a line without its break."""
        return self.text[self.starts[number] : self.ends[number]]

    def offset(self, mark: Any) -> int:
        """Return the offset of a parser's mark."""
        if mark.line >= len(self.starts):
            return len(self.text)
        at: int = self.starts[mark.line] + mark.column
        return min(at, len(self.text))


def compose(text: str, lines: Lines) -> Node:
    """Return the root of a text that is known to be a sound document."""
    stack: list[tuple[Node, list[Node]]] = []
    root: Node | None = None
    for event in iter(yaml_events.reader(text), None):
        node = _node(event, lines)
        if node is None and not isinstance(event, MappingEndEvent | SequenceEndEvent):
            continue
        if node is None:
            node, kids = stack.pop()
            _close(node, kids, lines.offset(event.end_mark))
        elif node.kind in ("mapping", "list"):
            stack.append((node, []))
            continue
        if stack:
            stack[-1][1].append(node)
        else:
            root = node
    if root is None:
        raise AssertionError("a sound document has a root")
    return root


def _node(event: Any, lines: Lines) -> Node | None:
    """Return the node that an event begins, or None if it begins none."""
    if isinstance(event, MappingStartEvent | SequenceStartEvent):
        kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
        style = "flow" if event.flow_style else "block"
        start = lines.offset(event.start_mark)
        return Node(kind, start, start, style, anchor=event.anchor)
    if isinstance(event, AliasEvent):
        start, end = lines.offset(event.start_mark), lines.offset(event.end_mark)
        return Node("alias", start, end, "", str(event.anchor))
    if isinstance(event, ScalarEvent):
        start, end = lines.offset(event.start_mark), lines.offset(event.end_mark)
        style = event.style or ""
        if style in ("|", ">"):
            end = _block_end(lines.text, start, end)
        return Node("scalar", start, end, style, str(event.value), event.anchor)
    return None


def _block_end(text: str, start: int, end: int) -> int:
    """Return where a block scalar's last line ends; blank lines belong to it if it keeps them."""
    written = text[start:end]
    if "+" in BREAK.split(written)[0].split("#")[0]:
        return start + len(written.removesuffix("\n").removesuffix("\r"))
    return start + len(written.rstrip())


def _close(node: Node, kids: list[Node], end: int) -> None:
    if node.kind == "mapping":
        node.entries = list(zip(kids[::2], kids[1::2], strict=True))
    else:
        node.items = kids
    node.end = end if node.style == "flow" else max((kid.end for kid in kids), default=end)


def comments(text: str, root: Node) -> list[tuple[int, int]]:
    """Return start and end of each comment, in order; a ``#`` inside a scalar begins none."""
    spans = sorted(
        (_content(text, node), node.end)
        for node in root.below()
        if node.kind == "scalar" and node.end > node.start
    )
    found, at = [], 0
    for start, end in [*spans, (len(text), len(text))]:
        while match := _COMMENT.search(text, at, max(at, start)):
            whole = _COMMENT.match(text, match.start())
            if whole is None:
                raise AssertionError("a comment found is a comment")
            found.append(whole.span())
            at = whole.end()
        at = max(at, end)
    return found


def _content(text: str, node: Node) -> int:
    """Return where a scalar's content begins: a block scalar's header may have a comment."""
    if node.style not in ("|", ">"):
        return node.start
    after = BREAK.search(text, node.start, node.end)
    return after.end() if after else node.end
