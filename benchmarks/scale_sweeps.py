"""Sweeps of ten points and more: what each point costs beyond its worker, here and on dask.

A point is a short ridge run. Its worker's own time is measured without a coordinator, as many at a
time, in the same round. On dask the scheduler and its workers are processes of this machine too,
and no children of `repro sweep`: its CPU time there is that of the coordinator alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from curves import Curves, median, shared
from engine import engine, is_here
from measure import Usage, seconds
from places import Workspace, fresh, scratch
from sweeping import JOBS, Workers, start_of, swept

FAMILY = "ridge"


def curves(sizes: Sequence[int], rounds: int) -> Curves:
    """Measure each size in turn, in one workspace and on one engine."""
    found = Curves(f"a sweep at --jobs {JOBS}", "points")
    with scratch() as folder, _engine(folder) as on_dask:
        workspace = fresh(folder)
        swept(workspace, "alpha=1..2", JOBS, family=FAMILY)
        if on_dask:
            swept(workspace, "alpha=1..2", JOBS, family=FAMILY, words=on_dask)
        start = start_of(workspace)
        for size in sorted(sizes):
            _measure(found, workspace, size, rounds, start, on_dask)
    return found


@contextmanager
def _engine(folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield what `repro sweep` is told for dask; nothing if the extra is not installed."""
    if not is_here():
        yield ()
        return
    with engine(folder / "engine", JOBS) as address:
        yield ("--executor", "dask", "--address", address)


def _measure(
    found: Curves,
    workspace: Workspace,
    size: int,
    rounds: int,
    start: float,
    on_dask: Sequence[str],
) -> None:
    axis = f"alpha=1..{size}"
    workers = Workers.of(workspace, axis, FAMILY)
    alone, local, away = list[Usage](), list[Usage](), list[Usage]()
    for _ in range(rounds):
        alone.append(workers.bare(JOBS))
        local.append(swept(workspace, axis, JOBS, family=FAMILY))
        if on_dask:
            away.append(swept(workspace, axis, JOBS, family=FAMILY, words=on_dask))
    again = swept(workspace, axis, JOBS, family=FAMILY, rerun=False)
    bare = median(alone)
    found.put("the workers alone, a point", size, shared(bare, size))
    for name, taken in (("local", local), ("dask", away)):
        if taken:
            whole = median(taken)
            beyond = (whole.wall - start - bare.wall) / size
            found.put(f"`repro sweep`, {name}, a point", size, shared(whole, size))
            found.put(f"beyond its worker, {name}, wall", size, seconds_signed(beyond))
    more = (median(local).cpu - bare.cpu) / size
    found.put("beyond its worker, local, CPU", size, seconds_signed(more))
    found.put("swept again, all sealed, a point", size, shared(again, size))


def seconds_signed(value: float) -> str:
    """Return a difference of times; noise may make it less than nothing."""
    return seconds(value) if value >= 0 else f"-{seconds(-value)}"
