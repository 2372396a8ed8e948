"""Interrupts at the right time: a stop is heard, but never between a rename and its record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def deferred() -> Iterator[None]:
    """Hold back every request to stop until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def requests() -> tuple[signal.Signals, ...]:
    """Return the requests to stop that are to be heard: all but a hang-up that nohup has ignored.

    Who starts a command so wants it to go on without its terminal.
    """
    is_kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(number for number in STOPS if not (is_kept and number == signal.SIGHUP))


@contextmanager
def stoppable(only: tuple[signal.Signals, ...] | None = None) -> Iterator[None]:
    """Take a request to terminate or a lost terminal as the user's Ctrl-C, and hear it once.

    What follows the first request is short, and must not be stopped half-way by an impatient hand:
    the worker is killed, its place is cleared, and the log is told. ``only`` these are heard; all
    requests to stop, if it is None.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    heard, heard_as = False, requests() if only is None else only

    def stop(number: int, frame: object) -> None:
        nonlocal heard
        if not heard:
            heard = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in heard_as}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Hear Ctrl-C once, as `stoppable` does, in a program of somebody else's.

    Its other signals are its own affair, and so is Ctrl-C where it has a handler of its own.
    """
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with stoppable((signal.SIGINT,) if is_default else ()):
        yield
