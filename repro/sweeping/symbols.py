"""Whether the symbols of a sweep's points are in their data, before any of them is trained."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from repro.sweeping.faults import Faults
from repro.sweeping.points import Point
from repro.verbs.observer import Observer
from repro.verbs.research.symbols import symbols_in


def require_symbols(start: Path, points: Iterable[Point], observer: Observer) -> None:
    """Raise UsageError or ProblemsError for points of symbols that their data do not have.

    As with experiments, a worker reads the data once more than training does, each dataset once,
    and only where symbols are named.
    """
    named: dict[str, list[tuple[Point, str]]] = {}
    for point in points:
        if point.symbol is not None:
            named.setdefault(point.dataset, []).append((point, point.symbol))
    faults = Faults()
    for asked in named.values():
        known = symbols_in(start, asked[0][0].selection, observer)
        if known is None:
            continue
        for point, symbol in asked:
            if symbol not in known:
                faults.no_symbol(point, symbol, known)
    faults.tell(observer.warn)
