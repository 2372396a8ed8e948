"""A dask scheduler and its workers on this machine, as long as something is measured on them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from measure import Command, environment, run

READY = "import sys, distributed as d; d.Client(sys.argv[1]).wait_for_workers(int(sys.argv[2]), 60)"
PATIENCE = 60.0
"""Seconds for the scheduler to listen."""


def is_here() -> bool:
    """Return whether the extra `dask` is installed beside this interpreter."""
    return find_spec("distributed") is not None


@contextmanager
def engine(folder: Path, workers: int) -> Iterator[str]:
    """Yield the address of a scheduler with so many workers of one thread; ``folder`` is new."""
    folder.mkdir()
    file = folder / "scheduler.json"
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> None:
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(file)]
        with (folder / f"{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment())
            )

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        end = time.monotonic() + PATIENCE
        while not file.exists():
            if time.monotonic() > end or started[0].poll() is not None:
                raise RuntimeError("the scheduler did not start: " + (folder / "0.log").read_text())
            time.sleep(0.05)
        for _ in range(workers):
            start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        address = str(json.loads(file.read_text("utf-8"))["address"])
        run(Command([sys.executable, "-c", READY, address, str(workers)]))
        yield address
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()
