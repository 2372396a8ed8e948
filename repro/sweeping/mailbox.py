"""What runs on the nodes of a Ray cluster: a sweep's mailbox, and the tasks that talk with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import ray

from repro.sweeping import errand
from repro.sweeping.errand import DroppedError, Message

ENGINE: Final[Any] = ray
"""Its types say less than its manual."""
PATIENCE: Final = 10.0
"""Seconds for a node to answer."""
SILENCE: Final = 60.0
"""Seconds that the mailbox may be silent before a task takes it for gone. One that ended with its
coordinator is known to be gone at once; a network that hangs must not cost hours of training."""


class Mailbox:
    """What tasks have said and nobody heard yet, and what they are to do; an actor."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._said: list[str] = []
        self._orders: dict[int, str] = {}
        self._dropped: set[int] = set()
        self._changed = asyncio.Condition()

    async def tell(self, text: str) -> None:
        """Keep what a task says."""
        self._said.append(text)
        await self._change()

    async def hear(self, seconds: float) -> list[str]:
        """Return what was said since, as soon as anything is."""
        await self._until(lambda: bool(self._said), seconds)
        said, self._said = self._said, []
        return said

    async def put(self, number: int, text: str) -> None:
        """Keep an order for a task."""
        self._orders[number] = text
        await self._change()

    async def order(self, number: int, seconds: float) -> str | None:
        """Return the order for a task, as soon as there is one."""
        await self._until(lambda: number in self._orders, seconds)
        return self._orders.pop(number, None)

    async def drop(self, number: int) -> None:
        """Want a task no more."""
        self._dropped.add(number)

    async def is_wanted(self, number: int) -> bool:
        """Return whether a task was not dropped."""
        return number not in self._dropped

    async def cpus(self) -> list[tuple[str, float]]:
        """Return each node that is there, and its CPUs, as the head node knows them.

        Should that never answer, it is this process that the engine ends.
        """
        nodes = await asyncio.to_thread(ENGINE.nodes)
        return [
            (str(node["NodeID"]), float(node["Resources"].get("CPU", 0)))
            for node in nodes
            if node["Alive"]
        ]

    async def _change(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(holds)


class _RayLine:
    """What a task says, and hears, through the mailbox."""

    def __init__(self, box: Any, number: int) -> None:
        self._box, self._number = box, number
        context = ENGINE.get_runtime_context()
        self.place: str = f"{ENGINE.util.get_node_ip_address()} {mark(context.get_node_id())}"
        self._say({"kind": "started", "place": self.place})

    def tell(self, message: Message) -> None:
        """Tell the coordinator something."""
        self._say(message)

    def order(self, seconds: float) -> Message | None:
        """Return the next order."""
        text = self._ask(self._box.order.remote(self._number, seconds))
        return None if text is None else dict(json.loads(text))

    def is_wanted(self) -> bool:
        """Return whether the coordinator is there, with its mailbox, and wants this task."""
        return bool(self._ask(self._box.is_wanted.remote(self._number)))

    def _say(self, message: Message) -> None:
        told = json.dumps({**message, "number": self._number}, allow_nan=False)
        self._ask(self._box.tell.remote(told))

    def _ask(self, question: Any) -> Any:
        try:
            return ENGINE.get(question, timeout=SILENCE)
        except (ENGINE.exceptions.RayError, TimeoutError) as error:
            raise DroppedError from error  # the mailbox ends with the coordinator


def mark(node: str) -> str:
    """Return what the name of a place has of its node."""
    return f"({node[:8]})"


def carry_out(sent: str, box: Any, number: int) -> Mapping[str, Any]:
    """Run one task, in a process of the engine; the parts of what is `Brought`."""
    try:
        line = _RayLine(box, number)
    except DroppedError:
        return {"message": None, "error": None, "files": {}}
    return errand.carry_out(sent, line)
