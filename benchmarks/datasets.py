"""Datasets: many files digested, and digested again when nobody touched them; a table's own digest.

The files are in the page cache. `digest_files` computes BLAKE3 of each, or SHA-256 too where that
is asked for; each is held against what it costs without our code.

The table has 20 columns of 8 bytes, one of them the times; a quarter of the others has gaps. Its
bytes are NumPy's contiguous buffers, which for such columns are those of Arrow but for the bitmaps
of what is missing. The same table as many short series is measured too: its tree has small leaves,
for which BLAKE3 alone takes several times as long as for large ones.
"""

from __future__ import annotations

import gc
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from blake3 import blake3
from measure import both, calls_in_turn, ratio
from places import scratch
from table import Row

from repro.facts.data import digest_files
from repro.facts.digest_cache import MARGIN, DigestCache
from repro.pipeline.digest import dataset_tree
from repro.pipeline.panel import Panel, build_panel

FILES, BYTES = 10_000, 100_000
ROUNDS = 5
TABLE_ROWS, COLUMNS = 1_000_000, 19
MINUTE, DAY = 60 * 10**9, 86_400 * 10**9
LIMIT_FILES, LIMIT_AGAIN, LIMIT_TABLE = 1.2, 2.0, 1.8


def rows() -> list[Row]:
    """Measure in process, in turn."""
    gc.set_threshold(100_000)  # as the command does
    return [*_files(), *_tables()]


def _files() -> list[Row]:
    with scratch() as folder:
        paths = _written(folder)
        time.sleep(2 * MARGIN / 1e9)  # only of older files are digests kept
        kept = DigestCache(folder, folder / "kept" / "digests")
        digest_files(paths, kept)
        kept.save()
        calls: dict[str, Callable[[], object]] = {
            "ours": lambda: digest_files(paths, DigestCache(folder, folder / "none")),
            "raw": lambda: _raw(paths, sha256=False),
            "both": lambda: digest_files(paths, DigestCache(folder, folder / "none"), sha256=True),
            "raw both": lambda: _raw(paths, sha256=True),
            "again": lambda: digest_files(paths, DigestCache(folder, kept.file).load()),
            "stat": lambda: max(entry.stat().st_mtime_ns for entry in os.scandir(folder / "data")),
        }
        taken = calls_in_turn(calls, ROUNDS)
    what = f"digest_files, {FILES:,} x {BYTES // 1000} KB"
    return [
        Row(
            f"{what} / read + BLAKE3",
            ratio(taken["ours"], taken["raw"]),
            LIMIT_FILES,
            numbers=both(taken["ours"], taken["raw"]),
        ),
        Row(
            f"{what}, SHA-256 too / read + BLAKE3 + SHA-256",
            ratio(taken["both"], taken["raw both"]),
            LIMIT_FILES,
            numbers=both(taken["both"], taken["raw both"]),
        ),
        Row(
            f"{what}, nobody touched them / scandir + stat",
            ratio(taken["again"], taken["stat"]),
            LIMIT_AGAIN,
            numbers=both(taken["again"], taken["stat"]),
        ),
    ]


def _written(folder: Path) -> dict[str, Path]:
    """Write the files; return their paths by name."""
    (folder / "data").mkdir()
    paths = {}
    for number in range(FILES):
        name = f"data/part-{number:05}.csv"
        paths[name] = folder / name
        paths[name].write_bytes(os.urandom(BYTES))
    return paths


def _raw(paths: dict[str, Path], *, sha256: bool) -> None:
    """Read every file and digest it, with nothing around that."""
    for path in paths.values():
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - nothing but the system call
            data = file.read()
        blake3(data).digest()
        if sha256:
            hashlib.sha256(data).digest()


def _tables() -> list[Row]:
    found = []
    shapes = {"one series of minutes": (1, MINUTE, LIMIT_TABLE), "400 of days": (400, DAY, None)}
    for shape, (symbols, step, limit) in shapes.items():
        panel = _panel(symbols, step)
        buffers = [memoryview(a).cast("B") for a in (panel.time, *panel.columns.values())]
        calls: dict[str, Callable[[], object]] = {
            "ours": lambda panel=panel: dataset_tree(panel, list(panel.columns)),
            "raw": lambda buffers=buffers: [blake3(buffer).digest() for buffer in buffers],
        }
        taken = calls_in_turn(calls, ROUNDS)
        tree = dataset_tree(panel, list(panel.columns))
        leaves = sum(len(one.blocks) for one in tree.symbols.values()) * len(buffers)
        found.append(
            Row(
                f"digest of a 10^6 x 20 table, {shape} / BLAKE3 of its bytes",
                ratio(taken["ours"], taken["raw"]),
                limit,
                numbers=f"{both(taken['ours'], taken['raw'])}; {leaves:,} leaves",
            )
        )
    return found


def _panel(symbols: int, step: int) -> Panel:
    """Return a table of so many series, with values and gaps that are always the same."""
    each = TABLE_ROWS // symbols
    start = np.datetime64("2000-01-01", "ns").astype(np.int64)
    values = np.sqrt(np.arange(1.0, TABLE_ROWS + 1)) % 1
    columns = {f"c{n:02}": values + n for n in range(COLUMNS)}
    for name in list(columns)[: COLUMNS // 4]:
        columns[name][::97] = np.nan
    return build_panel(
        tuple(f"S{n:03}" for n in range(symbols)),
        np.repeat(np.arange(symbols, dtype=np.int32), each),
        np.tile(start + np.arange(each) * step, symbols),
        columns,
    )
