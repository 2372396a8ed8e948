"""Processes that a command started and left behind: they come to us, and are counted."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PR_SET_CHILD_SUBREAPER: Final = 36
"""Of prctl(2): whose parent ends becomes a child of ours."""
CHILDREN: Final = Path("/proc/self/task")
STEP: Final = 0.02
"""Seconds between two looks."""


@contextmanager
def adopting() -> Iterator[Callable[[float], int]]:
    """Take in, inside, whoever loses its parent; give what counts those that still run.

    That one waits for them to end, for so many seconds at the most, and returns how many do not.
    Where the system is not Linux, nobody is taken in and there is nobody to count.
    """
    if sys.platform != "linux" or not any(CHILDREN.glob("*/children")):
        yield lambda seconds: 0
        return
    before = _children()
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield lambda seconds: _still_running(before, seconds)
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0)


def _still_running(before: frozenset[int], seconds: float) -> int:
    """Return how many children there are that were not there before and do not end in time.

    One that ends while it is looked at may have left another, which came to us after we looked: so
    there is nobody only once a look finds nobody, ended or not.
    """
    end = time.monotonic() + seconds
    while found := _children() - before:
        if running := sum(map(_runs, found)):
            if time.monotonic() >= end:
                return running
            time.sleep(STEP)
    return 0


def _runs(child: int) -> bool:
    """Return whether a child still runs; one that has ended is taken leave of."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _children() -> frozenset[int]:
    """Return the processes whose parent we are."""
    found = (file.read_text().split() for file in sorted(CHILDREN.glob("*/children")))
    return frozenset(int(number) for numbers in found for number in numbers)
