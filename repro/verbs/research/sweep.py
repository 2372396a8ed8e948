"""``repro sweep``: an ordinary run for each point of a grid, several at a time.

All points are resolved and checked before the first is trained. One with a sealed result, by its
execution key, is not trained again unless that is asked for: after an interruption the same
command goes on where it stopped. Only this process writes the log; where the workers run is the
affair of an executor (`repro.execution.executor`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection
from repro.config.spelling.names import suggestion
from repro.errors import ProblemsError, UsageError
from repro.execution.executor import Setup
from repro.pipeline.metric_names import (
    BINARY_METRICS,
    HIGHER_IS_BETTER,
    MULTICLASS_METRICS,
    REGRESSION_METRICS,
)
from repro.sweeping.axes import Grid, parse_axes, size
from repro.sweeping.executors import opened
from repro.sweeping.points import Documents, Point
from repro.sweeping.symbols import require_symbols
from repro.verbs.observer import Observer

if TYPE_CHECKING:
    from repro.sweeping.done import Done
    from repro.sweeping.summary import Best, Row, Same, Unrated

METRICS = {
    "regression": REGRESSION_METRICS,
    "binary": BINARY_METRICS,
    "multiclass": MULTICLASS_METRICS,
}
"""Task to the metrics of its runs."""


def never(points: int, bound: int) -> bool:
    """Let no sweep be larger than its bound."""
    return False


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """What the user asked for."""

    start: Path
    selection: Selection
    axes: Sequence[str]
    """As they are typed: ``key=value,value`` or ``key=first..last..step``."""
    executor: str | None = None
    """A name of an installed executor; None for the configured one."""
    jobs: int | None = None
    """How many workers at a time; None for the configured number."""
    address: str | None = None
    """Where the executor's engine is."""
    metric: str | None = None
    """What configurations are compared by; None for the configured one."""
    rerun: bool = False
    """Whether points are trained whose result is sealed already."""
    keep_going: bool = True
    """Whether points are still started after one has failed."""
    agrees: Callable[[int, int], bool] = never
    """Asked with the number of points and the bound, where there are more than the bound."""
    observer: Observer = field(default_factory=Observer)


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep that came to its end."""

    executor: str
    """What ran the workers."""
    jobs: int
    """How many workers there were at a time."""
    metric: str | None
    """What configurations are compared by; None for the loss of each task."""
    done: tuple[Done, ...]
    """Every point, in the order of the grid."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return each configuration with its metric over the seeds."""
        from repro.sweeping.scored import scored
        from repro.sweeping.summary import rows

        return rows(self.done, self.metric, scored(self.done))

    @property
    def unrated(self) -> tuple[Unrated, ...]:
        """Return each configuration with results of which none has the metric."""
        from repro.sweeping.summary import unrated

        return unrated(self.done, self.metric)

    @property
    def same(self) -> tuple[Same, ...]:
        """Return each configuration that is an earlier one under other values, and no row."""
        from repro.sweeping.summary import same

        return same(self.done)

    @property
    def best(self) -> tuple[Best, ...]:
        """Return the best configuration for each target, and for each test set of it."""
        from repro.sweeping.summary import best

        return best(self.rows)

    @property
    def exit_status(self) -> int:
        """Return 0, or the status of the first point that failed."""
        errors = (each.error for each in self.done)
        return next((error.exit_status for error in errors if error is not None), 0)


