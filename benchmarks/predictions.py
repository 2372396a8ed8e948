"""Comparing two runs with a million predictions: `repro diff` against reading both of their files.

What is read is what a comparison needs: symbol, time and prediction of each row, by the reader of
`repro` itself, without numpy, in a process of its own. NumPy's reader is shown beside it as a peer:
it leaves the rows as they lie in memory, and looks at none.

The runs are real: ridge on a panel that is always the same, cut into k folds, so that each row is
predicted once. They differ in one parameter, and in the bits of every prediction.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from logs import scaled
from measure import Command, both, in_turn, ratio, run
from places import DATA, Workspace, fresh, scratch
from table import Row

SYMBOLS, DAYS = 250, 4040
"""A little more than a million rows: the newest of each symbol have no label."""
ROUNDS = 7
LIMIT = 2.0
PANEL = "data/large.csv"
TRAIN = (
    *("train", "--quiet", "--family", "ridge", "--set", "solver=svd"),
    *("--set", "splits.method=k_fold", "--set", "selected=[ret_1d, ret_5d]"),
)
DIFF, JSON, READ, NUMPY = "diff", "diff --format json", "reading both", "numpy.load"
READING = """
import sys
from pathlib import Path
from repro.runs.table import read
for path in sys.argv[1:]:
    table = read(Path(path))
    table.keys(), table.predicted()
"""
LOADING = "import sys, numpy; [numpy.load(path) for path in sys.argv[1:]]"


def rows() -> list[Row]:
    """Measure the CPU time of whole processes, in turn."""
    with scratch() as folder:
        workspace = fresh(folder)
        write_panel(workspace, scaled(SYMBOLS))
        for alpha in ("1.0", "2.0"):
            run(workspace.command(*TRAIN, "--set", f"ridge.hyperparameters.alpha={alpha}"))
        files = sorted((workspace.root / "RESULTS").rglob("predictions.npy"))
        words = ("diff", "@latest~1", "@latest")
        commands = {
            DIFF: workspace.command(*words, good=(1,)),
            JSON: workspace.command(*words, "--format", "json", good=(1,)),
            READ: Command([sys.executable, "-P", "-c", READING, *files]),
            NUMPY: Command([sys.executable, "-P", "-c", LOADING, *files]),
        }
        count = len(np.load(files[0]))
        taken = in_turn(commands, ROUNDS)
    cpu = {name: [usage.cpu for usage in usages] for name, usages in taken.items()}
    goal = f"repro diff, 2 runs with {count:,} predictions / reading both files"
    return [
        Row(
            goal,
            ratio(cpu[DIFF], cpu[READ]),
            LIMIT,
            peers={name: ratio(cpu[name], cpu[READ]) for name in (JSON, NUMPY)},
            numbers=f"CPU {both(cpu[DIFF], cpu[READ])}",
        )
    ]


def write_panel(workspace: Workspace, symbols: int) -> None:
    """Write a panel of waves in the columns of the example, and let the configuration name it."""
    days = [(date(2000, 1, 3) + timedelta(days=n)).isoformat() for n in range(DAYS)]
    steps = np.arange(DAYS)
    with (workspace.root / PANEL).open("w") as file:
        file.write("Ticker,Date,Open,High,Low,Close,Volume,Adj Close\n")
        for number in range(symbols):
            jumps = (steps * 7919 + number * 104729) % 997 / 9970  # up to a tenth, no two in a row
            prices = np.round(100 * (1 + jumps + 0.2 * np.sin(steps / (7 + number))), 2).tolist()
            cells = zip(days, prices, strict=True)
            lines = (f"S{number:03},{day},{p},{p},{p},{p},100,{p}\n" for day, p in cells)
            file.write("".join(lines))
    declared: Path = workspace.root / "CONFIG" / "data" / "dataset.yaml"
    declared.write_text(declared.read_text("utf-8").replace(DATA, PANEL), "utf-8")
