"""Where two datasets differ, told from their locators alone (see ``digest.locators``).

Standard library only: the notary compares two sealed runs without loading a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Change = Literal["changed", "rows", "added", "removed", "unlocated"]

DIGITS = 16
"""Hexadecimal digits kept of each block's digest: enough to locate, the root commits to all 64."""

TIMES = ""
"""The name under which the times of a symbol's rows stand among its columns."""


class Difference(NamedTuple):
    """A run of neighbouring blocks of one symbol that differ in the same way."""

    symbol: str
    column: str
    """Empty where whole rows, or a whole symbol, differ."""
    first: str
    """Label of the first block, like ``2000-03`` (or ``2000`` if blocks are years)."""
    last: str
    """Label of the last block."""
    blocks: int
    """Blocks from first to last."""
    change: Change
    """``changed``: cells; ``rows``: other dates in a block that both have, whose cells are then not
    compared; ``added``/``removed``: blocks, a column or a symbol that only the second/first has;
    ``unlocated``: the two were cut into blocks of different size."""


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two locators, by symbol, then column, then block."""
    found: list[Difference] = []
    for symbol in sorted(a["symbols"].keys() | b["symbols"].keys()):
        old, new = a["symbols"].get(symbol), b["symbols"].get(symbol)
        if old is None or new is None:
            blocks = (new if old is None else old)["blocks"]
            change: Change = "added" if old is None else "removed"
            found.append(Difference(symbol, TIMES, blocks[0], blocks[-1], len(blocks), change))
        elif a["unit"] != b["unit"]:
            labels = (*old["blocks"], *new["blocks"])
            found.append(Difference(symbol, TIMES, min(labels), max(labels), 0, "unlocated"))
        else:
            found.extend(_within(symbol, old, new))
    return found


def _within(symbol: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return the differences of one symbol that both have."""
    labels = sorted({*old["blocks"], *new["blocks"]})
    times = _compare(labels, _cells(old, TIMES), _cells(new, TIMES))
    comparable = {label for label, change in zip(labels, times, strict=True) if change is None}
    times = ["rows" if change == "changed" else change for change in times]
    found = _runs(symbol, TIMES, labels, times)
    for column in sorted((old["columns"].keys() | new["columns"].keys()) - {TIMES}):
        if column not in old["columns"] or column not in new["columns"]:
            side: Change = "removed" if column in old["columns"] else "added"
            blocks = (old if side == "removed" else new)["blocks"]
            found.append(Difference(symbol, column, blocks[0], blocks[-1], len(blocks), side))
            continue
        changes = _compare(labels, _cells(old, column), _cells(new, column))
        kept = [
            change if label in comparable else None
            for label, change in zip(labels, changes, strict=True)
        ]
        found.extend(_runs(symbol, column, labels, kept))
    return found


def _cells(side: Mapping[str, Any], column: str) -> dict[str, str]:
    """Return block label → truncated digest, for one column of one symbol."""
    digits: str = side["columns"][column]
    blocks: Sequence[str] = side["blocks"]
    if len(digits) != DIGITS * len(blocks):
        raise ValueError(
            f"locators of column {column!r}: {len(digits)} digits, {len(blocks)} blocks"
        )
    return {label: digits[i * DIGITS : (i + 1) * DIGITS] for i, label in enumerate(blocks)}


def _compare(
    labels: Sequence[str], old: Mapping[str, str], new: Mapping[str, str]
) -> list[Change | None]:
    """Return, for each label, how the two sides differ there; None where they do not."""
    changes: list[Change | None] = []
    for label in labels:
        if label not in old:
            changes.append("added")
        elif label not in new:
            changes.append("removed")
        else:
            changes.append(None if old[label] == new[label] else "changed")
    return changes


def _runs(
    symbol: str, column: str, labels: Sequence[str], changes: Sequence[Change | None]
) -> list[Difference]:
    """Return neighbouring blocks with the same change as one difference each."""
    found: list[Difference] = []
    previous: Change | None = None
    for label, change in zip(labels, changes, strict=True):
        if change is not None and change == previous:
            run = found[-1]
            found[-1] = run._replace(last=label, blocks=run.blocks + 1)
        elif change is not None:
            found.append(Difference(symbol, column, label, label, 1, change))
        previous = change
    return found
