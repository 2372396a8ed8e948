"""The notary that started this process: when it ends, however it ends, this one does too."""

from __future__ import annotations

import select
import sys

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def die_with_the_notary(from_notary: int) -> None:
    """Ask the kernel to end this process when the notary ends, so that none is left behind.

    One that has ended already is known by the pipe ``from_notary``, which nobody else writes to.
    The number of the parent says nothing: in a container the notary may well be process 1.
    Raises SystemExit if the notary is gone.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
        pipe = select.poll()
        pipe.register(from_notary, 0)  # a hang-up is told whatever is asked for
        if pipe.poll(0):
            raise SystemExit(1)
