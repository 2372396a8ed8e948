"""Targets: what a row is to foretell, and when that becomes known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.errors import InputError
from repro.pipeline.formulas import edges_of
from repro.pipeline.panel import Floats, Ints, Panel, as_floats, segments
from repro.pipeline.times import NEVER
from repro.pipeline.windows import shifted


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The target of every row of a panel, in the panel's order."""

    values: Floats
    """(n,); for classes 0.0, 1.0 and so on; NaN where it is not known."""
    label_end: Ints
    """(n,) nanoseconds: the time of row t + horizon, from which the label can be known;
    ``times.NEVER`` where the symbol has no such row."""
    replaced_infinities: int
    """Infinite returns (from a price of 0) that became NaN."""


def compute(panel: Panel, target: Mapping[str, Any]) -> Labels:
    """Return c[t + horizon] / c[t] - 1 over own rows, or how many edges that is above.

    Raises InputError if the panel lacks the column.
    """
    formula = target["formula"]
    name, horizon = formula["column"], int(target["horizon"])
    if name not in panel.columns:
        declared = ", ".join(map(repr, sorted(panel.columns)))
        raise InputError(
            f"target {target['name']} reads column {name!r}, which the dataset does not declare",
            f"the dataset declares {declared}",
        )
    column = as_floats(panel, name)
    values = np.empty(panel.rows, dtype=np.float64)
    label_end = np.full(panel.rows, NEVER, dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for rows in segments(panel):
            values[rows] = shifted(column[rows], -horizon) / column[rows] - 1.0
            label_end[rows.start : max(rows.start, rows.stop - horizon)] = panel.time[
                rows.start + horizon : rows.stop
            ]
    infinite = np.isinf(values)
    values[infinite] = np.nan
    edges = edges_of(formula)
    if edges:
        above = np.searchsorted(edges, values, side="left").astype(np.float64)
        values = np.where(np.isnan(values), np.nan, above)
    return Labels(values, label_end, int(np.count_nonzero(infinite)))
