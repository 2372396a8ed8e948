"""What is said of the replicates that two runs are judged by, in the same words everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def beside(count: int, needed: int) -> str:
    """Return how many there are beside the two, and how many are needed.

    The two are not counted: they are what is judged. ``repro stability`` counts all of them.
    """
    noun = "replicate" if count == 1 else "replicates"
    verb = "is" if needed == 1 else "are"
    return f"{count} {noun} beside these two, where {needed} {verb} needed"


def told(spread: Mapping[str, Any], number: Callable[[Any], str]) -> str:
    """Return what two runs that differ in the seed are judged by: the metric, and its range."""
    metric, lacking = spread["metric"], spread["lacking"]
    counted = beside(spread["count"], spread["needed"])
    if lacking:
        counted += f" ({lacking} more {'does' if lacking == 1 else 'do'} not have {metric})"
    if spread["difference"] is None:
        return f"{metric} is missing, or no finite number, in one of the two; {counted}"
    low, high = (number(spread[end]) for end in ("low", "high"))
    width = "unknown" if spread["low"] is None else f"{low} to {high}"
    return f"{metric} differs by {number(spread['difference'])}; {counted}, range {width}"
