"""Which rows and symbols of a panel are used, and why a symbol is not: for people, no identity."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from repro.pipeline.panel import Panel, segments
from repro.pipeline.samples import Samples
from repro.pipeline.targets import Labels

NO_LABEL: Final = "no label"
NO_FEATURE: Final = "no feature"
TOO_SHORT: Final = "too few rows"


def coverage(panel: Panel, labels: Labels, samples: Samples, only: str | None) -> dict[str, Any]:
    """Return rows and symbols used and of how many, and each symbol of which no row is used.

    ``only`` is the one symbol that is asked for; None for all. ``left_out`` says of each symbol
    why: no label in any of its rows, no feature in any that has a label, or too few rows.
    """
    used = {samples.symbols[code] for code in np.unique(samples.symbol).tolist()}
    rows = {
        symbol: part
        for symbol, part in zip(panel.symbols, segments(panel), strict=True)
        if only in (None, symbol)
    }
    left_out = [
        {
            "symbol": symbol,
            "rows": part.stop - part.start,
            "why": NO_LABEL if np.isnan(labels.values[part]).all() else NO_FEATURE,
        }
        for symbol, part in rows.items()
        if symbol not in used
    ]
    short = [
        {"symbol": symbol, "rows": count, "why": TOO_SHORT}
        for symbol, count in panel.dropped_symbols
        if only is None
    ]
    return {
        "rows": len(samples.y),
        "of_rows": sum(part.stop - part.start for part in rows.values()),
        "symbols": len(used),
        "of_symbols": len(rows) + len(short),
        "left_out": sorted([*left_out, *short], key=lambda one: str(one["symbol"])),
    }
