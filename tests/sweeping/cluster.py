"""A dask scheduler and its workers, each a process of its own, that tests start and kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cluster:
    """What runs in one folder."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return where the scheduler listens."""
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start the scheduler, and wait until it listens."""
        process = self._start("scheduler", "--port", "0", "--no-dashboard")
        until((self.folder / "scheduler.json").exists)
        return process

    def worker(self, python: str = sys.executable) -> subprocess.Popen[bytes]:
        """Start a worker with one thread, which nobody starts again."""
        words = ("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        return self._start(*words, python=python)

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _start(self, *words: str, python: str = sys.executable) -> subprocess.Popen[bytes]:
        file = str(self.folder / "scheduler.json")
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [python, "-m", "dask", *words, "--scheduler-file", file],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self.processes.append(process)
        return process


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
