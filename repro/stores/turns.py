"""Turns at a store that has no locks: each writer puts a flag there, then looks for others'.

Whoever finds another flag beside their own takes theirs away and tries again later. Of two that
raise theirs at once at least one sees the other's, if a store lists what was written before the
listing was asked for. One that does not list the flag that was just raised is refused.

A flag outlives a writer that is killed. The same writer goes on with it, and nobody else does.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from repro.errors import InputError
from repro.stores.store import Turn

FLAGS: Final = "publishing"
"""The folder of the flags; no hidden one, which some servers do not list."""
PATIENCE: Final = 60.0
"""Seconds."""
_PAUSE_MS: Final = 1000
_MAX_TEXT: Final = 300


class Flagged(Protocol):
    """What is needed of a store."""

    @property
    def shown(self) -> str:
        """Its address as it may be shown."""

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` at a name."""

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""

    def names(self, folder: str) -> list[str]:
        """Return what lies directly in a folder."""


@contextmanager
def alone(store: Flagged, turn: Turn, patience: float = PATIENCE) -> Iterator[None]:
    """Be the only one who writes; InputError if somebody else still does after ``patience``."""
    own, deadline = f"{FLAGS}/{turn.name}", time.monotonic() + patience
    if turn.take_over:
        for name in _others(store, turn):
            store.remove(f"{FLAGS}/{name}")
    try:
        while not _is_alone(store, turn, own):
            if time.monotonic() > deadline:
                _refuse(store, turn)
            time.sleep((1 + secrets.randbelow(_PAUSE_MS)) / 1000)
        yield
    finally:
        # What was done is done, also where the line is dead by now: whoever comes next is told.
        with suppress(InputError):
            store.remove(own)


def _is_alone(store: Flagged, turn: Turn, own: str) -> bool:
    """Raise the flag and return whether no other one is there; else it is taken away again."""
    if _others(store, turn):
        return False
    store.write(own, turn.text.encode())
    there = store.names(FLAGS)
    if turn.name not in there:
        raise InputError(
            f"{store.shown} does not list {own}, which was written there just now",
            "two that publish there at once would not see each other: publish elsewhere",
        )
    if there == [turn.name]:
        return True
    store.remove(own)
    return False


def _others(store: Flagged, turn: Turn) -> list[str]:
    return [name for name in store.names(FLAGS) if name != turn.name]


def _refuse(store: Flagged, turn: Turn) -> None:
    """Raise InputError for the flag of somebody else, if it is there still."""
    for name in _others(store, turn):
        text = (store.read(f"{FLAGS}/{name}", _MAX_TEXT) or b"").decode("utf-8", "replace")
        whose = "".join(char for char in text if char.isprintable()) or "nobody says which log"
        raise InputError(
            f"somebody else publishes at {store.shown}: {FLAGS}/{name} is there ({whose})",
            "wait until that is done; if it was killed, publish again where it ran, or here with "
            "--take-over once you know that it runs no more",
        )
