"""``repro diff A B --attribute``: how much of a metric's change each cause carries, by experiment.

Runs are deterministic, so a cause can be tried by itself: the configuration of A is trained again
with some of the causes as B has them. With few causes every set of them is trained, and each has
its Shapley value (Shapley 1953): what it adds, in the mean over all orders in which they could have
been changed. With more, they are changed one by one in one order, and it is said to be one order.

Each training is an ordinary run, whose plan says what it is made for: ``@latest`` passes over it,
and so does a trend. One that is sealed already, by its execution key, is not trained
again: after an interruption the same command goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from repro.config.resolution.given import asked_by
from repro.config.resolution.resolve import Selection
from repro.config.spelling.names import suggestion
from repro.errors import ProblemsError, UsageError
from repro.runs.differences import Cause
from repro.runs.effects import Effect
from repro.runs.purpose import ATTRIBUTION, Purpose
from repro.runs.sealed import Run
from repro.runs.variance import HEADLINE
from repro.verbs.comparing.compare import Comparison, compare
from repro.verbs.configuring.validate import configuration
from repro.verbs.observer import Observer
from repro.verbs.research.as_it_was import as_it_was
from repro.verbs.research.choosing import VALUES
from repro.verbs.research.resuming import resumable
from repro.verbs.training.sealing import Outcome
from repro.verbs.training.train import TrainCommand, train

MOST = 4
"""Causes of which every set is trained unless more are asked for: sixteen trainings."""
CANCELLED = 2.0
"""How many times the whole change its parts may come to, before they are said to cancel."""
TOGETHER = ("features", "splits", "dataset", "target", "routing")
"""Identity components whose values are changed together: one alone may be no configuration."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One cause, or several that are changed together."""

    name: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What a factor carries of the change."""

    factor: Factor
    delta: float
    """In units of the metric."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How the change of a metric is made up."""

    a: Run
    b: Run
    metric: str
    old: float
    """The metric of the first run."""
    new: float
    """The metric of the second run."""
    shares: tuple[Share, ...]
    """The largest first."""
    rest: float
    """What no value of the configuration carries: other data, code or environment; else 0."""
    unattributed: tuple[Cause, ...]
    """What may carry the rest."""
    every_order: bool
    """Whether shares are means over all orders."""
    trained: int
    """Runs that were trained for this."""
    reused: int
    """Runs that were sealed before."""
    effect: Effect
    """The metric as the comparison has it, with the noise of its whole change."""
    label: str
    """What limits the comparison of the two runs; empty if nothing does."""

    @property
    def delta(self) -> float:
        """Return the whole change."""
        return self.new - self.old

    @property
    def moved(self) -> float:
        """Return the sum of what each cause and the rest change, whichever way."""
        return math.fsum(abs(part) for part in (*(s.delta for s in self.shares), self.rest))

    @property
    def cancels(self) -> bool:
        """Return whether the parts go against each other so much that the whole is small to them.

        A part as a share of the whole then says nothing: it may be many times the whole.
        """
        return self.moved > CANCELLED * abs(self.delta)

    @property
    def within_noise(self) -> bool | None:
        """Return whether the whole change is no larger than its noise; None if that is unknown."""
        return self.effect.within_noise


@dataclass(frozen=True, slots=True)
class Planned:
    """What an attribution would take."""

    comparison: Comparison
    metric: str
    factors: tuple[Factor, ...]
    every_order: bool

    @property
    def trainings(self) -> int:
        """Return how many trainings it takes at most."""
        count = len(self.factors)
        return 2**count if self.every_order else count + 1


def plan(root: Path, a: Run, b: Run, metric: str | None = None, most: int = MOST) -> Planned:
    """Return what would be trained to attribute a change; nothing is trained.

    Raises IntegrityError for a run that is not what was sealed, UsageError where there is nothing
    to attribute: nothing that differs, other targets, tasks or families, no such metric on both
    sides, no value of the configuration that differs.
    """
    found = compare(root, a, b)
    for name in ("target", "task", "family", "view", "symbol"):
        if a.snapshot[name] != b.snapshot[name]:
            raise UsageError(
                f"a change cannot be attributed where the {name} differs:"
                f" {a.snapshot[name]} and {b.snapshot[name]}",
                "compare runs of one target, view and family",
            )
    metric = metric or HEADLINE[str(a.snapshot["task"])]
    if metric not in (numbers := _numbers(a, b)):
        raise UsageError(
            f"{metric} is not a number on both sides{suggestion(metric, numbers)}",
            f"metrics that are: {', '.join(numbers)}",
        )
    factors = _factors(found.causes)
    if found.same_bits and not found.causes:
        raise UsageError(
            "nothing differs between these runs: there is no change to attribute",
            "name two runs of which something differs",
        )
    if not factors:
        raise UsageError(
            "no value of the configuration differs that could be tried",
            "other data, code and environment cannot be had again by a configuration",
        )
    return Planned(found, metric, factors, len(factors) <= most)


def _numbers(a: Run, b: Run) -> list[str]:
    """Return the metrics that are finite numbers on both sides."""
    both = ((name, (a.metrics[name], b.metrics[name])) for name in a.metrics if name in b.metrics)
    return [
        name for name, values in both if all(v is not None and math.isfinite(v) for v in values)
    ]


