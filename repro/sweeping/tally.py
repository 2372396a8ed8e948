"""How far a sweep is: what came of its points, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.errors import LogError
from repro.errors import DamagedRunError, InputError, IntegrityError
from repro.execution.executor import Progressed
from repro.runs.staging import require_room
from repro.sweeping.done import Done, Result
from repro.sweeping.ledger import Sealed
from repro.sweeping.points import Point
from repro.verbs.observer import Observer


@dataclass(frozen=True, slots=True)
class Left:
    """What became of the runs that were under way when a sweep stopped, by their names."""

    interrupted: tuple[str, ...] = ()
    """The log has them as interrupted."""
    recorded: tuple[str, ...] = ()
    """Their end was in the log already, and it could not be signed any more."""
    open: tuple[str, ...] = ()
    """The log could not take their end."""
    problem: LogError | None = None
    """Why it could not, or could not be signed."""

    def __str__(self) -> str:
        """Return what is said of them."""
        told = (
            ("interrupted", self.interrupted),
            ("recorded, for the next command to sign", self.recorded),
            ("left open, for the next command to record as interrupted", self.open),
        )
        return "".join(f"; {what}: {', '.join(runs)}" for what, runs in told if runs)


@dataclass(slots=True)
class Tally:
    """The points of one sweep that have come to their end."""

    observer: Observer
    root: Path
    total: int
    done: dict[int, Done] = field(default_factory=dict)
    """By number of the point."""
    _largest: int = 0
    """Bytes of the largest run that was sealed so far."""
    _hint: str | None = None
    """What the failure before said is to be done, which is not said twice in a row."""

    def add(self, done: Done) -> None:
        """Keep what came of a point, and tell of it; raises what makes going on senseless."""
        self.done[done.point.number] = done
        where = f"{len(self.done)} of {self.total}"
        if done.error is not None:
            hint = done.error.hint
            to_do = f"; hint: {hint}" if hint and hint != self._hint else ""
            self._hint = hint
            self.observer.warn(f"{done.point.name}: failed, {where}: {done.error.problem}{to_do}")
            if isinstance(done.error, IntegrityError) and not isinstance(
                done.error, DamagedRunError
            ):
                raise done.error
            if isinstance(done.error, InputError):
                require_room(self.root, self._largest)
        elif done.result is not None:
            told = "sealed before" if done.result.reused else "sealed"
            self.observer.stage(f"{done.point.name}: {told} as {done.result.run}, {where}")
        self.observer.progress("points", len(self.done), self.total)

    def of_sealed(self, point: Point, sealed: Sealed) -> Done:
        """Return what came of a point whose worker finished."""
        result = None
        if sealed.outcome is not None:
            result = Result.of(sealed.outcome)
            size = sum(each["size"] for each in sealed.outcome.record["artifacts"])
            self._largest = max(self._largest, size)
        return Done(point, result, sealed.error)

    def progress(self, point: Point, event: Progressed) -> None:
        """Tell how far the worker of a point is."""
        told = f"{point.name}: {event.stage} {event.done}/{event.total}"
        self.observer.progress(told, len(self.done), self.total)

    def stopped(self, left: Left) -> str:
        """Return what is said to who stops the sweep; ``left`` are the runs that it interrupts."""
        results = sum(1 for each in self.done.values() if each.result is not None)
        return f"the sweep was stopped: {results} of {self.total} points have a result{left}"
