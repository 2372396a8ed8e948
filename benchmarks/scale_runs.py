"""Runs from a thousand to a hundred thousand: listing, comparing, training beside them.

The runs are copies of one real run's snapshot, as in `listing`; only the real ones are
in the log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from curves import Curves, median, weighed
from listing import copy_runs, settle
from measure import Command, run, usage_of
from places import fresh, scratch

from repro.runs import layout

PAGE = "50"
TRAIN = ("train", "--quiet", "--profile", "debug", "--family", "ridge")


def curves(sizes: Sequence[int], rounds: int) -> Curves:
    """Measure each size in turn, smallest first."""
    found = Curves("runs", "runs")
    for size in sorted(sizes):
        with scratch() as folder:
            _measure(found, folder, size, rounds)
    return found


def _measure(found: Curves, folder: Path, size: int, rounds: int) -> None:
    (folder / "runs").mkdir()
    workspace = fresh(folder / "runs")

    def timed(what: str, *commands: Command) -> None:
        found.put(what, size, median([usage_of(each) for each in commands]))

    listing = workspace.command("runs", "list", "--limit", PAGE)
    best = workspace.command("runs", "list", "--limit", PAGE, "--sort", "rmse")
    run(workspace.command(*TRAIN))
    results = workspace.root / "RESULTS"
    (snapshot,) = results.rglob("snapshot.json")
    one = str(json.loads(snapshot.read_bytes())["run"])
    copy_runs(workspace, size)
    timed("`repro runs list`, no index yet", listing)
    settle(folder)
    run(listing)
    timed("`… list`, newest 50", *[listing] * rounds)
    timed("`… list --sort rmse`", *[best] * rounds)
    timed("`… show NAME`", *[workspace.command("runs", "show", one)] * rounds)
    trained, listed = [], []
    for number in range(max(2, rounds)):
        words = ("--set", f"ridge.hyperparameters.alpha={number + 2}.5")
        trained.append(usage_of(workspace.command(*TRAIN, *words)))
        listed.append(usage_of(listing))
    found.put("`repro train`, ridge", size, median(trained))
    found.put("`… list` after it", size, median(listed))
    diff = workspace.command("diff", *_trained(results, one), good=(1,))
    timed("`repro diff`, two runs", *[diff] * rounds)
    index = layout.index(workspace.root).stat().st_size
    found.put("index on the disk", size, f"{index / 1e6:,.1f} MB")
    found.put("one real run on the disk", size, weighed(results / "runs" / one))


def _trained(results: Path, but: str) -> list[str]:
    """Return two real runs, not the copied one: its copies would be compared as its replicates."""
    base = results / "runs"
    files = sorted(base.rglob("predictions.npy"))
    names = sorted({path.relative_to(base).parts[0] for path in files} - {but})
    return names[:2]
