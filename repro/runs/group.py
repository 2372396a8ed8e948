"""A group of replicates judged: spread, interval, importance, predictions, luck, drift, verdict."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from repro.identity.seeds import derive_seed
from repro.pipeline.metric_names import HIGHER_IS_BETTER
from repro.runs import statistics
from repro.runs.agreement import Agreement, agreement
from repro.runs.sealed import Run
from repro.runs.statistics import Interval
from repro.runs.variance import HEADLINE, Stability

VERDICTS: Mapping[str, str] = {
    "bit-identical": "every replicate has the same bits",
    "stable": "they differ no more than the configuration allows, and show no drift",
    "drifting": "the metric follows the order in which they were made, beyond chance",
    "diverged": "they lie further apart than the configuration allows, or one has no metric",
    "too few": "there are fewer replicates than a verdict takes",
    "BROKEN": "two results of one execution key have other bits: this is an alarm",
}
STATUS: Mapping[str, int] = {"bit-identical": 0, "stable": 0, "BROKEN": 5}
"""Exit statuses; those that are not here are 1."""
_SEED_BITS = 53


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric over the replicates."""

    metric: str
    count: int
    """Replicates that have it."""
    mean: float | None
    """In units of the metric; None without a value."""
    deviation: float | None
    """Of a sample: divided by n - 1."""
    low: float | None
    high: float | None
    interval: Interval | None
    """Of the mean, by bootstrap."""


@dataclass(frozen=True, slots=True)
class Luck:
    """Where the seed that is reported stands among its replicates, by the headline metric."""

    seed: int
    rank: int
    """1 is the best; of equal ones the worst place, so that luck is never understated."""
    of: int
    """How many replicates there are."""
    value: float
    """The headline metric of that seed."""
    better_than_mean: bool
    """Whether it is better than the mean of all."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether the headline metric follows the order in which the replicates were made."""

    tau: float
    """Kendall's tau-b with the order, from -1 to 1."""
    p: float
    """Of a two-sided permutation test."""


@dataclass(frozen=True, slots=True)
class Group:
    """What can be said of one group of replicates."""

    key: str
    """The key that they share, or of a legacy group the names."""
    target: str
    family: str
    view: str
    symbol: str | None
    runs: tuple[str, ...]
    """Those that count: of each seed the newest, oldest first."""
    left_out: int
    """Others with the same key: earlier ones of a seed, and those of best effort."""
    gone: tuple[str, ...]
    """Others that the log completes and that are not here to be judged."""
    seeds: tuple[int, ...]
    """The base seeds of the runs, in their order."""
    headline: str
    """The metric that the verdict is about."""
    verdict: str
    reason: str
    metrics: tuple[Summary, ...]
    agreement: Agreement | None
    luck: Luck | None
    drift: Drift | None

    @property
    def exit_status(self) -> int:
        """Return 0 for stable or bit-identical, 5 for an alarm, 1 otherwise."""
        return STATUS.get(self.verdict, 1)


def members(runs: Sequence[Run], mode: str) -> tuple[Run, ...]:
    """Return the runs that count, oldest first: promised bits, and of each seed the newest.

    Where replicates share the seed too (``strict``), each counts.
    """
    promised = [run for run in runs if run.snapshot["level"] != "best-effort"]
    if mode == "strict":
        return tuple(sorted(promised, key=lambda run: run.order))
    newest = {run.group["train_seed"]: run for run in sorted(promised, key=lambda run: run.order)}
    return tuple(sorted(newest.values(), key=lambda run: run.order))


def judge(
    key: str,
    runs: Sequence[Run],
    importance: Mapping[str, Mapping[str, float]],
    rule: Stability,
    seed: int | None,
    contradicted: Collection[str] = (),
    gone: Sequence[str] = (),
) -> Group:
    """Return what can be said of all ``runs`` of a group.

    ``importance`` has the shares of each run's final model, by the run's name. ``seed`` is the one
    that is reported; without it, that of the oldest run. ``contradicted`` are execution keys under
    which the log has other bits, perhaps of what was never sealed. ``gone`` are the names of runs
    of the group that the log completes and whose folders are not there.
    """
    counting = members(runs, rule.filter_mode)
    some = (counting or tuple(runs))[0]
    headline = HEADLINE[str(some.snapshot["task"])]
    values = [_value(run, headline) for run in counting]
    known = [value for value in values if value is not None]
    drift = _drift(known, key, rule) if len(known) == len(values) else None
    verdict, reason = _verdict(runs, counting, values, drift, rule, headline, contradicted)
    if gone:
        reason += f"; {_missing(len(gone))}"
    return Group(
        key=key,
        target=some.snapshot["target"],
        family=some.snapshot["family"],
        view=some.snapshot["view"],
        symbol=some.snapshot["symbol"],
        runs=tuple(run.name for run in counting),
        left_out=len(runs) - len(counting),
        gone=tuple(gone),
        seeds=tuple(int(run.group["train_seed"]) for run in counting),
        headline=headline,
        verdict=verdict,
        reason=reason,
        metrics=tuple(_summaries(counting, key, rule)),
        agreement=agreement(
            [importance[r.name] for r in counting if r.name in importance], rule.top_features
        ),
        luck=_luck(counting, headline, seed),
        drift=drift,
    )