def sweep(command: SweepCommand) -> Swept:
    """Train every point of a grid that has no sealed result.

    Raises UsageError for what is no grid, is larger than the user agrees to, or names what does not
    exist; ProblemsError with the problems of all points, and the points that have them, before
    anything is trained; and what `Coordinator.run` raises. A point that fails raises nothing.
    """
    grid = parse_axes(command.axes)
    documents = Documents.read(command.start)
    settings = _settings(documents, command, grid)
    points = _points(documents, command, grid, int(settings["ask_above"]))
    metric = settings["compare_by"] if command.metric is None else command.metric
    _require_metric(metric, points)
    name = str(command.executor or settings["executor"])
    jobs = command.jobs or settings["jobs"] or _places(points)
    executor = opened(name, Setup(jobs, command.address, command.observer.warn))

    from repro.sweeping.coordinator import Coordinator
    from repro.sweeping.ledger import Ledger
    from repro.verbs.audit.log import cosigner, open_log_to_sign

    warn = command.observer.warn
    log = open_log_to_sign(documents.root, warn)
    with executor:
        coordinator = Coordinator(
            documents=documents,
            executor=executor,
            ledger=Ledger(documents.root, log, cosigner(log, warn)),
            observer=command.observer,
            reuse=not command.rerun,
            keep_going=command.keep_going,
            total=sum(point.twin is None for point in points),
        )
        coordinator.run(points)
    return Swept(name, jobs, metric, _with_twins(points, coordinator.done))


def _settings(documents: Documents, command: SweepCommand, grid: Grid) -> dict[str, Any]:
    """Return what the configuration says of sweeps: without the axes, or as the first point has it.

    An experiment of several targets, or a value that only an axis gives, leaves nothing to resolve
    without them.
    """
    try:
        resolved = documents.resolved(command.selection)
    except (ProblemsError, UsageError):
        first = next(documents.spelled(command.selection, grid))
        resolved = documents.resolved(first.selection)
    return dict(activate(resolved).sweep)


def _points(
    documents: Documents, command: SweepCommand, grid: Grid, bound: int
) -> tuple[Point, ...]:
    """Return every point, checked; raises UsageError if there are none or too many."""
    if size(grid) > bound and not command.agrees(size(grid), bound):
        raise _too_many(size(grid), bound)
    given = tuple(documents.spelled(command.selection, grid))
    if len(given) > bound >= size(grid) and not command.agrees(len(given), bound):
        raise _too_many(len(given), bound)
    if not grid and len(given) == 1:
        raise UsageError(
            "nothing to sweep over",
            "name an axis, as in learning_rate=0.01,0.03 or seed=1..5; from Python, as in "
            '{"learning_rate": [0.01, 0.03], "seed": "1..5"}',
        )
    noun = "point" if len(given) == 1 else "points"
    command.observer.stage(f"checking {len(given)} {noun}")
    checked = []
    for point in documents.checked(given, command.observer.warn):
        checked.append(point)
        command.observer.progress("checking", len(checked), len(given))
        if point.twin is not None:
            told = "is the same run once more: nothing that it uses differs"
            command.observer.warn(f"{point.name} {told} from {given[point.twin - 1].name}")
    require_symbols(command.start, checked, command.observer)
    return tuple(checked)


def _too_many(points: int, bound: int) -> UsageError:
    return UsageError(
        f"{points} points are more than sweep.ask_above allows unasked, {bound}",
        "say --yes, or narrow the axes; from Python, most=N allows N",
    )


def _require_metric(metric: str | None, points: Sequence[Point]) -> None:
    """Raise UsageError for a metric that is none, or that no run of the sweep would have."""
    if metric is None:
        return
    tasks = dict.fromkeys(point.task for point in points)
    known = [name for task in tasks for name in METRICS[task] if name in HIGHER_IS_BETTER]
    if metric not in known:
        listed = ", ".join(dict.fromkeys(known))
        raise UsageError(
            f"no run of this sweep has the metric {metric!r}{suggestion(metric, known)}",
            f"metrics to compare by: {listed}",
        )


def _places(points: Sequence[Point]) -> int:
    """Return how many workers this machine has processors for."""
    threads = max(point.threads for point in points)
    mine = getattr(os, "sched_getaffinity", None)  # of this process, where the system tells it
    processors = len(mine(0)) if mine is not None else os.cpu_count() or 1
    return max(1, processors // threads)


def _with_twins(points: Sequence[Point], done: dict[int, Done]) -> tuple[Done, ...]:
    """Return every point with what came of it, or of the earlier point that is the same run."""
    from repro.sweeping.done import Done

    found = []
    for point in points:
        number = point.number if point.twin is None else point.twin
        known = done.get(number, Done(point))
        found.append(replace(known, point=point))
    return tuple(found)
