"""The notary that started this process: when it ends, however it ends, this one does too."""

from __future__ import annotations

import os
import sys

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def die_with_the_notary() -> None:
    """Ask the kernel to end this process when the notary ends, so that none is left behind."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() == 1:
            raise SystemExit(1)
