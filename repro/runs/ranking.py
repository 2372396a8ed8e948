"""How well each target is predicted, compared: values, intervals over test folds, an order. Pure.

Where a test fold is a block of time, an interval over folds keeps what days in a row have in
common; where it is a share of the groups, what the rows of a group have.
A handful of folds gives few different samples: it is rough, and says nothing of other years.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from repro.runs.statistics import mean

SKILL = "skill"
RANK_IC = "rank_ic"
OUTCOMES = ("ranked", "unranked", "failed", "unfit")
"""Trained with a value; trained without one; failed; forbidden by the configuration."""
AVERAGES: Mapping[str, Callable[[Sequence[float]], float]] = {"mean": mean, "median": median}


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a value lies when the test folds are drawn anew."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Model:
    """What one family reaches for a target."""

    family: str
    outcome: str
    """What its training came to, in a word."""
    run: str | None = None
    reused: bool = False
    """Whether the run was sealed before."""
    value: float | None = None
    """The metric out of fold, over all test rows."""
    interval: Interval | None = None
    """None for a single fold, or without a value."""
    folds: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Those of its ``metrics.json``."""
    reason: str | None = None
    """Why there is no value."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One target among the others."""

    target: str
    outcome: str
    """The best that any of its models has come to, in the order of ``OUTCOMES``."""
    value: float | None = None
    """The average of the values of its models that have one."""
    interval: Interval | None = None
    """None for a single fold, or without a value."""
    folds: int | None = None
    """The most test folds that a model of it has; None without a value."""
    models: tuple[Model, ...] = ()
    """One for each family, in the order in which they were trained."""

    @property
    def judges(self) -> tuple[str, ...]:
        """Return the families whose models have a value."""
        return tuple(model.family for model in self.models if model.value is not None)

    @property
    def reason(self) -> str | None:
        """Return why there is no value, family by family; None if there is one."""
        if self.value is not None:
            return None
        said = dict.fromkeys(model.reason for model in self.models if model.reason is not None)
        return "; ".join(said)


def standing(
    target: str, models: Sequence[Model], metric: str, rule: Mapping[str, Any], seed: int
) -> Standing:
    """Return how a target stands by what each family reaches for it.

    The interval draws the same folds for every family: what a fold has of luck, all have.
    """
    judges = [model for model in models if model.value is not None]
    outcome = min((model.outcome for model in models), key=OUTCOMES.index)
    if not judges:
        return Standing(target, outcome, models=tuple(models))
    value = AVERAGES[rule["average"]]([float(model.value or 0.0) for model in judges])
    interval = interval_of([model.folds for model in judges], metric, rule, seed)
    folds = max(len(model.folds) for model in judges)
    return Standing(target, outcome, value, interval, folds, tuple(models))


def interval_of(
    models: Sequence[Sequence[Mapping[str, Any]]], metric: str, rule: Mapping[str, Any], seed: int
) -> Interval | None:
    """Return the percentile interval of the average of a metric over folds, drawn anew.

    ``models`` has the folds of each model, as ``metrics.json`` has them; ``rule`` has average,
    confidence and resamples. Each sample draws folds with replacement, the same ones for every
    model, and is pooled as the metric itself is. None for fewer than two folds, if one lacks the
    metric, or if models were tested in numbers of folds that differ.
    """
    parts = [[_parts(fold, metric) for fold in folds] for folds in models]
    known = [[part for part in each if part is not None] for each in parts]
    counts = {len(each) for each in parts} | {len(each) for each in known}
    if len(counts) != 1 or (n := counts.pop()) < 2:
        return None
    draw, values = random.Random(seed), []  # noqa: S311 (an interval, no secret)
    for _ in range(rule["resamples"]):
        drawn = [int(draw.random() * n) for _ in range(n)]
        each = [_pooled([folds[one] for one in drawn], metric) for folds in known]
        if None in each:
            return None
        values.append(AVERAGES[rule["average"]]([value for value in each if value is not None]))
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
    everybody = dict.fromkeys(name for one in ranked for name in one.judges)
    for one in ranked:
        if missing := [name for name in everybody if name not in one.judges]:
            judges = ", ".join(one.judges)
            said.append(f"{one.target} is judged by {judges} alone, not by {', '.join(missing)}")
    for place, one in enumerate(ranked, start=1):
        after = ranked[place:]  # not the next alone: one that is wide may reach past it
        if alike := [low.target for low in after if _overlap(one.interval, low.interval)]:
            said.append(
                f"{one.target} is not told apart from {', '.join(alike)}: intervals overlap"
            )
    return tuple(said)


def _overlap(a: Interval | None, b: Interval | None) -> bool:
    """Return whether two intervals share a value."""
    return a is not None and b is not None and a.low <= b.high and b.low <= a.high
