"""No thread that outlives the call that started it, and none at all where one is all there is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps

from repro.execution.guards.violation import Watch, callers

GRACE = 2.0
"""Seconds that a thread has to end after the call that started it."""


class Threads:
    """The guard of threads that Python starts; those of C are the kernel's to refuse."""

    def __init__(self, watch: Watch) -> None:
        """Refuse none before ``refuse_all``: our own worker reads and digests side by side.

        Before Python 3.12 no audit event tells of a thread, so its start is watched here.
        """
        self._watch = watch
        self._refused = False
        start = threading.Thread.start

        @wraps(start)
        def guarded(thread: threading.Thread) -> None:
            if self._refused:
                watch.refuse("start of a thread, in a run with one,")
            start(thread)

        setattr(threading.Thread, start.__name__, guarded)

    def refuse_all(self) -> None:
        """Refuse, from here on, to start a thread."""
        self._refused = True

    @contextmanager
    def watched(self, *, alone: bool = False) -> Iterator[None]:
        """Raise GuardError at the end for a thread that was started inside and still runs.

        ``alone``: none may be started inside at all.
        """
        before, refused = set(threading.enumerate()), self._refused
        self._refused = refused or alone
        try:
            yield
        finally:
            self._refused = refused
        for thread in [each for each in threading.enumerate() if each not in before]:
            thread.join(GRACE)  # a pool that was told to end may need a moment
            if thread.is_alive():
                at = next(callers(sys._current_frames().get(thread.ident or 0)), None)
                where = "by compiled code" if at is None else f"by {at}"
                self._watch.refuse(f"a thread left running, {thread.name},", where)
