"""The tables that trainers are tried with: the same numbers on every machine, and no generator.

A value is the fractional part of n² times an irrational number; NumPy multiplies, takes roots and
remainders in the same bits on every CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROOTS = (2, 3, 5, 7, 11, 13, 17, 19)
"""Their square roots are the irrational numbers: of the columns, of the noise and of the holes."""
COLUMNS = 6
CLASSES = {"regression": 0, "binary": 2, "multiclass": 3}
"""Classes of the target of each task."""
SIGNAL = 0
"""The column that says most about the target."""
NOISE = 3
"""A column that says nothing about it."""
RARE = 0.06
"""Share of the values that are missing in a table with holes, and of those that are zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Features (rows, columns), C-contiguous, and the target (rows,)."""

    x: Floats
    y: Floats

    def copy(self) -> Table:
        """Return a table of its own memory."""
        return Table(self.x.copy(order="C"), self.y.copy())


def names(columns: int = COLUMNS) -> list[str]:
    """Return the names of the features."""
    return [f"f{number}" for number in range(columns)]


def table(task: str, rows: int, *, start: int = 1, holes: bool = False) -> Table:
    """Return ``rows`` rows for a task; from another ``start`` on they are other rows.

    The target follows the first column, the square of the second and a step of the third, with
    noise. Classes 0 and 1 (and 2) are its lower and upper parts, cut at fixed places. ``holes`` are
    missing values and zeros, after the target was made.
    """
    n = np.arange(start, start + rows, dtype=np.float64)
    parts = [_spread(n, root) for root in ROOTS]
    x = np.stack(parts[:COLUMNS], axis=1)
    x[:, 4] = np.floor(x[:, 4] * 2.0)
    signal = x[:, 0] + 0.5 * x[:, 1] * x[:, 1] + 0.5 * np.sign(x[:, 2]) + 0.3 * parts[COLUMNS]
    if holes:
        place = np.floor((parts[-1][:, None] + np.sqrt(12.0) + x * np.sqrt(7.0)) / RARE) % (
            1 / RARE
        )
        x[place < 1.0] = np.nan
        x[(place >= 1.0) & (place < 2.0)] = 0.0
    return Table(np.ascontiguousarray(x), _target(task, signal))


def opposite(task: str, rows: int, start: int) -> Table:
    """Return rows whose target is the contrary: what is learned elsewhere is wrong on them."""
    made = table(task, rows, start=start)
    if task == "regression":
        return Table(made.x, -made.y)
    return Table(made.x, CLASSES[task] - 1.0 - made.y)


def _spread(n: Floats, root: int) -> Floats:
    """Return values of mean 0 and deviation 1, evenly spread, with no order that shows."""
    part = (n * n * np.sqrt(np.float64(root))) % 1.0
    spread: Floats = (part - 0.5) * np.sqrt(12.0)
    return spread


def _target(task: str, signal: Floats) -> Floats:
    """Return the value, or the number of the class."""
    if task == "regression":
        return signal
    if task == "binary":
        return (signal > 0.5).astype(np.float64)
    classes: Floats = np.digitize(signal, (0.0, 1.0)).astype(np.float64)
    return classes
