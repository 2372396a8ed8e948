"""Which name somebody meant: the nearest of the names that exist."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``name`` most likely is a slip of, or None if none is close.

    Close is one slip in every three characters, case aside; of equally close ones the first
    in alphabetical order, so that the answer never depends on the order of the candidates.
    What only looks like another name is that name.
    """
    looks = _looks(name)
    allowed = _allowed(looks)
    best: tuple[int, str] | None = None
    for candidate in candidates:
        other = _looks(candidate)
        if abs(len(other) - len(looks)) > allowed:
            continue
        found = (slips(looks.casefold(), other.casefold()), candidate)
        if found[0] <= allowed and found[0] < len(other) and (best is None or found < best):
            best = found
    return best[1] if best else None


def nearest_few(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """Return the names that ``name`` is most like: those it is the initials of, then by slips."""

    def distance(candidate: str) -> tuple[bool, int, str]:
        initials = "".join(word[:1] for word in candidate.split("_"))
        return initials != name, slips(name.casefold(), candidate.casefold()), candidate

    return sorted(candidates, key=distance)[:most]


def preferred(name: str, found: str, same: Iterable[str]) -> str:
    """Return the first of ``same``, other names of what ``found`` names, that is close as well.

    ``found`` itself if none is: who writes an alias with a slip means that alias.
    """
    looks = _looks(name)
    for other in same:
        if other == found or slips(looks.casefold(), other.casefold()) <= _allowed(looks):
            return other
    return found


def _allowed(looks: str) -> int:
    """Return how many slips a close name may have."""
    return max(1, min(len(looks) // 3, 4))


def _looks(name: str) -> str:
    """Return what ``name`` looks like; itself, if nothing of it can be seen."""
    if name.isascii():
        return name
    from repro.config.spelling.lookalikes import skeleton

    return skeleton(name) or name


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """Return ``; did you mean X?``, or nothing if no candidate is close.

    A character that passes for another is named, whether or not a candidate is close.
    """
    candidates = list(candidates)
    found = nearest(name, candidates)
    return f"; did you mean {found}?{oddity(name, found)}" if found else oddity(name, None)


def oddity(name: str, meant: str | None) -> str:
    """Return which character of ``name``, or else of ``meant``, passes for another, if one does."""
    if name.isascii() and (meant is None or meant.isascii()):
        return ""
    from repro.config.spelling.lookalikes import odd_character, skeleton

    if meant is None and not skeleton(name).isascii():
        return ""  # whoever writes in another script means its letters
    if odd := odd_character(name, meant):
        return f" {odd.words}" if meant else f"; {odd.words}"
    if meant and (odd := odd_character(meant, name)):
        return f" There, {odd.words}"
    return ""


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
