"""Which model to use for a symbol, its own or that of all symbols, and why. Pure.

Both are judged by the loss of their predictions out of fold, on the rows that both predicted. In
doubt it is the model of all symbols: it has seen more, and there is one of it.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from repro.runs.statistics import Interval
from repro.runs.table import PredictionTable

SHARED, OWN = "cross_sectional", "symbol_specific"
CLIP: Final = sys.float_info.epsilon
"""Least probability that a loss is taken of, as in the metrics."""
_DOUBT = "in doubt the model of all symbols"
Losses = Mapping[int, tuple[int, float]]
"""Time of a row to its test fold and the loss of its prediction."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which view to use, and what speaks for it."""

    view: str
    reason: str
    rows: int | None = None
    """Test rows that both predicted; None if one of the models is not there."""
    gain: float | None = None
    """One minus the loss of the symbol's own model over that of the model of all symbols."""
    interval: Interval | None = None
    """Where the gain lies when the test folds are drawn anew."""


def losses(table: PredictionTable, task: str) -> dict[str, Losses]:
    """Return by symbol the losses of its rows: squared errors, or minus the log of what was so."""
    found: dict[str, dict[int, tuple[int, float]]] = {}
    values = zip(*[iter(table.predicted())] * table.classes, strict=True)
    rows = zip(table.keys(), table.folds(), table.targets(), values, strict=True)
    for (symbol, time), fold, truth, predicted in rows:
        found.setdefault(symbol.decode(), {})[time] = (fold, _loss(predicted, truth, task))
    return dict(found)


def _loss(values: Sequence[float], truth: float, task: str) -> float:
    if task == "regression":
        return (values[0] - truth) ** 2
    if task == "binary":
        likely = values[0] if truth == 1.0 else 1.0 - values[0]
    else:
        likely = values[int(truth)]
    return -math.log(min(max(likely, CLIP), 1.0 - CLIP))


def verdict(shared: Losses, own: Losses, rule: Mapping[str, Any], seed: int) -> Verdict:
    """Return which view to use for a symbol that both views have a model for.

    The interval draws the test folds of the symbol's own model anew, with replacement: each is a
    block of time. ``rule`` has the confidence and the resamples, and the fewest common rows.
    """
    common = sorted(set(shared) & set(own))
    rows, least = len(common), rule["min_common_rows"]
    if rows < least:
        return Verdict(SHARED, f"{rows} test rows in common, of {least} needed: {_DOUBT}", rows)
    folds: dict[int, list[tuple[float, float]]] = {}
    for time in common:
        fold, loss = own[time]
        folds.setdefault(fold, []).append((loss, shared[time][1]))
    blocks = [
        (math.fsum(mine for mine, _ in block), math.fsum(theirs for _, theirs in block))
        for _, block in sorted(folds.items())
    ]
    gain, interval = _gain(blocks), _interval(blocks, rule, seed)
    if gain is None or interval is None:
        why = "no interval, which takes two folds and losses"
        return Verdict(SHARED, f"{why}: {_DOUBT}", rows, gain)
    said = f"the loss of its own model is {_percent(abs(gain))} {_side(gain)} on {rows} common rows"
    said += f" (gain {_percent(interval.low)} to {_percent(interval.high)})"
    if interval.low > 0.0:
        return Verdict(OWN, said, rows, gain, interval)
    more = "" if interval.high < 0.0 else f", which may be chance: {_DOUBT}"
    return Verdict(SHARED, said + more, rows, gain, interval)


def _gain(blocks: list[tuple[float, float]]) -> float | None:
    """Return how much less the symbol's own model loses; None where the other loses nothing."""
    mine, theirs = (math.fsum(column) for column in zip(*blocks, strict=True))
    return 1.0 - mine / theirs if theirs else None


def _interval(
    blocks: list[tuple[float, float]], rule: Mapping[str, Any], seed: int
) -> Interval | None:
    """Return the percentile interval of the gain; None for fewer than two blocks."""
    n = len(blocks)
    if n < 2:
        return None
    draw, values = random.Random(seed), []  # noqa: S311 (an interval, no secret)
    for _ in range(rule["difference_resamples"]):
        value = _gain([blocks[int(draw.random() * n)] for _ in blocks])
        if value is None:
            return None
        values.append(value)
    values.sort()
    outside = math.floor((1 - rule["difference_confidence"]) / 2 * len(values))
    return Interval(values[outside], values[-1 - outside])


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _side(gain: float) -> str:
    return "higher" if gain < 0.0 else "lower"
