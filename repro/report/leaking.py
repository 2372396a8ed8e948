"""What is said of leakage, in the same words wherever a run is shown."""

from __future__ import annotations

from collections.abc import Sequence


def verdict(word: str | None, without: Sequence[str], found: Sequence[str] = ()) -> str:
    """Return a verdict with what it rests on: the features left out, then what was found.

    ``word`` is None of a run that is too old to have one.
    """
    parts = [word or "-"]
    if without:
        parts.append(f"without {', '.join(without)}, which leaked")
    if found:
        parts.append("; ".join(found))
    return ": ".join(parts)
