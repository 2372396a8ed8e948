"""The lines of one YAML file, and places and problems in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from repro.config.text.events import At, Spot
from repro.errors import Place, Problem

_PROPERTY = r"!<[^>]*>|[&!][^\s,\[\]{}]*"
_TABBED_TAG = r"(?:&\S+[ \t]+)?!\S*\t"
_BLOCK_HEADER = r"[|>][-+1-9]{0,2}(?: *| +#.*)"
_INDENTED = r" *\t"
_PROPERTIES = rf"[ \t]*(?:(?:{_PROPERTY})[ \t]*)*(?:#.*)?"
"""Matches anywhere, if only nothing."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern, made when it is first needed: most files need none of them."""
    return re.compile(pattern)


@dataclass(frozen=True, slots=True)
class Text:
    """The lines of a file, for places and problems."""

    file: str
    lines: tuple[str, ...]

    def place(self, start: Spot, end: Spot) -> Place:
        """Return where ``start`` to ``end`` is, up to the end of its first line."""
        line, column = start.line, start.column
        if line >= len(self.lines):  # libyaml's mark of what the end of the file leaves out
            line = len(self.lines) - 1
            column = len(self.lines[line])
        text = self.lines[line].rstrip(" \t")
        last = min(end.column, len(text)) if end.line == line else len(text)
        return Place(self.file, line + 1, column + 1, max(column, last) + 1)

    def problem(
        self,
        start: Spot,
        message: str,
        rule: str,
        hint: str | None = None,
        *,
        end: Spot | None = None,
        path: str = "",
    ) -> Problem:
        """Return a problem at ``start``, of one character unless ``end`` is given."""
        line = self.lines[start.line] if start.line < len(self.lines) else ""
        if end is None:
            end = At(start.line, min(start.column + 1, max(len(line), start.column)))
        return Problem(self.place(start, end), path, message, rule, hint, line)

    def tab_behind_tag(self, at: Spot) -> bool:
        """Return whether a tab ends the tag at ``at`` (the pure parser refuses it)."""
        line = self.lines[at.line] if at.line < len(self.lines) else ""
        return _compiled(_TABBED_TAG).match(line, at.column) is not None

    def block_header(self, at: Spot) -> bool:
        """Return whether the line is well ended behind the ``|`` or ``>`` at ``at``."""
        return _compiled(_BLOCK_HEADER).fullmatch(self.lines[at.line], at.column) is not None

    def tab_inside(self, start: Spot, end: Spot) -> Spot | None:
        """Return where a tab indents one of the lines of a text after its first."""
        for line in range(start.line + 1, min(end.line + 1, len(self.lines))):
            found = _compiled(_INDENTED).match(self.lines[line])
            if found:
                return At(line, found.end() - 1)
        return None

    def behind_properties(self, at: Spot, limit: Spot | None) -> Spot:
        """Return where the first text stands behind the tag and anchor that begin at ``at``.

        If that is behind ``limit``, there is no text, and ``limit`` is where it would be.
        """
        at, column = At(at.line, at.column), at.column
        pattern = _compiled(_PROPERTIES)
        for line in range(at.line, len(self.lines)):
            column = pattern.match(self.lines[line], column).end()  # type: ignore[union-attr]
            if column < len(self.lines[line]):
                at = At(line, column)
                break
            column = 0
        else:
            return limit or at
        return at if limit is None or at <= (limit.line, limit.column) else limit


def dotted(path: tuple[str | int, ...]) -> str:
    """Return ``path`` as users write it; a key that is not plainly a name is in quotes."""
    return ".".join(
        str(part)
        if isinstance(part, int) or (part and re.fullmatch(r"[^\s.\"]+", part))
        else json.dumps(part, ensure_ascii=False)
        for part in path
    )
