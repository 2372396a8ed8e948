"""The environment of a worker, as data: built from nothing but what is named here.

It is set before the interpreter starts, because most of it is read only then: the hash seed by
Python, the thread counts by OpenMP and BLAS when they are loaded, the locale by the C library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

INHERITED = ("LD_LIBRARY_PATH",)
"""Where the system may keep the interpreter's own libraries; the ones mapped are digested."""

FLAGS = ("-P", "-s")
"""No working directory and no user packages on the path; ``-I`` and ``-E`` would ignore the
hash seed."""

_ONE = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
_COUNT = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT")
_FIXED = (
    ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
    ("CUDA_VISIBLE_DEVICES", ""),
    ("KMP_DETERMINISTIC_REDUCTION", "TRUE"),
    ("LC_ALL", "C.UTF-8"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("OMP_DYNAMIC", "FALSE"),
    ("OMP_WAIT_POLICY", "PASSIVE"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONNOUSERSITE", "1"),
    ("PYTHONSAFEPATH", "1"),
    ("PYTHONUTF8", "1"),
    ("TZ", "UTC"),
)
PINS = (
    ("NPY_ENABLE_CPU_FEATURES", "X86_V3"),
    ("OPENBLAS_CORETYPE", "Haswell"),
)
"""What holds arithmetic to x86-64-v3, the processors that portable bits are promised on.

The first also switches off every other feature that NumPy dispatches on; it and its counterpart
``NPY_DISABLE_CPU_FEATURES`` exclude each other. Both fail open: see ``attained``.
"""
PORTABLE = "portable"
BEST_EFFORT = "best-effort"
UMASK = 0o022


def settings(level: str, threads: int) -> dict[str, str]:
    """Return the variables that a level sets; their values decide bits and hold no paths."""
    if level == BEST_EFFORT:
        return {**dict(_FIXED), "REPRO_MODE": level}
    return {
        **dict(_FIXED),
        **dict(PINS if level == PORTABLE else ()),
        **dict.fromkeys(_COUNT, str(threads)),
        **dict.fromkeys(_ONE, "1"),
        "REPRO_MODE": level,
    }


def variables(
    level: str, threads: int, scratch: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment of a worker.

    ``scratch`` is a directory of the run's own, for libraries that insist on a home; ``inherited``
    is the notary's environment, of which only what is named in ``INHERITED`` is kept.
    """
    kept = {name: inherited[name] for name in INHERITED if name in inherited}
    return {**kept, **settings(level, threads), "HOME": scratch, "TMPDIR": scratch}


def faults(expected: Mapping[str, str], level: str, umask: int = UMASK) -> list[str]:
    """Return what differs, in this interpreter, from the environment that was set for it.

    To be called before anything numeric is imported.
    """
    found = differing(expected, os.environ)
    foreign = sorted(set(os.environ) - set(expected) - {"LC_CTYPE"})
    found += [f"{name} is set, but not on the list" for name in foreign]
    if bool(sys.flags.hash_randomization) != (expected.get("PYTHONHASHSEED") != "0"):
        found.append("hashes are randomised")
    if not sys.flags.safe_path:
        found.append("the working directory is on the path")
    if sys.flags.optimize:
        found.append("assertions are switched off")
    mask = os.umask(umask)
    if mask != umask:
        found.append(f"umask is {mask:03o}, not {umask:03o}")
    early = sorted({"numpy", "pandas"} & set(sys.modules))
    found += [f"{name} was imported before the check" for name in early]
    return found if level != BEST_EFFORT else []


def differing(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return in words each of the expected variables that is not in force."""
    return [
        f"{name} is {found.get(name)!r}, not {value!r}"
        for name, value in sorted(expected.items())
        if found.get(name) != value
    ]
