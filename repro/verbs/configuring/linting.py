"""The lint of a tree of Python files: the trainers' names meet the rules."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from repro.config.documents.catalog import schema_of
from repro.config.documents.trainer_faults import blamed
from repro.errors import InputError, Place, Problem
from repro.facts.trainers import declarations
from repro.lint.check import check
from repro.lint.files import STDIN, STDIN_NAME, content, python_files
from repro.lint.rules import RULES, UNREADABLE
from repro.lint.vocabulary import Vocabulary, vocabulary
from repro.lint.waivers import Waiver

SAFETY = "safety_config"


@dataclass(frozen=True, slots=True)
class Linting:
    """What was read and what is wrong with it: ``problems`` is in order of file and place."""

    as_of: date
    files: int
    """How many were read or tried."""
    size: int
    """Bytes of source."""
    problems: tuple[Problem, ...]
    waivers: tuple[Waiver, ...]
    """Those that hold and were needed."""

    @property
    def exit_status(self) -> int:
        """Return 0 if nothing is wrong, 1 for findings, 3 if a file could not be read."""
        if any(problem.rule == UNREADABLE for problem in self.problems):
            return InputError.exit_status
        return 1 if self.problems else 0


def lint(paths: Sequence[str], exclude: Sequence[str], as_of: date) -> Linting:
    """Return every finding in the Python files that ``paths`` mean; ``-`` is standard input.

    Waivers are held against the day ``as_of``. Raises InputError for a path that is not there, and
    if no Python file is found at all: an empty scan is not a clean one.
    """
    names = known_names()
    problems: list[Problem] = []
    waivers: list[Waiver] = []
    files = size = 0
    with _no_collections():
        for file in python_files(paths, exclude):
            files += 1
            shown = STDIN_NAME if file == STDIN else file
            try:
                data = content(file)
            except (OSError, ValueError) as error:
                said = f"cannot be read: {getattr(error, 'strerror', None) or error}"
                mend = RULES[UNREADABLE].mend
                problems.append(Problem(Place(shown, 1, 1, 2), "", said, UNREADABLE, mend))
                continue
            size += len(data)
            checked = check(data, shown, names, as_of)
            problems += checked.problems
            waivers += checked.waivers
    if not files:
        raise InputError(
            f"no Python file in: {', '.join(paths)}",
            "name a folder with Python files, or the files; hidden folders and virtual "
            "environments are read only if they are named",
        )
    return Linting(as_of, files, size, tuple(problems), tuple(waivers))


def known_names() -> Vocabulary:
    """Return the names that the installed trainers and the safety document declare.

    Raises InputError for a declaration that cannot be read.
    """
    families = declarations()
    with blamed(families):
        return vocabulary(
            {family: families[family].hyperparameters for family in families},
            [seed for family in families for seed in families[family].seeds],
            _numbers(schema_of(SAFETY, families)),
            {family: families[family].modules for family in families},
        )


def _numbers(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a schema's numeric leaves."""
    for name, below in schema.get("properties", {}).items():
        types = below.get("type", ())
        if not {"number", "integer"}.isdisjoint([types] if isinstance(types, str) else types):
            yield name
        yield from _numbers(below)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Hold cyclic garbage collection: a syntax tree has no cycles, and is a million objects."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
