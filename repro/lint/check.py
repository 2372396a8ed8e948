"""One file: its bytes in, its findings out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from repro.errors import Problem
from repro.lint.reading import Reading
from repro.lint.source import parse, read
from repro.lint.vocabulary import Vocabulary
from repro.lint.waivers import Waiver, judge
from repro.lint.walk import walk


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a file, in order of place, and the waivers that hold in it."""

    problems: tuple[Problem, ...]
    waivers: tuple[Waiver, ...] = ()


def check(data: bytes, file: str, vocabulary: Vocabulary, today: date) -> Checked:
    """Return every finding in the bytes of a file; never raises for any bytes.

    ``file`` is its name in messages; ``today`` is the day that waivers are held against.
    """
    source = read(data, file)
    if isinstance(source, Problem):
        return Checked((source,))
    tree = parse(source)
    if isinstance(tree, Problem):
        return Checked((tree,))
    reading = Reading(source, vocabulary)
    walk(reading, tree)
    judged = judge(source, reading.found.values(), today)
    ordered = sorted(judged.problems, key=lambda p: (p.place, p.rule, p.message))
    return Checked(tuple(ordered), judged.used)
