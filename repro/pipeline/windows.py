"""Moving windows over one series, each value from its own window alone, bit for bit.

A window is summed oldest first, one whole-series addition a step.  The ready-made alternatives
leak: a cumulative sum carries rounding from every earlier row, pandas updates a running sum, and
``sliding_window_view(...).sum(axis=-1)`` picks its order of summation by shape.
All functions take and return (n,) float64; NaN where the window is incomplete or holds a NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from repro.pipeline.panel import Floats

Step = Callable[[Floats, Floats], Floats]


def shifted(values: Floats, periods: int) -> Floats:
    """Return at t the value of row t - periods; negative periods look ahead."""
    out = np.full(len(values), np.nan)
    if periods > 0:
        out[periods:] = values[:-periods]
    elif periods < 0:
        out[:periods] = values[-periods:]
    else:
        out[:] = values
    return out


def changes(values: Floats, periods: int) -> Floats:
    """Return c[t] / c[t - periods] - 1."""
    return values / shifted(values, periods) - 1.0


def rolling_mean(values: Floats, window: int) -> Floats:
    """Return the mean of the last ``window`` values."""
    return _fold(values, window, np.add) / window


def rolling_std(values: Floats, window: int) -> Floats:
    """Return the sample standard deviation (ddof=1) of the last ``window`` values.

    Two passes; exactly 0 for a window of equal values, whose computed mean may be off by one ULP.
    """
    mean = rolling_mean(values, window)
    squares = np.full(len(values), np.nan)
    full = len(values) - window + 1
    if full > 0:
        total = np.zeros(full)
        for step in range(window):
            deviation = values[step : step + full] - mean[window - 1 :]
            total += deviation * deviation
        squares[window - 1 :] = total
    still = _fold(values, window, np.maximum) == _fold(values, window, np.minimum)
    return np.where(still, 0.0, np.sqrt(squares / (window - 1)))


def _fold(values: Floats, window: int, step: Step) -> Floats:
    """Return step(… step(step(v[t-w+1], v[t-w+2]), …), v[t])."""
    out = np.full(len(values), np.nan)
    full = len(values) - window + 1
    if full > 0:
        folded = values[:full].copy()
        for offset in range(1, window):
            folded = step(folded, values[offset : offset + full])
        out[window - 1 :] = folded
    return out
