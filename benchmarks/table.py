"""Rows of the result, and the one table that they are printed as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

HEADER = ("goal", "measured", "limit", "peers", "met")
MET, MISSED, NO_LIMIT, NOT_HERE = "met", "MISSED", "-", "not here"


@dataclass(frozen=True, slots=True)
class Row:
    """One goal: what was measured, what it should be, and how its peers do on the same scale."""

    goal: str
    """What is compared, and against what: the unit of every ratio of the row."""
    measured: float | None
    """None if it could not be measured here."""
    limit: float | None = None
    """None for a row that only informs."""
    at_least: bool = False
    """Whether more is better."""
    peers: Mapping[str, float | None] = field(default_factory=dict)
    """Ratios to the same unit; None for a peer that is not installed."""
    numbers: str = ""
    """The absolute numbers behind the ratio."""

    @property
    def verdict(self) -> str:
        """Return whether the goal is met; a goal that was not measured is not met."""
        if self.limit is None:
            return NO_LIMIT
        if self.measured is None:
            return NOT_HERE
        good = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        return MET if good else MISSED

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        sign = "≥" if self.at_least else "≤"
        limit = f"{sign} {number(self.limit)}" if self.limit is not None else NO_LIMIT
        peers = ", ".join(f"{name} {number(value)}" for name, value in self.peers.items())
        return (self.goal, number(self.measured), limit, peers or NO_LIMIT, self.verdict)

    def document(self) -> dict[str, Any]:
        """Return the row as JSON."""
        return {**asdict(self), "verdict": self.verdict}


def number(value: float | None) -> str:
    """Return a ratio with three significant digits; small ones as a fraction."""
    if value is None:
        return NOT_HERE
    if value < 0.05:
        return f"1/{1 / value:.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table, and below it the numbers behind each row, missed goals marked."""
    cells = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    right = (1, 2)
    table = [
        "  ".join(
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    table.insert(1, "  ".join("-" * width for width in widths))
    numbers = [
        f"{'MISSED  ' if row.verdict == MISSED else '        '}{row.goal}: {row.numbers}"
        for row in rows
        if row.numbers
    ]
    return [*table, "", "behind the ratios (medians):", *numbers]
