"""What decides when a booster stops: its loss on the rows held out of the fit.

The libraries' own metrics are not used. They add in parallel, and so their last bits, on which a
stop can hang, depend on the number of threads; NumPy adds in one order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import Floats

NAME = "loss"
"""What the libraries call it."""
LEAST = 1e-15
"""Probabilities are taken as within [LEAST, 1 - LEAST]."""


def loss(task: str, truth: Floats, predicted: Any) -> float:
    """Return the mean squared error, or for a binary task the mean log loss.

    ``truth`` and ``predicted`` are (rows,): 0.0 or 1.0 and the probability of 1 for a binary task.
    """
    import numpy as np

    values = np.asarray(predicted, dtype=np.float64)
    if task == "binary":
        likely = np.clip(np.where(truth == 1.0, values, 1.0 - values), LEAST, 1.0 - LEAST)
        return float(-np.log(likely).mean())
    return float(((values - truth) ** 2).mean())
