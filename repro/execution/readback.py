"""What the worker's interpreter really is: read back after the imports, and again after training.

Switches fail open: libraries ignore names that they do not know. So nothing here reports what was
asked for; it reports what is loaded, how many threads there are, and how this machine computes.
"""

from __future__ import annotations

import ctypes
import hashlib
import locale
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import payload_digest
from repro.execution.guards import arithmetic
from repro.execution.inventory import ADDED_FOLDERS, digest_of

MAPS = Path("/proc/self/maps")
STATUS = Path("/proc/self/status")


def state() -> dict[str, Any]:
    """Return all that is read back again after training; ``attained`` says what must hold of it."""
    import numpy as np

    computes = arithmetic.found()
    with np.errstate(all="ignore"):  # a trainer may have made what is small an error, for everybody
        groups = fingerprint()
        own = process()
    return {
        "arithmetic": computes,
        "directory": os.getcwd(),  # noqa: PTH109
        "machine": platform.machine(),
        "process": own,
        "fingerprint": groups,
        "numeric_fingerprint": numeric_fingerprint(groups),
        "pools": pools(),
        "cpu_features": cpu_features(),
        "dispatched": dispatched(),
        "mapped": mapped_paths(),
        "threads": threads(),
        "time_zone": time_zone(),
        # Last: what looks at thread pools sets variables when it is first imported.
        "variables": dict(os.environ),
        "c_variables": c_variables(),
    }


RECORDED = (
    *("process", "fingerprint", "numeric_fingerprint", "pools", "cpu_features", "dispatched"),
    "threads",
)
"""The part of a state that is recorded as it is: no paths, and no machine's own variables."""


def interpreter() -> dict[str, Any]:
    """Return implementation, version and build of the interpreter, and its C library."""
    return {
        "implementation": platform.python_implementation(),
        "version": platform.python_version(),
        "compiler": platform.python_compiler(),
        "machine": platform.machine(),
        "system": platform.system(),
        "libc": " ".join(platform.libc_ver()),
    }


def versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Return the installed version of each distribution, or None."""
    found: dict[str, str | None] = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


DELETED = " (deleted)"
"""What Linux puts behind the path of a mapped file that is not there any more."""


def startup_files() -> dict[str, str]:
    """Return the digests of the ``.pth`` files, which can run code when an interpreter starts."""
    folders = {Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    return {
        path.name: digest_of(str(path))
        for folder in sorted(folders)
        for path in sorted(folder.glob("*.pth"))
        if not path.name.startswith("__editable__")
    }


def mapped_paths() -> tuple[str, ...]:
    """Return the path of each file mapped into this process whose code it may run, sorted.

    Shared libraries, whatever they are called, and the interpreter itself. One that has been
    replaced since it was mapped keeps its path with ``DELETED`` behind it: nobody can digest it.
    """
    if not MAPS.exists():
        return ()
    fields = (line.split(None, 5) for line in MAPS.read_text().splitlines())
    named = [(field[1], field[5].strip()) for field in fields if len(field) == 6]
    paths = {path for may, path in named if path.startswith("/") and ("x" in may or ".so" in path)}
    # Of hundreds, twice in each run: a Path for each would take longer than the question.
    return tuple(sorted(path for path in paths if os.path.isfile(path) or _is_lost(path)))  # noqa: PTH113


def _is_lost(path: str) -> bool:
    """Return whether a mapped path is a library's that was deleted; scratch files are none."""
    return path.endswith(DELETED) and ".so" in path


def mapped(paths: Iterable[str], digest: Callable[[str], str] = digest_of) -> dict[str, str]:
    """Return the name and digest of each mapped file, ``unreadable`` for one that was deleted.

    Names without their directories: where a library lies does not change what it computes.
    ``digest`` is `digest_of`, or one that keeps what it has digested.
    """
    found: dict[str, str] = {}
    for path in paths:
        name, value = Path(path).name, digest(path)
        found[name if found.get(name, value) == value else f"{name} {value[:8]}"] = value
    return found


def packages(paths: Iterable[str]) -> dict[str, str]:
    """Return the installed package that each mapped file is of, by the file's name.

    Those of the system, of Python itself and of what is worked on where its sources lie are of
    none, and so is a name that several packages have. Libraries that a wheel brings along, beside
    its package, are of it too. It says whose a digest of ``mapped`` is, and decides nothing.
    """
    found: dict[str, set[str]] = {}
    for path in paths:
        parts = Path(path).parts
        folder = next((n for n, part in enumerate(parts[:-2]) if part in ADDED_FOLDERS), None)
        top = "" if folder is None else parts[folder + 1].removesuffix(".libs")
        if top != parts[-1]:
            found.setdefault(parts[-1], set()).add(top)
    only = {name: next(iter(tops)) for name, tops in found.items() if len(tops) == 1}
    return {name: top for name, top in only.items() if top}


def pools() -> list[dict[str, Any]]:
    """Return the thread pools that the loaded libraries made, without paths."""
    from threadpoolctl import threadpool_info

    keys = ("user_api", "internal_api", "version", "num_threads", "architecture")
    found = [{key: pool.get(key) for key in keys} for pool in [*threadpool_info(), *_arrow()]]
    return sorted(found, key=lambda pool: [str(pool[key]) for key in keys])


