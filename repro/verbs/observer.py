"""Who is told how far a verb is, and of what; the front desk draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from repro.errors import UsageError

Warn = Callable[[str], None]
"""Is told, in a sentence or two, what the user must know though the command goes on."""


def unheard(_: str) -> None:
    """Tell nobody: the `Warn` of who is not a front desk."""


_RAISED = "raised by what an Observer was given as"


@dataclass(frozen=True, slots=True)
class _Noting:
    """What listens, with a note on whatever it raises."""

    name: str
    listener: Callable[..., None]

    def __call__(self, *told: Any) -> None:
        try:
            self.listener(*told)
        except Exception as error:
            if who_raised(error) is None:
                error.add_note(f"{_RAISED} {self.name}")
            raise


@dataclass(frozen=True, slots=True)
class Observer:
    """What is called with the name of each stage, with progress within it, and with a warning.

    Whatever it raises ends the verb, and is known by a note as its own and no mistake of ours.
    Raises UsageError for what cannot be called.
    """

    stage: Callable[[str], None] = unheard
    progress: Callable[[str, int, int], None] = lambda *_: None
    warn: Warn = unheard

    def __post_init__(self) -> None:
        """Let what listens be known by what it raises."""
        for name in (field.name for field in fields(self)):
            listener = getattr(self, name)
            if not callable(listener):
                raise UsageError(
                    f"Observer: {name} is {listener!r} ({type(listener).__name__}); something that"
                    " can be called is wanted"
                )
            noting = isinstance(listener, _Noting)
            object.__setattr__(self, name, listener if noting else _Noting(name, listener))


def who_raised(error: BaseException) -> str | None:
    """Return which part of an `Observer` raised an error, such as ``stage``; None if none did."""
    notes = (note for note in getattr(error, "__notes__", ()) if note.startswith(_RAISED))
    return next((note.rpartition(" ")[2] for note in notes), None)
