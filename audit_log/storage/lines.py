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

    __slots__ = ("_durable", "_failed", "_mutex", "first", "identity", "start")

    def __init__(self, path: Path, first: int = 0, start: int = 0) -> None:
        """Open ``path``; nothing is known to be durable.

        Its first record is ``first``, its first byte that at ``start`` of all lines.
        """
        super().__init__(path, _APPEND)
        self.first, self.start = first, start
        found = os.fstat(self.number)
        self.identity = (found.st_dev, found.st_ino)
        self._durable = 0
        self._failed = False
        self._mutex = threading.RLock()  # a signal handler may append too

    def sync(self, end: int) -> None:
        """Make the lines up to ``end`` of the text durable, all written before this call.

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
