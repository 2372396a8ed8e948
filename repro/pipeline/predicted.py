"""Out-of-fold predictions with the identity of each row, as the one table that is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from repro.pipeline.panel import Floats
from repro.pipeline.samples import Samples


def as_table(
    samples: Samples, fold_of: npt.NDArray[np.int32], predictions: Floats
) -> npt.NDArray[Any]:
    """Return a record for each row that was tested, little-endian and without padding.

    fold_of: (n,) the fold that tested a row, from 0; -1 for none. predictions: (n,), or the
    probability of each class in the order of the labels, (n, classes). The fields are ``symbol``
    (UTF-8), ``time`` (nanoseconds UTC), ``fold`` (from 1), ``target`` and ``prediction``: one
    number, or an array of one for each class.
    """
    rows = np.flatnonzero(fold_of >= 0)
    used, codes = np.unique(samples.symbol, return_inverse=True)
    names = np.array([samples.symbols[code].encode() for code in used.tolist()])[codes]
    table = np.zeros(
        len(rows),
        dtype=[
            ("symbol", f"S{max(1, names.dtype.itemsize)}"),
            ("time", "<i8"),
            ("fold", "<i4"),
            ("target", "<f8"),
            ("prediction", "<f8", predictions.shape[1:]),
        ],
    )
    table["symbol"] = names[rows]
    table["time"] = samples.time[rows]
    table["fold"] = fold_of[rows] + 1
    table["target"] = samples.y[rows]
    table["prediction"] = predictions[rows]
    return table
