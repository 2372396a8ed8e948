"""Axes of a sweep as they are typed, and the grid that they span; pure.

What stands after the key:

    learning_rate=0.01,0.03        each value as an override would have it: typed, as YAML
    seed=1..5                      1, 2, 3, 4, 5; both ends are in
    subsample=0.5..0.9..0.1        in steps; reckoned in decimals, so that 0.7 is 0.7
    selected=[ret_1d],[ret_1d, a]  a list or mapping is one value
    target=fwd_ret_1d,fwd_ret_5d   a name of what is trained, as the option of that name takes it
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from repro.config.resolution.assignments import parse_assignment
from repro.errors import UsageError
from repro.identity.keys import EXACT
from repro.verbs.research.choosing import override

NAMES = ("target", "experiment", "variant", "profile")
"""Axes that choose what is trained; every other is the key of a value of the configuration."""
SEED = "seed"
_HINT = "axes are written key=value,value,… or key=first..last or key=first..last..step"
_KEY = re.compile(r'(?:"[^"]*"|[^="])*')
_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?")
_RANGE_LIKE = re.compile(r"[^\"'\[{]*[^.\"'\[{/]\.\.[^./\"'][^\"']*")
_ENDLESS = re.compile(rf"{_NUMBER}\.\.(?:\.\.{_NUMBER})?|\.\.{_NUMBER}(?:\.\.{_NUMBER})?")
_FAR = 300
"""Powers of ten beyond which no value of a configuration lies."""
_OPENS = {"[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an axis: as it is typed, and as it is read."""

    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers in equal steps; none of them is made before it is needed."""

    first: Decimal
    step: Decimal
    count: int
    integral: bool

    def __getitem__(self, index: int) -> Value:
        """Return the number at an index from 0 on."""
        number = self.first + index * self.step
        value: int | float = int(number) if self.integral else float(number)
        return Value(repr(value), value)

    @property
    def lowest(self) -> Decimal:
        """Return the smallest of them."""
        return min(self.first, self.first + (self.count - 1) * self.step)

    @property
    def highest(self) -> Decimal:
        """Return the largest of them."""
        return max(self.first, self.first + (self.count - 1) * self.step)


@dataclass(frozen=True, slots=True)
class Axis:
    """A key, and the values that it takes, in the order in which they were typed."""

    key: str
    parts: tuple[Value | Range, ...]

    @property
    def count(self) -> int:
        """Return how many values it has; ranges are not spelled out."""
        return sum(part.count if isinstance(part, Range) else 1 for part in self.parts)

    def values(self) -> Iterator[Value]:
        """Yield the values."""
        for part in self.parts:
            if isinstance(part, Range):
                yield from (part[index] for index in range(part.count))
            else:
                yield part


Grid = tuple[Axis, ...]
At = Mapping[str, Value]
"""A place in a grid: the value of each axis, in the order of the axes."""


def parse_axes(texts: Sequence[str]) -> Grid:
    """Return the axes that ``texts`` mean.

    Raises UsageError for what is no axis, has no value, or gives a key or a value twice; and
    ProblemsError for a value that YAML cannot read.
    """
    grid = tuple(_axis(number, text) for number, text in enumerate(texts, start=1))
    seen: set[str] = set()
    for axis in grid:
        if axis.key in seen:
            raise UsageError(
                f"two axes have the key {axis.key}", "write all values in one: key=value,value"
            )
        seen.add(axis.key)
    return grid


def typed(key: str, values: str | Iterable[object]) -> str:
    """Return an axis as it is typed: a text is one already, values keep their types.

    Raises UsageError for a value that YAML does not have, and for no value.
    """
    if isinstance(values, str):
        return f"{key}={values}"
    texts = [override("", value).removeprefix("=") for value in values]
    if not texts:
        raise UsageError(
            f"axis {key} has no value, so that the grid is empty",
            f'pass it a list of values, as in {{"{key}": [1, 2]}}',
        )
    return f"{key}=" + ",".join(texts)


def size(grid: Grid) -> int:
    """Return how many points a grid has, without making them; 1 without any axis."""
    return math.prod(axis.count for axis in grid)


def points(grid: Grid) -> Iterator[At]:
    """Yield every place of a grid; the last axis changes first."""
    keys = [axis.key for axis in grid]
    for values in itertools.product(*(list(axis.values()) for axis in grid)):
        yield dict(zip(keys, values, strict=True))


def name_of(at: At) -> str:
    """Return a place in words, as it would be typed."""
    return ", ".join(f"{key}={value.text}" for key, value in at.items()) or "the one point"


def _axis(number: int, text: str) -> Axis:
    """Return one axis."""
    match = _KEY.match(text)
    key = match.group() if match else ""
    if text[len(key) : len(key) + 1] != "=" or not key.strip():
        raise UsageError(f"not an axis: {text!r}", _HINT)
    typed, shown = text[len(key) + 1 :], key.strip()
    if not typed.strip():
        raise UsageError(
            f"axis {shown} has no value, so that the grid is empty",
            f'write values after the =, as in {shown}=1,2; an empty text is written ""',
        )
    parts = tuple(_part(number, shown, item) for item in _items(typed))
    seen: set[tuple[str, str]] = set()
    for part in parts:
        if isinstance(part, Value):
            kind = (type(part.value).__name__, repr(part.value))
            if kind in seen:
                raise UsageError(
                    f"axis {shown} has the value {part.text} twice", "keep one of them"
                )
            seen.add(kind)
    _require_apart(shown, parts)
    return Axis(shown, parts)


def _require_apart(key: str, parts: Sequence[Value | Range]) -> None:
    """Raise UsageError for a number that is in two parts, one of them a range."""
    ranges = [part for part in parts if isinstance(part, Range)]
    for each in ranges:
        for other in parts:
            if other is not each and (common := _common(each, other)) is not None:
                raise UsageError(f"axis {key} has the value {common} twice", "keep one of them")


def _common(each: Range, other: Value | Range) -> str | None:
    """Return a number that a range has in common with something else, or None.

    Of two ranges the shorter one is walked, so that a short one beside a long one is quick.
    """
    if isinstance(other, Range):
        if each.highest < other.lowest or other.highest < each.lowest:
            return None
        short, long = sorted((each, other), key=lambda part: part.count)
        found = (short[index] for index in range(short.count))
        return next((text for v in found if (text := _common(long, v)) is not None), None)
    if isinstance(other.value, bool) or not isinstance(other.value, int | float):
        return None
    if not math.isfinite(other.value):
        return None
    index, rest = divmod(Decimal(repr(other.value)) - each.first, each.step)
    return other.text if rest == 0 and 0 <= index < each.count else None


def _part(number: int, key: str, item: str) -> Value | Range:
    """Return one value or one range of an axis."""
    text = item.strip()
    if not text:
        raise UsageError(f"axis {key} has an empty value", 'an empty text is written ""')
    if match := _RANGE.fullmatch(text):
        return _range(key, *match.groups())
    if _ENDLESS.fullmatch(text):
        lacks = "first" if text.startswith("..") else "last"
        raise UsageError(f"axis {key}: the range {text} has no {lacks} number", _HINT)
    if _RANGE_LIKE.fullmatch(text):
        raise UsageError(
            f"axis {key}: {text!r} is no range of numbers",
            "ranges are first..last or first..last..step; a text with dots goes in quotes",
        )
    value = parse_assignment(number, f"{key}={text}").value
    if key in NAMES and not (isinstance(value, str) and value):
        raise UsageError(f"axis {key}: {text} is no name", f"name a {key}")
    return Value(text, value)


def _range(key: str, first: str, last: str, step: str | None) -> Range:
    """Return a range; raises UsageError for one without any number."""
    begin, end = Decimal(first), Decimal(last)
    integral = all(re.fullmatch("[-+]?[0-9]+", t) for t in (first, last, step or "1"))
    if step is None and not integral:
        raise UsageError(f"axis {key}: {first}..{last} needs a step", f"as in {first}..{last}..0.1")
    by = Decimal(step) if step is not None else Decimal(1)
    shown = f"{first}..{last}" + (f"..{step}" if step is not None else "")
    far = any(abs(number.adjusted()) > _FAR for number in (begin, end, by))
    if by == 0:
        raise UsageError(
            f"axis {key}: the range {shown} has the step 0, which leads nowhere",
            f"for one value alone write {key}={first}",
        )
    if not far and (end - begin) * by < 0:
        down = f"{first}..{last}..{-abs(by)}"
        hint = "the step must lead from the first to the last"
        hint += f"; to count down: {key}={down}" if end < begin else ""
        raise UsageError(f"axis {key}: the range {shown} is empty", hint)
    if far or max(abs(begin), abs(end), (end - begin) / by) > EXACT:
        raise UsageError(f"axis {key}: the range {shown} has numbers too large to be told apart")
    count = int((end - begin) // by) + 1
    return Range(begin, by, count, integral)


def _items(text: str) -> list[str]:
    """Return what stands between the commas that lie in no quotes and no brackets."""
    items, start, quote, is_escaped = [], 0, "", False
    open_brackets: list[str] = []
    for index, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif quote == '"' and character == "\\":
            is_escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (open_brackets or not text[start:index].strip()):
            quote = character
        elif character in _OPENS:
            open_brackets.append(_OPENS[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif character == "," and not open_brackets:
            items.append(text[start:index])
            start = index + 1
    return [*items, text[start:]]
