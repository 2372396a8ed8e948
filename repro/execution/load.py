"""Other work for the machine, to see that it makes no difference."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN = "import os\nwhile os.getppid() == {parent}: sum(range(10_000))"
"""It ends with whoever started it, however that one ends."""


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Keep every processor busy for as long as this lasts, if that is wanted."""
    command = [sys.executable, "-I", "-S", "-c", SPIN.format(parent=os.getpid())]
    spinning = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1) if wanted]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
        for process in spinning:
            process.wait()
