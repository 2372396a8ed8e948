"""What notary and worker say to each other: JSON lines over two pipes of their own.

Not over standard output, on which libraries print.

    notary → worker   request    everything that decides the outcome, and where the files lie
    worker → notary   prepared   the facts that identity lacks     (or ``refused`` or ``failed``)
    notary → worker   proceed    the derived seeds, once the plan is durable in the log
    worker → notary   progress   how far it is
    worker → notary   finished   the files it wrote, metrics, what the libraries used

A command about data asks for its table alone, of a worker that loads no trainer:

    notary → worker   tables     the same, and how closely to look
    worker → notary   tables     the facts of the dataset

And ``repro doctor`` asks for nothing but what a worker is:

    notary → worker   probe      a level, a number of threads, families
    worker → notary   found      the environment read back, and which families it can load
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Mapping
from typing import Any

LIMIT = 64 * 1024 * 1024
"""Bytes of one message: a fold map or a tree of block digests is megabytes at most."""

TABLES = "tables"
"""The request that trains nothing, and its answer."""
PROBE = "probe"
"""The request that asks only what the worker is."""

Message = dict[str, Any]


class ProtocolError(Exception):
    """The other side is gone, or said something that is not a message."""


class Channel:
    """One end of the two pipes; owned by one thread."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Take over both descriptors."""
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._buffer = bytearray()

    def send(self, kind: str, **fields: Any) -> None:
        """Write one message; raises ProtocolError if nobody reads."""
        line = json.dumps({"kind": kind, **fields}, allow_nan=False).encode() + b"\n"
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._write_fd, view) :]
        except OSError as error:
            raise ProtocolError(f"the other side is gone: {error}") from error

    def receive(self, deadline: float | None = None) -> Message:
        """Return the next message.

        ``deadline`` is a time of the monotonic clock; raises TimeoutError when it passes and
        ProtocolError when the other side closed its pipe or sent something else.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LIMIT:
                raise ProtocolError("a message is too long")
            if deadline is not None:
                wait = deadline - time.monotonic()
                if wait <= 0 or not select.select([self._read_fd], [], [], wait)[0]:
                    raise TimeoutError
            chunk = os.read(self._read_fd, 1 << 16)
            if not chunk:
                raise ProtocolError("the other side closed the pipe")
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except ValueError as error:
            raise ProtocolError(f"not a message: {line[:80]!r}") from error
        if not isinstance(message, Mapping) or not isinstance(message.get("kind"), str):
            raise ProtocolError(f"not a message: {line[:80]!r}")
        return dict(message)

    def fileno(self) -> int:
        """Return the descriptor that messages come from."""
        return self._read_fd

    @property
    def has_message(self) -> bool:
        """Whether `receive` would return at once, without reading."""
        return b"\n" in self._buffer

    def close(self) -> None:
        """Close both descriptors."""
        os.close(self._read_fd)
        os.close(self._write_fd)
