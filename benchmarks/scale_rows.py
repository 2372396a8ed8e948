"""A dataset from ten thousand rows to a million: training, and comparing what came of it.

The panel of `predictions`, with so many symbols of 4,040 days; ridge with two features, each row
predicted once.
"""

from __future__ import annotations

from collections.abc import Sequence

from curves import Curves, median
from measure import run, usage_of
from places import fresh, scratch
from predictions import DAYS, TRAIN, write_panel


def curves(sizes: Sequence[int], rounds: int) -> Curves:
    """Measure each size in turn; a size is rounded to whole symbols, two at least."""
    found = Curves("a dataset", "rows")
    for asked in sorted(sizes):
        symbols = max(2, round(asked / DAYS))
        size = symbols * DAYS
        with scratch() as folder:
            workspace = fresh(folder)
            write_panel(workspace, symbols)
            run(workspace.command("validate"))
            trained = [
                usage_of(workspace.command(*TRAIN, "--set", f"ridge.hyperparameters.alpha={n}.5"))
                for n in range(1, max(2, rounds) + 1)
            ]
            found.put("`repro train`, ridge", size, median(trained))
            diff = workspace.command("diff", "@latest~1", "@latest", good=(1,))
            found.put("`repro diff`", size, median([usage_of(diff) for _ in range(rounds)]))
    return found
