"""Features: declared formulas over own rows, never over a row that is later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.errors import InputError
from repro.pipeline.formulas import Formula, columns_of
from repro.pipeline.panel import Floats, Panel, as_floats, segments
from repro.pipeline.ranking import doubled_ranks, group_sizes
from repro.pipeline.windows import changes, rolling_mean, rolling_std, shifted

Series = Mapping[str, Floats]
"""The columns of one symbol, (n,) each."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMatrix:
    """Features of every row of a panel, in the panel's order."""

    names: tuple[str, ...]
    """In the order of the configuration, which is part of the identity."""
    values: Floats
    """(n, k), C-contiguous; NaN where history is missing or a division has no finite result."""
    replaced_infinities: Mapping[str, int]
    """Feature → how many infinite values became NaN, for every feature."""


def compute(panel: Panel, features: Sequence[Mapping[str, Any]]) -> FeatureMatrix:
    """Return the features of a panel.

    The value at row t reads rows t - lookback - lag … t - lag of its own symbol (a rank: also the
    other symbols at the time of row t - lag), and nothing else, bit for bit.
    Raises InputError if a formula reads a column that the panel has not.
    """
    values = np.empty((panel.rows, len(features)), dtype=np.float64)
    replaced: dict[str, int] = {}
    for position, feature in enumerate(features):
        _require_columns(panel, feature)
        raw, infinities = _evaluate(panel, feature["formula"])
        for rows in segments(panel):
            values[rows, position] = shifted(raw[rows], feature["lag"])
        replaced[feature["name"]] = infinities
    return FeatureMatrix(tuple(feature["name"] for feature in features), values, replaced)


def provenance(features: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return under ``resolved`` how each feature was; nothing of a request older than that word."""
    known = {feature["name"]: feature["resolved"] for feature in features if "resolved" in feature}
    return {"resolved": known} if known else {}


def _require_columns(panel: Panel, feature: Mapping[str, Any]) -> None:
    missing = [c for c in columns_of(feature["formula"]) if c not in panel.columns]
    if missing:
        named = ", ".join(map(repr, missing))
        raise InputError(
            f"feature {feature['name']} reads column {named}, which the dataset does not declare",
            f"the dataset declares {', '.join(map(repr, sorted(panel.columns)))}; if the files have"
            " it, declare it in dataset.columns",
        )


def _evaluate(panel: Panel, formula: Formula) -> tuple[Floats, int]:
    """Return a formula's values (n,), without infinities, and how many there were."""
    if formula["kind"] == "rank":
        values, infinities = _evaluate(panel, formula["formula"])
        return _ranks(panel, values), infinities
    columns = {name: as_floats(panel, name) for name in columns_of(formula)}
    values = np.empty(panel.rows, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for rows in segments(panel):
            series = {name: column[rows] for name, column in columns.items()}
            values[rows] = _of_one_symbol(series, formula)
    infinite = np.isinf(values)
    values[infinite] = np.nan
    return values, int(np.count_nonzero(infinite))


def _of_one_symbol(series: Series, formula: Formula) -> Floats:
    kind = formula["kind"]
    if kind == "ratio":
        return series[formula["numerator"]] / series[formula["denominator"]] - 1.0
    if kind == "spread":
        return (series[formula["high"]] - series[formula["low"]]) / series[formula["by"]]
    column = series[formula["column"]]
    if kind == "column":
        return column
    if kind == "lag":
        return shifted(column, formula["periods"])
    if kind == "return":
        return changes(column, formula["periods"])
    return _of_window(column, kind, formula["window"])


def _of_window(column: Floats, kind: str, window: int) -> Floats:
    if kind == "rolling_mean":
        return rolling_mean(column, window)
    if kind == "rolling_std":
        return rolling_std(column, window)
    if kind == "volatility":
        return rolling_std(changes(column, 1), window)
    if kind == "zscore":
        return (column - rolling_mean(column, window)) / rolling_std(column, window)
    if kind == "ratio_to_mean":
        return column / rolling_mean(column, window) - 1.0
    if kind == "rsi":
        return _rsi(column, window)
    raise AssertionError(f"formula of an unknown kind got past the schemas: {kind!r}")


def _rsi(column: Floats, window: int) -> Floats:
    """Return 100 · gains / (gains + losses), simple averages; NaN where nothing moved."""
    moves = column - shifted(column, 1)
    gains = rolling_mean(np.maximum(moves, 0.0), window)
    losses = rolling_mean(np.maximum(-moves, 0.0), window)
    return 100.0 * (gains / (gains + losses))


def _ranks(panel: Panel, values: Floats) -> Floats:
    """Return average ranks among the symbols that have a value at the same time, in (0, 1]."""
    present = ~np.isnan(values)
    time = panel.time[present]
    out = np.full(panel.rows, np.nan)
    out[present] = doubled_ranks(values[present], time) / (2 * group_sizes(time))
    return out
