"""What runs on the workers of a dask cluster: a task, and how it talks with its coordinator."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

import distributed

from repro.sweeping import errand
from repro.sweeping.errand import Message

ENGINE: Final[Any] = distributed
"""It has no types."""
GONE: Final = frozenset({"cancelled", "released", "forgotten", "memory", "error"})
"""States of a task on its worker in which nobody wants it."""


class _DaskLine:
    """What a task says, and hears, through the scheduler."""

    def __init__(self, name: str, number: int) -> None:
        worker = ENGINE.get_worker()
        self._worker, self._key = worker, worker.get_current_task()
        self._number, self._attempt = number, secrets.token_hex(8)
        self.place: str = worker.address
        client = ENGINE.get_client()
        self._events = ENGINE.Queue(name, client=client)
        self._orders = ENGINE.Queue(f"{name}-{number}-{self._attempt}", client=client)
        self._say({"kind": "started", "place": self.place})

    def close(self) -> None:
        """Leave: the scheduler keeps a queue as long as anybody has it open."""
        for each in (self._events, self._orders):
            each.close()

    def tell(self, message: Message) -> None:
        """Tell the coordinator something."""
        self._say(message)

    def order(self, seconds: float) -> Message | None:
        """Return the next order for this start of the task."""
        try:
            return dict(json.loads(self._orders.get(timeout=seconds)))
        except TimeoutError:
            return None

    def is_wanted(self) -> bool:
        """Return whether the engine still has this task as one that runs."""
        task = self._worker.state.tasks.get(self._key)
        return task is not None and task.state not in GONE

    def _say(self, message: Message) -> None:
        told = {**message, "number": self._number, "attempt": self._attempt}
        self._events.put(json.dumps(told, allow_nan=False))


def carry_out(sent: str, name: str, number: int) -> Mapping[str, Any]:
    """Run one task, in a worker of the engine; the parts of what is `Brought`."""
    line = _DaskLine(name, number)
    try:
        return errand.carry_out(sent, line)
    finally:
        line.close()
