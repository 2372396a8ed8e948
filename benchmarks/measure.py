"""Measuring: one process with its whole tree, or one call; always in turn, always a median.

    wall     from start to end, in seconds
    cpu      user + system of the process and of every child that it waited for (``wait4``)
    memory   the largest process of that tree, in bytes (``ru_maxrss``)

The sides of a comparison take turns (A B A B …), so that a busy machine disturbs both, and a ratio
is the median of the ratios within a turn.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DROPPED = ("PYTHON", "OMP_", "OPENBLAS_", "MKL_", "REPRO_", "MLFLOW_", "DVC_", "GIT_")
ENVIRONMENT = {
    # One thread on every side: the worker of `repro train` has one, so its peers have one.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NO_COLOR": "1",
    # No peer is slowed down by a call home.
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # The file store refuses to work without it in newer versions.
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@localhost",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process, with its tree, took."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, where it runs, and what it needs to be told."""

    words: Sequence[str | Path]
    directory: Path | None = None
    variables: Mapping[str, str] | None = None
    good: tuple[int, ...] = (0,)
    """Exit statuses that are no failure: a `diff` that finds something says 1."""


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a measured process: no PYTHONDONTWRITEBYTECODE among them."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith(DROPPED)}
    return {**kept, **ENVIRONMENT, **(variables or {})}


def usage_of(command: Command) -> Usage:
    """Run a command to its end; raises RuntimeError with its output if it fails.

    The parent must be small: until a child has replaced its image, its peak is that of the parent.
    """
    words = [str(word) for word in command.words]
    read, write = os.pipe()
    begin = time.perf_counter()
    process = subprocess.Popen(
        words,
        cwd=command.directory,
        env=environment(command.variables),
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.STDOUT,
    )
    os.close(write)
    with open(read, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        output = pipe.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.good:
        tail = output[-2000:].decode("utf-8", "replace")
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}:\n{tail}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


def run(command: Command) -> str:
    """Run a command that is not measured; return its stdout, raise RuntimeError if it fails."""
    done = subprocess.run(
        [str(word) for word in command.words],
        cwd=command.directory,
        env=environment(command.variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in command.good:
        words = " ".join(map(str, command.words))
        raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def in_turn(commands: Mapping[str, Command], rounds: int, warm: int = 1) -> dict[str, list[Usage]]:
    """Run every command once a round; the first ``warm`` rounds are not counted."""
    taken: dict[str, list[Usage]] = {name: [] for name in commands}
    for number in range(warm + rounds):
        for name, command in commands.items():
            usage = usage_of(command)
            if number >= warm:
                taken[name].append(usage)
    return taken


def calls_in_turn(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each call, one of each a round, after a round that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            if number:
                taken[name].append(time.perf_counter() - begin)
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of two series that were taken in turn."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def seconds(value: float) -> str:
    """Return a time in the unit that reads best."""
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.2f} ms" if value >= 1e-3 else f"{value * 1e6:.2f} µs"


def both(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the medians of two series as text."""
    return f"{seconds(statistics.median(ours))} against {seconds(statistics.median(theirs))}"
