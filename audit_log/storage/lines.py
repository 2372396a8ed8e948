"""The file of the lines as a writer holds it: open for appending, and how much of it is durable.

What is durable is known of one open file and to one process: only bytes that this process itself
has synced count, whoever wrote them. A swapped file and a forked child start from nothing.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Final

from .layout import Descriptor

_APPEND: Final = os.O_RDWR | os.O_APPEND


class Lines(Descriptor):
    """The open file, shared by the threads of one writer."""

    __slots__ = ("_durable", "_failed", "_mutex")

    def __init__(self, path: Path) -> None:
        """Open ``path``; nothing is known to be durable."""
        super().__init__(path, _APPEND)
        self._durable = 0
        self._failed = False
        self._mutex = threading.RLock()  # a signal handler may append too

    def sync(self, end: int) -> None:
        """Make the first ``end`` bytes durable, all of them written before this call.

        Nothing is asked of the disk if a sync of this file has covered them. A failure stays: the
        kernel tells an error to one caller and forgets it, so that the next sync would succeed.
        """
        # One thread at a time: two in the kernel share the descriptor, and so the one telling.
        with self._mutex:
            if self._failed:
                raise OSError(errno.EIO, "an earlier sync has failed")
            if end <= self._durable:
                return
            try:
                os.fdatasync(self.number)
            except OSError:
                self._failed = True
                raise
            self._durable = end
