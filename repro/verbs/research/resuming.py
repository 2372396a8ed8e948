"""What is said when a command of several trainings is stopped: what is sealed, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.errors import InterruptedRunError

if TYPE_CHECKING:
    from repro.verbs.training.sealing import Outcome

GOES_ON = "the same command goes on where it stopped: what is sealed is not trained again"
_ANEW = (
    "the same command trains all again, as --rerun asks; without it, it goes on where it stopped"
)
_UNPROMISED = (
    "the same command trains all again: no run can stand for another without promised bits"
)


@dataclass(slots=True)
class Going:
    """The runs that a command has come by so far, trained or reused."""

    sealed: set[str] = field(default_factory=set)
    promised: bool = True
    """Whether each of them can stand for a run that is asked for again."""

    def add(self, outcome: Outcome) -> None:
        """Note a run that is sealed; raise KeyboardInterrupt if nothing is to come after it."""
        self.sealed.add(outcome.run)
        snapshot = outcome.snapshot
        self.promised &= snapshot["level"] != "best-effort" and not snapshot["incomplete"]
        if outcome.is_last:
            raise KeyboardInterrupt


@contextmanager
def resumable(*, rerun: bool = False) -> Iterator[Going]:
    """Let a stop say which run it ended, how many are sealed, and what the same command does.

    Raises InterruptedRunError for a request to stop, also between two trainings. A block may lie in
    another: the runs of both are counted, each once.
    """
    going = Going()
    try:
        yield going
    except InterruptedRunError as error:
        going.sealed |= error.sealed
        raise _told(error.run, going, rerun=rerun) from None
    except KeyboardInterrupt:
        raise _told(None, going, rerun=rerun) from None


def _told(run: str | None, going: Going, *, rerun: bool) -> InterruptedRunError:
    count = len(going.sealed)
    sealed = f"{count} run{'s' * (count != 1)} before it {'is' if count == 1 else 'are'} sealed"
    if run is not None:
        problem = f"run {run} was interrupted; {sealed}" if count else f"run {run} was interrupted"
    elif count:
        problem = f"interrupted before the plan of the next run; {sealed}"
    else:
        problem = "interrupted before the first run's plan: nothing was recorded"
    hint = _ANEW if rerun else GOES_ON if going.promised else _UNPROMISED
    error = InterruptedRunError(problem, hint, run)
    error.sealed = frozenset(going.sealed)
    return error