def _verdict(
    runs: Sequence[Run],
    counting: Sequence[Run],
    values: Sequence[float | None],
    drift: Drift | None,
    rule: Stability,
    headline: str,
    contradicted: Collection[str],
) -> tuple[str, str]:
    """Return the verdict, and in words what led to it."""
    results: dict[str, set[str]] = {}
    for run in runs:
        if run.snapshot["level"] != "best-effort" and not run.snapshot["incomplete"]:
            digests = results.setdefault(run.group["execution_key"], set())
            digests.add(run.snapshot["output_digest"])
    broken = sorted(
        key for key, digests in results.items() if len(digests) > 1 or key in contradicted
    )
    if broken:
        return "BROKEN", f"execution key {broken[0]} has results with other bits"
    if len(counting) < rule.min_snapshots:
        return "too few", f"{len(counting)} where {rule.min_snapshots} are needed"
    if len({run.snapshot["output_digest"] for run in counting}) == 1:
        return "bit-identical", "one output digest"
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "diverged", f"{len(values) - len(known)} of {len(values)} have no {headline}"
    centre, apart = statistics.mean(known), max(known) - min(known)
    spread = apart / abs(centre) if centre else math.inf
    said = f"{headline} spreads over {spread:.6g} of its mean"
    if not spread <= rule.max_spread:
        return "diverged", f"{said}, more than {rule.max_spread}"
    if drift is not None and drift.p <= 1 - rule.interval_confidence:
        return "drifting", f"tau {drift.tau:.3g} with the order of the runs, p {drift.p:.3g}"
    return "stable", f"{said}, no more than {rule.max_spread}"


def _missing(count: int) -> str:
    """Return in words that so many runs are gone."""
    if count == 1:
        return "1 completed run of this key in the log is not in RESULTS"
    return f"{count} completed runs of this key in the log are not in RESULTS"


def _value(run: Run, metric: str) -> float | None:
    """Return a metric that is a finite number, or None."""
    value = run.snapshot["metrics"].get(metric)
    return float(value) if value is not None and math.isfinite(value) else None


def _summaries(runs: Sequence[Run], key: str, rule: Stability) -> list[Summary]:
    """Return each metric that any of the runs has, in the order in which they first name it."""
    names = dict.fromkeys(name for run in runs for name in run.snapshot["metrics"])
    found = []
    for name in names:
        values = [v for v in (_value(run, name) for run in runs) if v is not None]
        seed = derive_seed(0, "stability", [key, name], _SEED_BITS)
        found.append(
            Summary(
                metric=name,
                count=len(values),
                mean=statistics.mean(values) if values else None,
                deviation=statistics.deviation(values),
                low=min(values, default=None),
                high=max(values, default=None),
                interval=statistics.bootstrap(
                    values, rule.interval_confidence, rule.interval_resamples, seed
                ),
            )
        )
    return found


def _luck(runs: Sequence[Run], headline: str, seed: int | None) -> Luck | None:
    """Return where a seed stands; None unless it and others have the metric."""
    known = [(run, value) for run in runs if (value := _value(run, headline)) is not None]
    if len(known) < 2:
        return None
    asked = known[0][0].group["train_seed"] if seed is None else seed
    own = [value for run, value in known if run.group["train_seed"] == asked]
    if not own:
        return None
    sign = -1.0 if HIGHER_IS_BETTER.get(headline) else 1.0
    value = own[-1]
    return Luck(
        seed=int(asked),
        rank=sum(sign * other <= sign * value for _, other in known),
        of=len(known),
        value=value,
        better_than_mean=sign * value < sign * statistics.mean([v for _, v in known]),
    )


def _drift(values: Sequence[float], key: str, rule: Stability) -> Drift | None:
    """Return how the values follow their order; None where that is not defined."""
    seed = derive_seed(0, "stability", [key, "drift"], _SEED_BITS)
    found = statistics.chance(values, rule.interval_resamples, seed)
    return None if found is None else Drift(*found)
