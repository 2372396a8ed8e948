"""Where in a file something stands, as it is said to the user, and which columns a file lacks."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Literal

from repro.errors import InputError

Counted = Literal["line", "row"]
"""What the places in a file are counted by, from 1: lines of text, or rows of stored columns."""

_SHOWN = 5
_LISTED = 40
"""Names of columns that a message lists; a file may have a hundred thousand."""
_COMPARED = 2_000
"""Names among which a similar one is looked for: comparing more of them takes seconds."""


def place(name: str, number: int, counted: Counted) -> str:
    """Return ``file:line`` or ``file row number``; of number 0, which is the folder, the file."""
    if number == 0:
        return name
    return f"{name}:{number}" if counted == "line" else f"{name} row {number}"


def first_few(name: str, faults: Sequence[tuple[int, str]], counted: Counted = "line") -> str:
    """Return the first faults by place, ``place: what`` each, and how many more there are."""
    ordered = sorted(faults)
    shown = [f"{place(name, number, counted)}: {said}" for number, said in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        shown.append(f"and {len(ordered) - _SHOWN} more")
    return "\n".join(shown)


def listed(names: Sequence[str], most: int = _LISTED) -> str:
    """Return names in quotes, the first of them and how many more if they are many."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def require_columns(where: str, header: Sequence[str], wanted: Collection[str]) -> None:
    """Raise InputError for each wanted column that a file at ``where`` lacks or has twice."""
    known = set(header)
    missing = [column for column in wanted if column not in known]
    if missing:
        near = sorted({name for c in missing[:_SHOWN] if (name := _nearest(c, header)) is not None})
        hint = f"did you mean {' and '.join(repr(n) for n in near)}? " if near else ""
        raise InputError(
            f"{where}: no column {listed(missing, _SHOWN)}", f"{hint}the file has {listed(header)}"
        )


def _nearest(column: str, header: Sequence[str]) -> str | None:
    """Return the name in a header that somebody meant: but for case and spaces, or nearly."""
    looks = column.strip().casefold()
    same = [name for name in header if name.strip().casefold() == looks]
    if same or len(header) > _COMPARED:
        return same[0] if same else None
    return next(iter(difflib.get_close_matches(column, header, n=1)), None)
