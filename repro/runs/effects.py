"""What became of the metrics of two runs, and how much of that is noise. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.pipeline.metric_names import HIGHER_IS_BETTER
from repro.runs import statistics

Metrics = Mapping[str, Any]
REPLICATES, FOLDS = "replicates", "folds"


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric on both sides."""

    metric: str
    old: float | None
    """The metric of the first run; None as in ``new``."""
    new: float | None
    """None where a run does not have it, or it is not defined there."""
    better: bool | None
    """Whether the value of the second run is better, noise or not (see ``within_noise``); None if
    the metric has no direction or did not change."""
    noise: float | None = None
    """Standard error of the difference between both runs, in units of the metric; None where there
    is no difference to speak of, or nothing to tell it from."""
    noise_from: str | None = None
    """``replicates``: from the spread over seeds; ``folds``: over the test folds, pair by pair."""
    noise_count: int = 0
    """Runs, or pairs of folds, that the noise was told from."""

    @property
    def delta(self) -> float | None:
        """Return new minus old."""
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def within_noise(self) -> bool | None:
        """Return whether the difference is no larger than its noise; None if that is unknown."""
        if self.delta is None or self.noise is None:
            return None
        return abs(self.delta) <= self.noise


@dataclass(frozen=True, slots=True)
class Sources:
    """What the noise of a metric is told from."""

    a: Sequence[Metrics] = ()
    """Metrics of the replicates of the first run, itself among them: one for each seed."""
    b: Sequence[Metrics] = ()
    """Of the second run; empty if they are the same ones."""
    needed: int = 2
    """Replicates without which nothing is told from them."""
    folds: Sequence[tuple[Metrics, Metrics]] = ()
    """Metrics of the test folds of both, if these are the same rows."""


def effects(a: Metrics, b: Metrics, *, comparable: bool, sources: Sources) -> Iterator[Effect]:
    """Yield each metric with direction and noise, in the order of the first run."""
    for name in dict.fromkeys([*a, *b]):
        old, new = number(a.get(name)), number(b.get(name))
        better = None
        if comparable and name in HIGHER_IS_BETTER and None not in (old, new) and old != new:
            better = (new > old) is HIGHER_IS_BETTER[name]  # type: ignore[operator]
        said = (None, None, 0) if old is None or new is None else noise(name, sources)
        yield Effect(name, old, new, better, *said)


def number(value: Any) -> float | None:
    """Return a metric as it was sealed; None if it is missing, or no finite number."""
    if isinstance(value, str):
        return int(value)  # an integer beyond what JSON numbers hold
    if value is None or not math.isfinite(value):
        return None
    return value  # type: ignore[no-any-return]


def noise(metric: str, sources: Sources) -> tuple[float | None, str | None, int]:
    """Return the standard error of a metric's difference, what it was told from, and of how many.

    Two runs with seeds of their own differ by the standard deviations over both groups of seeds,
    added in squares; a group that is too small, or not there, is taken to be as the other one.
    Without replicates it is that of the mean difference over pairs of test folds. A source in which
    the metric is not defined everywhere says nothing.
    """
    groups = [[number(one.get(metric)) for one in side] for side in (sources.a, sources.b)]
    least = max(2, sources.needed)
    known = [
        [value for value in values if value is not None]
        for values in groups
        if len(values) >= least and None not in values
    ]
    spreads = [spread for values in known if (spread := statistics.deviation(values)) is not None]
    if spreads:
        error = math.hypot(spreads[0], spreads[-1])
        return error, REPLICATES, sum(map(len, known))
    pairs = [(number(x.get(metric)), number(y.get(metric))) for x, y in sources.folds]
    changes = [y - x for x, y in pairs if x is not None and y is not None]
    spread = statistics.deviation(changes)
    if spread is None or len(changes) < len(pairs):
        return None, None, 0
    return spread / math.sqrt(len(changes)), FOLDS, len(changes)
