"""Digests: `digest_file` of one large file, against the raw hash functions on the same bytes.

`digest_file` computes BLAKE3 and SHA-256 in one pass. Raw BLAKE3 alone, memory-mapped and with
threads, is the goal's unit; what both digests cost without our code is shown beside it. The file
is in the page cache.
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

from repro.audit_log.formats.digests import digest_file

SIZE = 1 << 30
ROUNDS = 5
LIMIT, MEMORY_LIMIT = 1.25, 64e6
OURS, RAW, RAW_BOTH = "ours", "raw", "raw both"
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
ALONE = (
    "import sys; from repro.audit_log.formats.digests import digest_file; digest_file(sys.argv[1])"
)


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
            OURS: lambda: digest_file(path),
            RAW: lambda: blake3(max_threads=blake3.AUTO).update_mmap(path).digest(),
            RAW_BOTH: lambda: _both_raw(path),
        }
        taken = calls_in_turn(calls, ROUNDS)
        dvc = _dvc(path)
    raw = statistics.median(taken[RAW])
    return [
        Row(
            "digest_file, 1 GiB / raw BLAKE3, mmap, threads",
            ratio(taken[OURS], taken[RAW]),
            LIMIT,
            peers={"dvc md5": dvc and dvc / raw},
            numbers=f"{both(taken[OURS], taken[RAW])}; ours is BLAKE3 and SHA-256; "
            f"{os.cpu_count()} processors",
        ),
        Row(
            "digest_file, 1 GiB / raw BLAKE3 (threads), then raw SHA-256",
            ratio(taken[OURS], taken[RAW_BOTH]),
            LIMIT,
            peers={"dvc md5": dvc and dvc / statistics.median(taken[RAW_BOTH])},
            numbers=both(taken[OURS], taken[RAW_BOTH]),
        ),
        Row(
            "digest_file, 1 GiB, memory of its process / 64 MB",
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