def _arrow() -> list[dict[str, Any]]:
    """Return the pools of Arrow, which threadpoolctl does not know, if it is loaded."""
    arrow = sys.modules.get("pyarrow")
    if arrow is None:
        return []
    counts = {"cpu": arrow.cpu_count(), "io": arrow.io_thread_count()}
    return [
        {
            "user_api": "arrow",
            "internal_api": name,
            "version": arrow.__version__,
            "num_threads": count,
        }
        for name, count in counts.items()
    ]


def threads() -> int | None:
    """Return how many threads this process has, or None where the system does not say."""
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith("Threads:"):
            return int(line.split()[1])
    return None


def process() -> dict[str, Any]:
    """Return what this process has set for itself, which code may change while it runs."""
    mask = os.umask(0)
    os.umask(mask)
    return {
        "hash_randomization": bool(sys.flags.hash_randomization),
        "umask": f"{mask:03o}",
        "locale": locale.setlocale(locale.LC_ALL),
        "denormals": denormals_alive(),
    }


HALF_A_YEAR = 182 * 86400
"""Seconds; in zones with a summer time, the beginning of 1970 and what is so much later differ."""


def time_zone() -> str:
    """Return the names and offsets of local times, as Python and the C library make them.

    Both keep what ``TZ`` meant when they last looked: it may have been put back since.
    """
    local = [time.localtime(moment) for moment in (0, HALF_A_YEAR)]
    found = [*time.tzname, *(f"{moment.tm_zone}{moment.tm_gmtoff:+}" for moment in local)]
    return " ".join(dict.fromkeys(found))


def c_variables() -> dict[str, str]:
    """Return the variables that C libraries see, of several by one name the first, as they do.

    ``os.environ`` is a copy: what compiled code or ``os.putenv`` sets is not in it. It is returned
    where the system does not show the original.
    """
    try:
        entries = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    except (OSError, TypeError, ValueError):
        return dict(os.environ)
    if not ctypes.cast(entries, ctypes.c_void_p).value:
        return {}
    found: dict[str, str] = {}
    position = 0
    while entries[position] is not None:
        name, _, value = os.fsdecode(entries[position]).partition("=")
        found.setdefault(name, value)
        position += 1
    return found


def denormals_alive() -> bool:
    """Return whether this thread computes with denormal numbers, and does not take them for zero.

    A library compiled for speed may switch them off for the whole process when it is loaded.
    """
    import numpy as np

    # In arrays, or the compiler of Python would have done the sum long ago.
    smallest = np.array([np.finfo(np.float64).smallest_normal])
    halved = smallest / np.array([2.0])
    return bool(halved[0] != 0.0 and (halved * np.array([2.0]))[0] == smallest[0])


def fingerprint() -> dict[str, str]:
    """Return a digest for each group of kernels known to differ between machines.

    Matrix products and factorisations (BLAS, LAPACK), transcendental functions of NumPy and of
    the C library, the order of ties in an unstable sort, and what becomes of denormals.
    """
    import numpy as np

    # Small operands and large ones: BLAS has kernels of their own for each.
    a, b = (np.sqrt(np.arange(1.0, n * n + 1).reshape(n, n)) % 1.0 + np.eye(n) for n in (24, 160))
    line, tiny = np.linspace(0.1, 7.3, 257), np.array([5e-324, 1e-310, 2.2250738585072014e-308])
    libm = (math.exp, math.log, math.sin, math.tanh, lambda x: math.pow(x, 1.7))
    groups: Mapping[str, list[Any]] = {
        "matrix product": [a @ a, b @ b, b @ b[0], b[0] @ b[1], _single(a), _single(b)],
        "factorisation": [np.linalg.svd(a, compute_uv=False), np.linalg.solve(a, a[0])],
        "numpy functions": [np.exp(line), np.log(line), np.sin(line), np.tanh(line), line**1.7],
        "libm": [np.array([f(x) for x in line.tolist()]) for f in libm],
        "sort of ties": [np.argsort(np.arange(512) % 7)],
        "sums": [np.array([line.sum(), a.mean(), np.cumsum(line)[-1]])],
        "denormals": [tiny / np.array([3.0]), tiny * np.array([1.0])],
    }
    return {
        name: hashlib.sha256(b"".join(np.ascontiguousarray(x).tobytes() for x in xs)).hexdigest()
        for name, xs in groups.items()
    }


def numeric_fingerprint(groups: Mapping[str, str]) -> str:
    """Return one digest (64 hex digits) of a ``fingerprint``: how this process computes."""
    return payload_digest("repro-audit v1 numeric fingerprint", groups)


def cpu_features() -> list[str]:
    """Return the CPU features that NumPy found and did not have switched off."""
    # NumPy tells it nowhere else; its show_config prints only what the build was made for.
    module = import_module("numpy._core._multiarray_umath")
    return sorted(name for name, found in module.__cpu_features__.items() if found)


def dispatched() -> dict[str, bool]:
    """Return the CPU features that this NumPy has code of its own for, and whether it uses it.

    Their names differ between versions of NumPy, and it passes over a name that it does not know.
    """
    module = import_module("numpy._core._multiarray_umath")
    return {name: bool(module.__cpu_features__[name]) for name in module.__cpu_dispatch__}


def _single(a: Any) -> Any:
    """Return the product of a matrix with itself in single precision."""
    single = a.astype("<f4")
    return single @ single
