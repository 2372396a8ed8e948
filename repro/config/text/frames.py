"""A mapping or list that is still being read: its items so far, and where each one stands."""

from __future__ import annotations

from typing import Any, TypeAlias

from repro.config.text.events import Spot

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Kids: TypeAlias = "list[Span] | dict[str, tuple[Spot, Spot, Span]] | None"
"""Spans of the items, or of each key its start, its end and the span of its value."""
Span: TypeAlias = tuple[Spot, Spot, Kids]
"""Start and end of a value, and what is in it."""


class Frame:
    """An open mapping or list; made once for each, so it is kept light."""

    __slots__ = (
        "anchor",
        "before",
        "height",
        "key",
        "key_end",
        "key_start",
        "kids",
        "mapping",
        "merge_line",
        "merges",
        "merging",
        "start",
        "value",
    )

    def __init__(self, mapping: bool, start: Spot, anchor: str | None, before: int) -> None:
        """Open a frame at ``start``, with ``before`` values counted ahead of it."""
        self.mapping = mapping
        self.start = start
        self.anchor = anchor
        self.before = before
        self.value: Any = {} if mapping else []
        self.kids: Any = {} if mapping else []
        self.height = 1
        self.key: str | None = None
        self.key_start = self.key_end = start
        self.merging = False
        self.merge_line: int | None = None
        self.merges: tuple[tuple[Any, Any], ...] = ()

    @property
    def wants_key(self) -> bool:
        """Whether the next scalar is a key."""
        return self.mapping and self.key is None

    @property
    def step(self) -> str | int | None:
        """The key or index of the value to come; None while a key is awaited."""
        return self.key if self.mapping else len(self.value)

    def first_line(self, key: str) -> int | None:
        """Return the line where ``key`` was given before, from 0."""
        if self.merging:
            return self.merge_line
        return self.kids[key][0].line if key in self.kids else None

    def raise_to(self, height: int) -> None:
        """Take note that something ``height - 1`` levels high lies inside."""
        self.height = max(self.height, height)

    def add(self, value: Any, span: Span) -> None:
        """Take the next value."""
        if not self.mapping:
            self.value.append(value)
            self.kids.append(span)
            return
        key = self.key
        self.key = None
        self.value[key] = value
        self.kids[key] = (self.key_start, self.key_end, span)

    def merge(self, value: Any, span: Span) -> list[Span]:
        """Take the value of ``<<``; return the spans of what is no mapping in it."""
        self.key, self.merging, self.merge_line = None, False, self.key_start.line
        parts: list[tuple[Any, Any]] = [(value, span)]
        if isinstance(value, list):
            parts = list(zip(value, span[2] or (), strict=True))
        self.merges = tuple((part, at[2]) for part, at in parts if isinstance(part, dict))
        return [at for part, at in parts if not isinstance(part, dict)]

    def finish(self) -> None:
        """Lay what ``<<`` brought under the keys given here; an earlier source wins."""
        for value, kids in self.merges:
            for key in value:
                if key not in self.value:
                    self.value[key], self.kids[key] = value[key], kids[key]


def copied(value: Any) -> Any:
    """Return ``value`` with none of its mappings and lists shared."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
