"""A filter in the kernel: no internet sockets and no processes, in whatever language.

Where the kernel has none (another system, another processor, a sandbox that forbids it) the guards
of Python stand alone. A system call that the filter refuses ends the worker by SIGSYS, and Python
writes which of its lines was running; the launcher reads that.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from dataclasses import dataclass

from repro.execution.guards.calls import LOCAL

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1
_SPEC_ALLOW = 4
"""Or older kernels slow the whole process down to protect a filter's secrets; it has none."""
_THREAD = 0x00010000
"""CLONE_THREAD: what is cloned is a thread of this process."""
_ALLOW, _TRAP, _NO_SUCH_CALL = 0x7FFF0000, 0x00030000, 0x00050000 | 38
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where they lie in what a filter is given; of the argument, its lower half."""
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06


@dataclass(frozen=True, slots=True)
class _Calls:
    """The numbers of an architecture's system calls."""

    architecture: int
    seccomp: int
    socket: int
    clone: int
    processes: tuple[int, ...]
    """fork, vfork, execve, execveat, as far as it has them."""
    clone3: int = 435
    """Its flags lie in memory, where no filter sees them: C libraries do without it."""


_MACHINES = {
    "x86_64": _Calls(0xC000003E, 317, 41, 56, (57, 58, 59, 322)),
    "aarch64": _Calls(0xC00000B7, 277, 198, 220, (221, 281)),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("true", ctypes.c_uint8),
        ("false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


_Line = tuple[int, int, int, int]


def refuse_processes_and_sockets() -> bool:
    """Refuse processes and internet sockets from here on; return whether the kernel does it."""
    calls = _here()
    if calls is None:
        return False
    faulthandler.register(signal.SIGSYS, chain=True)
    checks: list[_Line] = []
    for number in calls.processes:
        checks += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _TRAP)]
    checks += [(_EQUAL, 0, 1, calls.clone3), (_RETURN, 0, 0, _NO_SUCH_CALL)]
    checks += _unless_thread(calls.clone, _ALLOW, _TRAP)
    checks += [
        (_EQUAL, 0, 4, calls.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *((_EQUAL, len(LOCAL) - n, 0, family) for n, family in enumerate(LOCAL)),
        (_RETURN, 0, 0, _TRAP),
    ]
    return _install(calls, checks)


def refuse_threads() -> bool:
    """Refuse threads too from here on; return whether the kernel does it."""
    calls = _here()
    return calls is not None and _install(calls, _unless_thread(calls.clone, _TRAP, _ALLOW))


def _unless_thread(clone: int, thread: int, other: int) -> list[_Line]:
    """Return the lines that answer ``clone``, by whether it makes a thread."""
    return [
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _THREAD),
        (_RETURN, 0, 0, thread),
        (_RETURN, 0, 0, other),
    ]


def _here() -> _Calls | None:
    """Return the numbers of this machine; None where there is no such filter."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    return _MACHINES.get(os.uname().machine)


def _install(calls: _Calls, checks: list[_Line]) -> bool:
    """Hand a filter to the kernel for this thread and those that it starts."""
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.architecture),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _NUMBER),
        *checks,
        (_RETURN, 0, 0, _ALLOW),
    ]
    program = _Program(
        len(lines), (_Instruction * len(lines))(*(_Instruction(*line) for line in lines))
    )
    libc = ctypes.CDLL(None)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    filtered = libc.syscall(calls.seccomp, _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.byref(program))
    return bool(filtered == 0)
