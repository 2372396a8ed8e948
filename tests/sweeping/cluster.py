"""Engines that tests start and kill: a dask scheduler and its workers, and a Ray cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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

    def worker(
        self,
        python: str = sys.executable,
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker with one thread, which nobody starts again.

        ``before`` is a command that ends in starting it.
        """
        words = ("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        return self._start(*words, python=python, before=before, variables=variables)

    def joined(self) -> None:
        """Wait until each worker that was started has joined."""
        logs = [self.folder / f"{number}.log" for number in range(1, len(self.processes))]
        until(lambda: all("Registered to:" in log.read_text() for log in logs))

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _start(
        self,
        *words: str,
        python: str = sys.executable,
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        file = str(self.folder / "scheduler.json")
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*before, python, "-m", "dask", *words, "--scheduler-file", file],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **(variables or {})},
            )
        self.processes.append(process)
        return process


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def of_another_version(folder: Path) -> dict[str, str]:
    """Return the variables with which a process finds another version of our distribution."""
    info = folder / "repro_audit-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: repro-audit\nVersion: 9.9\n")
    return {"PYTHONPATH": str(folder)}


@dataclass
class RayCluster:
    """A Ray cluster on this machine; its folder is short, because the paths of its sockets must be.

    A second node of it is another raylet, with ports and workers of its own.
    """

    folder: Path
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return where the head node listens."""
        return (self.folder / "ray_current_cluster").read_text().strip()

    def head(self, cpus: int = 2) -> subprocess.Popen[bytes]:
        """Start the head node, the leader of its process group, and wait until it is ready."""
        found = self.folder / "ray_current_cluster"
        found.unlink(missing_ok=True)
        words = ["--head", "--port", "0", "--include-dashboard=false", "--disable-usage-stats"]
        return self._start([*words, "--temp-dir", str(self.folder)], cpus, found.exists)

    def node(
        self, cpus: int = 1, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start another node, the leader of its process group; it is ready a little later."""
        words = ["--address", self.address, "--dashboard-agent-listen-port", "0"]
        return self._start(words, cpus, lambda: True, variables)

    def _start(
        self,
        words: list[str],
        cpus: int,
        is_ready: Callable[[], bool],
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        said = self.folder / f"node-{len(self.nodes)}.log"
        ray = [str(Path(sys.executable).parent / "ray"), "start", "--block"]
        small = ["--num-cpus", str(cpus), "--object-store-memory", "80000000"]
        with said.open("wb") as log:
            process = subprocess.Popen(
                [*ray, *words, *small, "--include-log-monitor=false"],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **(variables or {})},
                start_new_session=True,
            )
        self.nodes.append(process)
        until(lambda: is_ready() or process.poll() is not None)
        assert process.poll() is None, said.read_text()
        return process

    def of(self, node: subprocess.Popen[bytes]) -> list[int]:
        """Return the processes that a node started itself."""
        return [pid for pid in processes() if parent(pid) == node.pid]

    def tasks(self, *nodes: subprocess.Popen[bytes]) -> list[int]:
        """Return the processes that carry out a point, on some of the nodes or on all."""
        started = {process.pid for process in nodes or self.nodes}
        raylets = [pid for pid in processes() if parent(pid) in started]
        found = [pid for pid in processes() if parent(pid) in raylets]
        return [pid for pid in found if title(pid).startswith("ray::repro-")]

    def training(self) -> list[int]:
        """Return the strict children of these processes."""
        tasks = self.tasks()
        return [pid for pid in processes() if parent(pid) in tasks]

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a node, but not the tasks that run there: those must end by themselves."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Kill whatever still runs."""
        left = self.tasks()
        for process in self.nodes:
            self.kill(process)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes() -> list[int]:
    """Return the processes that run; one that ended and was not waited for does not."""
    found = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in found if _stat(pid)[:1] not in ([], ["Z"], ["X"])]


def parent(pid: int) -> int:
    """Return the parent of a process; -1 of one that ended."""
    return int((*_stat(pid)[1:2], -1)[0])


def title(pid: int) -> str:
    """Return what a process calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []
