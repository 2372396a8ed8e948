"""Digests of one large file, against the raw hash functions on the same bytes.

`digest_data` is what data files are digested with: BLAKE3, or SHA-256 too where that is asked for.
Raw BLAKE3 alone, memory-mapped and with threads, is the goal's unit; both digests are shown against
what both cost without our code. The file is in the page cache.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import statistics
import sys
from pathlib import Path

from blake3 import blake3
from measure import Command, both, calls_in_turn, ratio, run, seconds, usage_of
from places import peer_with, scratch
from table import Row

from repro.facts.file_digest import digest_data

SIZE = 1 << 30
ROUNDS = 5
LIMIT, MEMORY_LIMIT = 1.25, 64e6
OURS, RAW, BOTH, RAW_BOTH = "ours", "raw", "both", "raw both"
DVC = (
    "import json, sys, time\n"
    "from dvc_data.hashfile.hash import file_md5\n"
    "from dvc_objects.fs.local import LocalFileSystem\n"
    "taken = []\n"
    "for _ in range(4):\n"
    "    begin = time.perf_counter()\n"
    "    file_md5(sys.argv[1], LocalFileSystem())\n"
    "    taken.append(time.perf_counter() - begin)\n"
    "print(json.dumps(taken[1:]))\n"
)
ALONE = "import sys; from repro.facts.file_digest import digest_data; digest_data(sys.argv[1])"


def rows() -> list[Row]:
    """Measure in process, in turn; memory in a process of its own."""
    with scratch() as folder:
        path = folder / "large"
        with path.open("wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))
        # First: a child begins with its parent's peak, and mapping the file would raise that.
        memory = usage_of(Command([sys.executable, "-P", "-c", ALONE, path])).memory
        calls = {
            OURS: lambda: digest_data(path),
            RAW: lambda: blake3(max_threads=blake3.AUTO).update_mmap(path).digest(),
            BOTH: lambda: digest_data(path, sha256=True),
            RAW_BOTH: lambda: _both_raw(path),
        }
        taken = calls_in_turn(calls, ROUNDS)
        dvc = _dvc(path)
    raw = statistics.median(taken[RAW])
    return [
        Row(
            "digest of a data file, 1 GiB / raw BLAKE3, mmap, threads",
            ratio(taken[OURS], taken[RAW]),
            LIMIT,
            peers={"dvc md5": dvc and dvc / raw},
            numbers=f"{both(taken[OURS], taken[RAW])}; {os.cpu_count()} processors",
        ),
        Row(
            "the same with SHA-256, as asked for / raw BLAKE3 (threads), then raw SHA-256",
            ratio(taken[BOTH], taken[RAW_BOTH]),
            LIMIT,
            peers={"dvc md5": dvc and dvc / statistics.median(taken[RAW_BOTH])},
            numbers=both(taken[BOTH], taken[RAW_BOTH]),
        ),
        Row(
            "digest of a data file, 1 GiB, memory of its process / 64 MB",
            memory / MEMORY_LIMIT,
            1.0,
            numbers=f"{memory / 1e6:.0f} MB; {seconds(statistics.median(taken[OURS]))}",
        ),
    ]


def _both_raw(path: Path) -> None:
    """Compute both digests with nothing around them."""
    blake3(max_threads=blake3.AUTO).update_mmap(path).digest()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        hashlib.sha256(whole).digest()


def _dvc(path: Path) -> float | None:
    """Return the seconds of DVC's MD5 of the same file."""
    python = peer_with("dvc_data")
    if python is None:
        return None
    return statistics.median(json.loads(run(Command([python, "-c", DVC, path]))))
