"""The log: durable appends by one writer and by many at once, and groups."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from logs import ACTOR, BODY, TOOL, new_log, scaled
from measure import both, calls_in_turn, ratio, seconds
from table import Row

from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log

APPENDS = 300
GROUP, GROUPS = 64, 15
WRITERS = {4: 200, 16: 60}
"""How many append at once, and how many records each."""
CONTESTS = 5
APPEND_LIMIT, GROUP_LIMIT = 1.3, 25.0
LOCK_LIMITS, SQLITE_LIMITS = {4: 2.5, 16: 8.0}, {4: 3.0}


def rows(folder: Path) -> list[Row]:
    """Measure one writer, then many."""
    found = _appending(folder, new_log(folder, "one"))
    for count in WRITERS:
        found += _writers(folder, count)
    return found


def _appending(folder: Path, log: Log) -> list[Row]:
    """One append against one bare synced write of a line as long; groups against single appends."""
    log.append("leakage.fixed", BODY)
    line = (log.directory / "log.jsonl").read_bytes().splitlines(keepends=True)[-1]
    with (folder / "bare").open("ab", buffering=0) as bare:

        def write() -> None:
            os.write(bare.fileno(), line)
            os.fdatasync(bare.fileno())

        calls: dict[str, Callable[[], object]] = {
            "ours": lambda: log.append("leakage.fixed", BODY),
            "bare": write,
        }
        single = calls_in_turn(calls, scaled(APPENDS, 50))
        unsynced = calls_in_turn(
            {"bare": lambda: os.write(bare.fileno(), line)}, scaled(APPENDS, 50)
        )
    group = [("leakage.fixed", BODY)] * GROUP
    taken = calls_in_turn(
        {
            "group": lambda: log.append_many(group),
            "single": lambda: [log.append("leakage.fixed", BODY) for _ in group],
        },
        scaled(GROUPS),
    )
    own = statistics.median(single["ours"]) - statistics.median(single["bare"])
    return [
        Row(
            "one durable append / bare write + fdatasync",
            statistics.median(single["ours"]) / statistics.median(single["bare"]),
            APPEND_LIMIT,
            numbers=f"{both(single['ours'], single['bare'])}; more than bare: {seconds(own)}; "
            f"a write without a sync {seconds(statistics.median(unsynced['bare']))}",
        ),
        Row(
            f"{GROUP} records in a group, times as fast as one by one",
            ratio(taken["single"], taken["group"]),
            GROUP_LIMIT,
            at_least=True,
            numbers=both(taken["group"], taken["single"]),
        ),
    ]


def _writers(folder: Path, count: int) -> list[Row]:
    """Many processes that append at once, and two other ways to be as durable."""
    log = new_log(folder, f"many{count}")
    each = scaled(WRITERS[count], 20)
    database = folder / f"rows{count}.sqlite"
    with sqlite3.connect(database) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE lines (line BLOB)")
    calls: dict[str, Callable[[], float]] = {
        "ours": lambda: _contest(_append_log, count, each, log.directory, folder / "keys"),
        "lock": lambda: _contest(_append_locked, count, each, folder / "locked", folder),
        "sqlite": lambda: _contest(_append_sqlite, count, each, database, folder),
    }
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(scaled(CONTESTS)):
        for name, call in calls.items():
            rates[name].append(call())
    shown = ", ".join(f"{n} {statistics.median(r):.0f}/s" for n, r in rates.items())
    found = [
        Row(
            f"{count} writers, times as fast as a lock held over the sync",
            ratio(rates["ours"], rates["lock"]),
            LOCK_LIMITS[count],
            at_least=True,
            numbers=shown,
        )
    ]
    if count in SQLITE_LIMITS:
        found.append(
            Row(
                f"{count} writers, times as fast as SQLite (WAL, FULL)",
                ratio(rates["ours"], rates["sqlite"]),
                SQLITE_LIMITS[count],
                at_least=True,
                numbers=shown,
            )
        )
    return found


def _contest(work: Callable[..., None], count: int, each: int, place: Path, more: Path) -> float:
    """Return the records a second of all writers, from a common start."""
    context = get_context("fork")
    gate = context.Barrier(count + 1)
    writers = [
        context.Process(target=_writer, args=(work, gate, each, place, more)) for _ in range(count)
    ]
    for writer in writers:
        writer.start()
    gate.wait()
    begin = time.perf_counter()
    gate.wait()
    taken = time.perf_counter() - begin
    for writer in writers:
        writer.join()
        if writer.exitcode:
            raise RuntimeError(f"a writer ended with {writer.exitcode}")
    return count * each / taken


def _writer(work: Callable[..., None], gate: Any, each: int, place: Path, more: Path) -> None:
    try:
        work(gate, each, place, more)
    except BaseException:
        gate.abort()
        raise


def _append_log(gate: Any, each: int, place: Path, keys: Path) -> None:
    log = Log.open(place, actor=ACTOR, tool=TOOL, keys=KeyStore(keys))
    gate.wait()
    for _ in range(each):
        log.append("leakage.fixed", BODY)
    gate.wait()


def _append_locked(gate: Any, each: int, place: Path, _: Path) -> None:
    line = b"x" * 500 + b"\n"
    with place.open("ab", buffering=0) as file:
        gate.wait()
        for _number in range(each):
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file.fileno(), line)
            os.fdatasync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_UN)
        gate.wait()


def _append_sqlite(gate: Any, each: int, place: Path, _: Path) -> None:
    line = b"x" * 500
    connection = sqlite3.connect(place, timeout=120, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    gate.wait()
    for _number in range(each):
        connection.execute("INSERT INTO lines VALUES (?)", (line,))
    gate.wait()
    connection.close()
