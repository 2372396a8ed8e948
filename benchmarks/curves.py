"""Curves: what each operation took at each size, as a table of Markdown for a document."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import Usage, seconds


@dataclass(slots=True)
class Curves:
    """Cells by operation and size, in the order in which they came. Mutable: it grows."""

    title: str
    unit: str
    """What the sizes count."""
    cells: dict[str, dict[int, Usage | str]] = field(default_factory=dict)

    def put(self, what: str, size: int, cell: Usage | str) -> None:
        """Add one cell, what was taken or a text, and say it: a long measurement may be ended."""
        print(f"{size:,} {self.unit}: {what}: {_text(cell)}", file=sys.stderr, flush=True)
        self.cells.setdefault(what, {})[size] = cell

    def lines(self) -> list[str]:
        """Return the table: wall time and, in brackets, CPU time; last column, growth in CPU."""
        sizes = sorted({size for row in self.cells.values() for size in row})
        head = [self.title, *(f"{size:,} {self.unit}" for size in sizes), "largest / smallest"]
        found = [_line(head), _line(["---", *("---:" for _ in head[1:])])]
        for what, row in self.cells.items():
            texts = [_text(row.get(size)) for size in sizes]
            found.append(_line([what, *texts, _growth([row.get(size) for size in sizes])]))
        return found

    def document(self) -> dict[str, Any]:
        """Return it as JSON; seconds and bytes."""
        return {
            "title": self.title,
            "unit": self.unit,
            "cells": [
                {"what": what, "size": size, **_members(cell)}
                for what, row in self.cells.items()
                for size, cell in row.items()
            ],
        }


def median(taken: Sequence[Usage]) -> Usage:
    """Return the median of each measure."""
    return Usage(
        statistics.median(each.wall for each in taken),
        statistics.median(each.cpu for each in taken),
        max(each.memory for each in taken),
    )


def called(call: Callable[[], object], times: int = 1) -> Usage:
    """Return the median wall and the mean CPU time of a call in this process; no memory.

    The CPU time of one short call is below what the clock of the system can tell.
    """
    walls = []
    before = time.process_time()
    for _ in range(times):
        begin = time.perf_counter()
        call()
        walls.append(time.perf_counter() - begin)
    return Usage(statistics.median(walls), (time.process_time() - before) / times, 0)


def shared(usage: Usage, parts: int) -> Usage:
    """Return what each of so many parts took."""
    return Usage(usage.wall / parts, usage.cpu / parts, usage.memory)


def weighed(folder: Path) -> str:
    """Return how many bytes and files a folder holds."""
    files, size = 0, 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        files += len(names)
        size += sum((Path(place) / name).stat().st_size for name in sorted(names))
    return f"{size / 1e6:,.1f} MB, {files:,} files"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Usage | str | None) -> str:
    if not isinstance(cell, Usage):
        return cell or ""
    memory = f", {cell.memory / 1e6:.0f} MB" if cell.memory else ""
    return f"{seconds(cell.wall)} ({seconds(cell.cpu)}{memory})"


def _growth(row: Sequence[Usage | str | None]) -> str:
    taken = [cell for cell in row if isinstance(cell, Usage)]
    return f"{taken[-1].cpu / taken[0].cpu:.3g}" if len(taken) > 1 and taken[0].cpu > 0 else ""


def _members(cell: Usage | str) -> Mapping[str, Any]:
    if isinstance(cell, str):
        return {"text": cell}
    return {"wall": cell.wall, "cpu": cell.cpu, "memory": cell.memory}
