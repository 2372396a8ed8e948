"""Which workers refused tasks for reasons of their own, before anything was planned.

A worker of another version refuses in no time, and an engine gives the next task to who is free: it
would be given nearly all. So what it refused is given to another, and it gets no more of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from repro.errors import InputError, ReproError
from repro.execution.executor import Task

SHOWN: Final = 3
"""Workers whose reasons are told, where nobody can carry a task out."""

Needs = tuple[str, ...]
"""What of a task a worker may lack: the same for nearly all tasks of a sweep."""


@dataclass(slots=True)
class Unfit:
    """The places that refused, and why, by what the tasks needed."""

    _reasons: dict[Needs, dict[str, ReproError]] = field(default_factory=dict)

    def add(self, task: Task, place: str, error: ReproError) -> None:
        """Remember that a task was refused at a place."""
        self._reasons.setdefault(_needs(task), {})[place] = error

    def places(self, task: Task) -> frozenset[str]:
        """Return where tasks are refused that need the same."""
        return frozenset(self._reasons.get(_needs(task), ()))

    def why(self, task: Task) -> ReproError:
        """Return what a task fails with that was refused wherever it could run."""
        reasons = list(self._reasons[_needs(task)].values())
        kinds = {type(error) for error in reasons}
        kind = kinds.pop() if len(kinds) == 1 else InputError
        problems = list(dict.fromkeys(error.problem for error in reasons))
        more = len(problems) - SHOWN
        told = problems[:SHOWN] + ([f"and so on, on {more} more"] if more > 0 else [])
        hints = dict.fromkeys(error.hint for error in reasons if error.hint is not None)
        error = kind("; ".join(told), "; ".join(list(hints)[:SHOWN]) or None)
        error.tail = reasons[-1].tail
        return error


def _needs(task: Task) -> Needs:
    families = (trainer.family for trainer in (task.job.trainer, *task.job.selectors))
    return (task.job.level, *sorted(families), "", *sorted(task.digests.values()))
