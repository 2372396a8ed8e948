"""Who is told how far a verb is, and of what; the front desk draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Warn = Callable[[str], None]
"""Is told, in a sentence or two, what the user must know though the command goes on."""


def unheard(_: str) -> None:
    """Tell nobody: the `Warn` of who is not a front desk."""


@dataclass(frozen=True, slots=True)
class Observer:
    """What is called with the name of each stage, with progress within it, and with a warning."""

    stage: Callable[[str], None] = unheard
    progress: Callable[[str, int, int], None] = lambda *_: None
    warn: Warn = unheard
