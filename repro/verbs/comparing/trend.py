"""``repro trend``: a metric over the times at which runs were planned, and whether it drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repro.config.documents.workspace import find_root
from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection
from repro.errors import IntegrityError, UsageError
from repro.identity.seeds import derive_seed
from repro.pipeline.metric_names import HIGHER_IS_BETTER
from repro.runs import statistics
from repro.runs.effects import number
from repro.runs.group import Drift
from repro.runs.index import opened
from repro.runs.variance import Stability
from repro.verbs.configuring.validate import configuration
from repro.verbs.sealed.conditions import require_metrics
from repro.verbs.sealed.listing import NO_LOG, PUT_BACK, ListCommand, Listed, Page, list_runs

NEWEST = 1000
"""Runs that are looked at unless more are asked for."""
_SEED_BITS = 53


@dataclass(frozen=True, slots=True)
class Line:
    """Runs of one target, view, symbol and family, oldest first."""

    target: str
    view: str
    symbol: str | None
    family: str
    metric: str
    runs: tuple[Listed, ...]
    values: tuple[float, ...]
    """Of each of the runs."""
    left_out: tuple[str, ...]
    """Others of the same names, in which the metric is missing or no finite number."""
    drift: Drift | None
    """Of the values with the order of the runs; None where it is not defined."""
    drifts: bool
    """Whether chance alone would have it so less often than the configuration allows."""
    better: bool | None
    """Whether it drifts to the better; None if it does not drift, or has no direction."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Every line, by name."""

    lines: tuple[Line, ...]
    left_out: tuple[str, ...]
    """Runs of which there is no line: no run of their names has the metric."""

    @property
    def exit_status(self) -> int:
        """Return 1 if a line drifts to the worse, else 0."""
        return int(any(line.drifts and line.better is False for line in self.lines))


def trend(asked: ListCommand, metric: str | None = None) -> Trend:
    """Return how a metric went, for each target, view, symbol and family among the runs asked for.

    Without a ``metric`` it is the headline one. Runs at best effort count: a trend is no proof.
    Those that an attribution trained do not: nobody chose what they are.
    Raises UsageError if no run has it, IntegrityError if there is no log to hold runs against.
    """
    _, resolved, _ = configuration(asked.start, Selection())
    rule = Stability(**activate(resolved).stability)
    page = list_runs(replace(asked, asked=True, sort=None, limit=asked.limit or NEWEST, offset=0))
    if page.exit_status:
        raise IntegrityError(f"{NO_LOG}, so nothing can be said of how they went", PUT_BACK)
    runs = page.runs
    groups: dict[tuple[str, ...], list[Listed]] = {}
    for run in reversed(runs):
        groups.setdefault((run.target, run.view, run.symbol or "", run.family), []).append(run)
    found = [
        (group, _line(group, metric or group[0].metric, rule))
        for _, group in sorted(groups.items())
    ]
    lines = tuple(line for _, line in found if line is not None)
    if not lines:
        raise _nothing(asked, page, metric)
    left_out = tuple(run.run for group, line in found if line is None for run in group)
    return Trend(lines, left_out)


def _nothing(asked: ListCommand, page: Page, metric: str | None) -> UsageError:
    """Return why there is no trend; raises it where no run at all has the metric."""
    see = "see the runs with: repro runs list"
    if not page.total:
        return UsageError("there are no runs yet", "make one with: repro train")
    if not page.matching:
        return UsageError(f"none of {page.total} runs is like that", see)
    if metric is not None:
        with opened(find_root(asked.start.resolve())) as index:
            require_metrics([metric], index.metrics())
    which = "its headline metric" if metric is None else f"the metric {metric!r}"
    return UsageError(f"none of the runs that were looked at ({len(page.runs)}) has {which}", see)


def _line(runs: Sequence[Listed], metric: str, rule: Stability) -> Line | None:
    having = [
        (run, value) for run in runs if (value := number(run.metrics.get(metric))) is not None
    ]
    if not having:
        return None
    values = [float(value) for _, value in having]
    first = runs[0]
    names = [first.target, first.view, first.symbol or "", first.family, metric]
    seed = derive_seed(0, "trend", names, _SEED_BITS)
    found = statistics.chance(values, rule.interval_resamples, seed)
    drift = None if found is None else Drift(*found)
    drifts = drift is not None and drift.p <= 1 - rule.interval_confidence
    higher = HIGHER_IS_BETTER.get(metric)
    better = None if drift is None or not drifts or higher is None else (drift.tau > 0) is higher
    return Line(
        target=first.target,
        view=first.view,
        symbol=first.symbol,
        family=first.family,
        metric=metric,
        runs=tuple(run for run, _ in having),
        values=tuple(values),
        left_out=tuple(run.run for run in runs if number(run.metrics.get(metric)) is None),
        drift=drift,
        drifts=drifts,
        better=better,
    )
