"""What keeps an engine that lives in this very process from changing what the process does."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast


@contextmanager
def same_signals() -> Iterator[None]:
    """Keep what this process does when it is asked to end; the engine would change it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def quiet(threads: str) -> Iterator[None]:
    """Let threads whose names begin so print on standard error: the other is for the result."""
    before = sys.stdout
    sys.stdout = mine = cast("TextIO", _Apart(before, threads))
    try:
        yield
    finally:
        if sys.stdout is mine:
            sys.stdout = before


@contextmanager
def silent(*names: str) -> Iterator[None]:
    """Let the loggers of these names, and those below them, say nothing.

    Each is told so itself: an engine gives some a level of their own.
    """
    known = [name for name in logging.root.manager.loggerDict if _is_below(name, names)]
    loggers = [logging.getLogger(name) for name in dict.fromkeys([*names, *known])]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _is_below(name: str, names: Sequence[str]) -> bool:
    return any(name.startswith(f"{each}.") for each in names)


class _Apart:
    """Standard output without what some threads print there."""

    def __init__(self, out: TextIO, threads: str) -> None:
        self._out, self._threads = out, threads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)

    def write(self, text: str) -> int:
        """Write a text where it belongs."""
        is_theirs = threading.current_thread().name.startswith(self._threads)
        return (sys.stderr if is_theirs else self._out).write(text)
