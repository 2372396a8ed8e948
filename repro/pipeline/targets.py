"""Targets: what a row is to foretell, and when that becomes known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.errors import InputError
from repro.pipeline.formulas import COLUMN, classes_of, edges_of
from repro.pipeline.panel import SINGLE, Floats, Ints, Panel, as_floats, segments
from repro.pipeline.times import NEVER, spell
from repro.pipeline.windows import shifted


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The target of every row of a panel, in the panel's order."""

    values: Floats
    """(n,); for classes 0.0, 1.0 and so on; NaN where it is not known, also where the symbol has
    no row t + horizon."""
    label_end: Ints
    """(n,) nanoseconds: the time of row t + horizon, from which the label can be known (of horizon
    0 the row's own); ``times.NEVER`` where the symbol has no such row."""
    replaced_infinities: int
    """Infinite returns (from a price of 0) that became NaN."""


def compute(panel: Panel, target: Mapping[str, Any]) -> Labels:
    """Return c[t + horizon] / c[t] - 1 over own rows, or how many edges that is above.

    Of the kind ``column`` it is c[t] itself: what its author made of the rows up to t + horizon.
    Raises InputError if the panel lacks the column, or if it holds what is none of the classes.
    """
    formula = target["formula"]
    name, horizon = formula["column"], int(target["horizon"])
    if name not in panel.columns:
        declared = ", ".join(map(repr, sorted(panel.columns)))
        raise InputError(
            f"target {target['name']} reads column {name!r}, which the dataset does not declare",
            f"the dataset declares {declared}; if the files have it, declare it in dataset.columns",
        )
    column = as_floats(panel, name)
    values = np.full(panel.rows, np.nan)
    label_end = np.full(panel.rows, NEVER, dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for rows in segments(panel):
            known = slice(rows.start, max(rows.start, rows.stop - horizon))
            label_end[known] = panel.time[rows.start + horizon : rows.stop]
            if formula["kind"] == COLUMN:
                values[known] = column[known]
            else:
                values[rows] = shifted(column[rows], -horizon) / column[rows] - 1.0
    infinite = np.isinf(values)
    values[infinite] = np.nan
    edges = edges_of(formula)
    if edges:
        above = np.searchsorted(edges, values, side="left").astype(np.float64)
        values = np.where(np.isnan(values), np.nan, above)
    elif target["task"] != "regression":
        _require_classes(panel, values, target)
        values += 0.0  # a class is 0.0, never -0.0
    return Labels(values, label_end, int(np.count_nonzero(infinite)))


def _require_classes(panel: Panel, values: Floats, target: Mapping[str, Any]) -> None:
    """Raise InputError at the first known value, of (n,), that is no class of the target."""
    count = classes_of(target)
    fits = np.isnan(values) | np.isin(values, np.arange(count))
    if fits.all():
        return
    row = int(np.argmin(fits))
    where = spell(int(panel.time[row]), timed=panel.timed)
    if panel.symbols != (SINGLE,):
        where = f"{panel.symbols[panel.symbol[row]]} {where}"
    others = int(np.count_nonzero(~fits)) - 1
    more = f", and {others} more rows" if others else ""
    raise InputError(
        f"target {target['name']}: column {target['formula']['column']!r} is {values[row]:g} at"
        f" {where}{more}; a class of {target['task']} is a whole number from 0 to {count - 1}",
        "number the classes 0, 1 and so on, or declare the task and the classes that there are",
    )
