"""How an error of somebody else's code is told: what it was, and the line that raised it."""

from __future__ import annotations

import re
import traceback

from repro.execution.guards.violation import is_library, shown

_LAST_WORDS = " (most recent call first):"
_CURRENT = "Current thread 0x"
_LINE = re.compile(r'File "(.*)", line (\d+)')
_STACK = "Stack trace:"
"""What some libraries put after their words: frames of their own machine code."""
_MEMORY = ("out of memory", "can't start new thread")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, whatever its class."""
    return isinstance(error, MemoryError) or any(word in str(error) for word in _MEMORY)


def words_of(error: BaseException) -> str:
    """Return what an error says, up to where a library begins to list its own stack."""
    return str(error).partition(_STACK)[0].strip()


def described(error: BaseException) -> str:
    """Return class and words of an error, with the last line of a library that it came through."""
    if isinstance(error, SyntaxError) and error.filename:  # no frame has got that far
        return f"{type(error).__name__}: {error.msg} ({shown(error.filename)}:{error.lineno})"
    words = words_of(error)
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    lines = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    found = [line for line in lines if is_library(line[0])]
    return f"{said} ({shown(found[-1][0])}:{found[-1][1]})" if found else said


def last_line(printed: str) -> str | None:
    """Return the line of a library that Python names in its words at a sudden end, if there is one.

    ``printed`` is what the process wrote: ``faulthandler`` writes one line for each call, the
    latest first, below ``Current thread`` or ``Stack``.
    """
    words, _, stack = printed.rpartition(_LAST_WORDS)
    if not words:
        return None
    if _CURRENT in printed:
        stack = printed.rpartition(_CURRENT)[2]
    for found in _LINE.finditer(stack.partition("\n\n")[0]):
        if is_library(found[1]):
            return f"{shown(found[1])}:{found[2]}"
    return None
