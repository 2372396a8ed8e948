"""This machine, as it is recorded beside a run; none of it is part of an identity."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
OPENMP = "libgomp.so.1"


def host() -> dict[str, Any]:
    """Return name, kernel, number of processors and model of the CPU."""
    return {
        "node": platform.node(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "cpu": _cpu(),
    }


def has_openmp() -> bool | None:
    """Return whether the system has the OpenMP runtime that LightGBM's wheels load.

    None where the wheels bring it along.
    """
    if sys.platform != "linux":
        return None
    try:
        ctypes.CDLL(OPENMP)
    except OSError:
        return False
    return True


def _cpu() -> str | None:
    """Return the model of the CPU, where the system tells it."""
    try:
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return None
    return None
