"""Sweeping: what a sweep adds to the workers of its points, on processes of this machine.

A point's own time is that of its worker: a strict process that starts, imports its libraries, reads
the data, prepares, trains, writes and ends, with nobody who logs or seals. The ideal of a sweep on
two processes is half the sum of these, and one start of the command. The same points are swept, and
run bare on one process and on two, all in turn.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measure import Command, Usage, run, seconds, usage_of
from places import Workspace, fresh, scratch
from table import Row

from repro.config.resolution.resolve import Selection
from repro.execution.executor import Failed, Finished, Prepared, Setup, Task
from repro.execution.local import open_local
from repro.sweeping.axes import parse_axes
from repro.sweeping.points import Documents, Point

POINTS = 100
AGAIN = 2
"""Sweeps of each kind; the medians count."""
JOBS = 2
LIMIT = 0.9
OVERHEAD = 0.1
"""Seconds that a point may take beyond its worker's own time."""
NOISE = 0.001
FIXED = Selection(sets=("pipeline.family=lightgbm",), profile="debug")


def rows() -> list[Row]:
    """Measure sweeps on two processes and on one, and the same workers without a coordinator."""
    with scratch() as folder:
        workspace = fresh(folder)
        axis = f"seed=1..{POINTS}"
        _swept(workspace, "seed=1..2", 1)  # once, so that nothing is read or compiled first
        documents = Documents.read(workspace.root)
        points = list(documents.spelled(FIXED, parse_axes([axis])))
        start = _start(workspace)
        two: list[Usage] = []
        one, own, ideal = list[float](), list[Usage](), list[float]()
        for _ in range(AGAIN):
            two.append(_swept(workspace, axis, JOBS))
            own.append(_bare(documents, points, workspace, 1))
            ideal.append(_bare(documents, points, workspace, JOBS).wall)
            one.append(_swept(workspace, axis, 1).wall)
        again = _swept(workspace, axis, JOBS, rerun=False).wall
    alone = statistics.median(each.wall for each in own)
    halves = alone / JOBS + start
    wall = statistics.median(each.wall for each in two)
    work = statistics.median(each.cpu for each in own)
    cpu = statistics.median(each.cpu for each in two)
    overhead = (statistics.median(one) - alone - start) / POINTS
    bare_two = statistics.median(ideal) + start
    return [
        Row(
            f"{POINTS} points on {JOBS} processes: ideal / `repro sweep`",
            halves / wall,
            LIMIT,
            at_least=True,
            numbers=f"ideal {seconds(halves)} (each worker alone {seconds(alone / POINTS)}, start "
            f"{seconds(start)}) against {seconds(wall)}",
        ),
        Row(
            f"the same workers on {JOBS} processes, no log, no seal / `repro sweep`",
            bare_two / wall,
            numbers=f"{seconds(bare_two)} against {seconds(wall)}: what two processes at once "
            "cost each other on this machine is on both sides",
        ),
        Row(
            f"CPU of the workers alone / CPU of `repro sweep` on {JOBS} processes",
            work / cpu,
            numbers=f"{seconds(work / POINTS)} a point against {seconds(cpu / POINTS)}: what a "
            "busy machine moves least",
        ),
        Row(
            "overhead of a point beyond its worker / 100 ms",
            max(overhead / OVERHEAD, NOISE),  # a busy machine may make it less than nothing
            1.0,
            numbers=f"{seconds(overhead)} a point on one process",
        ),
        Row(
            "a sealed point, swept again / its worker",
            (again - start) / POINTS / (alone / POINTS),
            numbers=f"{seconds((again - start) / POINTS)} a point",
        ),
    ]


def _swept(workspace: Workspace, axis: str, jobs: int, *, rerun: bool = True) -> Usage:
    """Return what a sweep took."""
    words = ["sweep", axis, "--profile", "debug", "--family", "lightgbm", "--quiet"]
    words += ["--jobs", str(jobs), *(["--rerun"] if rerun else [])]
    return usage_of(workspace.command(*words))


def _start(workspace: Workspace) -> float:
    """Return how long the command takes to start and to check a configuration."""
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        run(Command(workspace.command("validate").words, workspace.root))
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def _bare(documents: Documents, points: Sequence[Point], workspace: Workspace, jobs: int) -> Usage:
    """Return what the workers of all points take, with nobody who logs or seals."""
    request = max(workspace.root.rglob("request.json"), key=lambda p: p.stat().st_mtime)
    seeds = json.loads(request.read_text("utf-8"))["seeds"]
    waiting = list(points)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as base:
        begin, before = time.perf_counter(), _of_children()
        with open_local(Setup(jobs)) as executor:
            left = len(waiting)
            while left:
                while executor.free and waiting:
                    point = waiting.pop()
                    place = Path(base, str(point.number))
                    place.mkdir()
                    executor.submit(Task(point.number, documents.ready(point).job, place, {}))
                for event in executor.wait(1.0):
                    if isinstance(event, Prepared):
                        executor.proceed(event.number, seeds)
                    elif isinstance(event, Finished):
                        left -= 1
                    elif isinstance(event, Failed):
                        raise event.error
        return Usage(time.perf_counter() - begin, _of_children() - before, 0)


def _of_children() -> float:
    """Return the CPU time of every process that this one has waited for, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
