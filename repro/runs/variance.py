"""Whether two replicates differ more than replicates do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.runs.sealed import Run

HEADLINE = {"regression": "rmse", "binary": "log_loss"}
"""The metric that is judged, by task: the one that the library minimises."""
MINIMUM = "identity_config.stability.min_snapshots"


@dataclass(frozen=True, slots=True)
class Spread:
    """The replicates that two runs are judged by."""

    metric: str
    count: int
    """Replicates with distinct seeds, the two runs left out."""
    needed: int
    low: float | None
    high: float | None
    difference: float
    verdict: str


def spread_of(a: Run, b: Run, group: Sequence[Run], config: Mapping[str, Any]) -> Spread:
    """Return the range of the headline metric over the other replicates, and the verdict.

    One run a seed counts: the same seed again says nothing about variance. The difference is
    within the spread if it is at most the range (highest minus lowest) of the others.
    """
    metric = HEADLINE[str(a.snapshot["task"])]
    needed = next(int(v["value"]) for v in config["values"] if v["path"] == MINIMUM)
    promised = [r for r in group if r.snapshot["level"] != "best-effort"]
    seeds = {run.group["train_seed"]: run for run in promised}
    for run in (a, b):
        seeds.pop(run.group["train_seed"], None)
    values = [run.snapshot["metrics"][metric] for run in seeds.values()]
    difference = abs(a.snapshot["metrics"][metric] - b.snapshot["metrics"][metric])
    if len(values) < needed:
        return Spread(metric, len(values), needed, None, None, difference, "too few replicates")
    low, high = min(values), max(values)
    verdict = "within variance" if difference <= high - low else "outside variance"
    return Spread(metric, len(values), needed, low, high, difference, verdict)
