"""What a sweep came to: each configuration over its seeds, and which is best; pure.

Runs that differ in nothing but the seed are one configuration. Its value is the mean over the
seeds, and the spread between the lowest and the highest stands beside it: a lead that is no larger
than the seeds move the values may be luck. What was scored on other rows or labels is not
compared: a loss there says nothing of one here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple

from repro.pipeline.metric_names import HIGHER_IS_BETTER
from repro.runs.variance import HEADLINE
from repro.sweeping.done import Done, Result
from repro.verbs.research.choosing import VALUES

_BY_CUT: Mapping[str, str] = {}
Contest = tuple[str, str | None, str]
"""Target, symbol and metric."""


class _Configuration(NamedTuple):
    """Points that differ in the seed alone."""

    values: Mapping[str, Any]
    target: str
    symbol: str | None
    metric: str
    results: tuple[Result, ...]
    """With the metric and without."""
    failed: int


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration: its values without the seed, and its metric over the seeds."""

    values: Mapping[str, Any]
    """What each axis has, without the seed."""
    target: str
    symbol: str | None
    metric: str
    results: tuple[Result, ...]
    """One for each seed that has the metric, in the order of the points."""
    failed: int
    """Points that failed or were not started."""
    lacking: int
    """Points whose run has no such metric."""
    test_set: int = 1
    """Of one target, symbol and metric, what has the same was scored on the same rows and labels;
    from 1 on."""

    @property
    def contest(self) -> Contest:
        """Return target, symbol and metric: beyond them nothing can be compared."""
        return self.target, self.symbol, self.metric

    @property
    def numbers(self) -> tuple[float, ...]:
        """Return the metric of each result."""
        return tuple(float(result.metrics[self.metric]) for result in self.results)

    @property
    def mean(self) -> float:
        """Return the mean over the seeds."""
        return fmean(self.numbers)

    @property
    def spread(self) -> float | None:
        """Return highest minus lowest over the seeds; None of a single one."""
        numbers = self.numbers
        return max(numbers) - min(numbers) if len(numbers) > 1 else None


@dataclass(frozen=True, slots=True)
class Unrated:
    """One configuration that has results, and in none of them the metric."""

    values: Mapping[str, Any]
    """What each axis has, without the seed."""
    target: str
    symbol: str | None
    metric: str
    results: tuple[Result, ...]
    """One for each seed that did not fail, in the order of the points."""


@dataclass(frozen=True, slots=True)
class Same:
    """One configuration that is another one under other values: nothing that it uses differs."""

    values: Mapping[str, Any]
    """What each axis has, without the seed."""
    like: Mapping[str, Any]
    """That of the configuration that it is."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best configuration for a target and a test set, and how sure that is."""

    row: Row
    result: Result
    """Its best seed's run."""
    second: Row | None
    """The next best; None if there is no other."""
    apart: int = 0
    """Configurations of the same target that it is not compared with: they were scored on other
    rows or labels."""

    @property
    def lead(self) -> float | None:
        """Return how far the means of the best and the next best lie apart."""
        return None if self.second is None else abs(self.row.mean - self.second.mean)

    @property
    def is_clear(self) -> bool | None:
        """Return whether the lead is larger than both spreads.

        None if seeds were not varied, or change nothing: then there is nothing to hold it against.
        """
        spread = self._spread
        return self.lead > spread if self.lead is not None and spread else None

    @property
    def is_unmoved(self) -> bool:
        """Return whether seeds were varied and change neither this one nor the next best."""
        return self._spread == 0

    @property
    def _spread(self) -> float | None:
        """Return the larger spread of the two; None if one of them has none."""
        mine, other = self.row.spread, None if self.second is None else self.second.spread
        return None if mine is None or other is None else max(mine, other)


