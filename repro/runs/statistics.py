"""The few statistics that runs are judged by, in plain Python; sums are correctly rounded."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar

T = TypeVar("T")
_MANY = 30
"""Values from which on tau is nearly normal."""


class Interval(NamedTuple):
    """Where a statistic lies when the values are drawn anew."""

    low: float
    high: float


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation of a sample (divided by n - 1); None for fewer than two."""
    if len(values) < 2:
        return None
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def bootstrap(
    values: Sequence[float], confidence: float, resamples: int, seed: int
) -> Interval | None:
    """Return the percentile interval of the mean (Efron 1979); None for fewer than two values.

    The values are drawn with replacement by a generator of its own, so that the same seed gives the
    same interval.
    """
    if len(values) < 2:
        return None
    draw, n = random.Random(seed), len(values)  # noqa: S311 (an interval, no secret)
    means = sorted(mean([values[int(draw.random() * n)] for _ in values]) for _ in range(resamples))
    outside = math.floor((1 - confidence) / 2 * resamples)
    return Interval(means[outside], means[-1 - outside])


def kendall(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return Kendall's tau-b of two sequences (n,): ties are allowed for (Kendall 1945).

    None where it is not defined: fewer than two values, or no difference on one side.
    """
    balance, tied_a, tied_b, pairs = 0, 0, 0, 0
    for (x, u), (y, v) in combinations(zip(a, b, strict=True), 2):
        left, right = (x > y) - (x < y), (u > v) - (u < v)
        balance += left * right
        tied_a += not left
        tied_b += not right
        pairs += 1
    below = math.sqrt((pairs - tied_a) * (pairs - tied_b))
    return None if not below else max(-1.0, min(1.0, balance / below))


def chance(values: Sequence[float], resamples: int, seed: int) -> tuple[float, float] | None:
    """Return tau-b of values (n,) with their order, and how often another order has as much.

    The second is the two-sided p-value of a permutation test with ``resamples`` orders, the one
    that was found among them; of many values that of the normal distribution with Kendall's
    variance for ties, which it then is near to. None where tau is not defined.
    """
    order = list(range(len(values)))
    found = kendall(order, values)
    if found is None:
        return None
    if len(values) > _MANY:
        return found, _normal(found, values)
    shuffled, draw = list(values), random.Random(seed)  # noqa: S311 (a test, no secret)
    as_much = 1
    for _ in range(resamples):
        draw.shuffle(shuffled)
        other = kendall(order, shuffled)
        as_much += other is not None and abs(other) >= abs(found)
    return found, as_much / (resamples + 1)


def _normal(tau: float, values: Sequence[float]) -> float:
    """Return the two-sided p-value of tau-b with an order without ties (Kendall 1970)."""
    n, ties = len(values), Counter(values).values()
    pairs = n * (n - 1) / 2
    untied = pairs - sum(t * (t - 1) / 2 for t in ties)
    variance = n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)
    balance = tau * math.sqrt(pairs * untied)
    return math.erfc(abs(balance) / math.sqrt(variance / 18) / math.sqrt(2))


def jaccard(a: set[str], b: set[str]) -> float:
    """Return how much of two sets they have in common; 1 for two empty ones (Jaccard 1912)."""
    return len(a & b) / len(a | b) if a | b else 1.0


def over_pairs(things: Sequence[T], measure: Callable[[T, T], float | None]) -> list[float]:
    """Return a measure of each pair of things, where it is defined."""
    found = (measure(a, b) for a, b in combinations(things, 2))
    return [value for value in found if value is not None]
