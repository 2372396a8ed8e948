"""What went wrong, told to who called from Python: arguments by their names, not as options."""

from __future__ import annotations

from dataclasses import replace

from repro.errors import InputError, Problem
from repro.verbs.research.choosing import ARGUMENT


def as_passed(problem: Problem) -> Problem:
    """Return a problem with the argument as its file, if it lies in a value that was passed.

    The column is that in the value, or in the key if that is what is wrong.
    """
    place, key = problem.place, (problem.source or "").partition("=")[0]
    if not place.file.startswith(ARGUMENT):
        return problem
    before = len(key) + 1 if place.column > len(key) + 1 else 0
    file = place.file.removeprefix(ARGUMENT)
    at = replace(place, file=file, column=place.column - before, end=place.end - before)
    return replace(problem, place=at, source=(problem.source or "")[before:])


def refused(error: OSError) -> InputError:
    """Return what the operating system refused, with the file that it speaks of."""
    at = f"{error.filename}: " if error.filename else ""
    return InputError(f"{at}{error.strerror or error}")