def rows(
    done: Iterable[Done], metric: str | None, scored: Mapping[str, str] = _BY_CUT
) -> tuple[Row, ...]:
    """Return each configuration that has the metric, in the order of its first point.

    ``metric`` None means the loss of each one's task. ``scored`` has for each ``cut`` of a result
    a name of the rows and labels that were scored; one that it lacks stands for itself.
    """
    found = []
    for one in _configurations(done, metric):
        has = tuple(each for each in one.results if each.metrics.get(one.metric) is not None)
        if has:
            lacking = len(one.results) - len(has)
            about = (one.values, one.target, one.symbol, one.metric)
            found.append(Row(*about, has, one.failed, lacking))
    return _with_test_sets(found, scored)


def unrated(done: Iterable[Done], metric: str | None) -> tuple[Unrated, ...]:
    """Return each configuration that has results, and in none the metric; as `rows`."""
    return tuple(
        Unrated(one.values, one.target, one.symbol, one.metric, one.results)
        for one in _configurations(done, metric)
        if all(each.metrics.get(one.metric) is None for each in one.results)
    )


def same(done: Sequence[Done]) -> tuple[Same, ...]:
    """Return each configuration with results whose every run is one of an earlier configuration."""
    by_number = {each.point.number: each.point for each in done}
    found = []
    for members in _grouped(done):
        twins = [each.point.twin for each in members if each.point.twin is not None]
        if len(twins) == len(members) and members[0].counted is not None:
            values = (members[0].point.values, by_number[twins[0]].values)
            found.append(Same(*map(_without_seed, values)))
    return tuple(found)


def best(found: Sequence[Row]) -> tuple[Best, ...]:
    """Return the best of what can be compared: of each target, symbol and test set."""
    contests: dict[tuple[Contest, int], list[Row]] = {}
    for row in found:
        contests.setdefault((row.contest, row.test_set), []).append(row)
    sizes = Counter(row.contest for row in found)
    chosen = []
    for (contest, _), rivals in contests.items():
        metric = contest[2]
        sign = -1 if HIGHER_IS_BETTER[metric] else 1
        first, *others = sorted(rivals, key=lambda row: sign * row.mean)
        run = min(first.results, key=lambda result: sign * float(result.metrics[metric]))
        apart = sizes[contest] - len(rivals)
        chosen.append(Best(first, run, others[0] if others else None, apart))
    return tuple(chosen)


def is_seed(key: str) -> bool:
    """Return whether a key means the base seed, by whatever end of its path."""
    full = VALUES["seed"]
    return key in ("seed", full) or full.endswith(f".{key}") or key.endswith(f".{full}")


def _configurations(done: Iterable[Done], metric: str | None) -> Iterator[_Configuration]:
    """Yield each configuration that has a result, in the order of its first point.

    A point that is an earlier one's run is no further seed, and no rival of itself.
    """
    for members in _grouped(each for each in done if each.point.twin is None):
        results = tuple(each.counted for each in members if each.counted is not None)
        if results:
            values, (first, *_) = _without_seed(members[0].point.values), results
            name, failed = metric or HEADLINE[first.task], len(members) - len(results)
            yield _Configuration(values, first.target, first.symbol, name, results, failed)


def _grouped(done: Iterable[Done]) -> Iterable[list[Done]]:
    """Return the points that differ in the seed alone, together."""
    groups: dict[tuple[tuple[str, str], ...], list[Done]] = {}
    for each in done:
        values = _without_seed(each.point.values)
        key = tuple((key, repr(value)) for key, value in values.items())
        groups.setdefault(key, []).append(each)
    return groups.values()


def _with_test_sets(found: Iterable[Row], scored: Mapping[str, str]) -> tuple[Row, ...]:
    """Return each row with the number of what its runs were scored on, seed by seed."""
    known: dict[Contest, dict[frozenset[str], int]] = {}
    numbered = []
    for row in found:
        numbers = known.setdefault(row.contest, {})
        what = frozenset(scored.get(result.cut, result.cut) for result in row.results)
        numbered.append(replace(row, test_set=numbers.setdefault(what, len(numbers) + 1)))
    return tuple(numbered)


def _without_seed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not is_seed(key)}
