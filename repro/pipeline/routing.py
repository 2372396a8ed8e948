"""Views: one model for all symbols, or the samples of one symbol."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from repro.errors import InputError, named
from repro.pipeline.samples import Samples


def of_symbol(samples: Samples, symbol: str) -> Samples:
    """Return the samples of one symbol; features across symbols were computed before.

    Raises InputError if there are none, or if the target does not vary among them.
    """
    if symbol not in samples.symbols:
        near = get_close_matches(symbol, samples.symbols, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"no samples of the symbol {symbol!r}{meant}",
            f"symbols in the dataset: {', '.join(map(named, samples.symbols))}",
        )
    rows = np.flatnonzero(samples.symbol == samples.symbols.index(symbol))
    if len(rows) == 0 or (samples.y[rows] == samples.y[rows[0]]).all():
        raise InputError(
            f"the symbol {symbol!r} has {len(rows)} usable rows, and its target does not vary",
            "use more data, or another symbol",
        )
    return replace(
        samples,
        X=np.ascontiguousarray(samples.X[rows]),
        y=samples.y[rows],
        time=samples.time[rows],
        label_end=samples.label_end[rows],
        symbol=samples.symbol[rows],
    )