def attribute(root: Path, planned: Planned, observer: Observer) -> Attribution:
    """Train what was planned and return how the change is made up.

    Causes that are no valid configuration one without the other are changed together, and that is
    said before anything is trained. Raises what ``train`` raises.
    """
    a, b = planned.comparison.a, planned.comparison.b
    counted = {True: 0, False: 0}
    values: dict[frozenset[str], float] = {}
    with TemporaryDirectory(prefix="repro-attribute-") as folder:
        base = as_it_was(root, a, b, Path(folder))
        factors = _valid(root, base, planned, observer)
        planned = replace(planned, factors=factors)
        names = [factor.name for factor in factors]
        with resumable() as going:
            for number, some in enumerate(_sets(planned), start=1):
                told = ", ".join(name for name in names if name in some) or "none of the causes"
                observer.stage(f"{told} changed, {number} of {planned.trainings}")
                outcome = _train(root, base, planned, some, observer)
                going.add(outcome)
                counted[outcome.reused] += 1
                values[some] = float(outcome.metrics[planned.metric])
    old, new = (float(run.metrics[planned.metric]) for run in (a, b))
    shares = [
        Share(factor, _share(factor.name, names, values, planned)) for factor in planned.factors
    ]
    carried = math.fsum(share.delta for share in shares)
    components = {cause.subject for factor in planned.factors for cause in factor.causes}
    return Attribution(
        a=a,
        b=b,
        metric=planned.metric,
        old=old,
        new=new,
        shares=tuple(sorted(shares, key=lambda share: (-abs(share.delta), share.factor.name))),
        rest=(new - old) - carried,
        unattributed=tuple(
            cause
            for cause in planned.comparison.causes
            if cause.component and not cause.follows and cause.subject not in components
        ),
        every_order=planned.every_order,
        trained=counted[False],
        reused=counted[True],
        effect=next(e for e in planned.comparison.effects if e.metric == planned.metric),
        label=planned.comparison.label,
    )


def _factors(causes: Iterable[Cause]) -> tuple[Factor, ...]:
    """Return what can be tried, in the order of the comparison."""
    groups: dict[str, list[Cause]] = {}
    for cause in causes:
        if cause.a is None and cause.b is None:
            continue  # no value of a document: data, code, environment
        if not cause.component or cause.idle:
            continue  # it moves nothing
        together = cause.component if cause.component in TOGETHER else cause.subject
        groups.setdefault(together, []).append(cause)
    return tuple(Factor(name, tuple(found)) for name, found in groups.items())


def _sets(planned: Planned) -> list[frozenset[str]]:
    """Return the sets of causes that are trained, each once, none of them first."""
    names = [factor.name for factor in planned.factors]
    if planned.every_order:
        return [frozenset(s) for k in range(len(names) + 1) for s in combinations(names, k)]
    return [frozenset(names[:k]) for k in range(len(names) + 1)]


def _share(
    name: str,
    names: list[str],
    values: Mapping[frozenset[str], float],
    planned: Planned,
) -> float:
    """Return the Shapley value of a factor, or what it added to those before it."""
    if not planned.every_order:
        before = frozenset(names[: names.index(name)])
        return values[before | {name}] - values[before]
    others, count = [other for other in names if other != name], len(names)
    terms = []
    for size in range(count):
        weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
        for some in map(frozenset, combinations(others, size)):
            terms.append(weight * (values[some | {name}] - values[some]))
    return math.fsum(terms)


def _train(
    root: Path,
    base: Selection,
    planned: Planned,
    some: frozenset[str],
    observer: Observer,
) -> Outcome:
    """Train the base with some of the factors as the second run has them."""
    silent = replace(observer, stage=lambda _: None)
    of = planned.comparison.a.name, planned.comparison.b.name
    return train(
        TrainCommand(
            root,
            _changed(base, planned.factors, some),
            silent,
            reuse=True,
            made_for=Purpose(ATTRIBUTION, of),
        )
    )


def _changed(base: Selection, factors: Iterable[Factor], some: frozenset[str]) -> Selection:
    """Return the selection of the base with some of the factors as the second run has them."""
    sets: tuple[str, ...] = ()
    for factor in factors:
        if factor.name in some:
            sets += tuple(_override(cause) for cause in factor.causes if cause.new is not None)
    return replace(base, sets=sets)


def _valid(root: Path, base: Selection, planned: Planned, observer: Observer) -> tuple[Factor, ...]:
    """Return the factors, those that are only valid together as one; says so.

    Raises ProblemsError if not even all of them together are valid here.
    """

    def problem(factors: Sequence[Factor], some: frozenset[str]) -> ProblemsError | None:
        try:
            configuration(root, _changed(base, factors, some))
        except ProblemsError as error:
            return error
        return None

    factors = planned.factors
    everything = problem(factors, frozenset(factor.name for factor in factors))
    if everything is not None:
        raise everything
    while True:
        sets = _sets(replace(planned, factors=factors))
        found = next(((some, p) for some in sets if (p := problem(factors, some))), None)
        if found is None:
            return factors
        some, error = found
        inside = [factor for factor in factors if factor.name in some]
        outside = [factor for factor in factors if factor.name not in some]
        mends = (other for other in outside if not problem(factors, some | {other.name}))
        partner = next(mends, outside[0])
        names = " and ".join((inside[-1].name, partner.name))
        observer.warn(f"{names} can only change together: {error.problems[0].message}")
        joined = Factor(names, (*inside[-1].causes, *partner.causes))
        factors = tuple(
            joined if factor is inside[-1] else factor
            for factor in factors
            if factor is not partner
        )


def _override(cause: Cause) -> str:
    value: Any = cause.new
    key = VALUES["seed"] if cause.kind == "seed" else cause.subject
    return asked_by("--attribute", key, value)
