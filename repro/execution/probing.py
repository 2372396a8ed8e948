"""A worker that trains nothing: started as any other, it says what its environment really is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from repro.execution.launch import Room, Worker
from repro.execution.protocol import PROBE, Message
from repro.execution.session import Module, described

PATIENCE = 300
"""Seconds that loading every library may take, on a cold and busy disk."""


class Probing:
    """A worker that has been asked what it finds; a context manager that leaves none behind."""

    def __init__(
        self, level: str, threads: int, trainers: Sequence[Module], directory: Path
    ) -> None:
        """Start the worker in ``directory``, which it may write to, and ask it; do not wait."""
        self._deadline = time.monotonic() + PATIENCE
        self._worker = Worker(Room(directory, level, threads), PATIENCE)
        self._worker.send(
            PROBE,
            level=level,
            threads=threads,
            variables=self._worker.variables,
            trainers=[described(trainer) for trainer in trainers],
        )

    def __enter__(self) -> Probing:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the worker."""
        self._worker.__exit__(kind, error, trace)

    def found(self) -> Message:
        """Return what the worker found: ``environment``, ``violated``, ``beyond``, ``missing``.

        Raises what a worker that dies or hangs raises.
        """
        message = self._worker.expect("found", self._deadline)
        self._worker.finish()
        return message
