"""Whether two replicates differ more than replicates do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.runs.effects import number
from repro.runs.sealed import Run

HEADLINE = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss"}
"""The metric that is judged, by task: the one that the library minimises."""
PREFIX = "identity_config.stability."


@dataclass(frozen=True, slots=True)
class Stability:
    """Which runs are replicates of each other, as the run's own configuration says."""

    filter_mode: str
    """``replicate``: all but the seed is the same; ``strict``: the seed too; ``legacy``: target,
    view, symbol and family have the same names."""
    allow_legacy_snapshots: bool
    """Whether a run whose identity is incomplete counts."""
    min_snapshots: int
    """How many replicates a verdict needs."""
    interval_confidence: float = math.nan
    """Of intervals and of the test for a drift; not a number in a run that is too old to say."""
    interval_resamples: int = 0
    """How often the replicates are drawn anew for an interval."""
    top_features: int = 0
    """How many of the most important features are held against each other."""
    max_spread: float = math.nan
    """The largest relative spread of what is stable."""


def stability(config: Mapping[str, Any]) -> Stability:
    """Return the rule in a run's sealed configuration; KeyError if it has none."""
    found = {v["path"]: v["value"] for v in config["values"] if v["path"].startswith(PREFIX)}
    return Stability(
        filter_mode=str(found[PREFIX + "filter_mode"]),
        allow_legacy_snapshots=bool(found[PREFIX + "allow_legacy_snapshots"]),
        min_snapshots=int(found[PREFIX + "min_snapshots"]),
        interval_confidence=float(found.get(PREFIX + "interval_confidence", math.nan)),
        interval_resamples=int(found.get(PREFIX + "interval_resamples", 0)),
        top_features=int(found.get(PREFIX + "top_features", 0)),
        max_spread=float(found.get(PREFIX + "max_spread", math.nan)),
    )


def replicates(of: Run, runs: Sequence[Run], rule: Stability) -> tuple[Run, ...]:
    """Return the runs that count as replicates of one, itself among them."""
    return tuple(
        run
        for run in runs
        if _named(run, rule.filter_mode) == _named(of, rule.filter_mode)
        and (rule.allow_legacy_snapshots or not run.snapshot["incomplete"])
    )


def key_of(run: Run, mode: str) -> str:
    """Return the key that the replicates of a run share, or for ``legacy`` their names."""
    return key_in(run.snapshot, run.group, mode)


def key_in(said: Mapping[str, Any], group: Mapping[str, Any], mode: str) -> str:
    """Return the same by what a snapshot, or the plan of a run, says of it and of its keys."""
    return "/".join(str(part) for part in _common(said, group, mode) if part is not None)


def _named(run: Run, mode: str) -> tuple[Any, ...]:
    """Return what two replicates have in common."""
    return _common(run.snapshot, run.group, mode)


def _common(said: Mapping[str, Any], group: Mapping[str, Any], mode: str) -> tuple[Any, ...]:
    if mode == "legacy":
        return tuple(said[name] for name in ("target", "view", "symbol", "family"))
    return (group["replicate_key" if mode == "replicate" else "strict_key"],)


@dataclass(frozen=True, slots=True)
class Spread:
    """The replicates that two runs are judged by."""

    metric: str
    count: int
    """Replicates with distinct seeds that have the metric, the two runs left out."""
    lacking: int
    """Others with distinct seeds, in which the metric is missing or no finite number."""
    needed: int
    """How many there must be for a judgement."""
    low: float | None
    high: float | None
    difference: float | None
    """None where one of the two runs does not have the metric; there is no judgement then."""
    verdict: str


def by_seed(group: Sequence[Run]) -> dict[Any, Run]:
    """Return one run of a group for each seed, the last one; those whose bits were promised."""
    promised = [run for run in group if run.snapshot["level"] != "best-effort"]
    return {run.group["train_seed"]: run for run in promised}


def spread_of(a: Run, b: Run, group: Sequence[Run], needed: int) -> Spread:
    """Return the range of the headline metric over the other replicates, and the verdict.

    One run a seed counts: the same seed again says nothing about variance. The difference is
    within the spread if it is at most the range (highest minus lowest) of the others. There is
    nothing to judge where one of the two does not have the metric, nor with fewer than ``needed``
    others that have it. Of the other metrics nothing is said.
    """
    metric = HEADLINE[str(a.snapshot["task"])]
    seeds = by_seed(group)
    for run in (a, b):
        seeds.pop(run.group["train_seed"], None)
    known = [number(run.metrics.get(metric)) for run in seeds.values()]
    values = [value for value in known if value is not None]
    old, new = (number(run.metrics.get(metric)) for run in (a, b))
    difference = None if old is None or new is None else abs(new - old)
    counted = (metric, len(values), len(known) - len(values), needed)
    if difference is None:
        return Spread(*counted, None, None, None, "no metric")
    if len(values) < needed:
        return Spread(*counted, None, None, difference, "too few replicates")
    low, high = min(values), max(values)
    verdict = "within variance" if difference <= high - low else "outside variance"
    return Spread(*counted, low, high, difference, verdict)
