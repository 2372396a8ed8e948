"""What decides when training stops: the loss on the rows held out of the fit.

The libraries' own metrics are not used. They add in parallel, and so their last bits, on which a
stop can hang, depend on the number of threads; here the sum is exact, whatever the order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import Floats

NAME = "loss"
"""What the libraries call it."""
LEAST = 1e-15
"""Probabilities are taken as within [LEAST, 1 - LEAST]."""


def loss(task: str, truth: Floats, predicted: Any) -> float:
    """Return the mean squared error, or for classes the mean log loss.

    ``truth`` is (rows,), of classes 0.0, 1.0 and so on. ``predicted`` is (rows,), the value or the
    probability of class 1; for a multiclass task (rows, classes). Infinite or NaN if that is what
    the predictions are, or if the sum is beyond float64.
    """
    import numpy as np

    values = np.asarray(predicted, dtype=np.float64)
    if task == "regression":
        return _mean(np.square(values - truth))
    if task == "binary":
        likely = np.where(truth == 1.0, values, 1.0 - values)
    else:
        likely = values[np.arange(len(truth)), truth.astype(np.int64)]
    return _mean(-np.log(np.clip(likely, LEAST, 1.0 - LEAST)))


def _mean(values: Any) -> float:
    """Return the mean of ``values`` (rows,), none below zero, from their exact sum."""
    try:
        return math.fsum(values.tolist()) / len(values)
    except OverflowError:
        return math.inf
