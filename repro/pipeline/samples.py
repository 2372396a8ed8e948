"""Samples: the rows a trainer sees, ordered by (time, symbol)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from repro.errors import InputError
from repro.pipeline.features import FeatureMatrix
from repro.pipeline.formulas import class_words, classes_of, edges_of
from repro.pipeline.panel import Floats, Ints, Panel
from repro.pipeline.targets import Labels


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Usable rows, sorted by time and then by symbol: any cut by time is a cut by row.

    The arrays are made read-only.
    """

    X: Floats
    """(n, k), C-contiguous; NaN where a feature is not known."""
    y: Floats
    """(n,), never NaN; for classes 0.0, 1.0 and so on."""
    time: Ints
    """(n,) nanoseconds since 1970-01-01 UTC, ascending."""
    label_end: Ints
    """(n,) nanoseconds: when the label becomes known: not before ``time``."""
    symbol: npt.NDArray[np.int32]
    """(n,) index into ``symbols``."""
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    """The k features, in order."""
    dropped: Mapping[str, int]
    """Rows of the panel left out: ``no_target``, then ``no_features`` (all of them NaN)."""

    def __post_init__(self) -> None:
        """Make the arrays read-only: every stage of a run sees the same rows."""
        for array in self._arrays():
            array.flags.writeable = False

    def seal(self) -> bytes:
        """Return a digest of the rows, for who lends their memory to code that heeds no flag."""
        hasher = blake3()
        for array in self._arrays():
            hasher.update(np.ascontiguousarray(array).data.cast("B"))
        return hasher.digest()

    def _arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.X, self.y, self.time, self.label_end, self.symbol)

    def symbol_names(self) -> list[str]:
        """Return the symbol of each row."""
        return [self.symbols[code] for code in self.symbol.tolist()]


def build_samples(
    panel: Panel, matrix: FeatureMatrix, labels: Labels, target: Mapping[str, Any]
) -> Samples:
    """Return the rows that have a target and at least one feature.

    Raises InputError if there are none, if a feature has no value in any of them, if the target
    has only one value, or if one of its classes does not occur.
    """
    has_target = ~np.isnan(labels.values)
    has_features = ~np.isnan(matrix.values).all(axis=1)
    rows = np.flatnonzero(has_target & has_features)
    dropped = {
        "no_target": int(np.count_nonzero(~has_target)),
        "no_features": int(np.count_nonzero(has_target & ~has_features)),
    }
    if len(rows) == 0:
        raise InputError(
            f"none of {panel.rows} rows is usable: {dropped['no_target']} have no target,"
            f" {dropped['no_features']} no feature",
            "the series may be shorter than the target's horizon and the features' lookback",
        )
    rows = rows[np.lexsort((panel.symbol[rows], panel.time[rows]))]
    features = np.ascontiguousarray(matrix.values[rows])
    values = labels.values[rows]
    _require_variation(values, target)
    _require_values(features, matrix.names)
    return Samples(
        X=features,
        y=values,
        time=panel.time[rows],
        label_end=labels.label_end[rows],
        symbol=panel.symbol[rows],
        symbols=panel.symbols,
        names=matrix.names,
        dropped=dropped,
    )


def _require_values(features: Floats, names: tuple[str, ...]) -> None:
    empty = [bool(np.isnan(features[:, position]).all()) for position in range(len(names))]
    if any(empty):
        named = ", ".join(name for name, none in zip(names, empty, strict=True) if none)
        raise InputError(
            f"no usable row has a value of feature {named}",
            "its lookback may be longer than the series, or its column empty",
        )


def _require_variation(values: Floats, target: Mapping[str, Any]) -> None:
    if (values != values[0]).any():
        for label in range(classes_of(target)):
            if not (values == label).any():
                raise InputError(
                    f"target {target['name']}: {class_words(target, label)}"
                    f" does not occur in any of {len(values)} rows",
                    f"{_other_classes(target)}, or use more data",
                )
        return
    if target["task"] != "regression":
        problem = f"target {target['name']} has one class: all {len(values)} rows are {values[0]:g}"
        raise InputError(problem, f"{_other_classes(target)}, or use more data")
    problem = (
        f"target {target['name']} is constant: all {len(values)} rows are {float(values[0])!r}"
    )
    raise InputError(problem, "look at the column that it is made of")


def _other_classes(target: Mapping[str, Any]) -> str:
    """Return how classes can be had that all occur: by edges, or by what the column holds."""
    if edges_of(target["formula"]):
        return "move where its classes begin"
    return "number the classes that occur 0, 1 and so on"
