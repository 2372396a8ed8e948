"""What is said of a worker that is not of this machine: its words are true where it is."""

from __future__ import annotations

from typing import Final

from repro.errors import ReproError, recordable
from repro.facts.code import OtherCodeError

HERE: Final = "here"
"""What an executor calls the place of a worker of this machine (`Prepared.place`)."""
SAME: Final = "install the same version on every worker"
LONGEST: Final = 200
"""Characters of a place that are shown: executors of others may tell anything."""
_ITS: Final = "the worker "


def of_worker(error: ReproError, place: str) -> ReproError:
    """Return an error as one of the worker at ``place``, which is named; changes it in place.

    "Here" in what a worker says is where it runs, and so its place comes first.
    """
    if place in ("", HERE):
        return error
    place = recordable(place)[:LONGEST]
    if isinstance(error, OtherCodeError):
        error.hint = SAME
    if place not in error.problem:
        said = error.problem
        if said.startswith(_ITS):
            error.problem = f"{_ITS}{place} {said.removeprefix(_ITS)}"
        else:
            error.problem = f"on the worker {place}: {said}"
        error.args = (error.problem,)
    return error
