"""The points of a grid: what it takes to resolve and check all of them, before any is trained."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from curves import Curves, called, shared
from measure import Usage
from places import fresh, scratch

from repro.config.resolution.resolve import Selection
from repro.sweeping.axes import parse_axes
from repro.sweeping.points import Documents


def curves(sizes: Sequence[int], rounds: int) -> Curves:
    """Measure each size in a process of its own, once: its peak of memory is to be its own."""
    found = Curves("a grid", "points")
    with scratch() as folder:
        root = fresh(folder).root
        for size in sorted(sizes):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                taken = pool.submit(_checked, root, size).result()
            found.put("resolve and check, a point", size, replace(shared(taken, size), memory=0))
            found.put("memory at most", size, f"{taken.memory / 1e6:.0f} MB")
    return found


def _checked(root: Path, size: int) -> Usage:
    documents = Documents.read(root)
    grid = parse_axes([f"seed=1..{size}"])
    fixed = Selection(sets=("pipeline.family=ridge",), profile="debug")
    points: list[object] = []
    spelled = documents.spelled(fixed, grid)
    taken = called(lambda: points.extend(documents.checked(spelled)))
    unit = 1 if sys.platform == "darwin" else 1024
    return replace(taken, memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
