"""A touched guard: what was done, and by which library, file and line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

_STANDARD = os.__file__.rpartition("/")[0] + "/"
_INSTALLED = ("/site-packages/", "/dist-packages/")
_OURS = (__file__.rpartition("/")[0] + "/", __file__.rpartition("/guards/")[0] + "/supervised.py")


class GuardError(BaseException):
    """A guard was touched. Not an Exception: a library must not be able to swallow it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A line of Python of a library, as it is named to people."""

    module: str
    """Its dotted name."""
    file: str
    line: int

    @property
    def library(self) -> str:
        """Return the top-level module."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        """Return library, file and line."""
        return f"{self.library} ({self.file}:{self.line})"


class Watch:
    """What was refused so far: a bare ``except`` can drop the error, but not its record."""

    def __init__(self) -> None:
        """Nothing was refused yet."""
        self.found: list[str] = []

    def refuse(self, deed: str, where: str | None = None) -> NoReturn:
        """Record a deed with its place, by default that of the caller, and raise GuardError."""
        self.found.append(f"{deed} {whereabouts() if where is None else where}")
        raise GuardError(self.found[-1])

    def require_untouched(self) -> None:
        """Raise GuardError for the first deed that was refused, if somebody swallowed it."""
        if self.found:
            raise GuardError(self.found[0])


def whereabouts() -> str:
    """Return ``by LIBRARY (FILE:LINE)`` of the code that is running, and who called it.

    The caller is said where another library did the deed for it; our own worker calls everybody
    and is not worth saying.
    """
    near: Caller | None = None
    for caller in callers(sys._getframe(1)):
        if near is None:
            near = caller
        elif caller.library != near.library:
            own = caller.library == "repro" and not caller.module.startswith("repro.trainers")
            return f"by {near}" if own else f"by {near}, called by {caller}"
    return "by the interpreter" if near is None else f"by {near}"


def callers(frame: FrameType | None) -> Iterator[Caller]:
    """Give the lines that led to ``frame``, the nearest first: not the standard library's."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_library(file):
            name = str(frame.f_globals.get("__name__", "?"))
            yield Caller(name, shown(file), frame.f_lineno)
        frame = frame.f_back


def lies_in(module: str, packages: Iterable[str]) -> bool:
    """Return whether a module is one of the packages, or lies in one; all lie in ``""``."""
    return any(f"{module}.".startswith(f"{name}." if name else "") for name in packages)


def is_library(file: str) -> bool:
    """Return whether a source file is neither the standard library's nor a guard's."""
    if file.startswith("<") or file.startswith(_OURS):
        return False
    return not file.startswith(_STANDARD) or any(folder in file for folder in _INSTALLED)


def shown(file: str) -> str:
    """Return a source file without the folder that it is installed in."""
    for folder in _INSTALLED:
        if folder in file:
            return file.rpartition(folder)[2]
    return "/".join(file.split("/")[-2:])
