"""Runs are made durable beside all else: a disk may take as long over one as its training did."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from repro.errors import ReproError
from repro.execution.interrupts import deferred
from repro.sweeping.ledger import Ledger, Underway
from repro.verbs.training.sealing import Written

THREADS = 4
"""Runs that are written at a time: a disk syncs several together in little more than the time of
one."""
MOST = 2 * THREADS
"""Runs that may wait to be written before no more points are started."""


class Writers:
    """Threads that write finished runs; nothing that they do is in the log, or seen by anybody."""

    def __init__(self, ledger: Ledger) -> None:
        """Start no thread yet."""
        self._ledger = ledger
        self._pool = ThreadPoolExecutor(THREADS)
        self._writing: dict[int, Future[Written | ReproError]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being written."""
        return not self._writing

    @property
    def is_full(self) -> bool:
        """Whether so much is being written that no more should be made."""
        return len(self._writing) >= MOST

    def write(self, number: int, underway: Underway, message: Mapping[str, Any]) -> None:
        """Begin to write the run of a worker that said ``message`` when it finished."""
        with deferred():  # a thread that this starts must hear no request to stop
            self._writing[number] = self._pool.submit(self._ledger.write, underway, message)

    def written(self) -> dict[int, Written | ReproError]:
        """Return what is written by now, once, by its number."""
        ready = [number for number, future in self._writing.items() if future.done()]
        return {number: self._writing.pop(number).result() for number in ready}

    def close(self) -> None:
        """Begin no more, and wait for what was begun."""
        self._pool.shutdown(cancel_futures=True)
        self._writing.clear()
