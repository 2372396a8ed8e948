"""One fault at one call of the operating system, in a process of its own.

What `strace -e inject` does from outside is done here where Python calls the system, so that the
same points are covered on every machine. A child does some work; at its n-th call it is stopped
before or after that call, or the call fails or writes only half.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from repro.audit_log.errors import LogError

CALLS = (
    *("fdatasync", "fsync", "ftruncate", "mkdir", "open", "pwrite", "remove", "rename"),
    *("replace", "rmdir", "truncate", "unlink", "write"),
)
Work = Callable[[Callable[[str], None]], None]
FAULTS = ("killed before", "killed after", "killed half way", "EIO", "ENOSPC", "half")
UNEXPECTED, REFUSED, DIED = 1, 3, 9


@dataclass(frozen=True)
class Outcome:
    """How a child ended, and what it had said by then."""

    status: int
    said: tuple[str, ...]


def outcome_of(work: Work, fault: str, number: int) -> Outcome:
    """Do ``work`` in a child whose ``number``-th call meets ``fault``; -1: none does.

    ``work`` is given what it calls to acknowledge something. Status 0: done; `REFUSED`: an
    expected error; `DIED`: stopped by the fault; `UNEXPECTED`: anything else.
    """
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        os._exit(_child(work, fault, number, into))
    os.close(into)
    with os.fdopen(out, "rb") as file:
        said = file.read().decode().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Outcome(status, tuple(said))


def calls_of(work: Work) -> list[str]:
    """Return the names of the calls that ``work`` makes, in order."""
    said = outcome_of(work, "none", -1).said
    return [line.removeprefix("call ") for line in said if line.startswith("call ")]


def _child(work: Work, fault: str, number: int, into: int) -> int:
    real_write, count = os.write, 0

    def say(text: str) -> None:
        real_write(into, f"{text}\n".encode())

    def wrap(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*given: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if number < 0:
                say(f"call {name}")
            if count != number:
                return real(*given, **more)
            return _meet(fault, name, real, given, more)

        return call

    try:
        for name in CALLS:
            setattr(os, name, wrap(name))
        work(say)
    except LogError as error:
        say(f"refused {error.problem}")
        return REFUSED
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return UNEXPECTED
    return 0


def _meet(
    fault: str, name: str, real: Callable[..., Any], given: tuple[Any, ...], more: dict[str, Any]
) -> Any:
    if fault in ("EIO", "ENOSPC"):
        raise OSError(getattr(errno, fault), f"injected {fault}")
    if name in ("write", "pwrite") and fault in ("half", "killed half way"):
        given = (given[0], bytes(given[1])[: len(given[1]) // 2], *given[2:])
    if fault != "killed before":
        done = real(*given, **more)
    if fault.startswith("killed"):
        os._exit(DIED)
    return done


def cases(calls: list[str], step: int) -> Iterator[tuple[str, int]]:
    """Yield (fault, number of the call): each one, or each ``step``-th, that makes a difference."""
    place = 0
    for number, name in enumerate(calls, 1):
        for fault in FAULTS:
            if "half" in fault and name not in ("write", "pwrite"):
                continue
            place += 1
            if place % step == 0:
                yield fault, number
