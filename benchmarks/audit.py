"""The log: durable appends by one writer and by four, groups, and verification by the record."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from blake3 import blake3
from measure import Command, both, calls_in_turn, ratio, run, seconds, usage_of
from places import scratch
from table import Row

from repro.audit_log.formats.note_key import format_vkey, verifier_of
from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.verify import verify

APPENDS = 300
GROUP, GROUPS = 64, 5
WRITERS, EACH, CONTESTS = 4, 200, 5
RECORDS, VERIFICATIONS = 20_000, 5
APPEND_LIMIT, WRITERS_LIMIT, SQLITE_LIMIT, GROUP_LIMIT = 1.3, 2.5, 3.0, 25.0
VERIFY_LIMIT, FSCK_LIMIT = 20.0, 1 / 3
BODY = {"run": "a1b2c3d4e5f6a7b8-1", "digest": "blake3:" + "0" * 64, "value": 0.25}


def rows() -> list[Row]:
    """Measure appending first, then verification of a log that is made for it."""
    with scratch() as folder:
        log = _log(folder, "one")
        return [*_appending(folder, log), *_writers(folder), *_verifying(folder)]


def _log(folder: Path, name: str) -> Log:
    """Return a new log in a workspace of its own: the key must lie outside that."""
    keys = KeyStore(folder / "keys")
    (folder / name).mkdir()
    return Log.create(folder / name / "log", actor=_ACTOR, tool=_TOOL, keys=keys)


_ACTOR, _TOOL = Actor("bench", "bench", "bench"), Tool("bench", "1")


def _appending(folder: Path, log: Log) -> list[Row]:
    """One append against one bare synced write of a line as long; groups against single appends."""
    log.append("approval", BODY)
    line = (log.directory / "log.jsonl").read_bytes().splitlines(keepends=True)[-1]
    with (folder / "bare").open("ab", buffering=0) as bare:

        def write() -> None:
            os.write(bare.fileno(), line)
            os.fdatasync(bare.fileno())

        calls: dict[str, Callable[[], object]] = {
            "ours": lambda: log.append("approval", BODY),
            "bare": write,
        }
        single = calls_in_turn(calls, APPENDS)
        unsynced = calls_in_turn({"bare": lambda: os.write(bare.fileno(), line)}, APPENDS)
    group = [("approval", BODY)] * GROUP
    taken = calls_in_turn(
        {
            "group": lambda: log.append_many(group),
            "single": lambda: [log.append("approval", BODY) for _ in group],
        },
        GROUPS,
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


def _writers(folder: Path) -> list[Row]:
    """Four processes that append at once, and two other ways to be as durable."""
    log = _log(folder, "many")
    database = folder / "rows.sqlite"
    with sqlite3.connect(database) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE lines (line BLOB)")
    calls: dict[str, Callable[[], float]] = {
        "ours": lambda: _contest(_append_log, log.directory, folder / "keys"),
        "lock": lambda: _contest(_append_locked, folder / "locked", folder),
        "sqlite": lambda: _contest(_append_sqlite, database, folder),
    }
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(CONTESTS):
        for name, call in calls.items():
            rates[name].append(call())
    shown = ", ".join(f"{n} {statistics.median(r):.0f}/s" for n, r in rates.items())
    return [
        Row(
            f"{WRITERS} writers, times as fast as a lock held over the sync",
            ratio(rates["ours"], rates["lock"]),
            WRITERS_LIMIT,
            at_least=True,
            numbers=shown,
        ),
        Row(
            f"{WRITERS} writers, times as fast as SQLite (WAL, FULL)",
            ratio(rates["ours"], rates["sqlite"]),
            SQLITE_LIMIT,
            at_least=True,
            numbers=shown,
        ),
    ]


def _contest(work: Callable[..., None], place: Path, more: Path) -> float:
    """Return the records a second of all writers, from a common start."""
    context = get_context("fork")
    gate = context.Barrier(WRITERS + 1)
    writers = [
        context.Process(target=_writer, args=(work, gate, place, more)) for _ in range(WRITERS)
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
    return WRITERS * EACH / taken


def _writer(work: Callable[..., None], gate: Any, place: Path, more: Path) -> None:
    try:
        work(gate, place, more)
    except BaseException:
        gate.abort()
        raise


def _append_log(gate: Any, place: Path, keys: Path) -> None:
    log = Log.open(place, actor=_ACTOR, tool=_TOOL, keys=KeyStore(keys))
    gate.wait()
    for _ in range(EACH):
        log.append("approval", BODY)
    gate.wait()


def _append_locked(gate: Any, place: Path, _: Path) -> None:
    line = b"x" * 500 + b"\n"
    with place.open("ab", buffering=0) as file:
        gate.wait()
        for _number in range(EACH):
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file.fileno(), line)
            os.fdatasync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_UN)
        gate.wait()


def _append_sqlite(gate: Any, place: Path, _: Path) -> None:
    line = b"x" * 500
    connection = sqlite3.connect(place, timeout=120, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    gate.wait()
    for _number in range(EACH):
        connection.execute("INSERT INTO lines VALUES (?)", (line,))
    gate.wait()
    connection.close()


def _verifying(folder: Path) -> list[Row]:
    """Verify a long log with its tree, against one hash over the same bytes and git's own check."""
    log = _log(folder, "long")
    for _ in range(RECORDS // 1000):
        log.append_many([("approval", BODY)] * 1000)
    log.commit()
    vkey = format_vkey(verifier_of(log.keys.signer(log.origin)))
    data = (log.directory / "log.jsonl").read_bytes()

    def check() -> None:
        report = verify(log.directory, vkeys=(vkey,))
        assert report.exit_status == 0, report.faults

    taken = calls_in_turn({"ours": check, "raw": lambda: blake3(data).digest()}, VERIFICATIONS)
    each = [value / (RECORDS + 1) for value in taken["ours"]]
    raw = [value / (RECORDS + 1) for value in taken["raw"]]
    fsck = _fsck(folder)
    found = [
        Row(
            f"verify {RECORDS} records, chain and tree / raw BLAKE3 of the bytes",
            ratio(each, raw),
            VERIFY_LIMIT,
            peers={"git fsck": fsck and fsck / statistics.median(raw)},
            numbers=f"{both(each, raw)} a record of {len(data) // (RECORDS + 1)} bytes",
        )
    ]
    ours = statistics.median(each)
    found.append(
        Row(
            "verify, a record / git fsck, a commit",
            ours / fsck if fsck else None,
            FSCK_LIMIT,
            numbers=f"{seconds(ours)} against {seconds(fsck)}" if fsck else "",
        )
    )
    return found


def _fsck(folder: Path) -> float | None:
    """Return the seconds that git needs to check one commit of a chain as long, or None."""
    if shutil.which("git") is None:
        return None
    place = folder / "git"
    place.mkdir()
    stream = folder / "stream"
    with stream.open("w", encoding="ascii") as file:
        for number in range(RECORDS):
            text = f"{number:>300}"
            file.write(f"commit refs/heads/main\ncommitter b <b@b> {number} +0000\n")
            file.write(f"data {len(text)}\n{text}\n")
    run(Command(["git", "init", "-q"], place))
    run(Command(["sh", "-c", f"git fast-import --quiet < '{stream}'"], place))
    fsck = Command(["git", "-c", "pack.threads=1", "fsck", "--no-progress"], place)
    return statistics.median(usage_of(fsck).cpu for _ in range(3)) / RECORDS
