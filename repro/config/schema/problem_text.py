"""A problem as text: its place, what is wrong, and the line with a caret under the fault."""

from __future__ import annotations

import unicodedata

from repro.config.spelling.lookalikes import unseen
from repro.errors import Problem

_WIDTH = 100
"""Columns that a source line may take."""
_TAB = "    "
_GUTTER = 5


def render(problem: Problem) -> str:
    """Return the problem in two to five lines, without a line break at the end.

    What a terminal would obey or hide (control characters, text direction) is made visible.
    """
    place = problem.place
    where = f"{place.file}:{place.line}:{place.column}"
    head = ": ".join(part for part in (where, problem.path, problem.message) if part)
    lines = [_visible(head)]
    if problem.source is not None and problem.source.strip():
        lines += _excerpt(problem.source, place.line, place.column, place.end)
    if problem.hint:
        lines.append(f"  hint: {_visible(problem.hint)}")
    return "\n".join(lines)


def _excerpt(source: str, line: int, column: int, end: int) -> list[str]:
    """Return the source line and the line of carets under it."""
    cells = [_visible(character) for character in source.rstrip()]
    first = min(column - 1, len(cells))
    last = max(min(end - 1, len(cells)), first + 1)
    begin, stop = _window([_columns(cell) for cell in cells], first, last)
    left = "…" if begin else ""
    right = "…" if stop < len(cells) else ""
    indent = " " * (len(left) + sum(map(_columns, cells[begin:first])))
    carets = "^" * max(1, sum(map(_columns, cells[first : min(last, stop)])))
    number = f"{line:>{_GUTTER}}"
    text = "".join(cells[begin:stop])
    return [f"{number} | {left}{text}{right}", f"{' ' * len(number)} | {indent}{carets}"]


def _window(widths: list[int], first: int, last: int) -> tuple[int, int]:
    """Return which characters to show so that ``first`` is seen, and up to ``last`` if it fits."""
    if sum(widths) <= _WIDTH:
        return 0, len(widths)
    begin = first
    fault = min(sum(widths[first:last]), _WIDTH // 2)
    room = (_WIDTH - fault) // 2
    while begin and room >= widths[begin - 1]:
        begin -= 1
        room -= widths[begin]
    stop, room = begin, _WIDTH
    while stop < len(widths) and room >= widths[stop]:
        room -= widths[stop]
        stop += 1
    return begin, stop


def _visible(text: str) -> str:
    return "".join(
        _TAB
        if character == "\t"
        else f"\\u{ord(character):04x}"
        if unseen(character)
        else character
        for character in text
    )


def _columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
