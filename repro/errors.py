"""The errors a user can cause, with the exit status each one ends in.

    ReproError                 2  (never raised itself)
    ├── UsageError             2  the command line, or a name that does not exist
    ├── ProblemsError          1  validation found problems (all of them, with places);
    │                          2  if all of them are keys on the command line that mean nothing,
    │                          3  if a file cannot be read at all
    ├── InputError             3  environment, data or workspace cannot be used
    ├── IntegrityError         4  the log or an artifact is not what it was
    ├── DeterminismError       5  the strict environment was not attained, or bits differ
    ├── TrainingError          6  the trainer failed, was killed, or leakage policy refused
    └── InterruptedRunError  130  the user stopped the run

Anything else that reaches the front desk is our own bug (70).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DISTRIBUTION = "repro-audit"
"""What this is called where it is installed. No hint has an index asked for that name: this is
installed from a checkout, and on an index the name may be anybody's."""


def installs(extra: str) -> str:
    """Return the command that brings an extra of ours, as the README installs."""
    return f"pip install '.[{extra}]'"


def in_checkout(extra: str) -> str:
    """Return the same as a hint."""
    return f"in a checkout of repro: {installs(extra)}"


def recordable(text: object) -> str:
    """Return a text that a record can hold: half of a character has no bytes, and is escaped."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def named(name: str) -> str:
    """Return a name as a list in a sentence has it: in quotes where it could not be seen whole."""
    plain = name.isprintable() and name == name.strip() != "" and "," not in name
    return name if plain else repr(name)


class ReproError(Exception):
    """An expected failure: what was wrong, and what to do next."""

    exit_status: int = 2
    tail: str = ""
    """The end of what a worker printed before it failed with this, if one did."""
    is_unfit: bool = False
    """Whether it is the machine that lacks something, of a worker: another one may have it."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        """Keep the one-sentence ``problem`` and, only if following it is safe, a ``hint``."""
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class UsageError(ReproError):
    """The command cannot be understood, or names something that does not exist."""


class InputError(ReproError):
    """Environment, data or workspace cannot be used."""

    exit_status = 3


class DeclarationError(InputError):
    """A trainer that is offered cannot be used: its declaration is not as it must be."""

    def __init__(self, problem: str, hint: str | None = None, file: Path | None = None) -> None:
        """Keep the declaration's ``file`` beside what is wrong, where it was found."""
        super().__init__(problem, hint)
        self.file = file


class IntegrityError(ReproError):
    """The log or an artifact is not what it was."""

    exit_status = 4


class DamagedRunError(IntegrityError):
    """One sealed run is not what was sealed; of others that says nothing."""


class DeterminismError(ReproError):
    """The strict environment was not attained, or bits differ where they must not."""

    exit_status = 5


class TrainingError(ReproError):
    """The trainer failed, was killed, or the leakage policy refused the run."""

    exit_status = 6
    leakage: Mapping[str, Any] | None = None
    """The verdict and what was found, if it is leakage that the policy refuses."""


class NotExecutableError(ReproError):
    """A command is there and may not be executed; the exit status is a shell's."""

    exit_status = 126


class NotFoundError(ReproError):
    """A command is not there; the exit status is a shell's."""

    exit_status = 127


class InterruptedRunError(ReproError):
    """The user stopped the run; the log says so."""

    exit_status = 130
    sealed: frozenset[str] = frozenset()
    """Of a command of several trainings: the runs that it had come by when it was stopped."""

    def __init__(self, problem: str, hint: str | None = None, run: str | None = None) -> None:
        """Keep the name of the ``run`` that the log says was interrupted; None for none."""
        super().__init__(problem, hint)
        self.run = run


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file: 1-based line and column; ``end`` is the column after the last character."""

    file: str
    line: int
    column: int
    end: int
    """The column after the last character."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of validation: ``path`` is dotted, ``rule`` names the check."""

    place: Place
    path: str
    message: str
    """What is wrong, in a sentence."""
    rule: str
    """The check that found it."""
    hint: str | None = None
    """What to do."""
    source: str | None = None
    """The text of the line at ``place``, for the caret."""
    severity: str = "error"
    """``error``, or ``warning`` for what is read all the same: an old place, an old name."""


COMMAND_LINE = "set"
"""The rule of a problem that lies in how the command was typed, not in a value."""


UNREADABLE = "unreadable"
"""The rule of a problem that a file cannot be read at all."""


class ProblemsError(ReproError):
    """Validation found problems; all of them, sorted by place."""

    exit_status = 1

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep ``problems`` in order of place."""
        ordered = tuple(sorted(problems, key=lambda p: (p.place, p.path, p.message)))
        count = len(ordered)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} in the configuration")
        self.problems = ordered
        if ordered and all(problem.rule == COMMAND_LINE for problem in ordered):
            self.exit_status = UsageError.exit_status
        if any(problem.rule == UNREADABLE for problem in ordered):
            self.exit_status = InputError.exit_status

    def __str__(self) -> str:
        """Return how many there are, and the first with its place: who calls sees no list."""
        if not self.problems:
            return self.problem
        first = self.problems[0]
        place = f"{first.place.file}:{first.place.line}:{first.place.column}"
        named = f"{first.path}: " if first.path else ""
        return f"{self.problem}; the first, {place}: {named}{first.message}"
