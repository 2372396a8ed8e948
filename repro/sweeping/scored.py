"""Which runs of a sweep were scored on the same rows and labels: only they can be compared.

The same folds over the same rows need no look at any file. Of other folds only the predictions tell
whether they test the same rows: three folds and five may, and so do those before and after an
embargo.
"""

from __future__ import annotations

from collections.abc import Iterable

from repro.errors import IntegrityError
from repro.runs import layout
from repro.runs.table import read
from repro.sweeping.done import Done, Result


def scored(done: Iterable[Done]) -> dict[str, str]:
    """Return for each ``cut`` of results a name of what was scored: the same for the same.

    Predictions are read of one run for each cut, where a target and symbol has several. A run whose
    predictions cannot be read is like no other with another cut.
    """
    firsts: dict[tuple[str, str | None], dict[str, Result]] = {}
    for each in done:
        if (one := each.counted) is not None:
            firsts.setdefault((one.target, one.symbol), {}).setdefault(one.cut, one)
    return {
        cut: _read(one) if len(by_cut) > 1 else cut
        for by_cut in firsts.values()
        for cut, one in by_cut.items()
    }


def _read(result: Result) -> str:
    try:
        return read(result.folder / layout.PREDICTIONS).scored()
    except IntegrityError:
        return result.cut
