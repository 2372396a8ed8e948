"""What a formula is made of: the rows and columns that it reads, and the levels that it exposes.

Standard library only: the notary checks configurations with it.  ``features`` and ``targets``
compute; this module only knows what they will look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Formula = Mapping[str, Any]

FEATURE_KINDS = frozenset(
    {
        "column",
        "lag",
        "return",
        "rolling_mean",
        "rolling_std",
        "volatility",
        "zscore",
        "ratio_to_mean",
        "ratio",
        "spread",
        "rsi",
        "rank",
    }
)
COLUMN = "column"
"""The kind of a formula that is a column itself, of a feature or of a target."""
TASKS_OF: Mapping[str, tuple[str, ...]] = {
    "forward_return": ("regression",),
    "forward_return_above": ("binary",),
    "forward_return_class": ("multiclass",),
    COLUMN: ("regression", "binary", "multiclass"),
}
"""The kind of a target's formula to the tasks that its values can be for."""
TARGET_KINDS = frozenset(TASKS_OF)

_OWN_ROW_ONLY = frozenset({"column", "ratio", "spread"})
_PERIODS_BACK = frozenset({"lag", "return"})
_WINDOW_OF_VALUES = frozenset({"rolling_mean", "rolling_std", "zscore", "ratio_to_mean"})
_WINDOW_OF_CHANGES = frozenset({"volatility", "rsi"})
_IN_UNITS_OF_ITS_COLUMN = frozenset({"column", "lag", "rolling_mean", "rolling_std"})
_COLUMN_KEYS = {
    "ratio": ("numerator", "denominator"),
    "spread": ("high", "low", "by"),
}


def lookback_of(formula: Formula) -> int:
    """Return how many own rows before row t the value at t reads (0: only row t itself).

    A window of w values reaches back w - 1 rows; w changes (volatility, rsi) reach back w.
    A feature's ``lag`` is no part of its formula: it reaches back ``lookback + lag``.
    """
    kind = _feature_kind(formula)
    if kind in _OWN_ROW_ONLY:
        return 0
    if kind in _PERIODS_BACK:
        return int(formula["periods"])
    if kind in _WINDOW_OF_VALUES:
        return int(formula["window"]) - 1
    if kind in _WINDOW_OF_CHANGES:
        return int(formula["window"])
    return lookback_of(formula["formula"])


def columns_of(formula: Formula) -> tuple[str, ...]:
    """Return the columns that a feature's or target's formula reads, sorted, each once."""
    kind = formula["kind"]
    if kind not in TARGET_KINDS:
        kind = _feature_kind(formula)
    if kind == "rank":
        return columns_of(formula["formula"])
    keys = _COLUMN_KEYS.get(kind, ("column",))
    return tuple(sorted({str(formula[key]) for key in keys}))


def newest_of(formula: Formula) -> int:
    """Return how many own rows before row t the newest row lies that the value at t reads.

    0 if it reads row t itself. A feature's ``lag`` is no part of its formula: it is to be added.
    """
    kind = _feature_kind(formula)
    if kind == "rank":
        return newest_of(formula["formula"])
    return int(formula["periods"]) if kind == "lag" else 0


def edges_of(formula: Formula) -> tuple[float, ...]:
    """Return where a target's formula cuts returns into classes, ascending; none of a regression.

    Class n is what lies above n of the edges; a return that is equal to an edge is not above it.
    """
    if formula["kind"] == "forward_return_class":
        return tuple(map(float, formula["edges"]))
    return (float(formula["threshold"]),) if formula["kind"] == "forward_return_above" else ()


def classes_of(target: Mapping[str, Any]) -> int:
    """Return how many classes a target has: 2 of a binary task, and 0 of a regression."""
    if target["task"] == "regression":
        return 0
    if target["task"] == "binary":
        return 2
    formula = target["formula"]
    return int(formula["classes"]) if formula["kind"] == COLUMN else len(edges_of(formula)) + 1


def class_table(target: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each class in the order of the labels, with its bounds: ``above`` and ``up_to``.

    A bound that a class does not have is None; a class that is the value of a column has no bounds
    at all. Empty for a regression.
    """
    edges = edges_of(target["formula"])
    if not edges:
        return [{"class": n} for n in range(classes_of(target))]
    bounds = zip((None, *edges), (*edges, None), strict=True)
    return [{"class": n, "above": low, "up_to": high} for n, (low, high) in enumerate(bounds)]


def class_words(target: Mapping[str, Any], label: int) -> str:
    """Return a class as people read it: ``class 1 (above -0.02, up to 0.02)``, or ``class 1``."""
    row = class_table(target)[label]
    said = [("above", row.get("above")), ("up to", row.get("up_to"))]
    bounds = ", ".join(f"{word} {bound:g}" for word, bound in said if bound is not None)
    return f"class {label} ({bounds})" if bounds else f"class {label}"


def is_level(formula: Formula, column: str) -> bool:
    """Return whether the formula exposes the level of ``column``, not only ratios of it to itself.

    The test is what happens if this one column of one symbol is quoted in another unit (all its
    prices doubled): a return, z-score or RSI stays, a level, a mean or a ratio to *another* column
    moves.  So ``Adj Close / Close - 1`` exposes the level: it is the adjustment itself.
    """
    kind = _feature_kind(formula)
    if column not in columns_of(formula):
        return False
    if kind == "rank":
        return is_level(formula["formula"], column)
    if kind in _COLUMN_KEYS:
        return len(columns_of(formula)) > 1
    return kind in _IN_UNITS_OF_ITS_COLUMN


def _feature_kind(formula: Formula) -> str:
    kind = str(formula["kind"])
    if kind not in FEATURE_KINDS:
        raise AssertionError(f"formula of an unknown kind got past the schemas: {kind!r}")
    return kind
