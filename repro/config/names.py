"""Which name somebody meant: the nearest of the names that exist."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``name`` most likely is a slip of, or None if none is close.

    Close is one slip in every three characters, case aside; of equally close ones the first
    in alphabetical order, so that the answer never depends on the order of the candidates.
    """
    allowed = max(1, min(len(name) // 3, 4))
    best: tuple[int, str] | None = None
    for candidate in candidates:
        if abs(len(candidate) - len(name)) > allowed:
            continue
        found = (slips(name.casefold(), candidate.casefold()), candidate)
        if found[0] <= allowed and found[0] < len(candidate) and (best is None or found < best):
            best = found
    return best[1] if best else None


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """Return ``; did you mean X?``, or nothing if no candidate is close."""
    found = nearest(name, candidates)
    return f"; did you mean {found}?" if found else ""


def slips(left: str, right: str) -> int:
    """Return how many slips lie between the two: a character added, lost, changed, or two swapped.

    The optimal string alignment distance (Damerau 1964), by rows.
    """
    before: list[int] = []
    above = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
