"""Which characters go and which come when a key or a value of a YAML text is changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from repro.config.editing.draft import Draft, Splice, Spot, colon, extent, hoisted, leads, refusal
from repro.config.editing.nodes import Node
from repro.config.editing.render import STEP, entry, inline, scalar

_HEADER = re.compile(r"[|>][-+0-9]*")
Make = Callable[[int], list[str]]
"""From the column of a key to the lines of the key and its value."""


def own_comments(source: Draft, spot: Spot) -> list[str]:
    """Return the comments that go with a key that does not begin its line."""
    key, lines = spot.key, source.lines
    if key is None or spot.in_flow:
        return []
    end = max(key.end, spot.node.end)
    if len(spot.parent.entries) > 1:
        end = lines.ends[lines.number(end)]
    return source.comments_in(key.start, end)


def lifted(source: Draft, spot: Spot) -> tuple[list[str], int, int, Node, tuple[int, int]] | None:
    """Return the lines of a key in a block, its column, its line among them, and its node.

    Last comes the part of the text that they are.
    """
    key = spot.key
    if key is None or spot.in_flow or not leads(source, key.start):
        return None
    first, last = extent(source, spot)
    lines = [source.lines.line(n) for n in range(first, last + 1)]
    part = source.lines.starts[first], source.lines.ends[last]
    at = source.lines.number(key.start) - first
    return lines, source.lines.column(key.start), at, key, part


def shifted(lines: list[str], column: int, at: int, key: Node, to: int, name: str) -> list[str]:
    """Return lines moved from one column to another, their key called ``name``."""
    if name != key.text:
        rest = lines[at][column + key.end - key.start :]
        lines = [*lines[:at], " " * column + scalar(name, key.style) + rest, *lines[at + 1 :]]
    if to >= column:
        return [" " * (to - column) + line if line.strip() else line for line in lines]
    spare = [min(column - to, len(line) - len(line.lstrip(" "))) for line in lines]
    return [line[n:] for line, n in zip(lines, spare, strict=True)]


def opened(source: Draft, spot: Spot, make: Make) -> list[Splice]:
    """Return the splices that write a first key into an empty ``{}`` in a block."""
    lines, node, eol = source.lines, spot.node, source.eol
    end = lines.ends[lines.number(node.end)]
    if spot.key is not None:
        behind = colon(source, spot)
        if lines.number(behind) == lines.number(node.start):
            made = make(lines.column(spot.key.start) + STEP)
            rest = "" if source.text[node.end : end].strip() else None
            stop = node.end if rest is not None else end
            return [(behind, stop, ""), (end, end, "".join(eol + line for line in made))]
    column = lines.column(node.start)
    made = make(column)
    body = made[0][column:] + "".join(eol + line for line in made[1:])
    if source.comments_in(node.start, end) and len(made) > 1:
        raise refusal(source, node, spot.path, "a comment stands behind its {}")
    return [(node.start, node.end, body)]


def cut(source: Draft, spot: Spot, key: Node) -> list[Splice]:
    """Return the splices that take a key away."""
    lines, parent, node = source.lines, spot.parent, spot.node
    behind = max(key.end, node.end)
    if parent.style == "flow":
        return _cut_flow(source, spot, key, behind)
    n = next(i for i, (k, _) in enumerate(parent.entries) if k is key)
    if leads(source, key.start):
        first, last = extent(source, spot)
        start = lines.starts[first]
        end = lines.starts[last + 1] if last + 1 < len(lines.starts) else len(source.text)
        if len(parent.entries) > 1:
            return [(start, end, "")]
        if len(spot.above) == 1:
            return [(start, end, "{}" + source.eol)]
        above = Spot(spot.path[:-1], spot.keys[:-1], spot.above[:-1], parent)
        if above.key is not None and not above.in_flow:
            at = colon(source, above)
            return [(at, at, " {}"), (start, end, "")]
        raise refusal(source, node, spot.path, "it is alone in its mapping")
    if len(parent.entries) == 1:
        return [(parent.start, behind, "{}")]
    if n:
        raise refusal(source, node, spot.path, "the keys beside it are not written one to a line")
    following = parent.entries[1][0].start
    told = source.comments_in(lines.ends[lines.number(behind)], following)
    return [(key.start, following, ""), *hoisted(source, spot, told)]


def _cut_flow(source: Draft, spot: Spot, key: Node, behind: int) -> list[Splice]:
    """Return the splices that take a key out of brackets."""
    entries = spot.parent.entries
    n = next(i for i, (k, _) in enumerate(entries) if k is key)
    start, end = key.start, behind
    if n + 1 < len(entries):
        end = entries[n + 1][0].start
    elif n:
        start = max(entries[n - 1][0].end, entries[n - 1][1].end)
    return [(start, end, ""), *hoisted(source, spot, source.comments_in(start, end))]


def replaced(source: Draft, spot: Spot, value: Any) -> list[Splice]:
    """Return the splices that put another value in the place of one."""
    node, key, lines = spot.node, spot.key, source.lines
    style = node.style if node.kind == "scalar" and node.style in ("'", '"') else ""
    new = inline(value, style)
    told = source.comments_in(node.start, node.end)
    if key is None or spot.in_flow:
        gap = "" if node.start < node.end or source.text[node.start - 1] in " \t[{,\n" else " "
        return [(node.start, node.end, gap + new), *hoisted(source, spot, told)]
    behind = colon(source, spot)
    at = lines.number(behind)
    line_end = lines.ends[at]
    last = lines.ends[lines.number(node.end)]
    body: list[Splice] = []
    head = " " + new
    if isinstance(value, dict) and value:
        column = lines.column(key.start) + STEP
        head = ""
        made = [line for k, v in value.items() for line in entry(k, v, column)]
        body = [(line_end, line_end, "".join(source.eol + line for line in made))]
    if node.start == node.end:
        return [(behind, behind, head), *body]
    if lines.number(node.start) > at:
        told = source.comments_in(line_end, last)
        gone = "".join(text for _, _, text in body)
        return [(behind, behind, head), (line_end, last, gone), *hoisted(source, spot, told)]
    header = _HEADER.match(source.text, node.start) if node.style in ("|", ">") else None
    if header:
        gone = "".join(text for _, _, text in body)
        return [(behind, header.end(), head), (line_end, node.end, gone)]
    start = behind if not head else node.start
    if lines.number(node.end) == at:
        return [(start, node.end, head.lstrip(" ")), *body, *hoisted(source, spot, told)]
    body = [(last, last, text) for _, _, text in body]
    return [(start, node.end, head.lstrip(" ")), *body, *hoisted(source, spot, told)]


def item_cut(source: Draft, spot: Spot, n: int) -> Splice:
    """Return the splice that takes the lines of an item, and its own comments, out of a list."""
    lines, item = source.lines, spot.node.items[n]
    column = lines.column(spot.node.start)
    first = lines.number(item.start)
    floor = lines.number(spot.node.items[n - 1].end) if n else lines.number(spot.node.start) - 1
    while first > floor + 1 and lines.line(first)[: column + 1] != " " * column + "-":
        first -= 1
    last = lines.number(item.end)
    while first > floor + 1 and source.is_comment_line(first - 1) == column:
        first -= 1
    end = lines.starts[last + 1] if last + 1 < len(lines.starts) else len(source.text)
    return lines.starts[first], end, ""


def kept(source: Draft, spot: Spot, start: int, end: int) -> str:
    """Return the comments of a part of the text as lines in the column of the key at ``spot``."""
    key = spot.key or spot.node
    indent = " " * source.lines.column(key.start)
    return "".join(indent + text + source.eol for text in source.comments_in(start, end))
