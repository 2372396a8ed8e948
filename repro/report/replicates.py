"""What is said of the replicates that two runs are judged by, in the same words everywhere."""

from __future__ import annotations


def beside(count: int, needed: int) -> str:
    """Return how many there are beside the two, and how many are needed.

    The two are not counted: they are what is judged. ``repro stability`` counts all of them.
    """
    noun = "replicate" if count == 1 else "replicates"
    verb = "is" if needed == 1 else "are"
    return f"{count} {noun} beside these two, where {needed} {verb} needed"
