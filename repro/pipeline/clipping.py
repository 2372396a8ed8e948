"""Training labels kept within their own quantiles, so that a few extreme ones do not decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from repro.pipeline.panel import Floats


def clip_labels(y: Floats, rule: Mapping[str, Any]) -> tuple[Floats, int]:
    """Return labels (n,) clipped at the rule's quantile and its mirror, and how many changed.

    The quantiles are those of ``y`` itself (Hyndman and Fan 1996, type 7): a fit clips by its own
    rows alone. Without a quantile the labels come back as they are.
    """
    quantile = rule["training_target_quantile"]
    if quantile is None:
        return y, 0
    low, high = np.quantile(y, [quantile, 1 - quantile])
    clipped = np.clip(y, low, high)
    return clipped, int(np.count_nonzero(clipped != y))
