"""Sweeping: what a sweep adds to the workers of its points, on processes of this machine.

A point's own time is that of its worker: a strict process that starts, imports its libraries, reads
the data, prepares, trains, writes and ends, with nobody who logs or seals. The ideal of a sweep on
two processes is half the sum of these, and one start of the command. The same points are swept, and
run bare on one process and on two, all in turn; and swept on the workers of a dask scheduler on
this machine, if that extra is installed.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import engine, is_here
from logs import scaled
from measure import Command, Usage, both, ratio, run, seconds, usage_of
from places import Workspace, fresh, scratch
from table import Row

from repro.config.resolution.resolve import Selection
from repro.execution.executor import Failed, Finished, Prepared, Seeds, Setup, Task
from repro.execution.local import open_local
from repro.sweeping.axes import parse_axes
from repro.sweeping.points import Documents, Point

POINTS = scaled(100, 10)
AGAIN = scaled(2, 1)
"""Sweeps of each kind; the medians count."""
JOBS = 2
LIMIT, ENGINE_LIMIT = 0.9, 0.85
OVERHEAD = 0.1
"""Seconds that a point may take beyond its worker's own time."""
NOISE = 0.001
FAMILY = "lightgbm"


def rows() -> list[Row]:
    """Measure sweeps on two processes and on one, and the same workers without a coordinator."""
    with scratch() as folder:
        workspace = fresh(folder)
        axis = f"seed=1..{POINTS}"
        swept(workspace, "seed=1..2", 1)  # once, so that nothing is read or compiled first
        workers = Workers.of(workspace, axis, FAMILY)
        start = start_of(workspace)
        two: list[Usage] = []
        one, own, ideal = list[float](), list[Usage](), list[float]()
        for _ in range(AGAIN):
            two.append(swept(workspace, axis, JOBS))
            own.append(workers.bare(1))
            ideal.append(workers.bare(JOBS).wall)
            one.append(swept(workspace, axis, 1).wall)
        again = swept(workspace, axis, JOBS, rerun=False).wall
        engine_row = _on_an_engine(folder, workspace, axis)
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
        engine_row,
    ]


def _on_an_engine(folder: Path, workspace: Workspace, axis: str) -> Row:
    """Measure the same sweep on local processes and on workers of dask, in turn."""
    local, away = list[Usage](), list[Usage]()
    if is_here():
        with engine(folder / "engine", JOBS) as address:
            on_dask = ("--executor", "dask", "--address", address)
            swept(workspace, "seed=1..2", JOBS, words=on_dask)
            for _ in range(AGAIN):
                local.append(swept(workspace, axis, JOBS))
                away.append(swept(workspace, axis, JOBS, words=on_dask))
    ours, theirs = ([each.wall for each in side] for side in (local, away))
    return Row(
        f"{POINTS} points on {JOBS} processes: local / on dask",
        ratio(ours, theirs) if away else None,
        ENGINE_LIMIT,
        at_least=True,
        numbers=both(ours, theirs) if away else "",
    )


def swept(
    workspace: Workspace,
    axis: str,
    jobs: int,
    *,
    family: str = FAMILY,
    rerun: bool = True,
    words: Sequence[str] = (),
) -> Usage:
    """Return what a sweep took; on an engine, the CPU time of its workers is not in it."""
    command = ["sweep", axis, "--profile", "debug", "--family", family, "--quiet"]
    command += ["--jobs", str(jobs), *(["--rerun"] if rerun else []), *words]
    return usage_of(workspace.command(*command))


def start_of(workspace: Workspace) -> float:
    """Return the seconds that the command takes to start and to check a configuration."""
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        run(Command(workspace.command("validate").words, workspace.root))
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of a sweep's points, to be run with nobody who logs or seals."""

    documents: Documents
    points: Sequence[Point]
    seeds: Seeds

    @classmethod
    def of(cls, workspace: Workspace, axis: str, family: str) -> Workers:
        """Return those of a sweep of a family; the newest run must be one of it."""
        documents = Documents.read(workspace.root)
        fixed = Selection(sets=(f"pipeline.family={family}",), profile="debug")
        request = max(workspace.root.rglob("request.json"), key=lambda p: p.stat().st_mtime)
        seeds = json.loads(request.read_text("utf-8"))["seeds"]
        return cls(documents, list(documents.spelled(fixed, parse_axes([axis]))), seeds)

    def bare(self, jobs: int) -> Usage:
        """Return what all of them take, so many at a time."""
        waiting = list(self.points)
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as base:
            begin, before = time.perf_counter(), _of_children()
            with open_local(Setup(jobs)) as executor:
                left = len(waiting)
                while left:
                    while executor.free and waiting:
                        point = waiting.pop()
                        place = Path(base, str(point.number))
                        place.mkdir()
                        job = self.documents.ready(point).job
                        executor.submit(Task(point.number, job, place, {}))
                    for event in executor.wait(1.0):
                        if isinstance(event, Prepared):
                            executor.proceed(event.number, self.seeds)
                        elif isinstance(event, Finished):
                            left -= 1
                        elif isinstance(event, Failed):
                            raise event.error
            return Usage(time.perf_counter() - begin, _of_children() - before, 0)


def _of_children() -> float:
    """Return the CPU time of every process that this one has waited for, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
