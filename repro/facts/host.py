"""This machine, as it is recorded beside a run; none of it is part of an identity."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")


def host() -> dict[str, Any]:
    """Return name, kernel, number of processors and model of the CPU."""
    return {
        "node": platform.node(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "cpu": _cpu(),
    }


def _cpu() -> str | None:
    """Return the model of the CPU, where the system tells it."""
    try:
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return None
    return None
