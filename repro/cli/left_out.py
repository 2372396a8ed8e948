"""A word on installed trainers that cannot be used, where a command had no need of them."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from repro.cli import output
from repro.cli.completing import ASKED
from repro.errors import ProblemsError, ReproError

_FOUND = "repro.facts.trainers"


class Trainers:
    """A command, around which it is seen whether trainers were looked for; warns when it ends."""

    def __init__(self) -> None:
        """Remember how often trainers were looked for before."""
        self._before = _looked()
        self._told: set[str] = set()

    def told(self, error: ReproError) -> None:
        """Know what the error of the command says already."""
        self._told.add(error.problem)
        if isinstance(error, ProblemsError):
            self._told |= {problem.message for problem in error.problems}

    def __enter__(self) -> Trainers:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Warn of each trainer that was left out, once; a shell that completes is told nothing."""
        if _looked() == self._before or ASKED in os.environ:
            return
        from repro.facts.trainers import declarations

        faults = {fault.problem: fault.hint for fault in declarations().unusable.values()}
        for problem, hint in faults.items():
            if problem not in self._told:
                output.warn(f"{problem}; it is left out: {hint}")


def _looked() -> int:
    """Return how often trainers were looked for in this process."""
    module = sys.modules.get(_FOUND)
    return module.times_asked() if module is not None else 0
