"""How well each target is predicted, compared: values, intervals over test folds, an order. Pure.

Where a test fold is a block of time, an interval over folds keeps what days in a row have in
common; where it is a share of the groups, what the rows of a group have.
A handful of folds gives few different samples: it is rough, and says nothing of other years.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SKILL = "skill"
RANK_IC = "rank_ic"
OUTCOMES = ("ranked", "unranked", "unfit", "failed")
"""Trained with a value; trained without one; forbidden by the configuration; failed."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a value lies when the test folds are drawn anew."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One target among the others."""

    target: str
    outcome: str
    run: str | None = None
    value: float | None = None
    """The metric out of fold, over all test rows."""
    interval: Interval | None = None
    """None for a single fold, or without a value."""
    folds: int | None = None
    reason: str | None = None
    """Why there is no value."""


def interval_of(
    folds: Sequence[Mapping[str, Any]], metric: str, rule: Mapping[str, Any], seed: int
) -> Interval | None:
    """Return the percentile interval of a metric over folds drawn with replacement.

    ``folds`` are those of ``metrics.json``; ``rule`` has confidence and resamples. Each sample is
    pooled as the metric itself is. None for fewer than two folds, or if one lacks the metric.
    """
    parts = [_parts(fold, metric) for fold in folds]
    known = [part for part in parts if part is not None]
    if len(known) < 2 or len(known) < len(parts):
        return None
    draw, values = random.Random(seed), []  # noqa: S311 (an interval, no secret)
    for _ in range(rule["resamples"]):
        sample = [known[int(draw.random() * len(known))] for _ in known]
        value = _pooled(sample, metric)
        if value is None:
            return None
        values.append(value)
    values.sort()
    outside = math.floor((1 - rule["confidence"]) / 2 * len(values))
    return Interval(values[outside], values[-1 - outside])


def _parts(fold: Mapping[str, Any], metric: str) -> tuple[float, float] | None:
    """Return what a fold adds above and below the line of the pooled metric, or None."""
    found, rows = fold["metrics"], fold["test_rows"]
    if metric == RANK_IC:
        value, dates = found.get(RANK_IC), found.get("rank_ic_dates")
        return None if value is None or dates is None else (dates * value, dates)
    if "rmse" in found:
        loss, base, power = found["rmse"], found["baseline_rmse"], 2
    else:
        loss, base, power = found["log_loss"], found["baseline_log_loss"], 1
    return None if loss is None or base is None else (rows * loss**power, rows * base**power)


def _pooled(parts: Sequence[tuple[float, float]], metric: str) -> float | None:
    """Return the metric over several folds together, or None if nothing lies below the line."""
    above, below = (math.fsum(column) for column in zip(*parts, strict=True))
    if not below:
        return None
    return above / below if metric == RANK_IC else 1.0 - above / below


def ordered(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return the best first, those without a value last, equal ones by name."""

    def place(one: Standing) -> tuple[bool, float, str]:
        return one.value is None, 0.0 if one.value is None else -one.value, one.target

    return tuple(sorted(standings, key=place))


def conclusions(standings: Sequence[Standing]) -> tuple[str, ...]:
    """Return what may be said of an order, best first, and what may not."""
    ranked = [one for one in standings if one.value is not None]
    if not ranked:
        return ("no target has a value: there is nothing to rank",)
    said = []
    better = [one.target for one in ranked if one.interval and one.interval.low > 0]
    unknown = [one.target for one in ranked if one.interval is None]
    if better:
        said.append(f"better than the baseline: {', '.join(better)}")
    elif len(unknown) < len(ranked):
        said.append("none is better than the baseline: every interval includes zero or lies below")
    if unknown:
        said.append(f"without an interval, which takes two folds: {', '.join(unknown)}")
    first = ranked[0]
    alike = [one.target for one in ranked[1:] if _overlap(first.interval, one.interval)]
    if alike:
        said.append(f"{first.target} is not told apart from {', '.join(alike)}: intervals overlap")
    return tuple(said)


def _overlap(a: Interval | None, b: Interval | None) -> bool:
    """Return whether two intervals share a value."""
    return a is not None and b is not None and a.low <= b.high and b.low <= a.high
