"""Tables that nothing, or little, can be learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from repro.conformance.child import tables
from repro.conformance.child.bench import Bench, Wish, table_of
from repro.conformance.child.tables import Table


def _set(name: str, value: float, *, all_rows: bool) -> Callable[[Table], Table]:
    """Return a change of one value, or of one column, or of the whole target."""

    def change(made: Table) -> Table:
        part = made.x[:, tables.SIGNAL] if name == "x" else made.y
        part[slice(None) if all_rows else slice(5, 6)] = value
        return made

    return change


def _rows(count: int) -> Callable[[Table], Table]:
    return lambda made: Table(np.ascontiguousarray(made.x[:count]), made.y[:count].copy())


def _columns(count: int) -> Callable[[Table], Table]:
    return lambda made: Table(np.ascontiguousarray(made.x[:, :count]), made.y)


CASES: Mapping[str, Callable[[Table], Table]] = {
    "a missing value": _set("x", np.nan, all_rows=False),
    "a column of missing values": _set("x", np.nan, all_rows=True),
    "an infinite value": _set("x", np.inf, all_rows=False),
    "a huge value": _set("x", np.finfo(np.float64).max, all_rows=False),
    "a constant column": _set("x", 1.0, all_rows=True),
    "a constant target": _set("y", 1.0, all_rows=True),
    "a missing target": _set("y", np.nan, all_rows=False),
    "an infinite target": _set("y", np.inf, all_rows=False),
    "no rows": _rows(0),
    "one row": _rows(1),
    "two rows": _rows(2),
    "no columns": _columns(0),
    "one column": _columns(1),
}


def hostile(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Fit to a table of a case, and predict rows that are sound: return whether that is finite."""
    made = CASES[wish["case"]](table_of(wish).copy())
    model = bench.fit(wish, made)
    sound = np.ascontiguousarray(table_of(wish).x[:, : made.x.shape[1]])
    found = np.asarray(bench.predict(model, sound, wish))
    path = bench.file(model)
    again = np.asarray(bench.predict(bench.trainer.load(path), sound, wish))
    return {
        "finite": bool(np.isfinite(found).all()),
        "rows": len(found) == len(sound),
        "loads": again.tobytes() == found.tobytes(),
    }
