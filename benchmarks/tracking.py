"""Tracking: what the record of one run costs, beside MLflow keeping the same facts of it.

Ours is the log's part of a run: hold the run's lock, append the plan, commit, append the end,
commit. The bodies are those of a real run. MLflow keeps the parameters, the metrics and one small
artifact of that run, in its own process, on the same disk.

The physical limit is a bare write + fdatasync of the same two lines.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

from measure import Command, run, seconds
from places import HERE, Workspace, fresh, peer_with, scratch
from table import Row

from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.running import hold
from repro.audit_log.storage.store import Log

ROUNDS = 40
PEER_ROUNDS = 15
FILES_LIMIT, SQLITE_LIMIT = 1 / 15, 1 / 100


def rows() -> list[Row]:
    """Measure ours and the bare writes in turn, then each store of MLflow."""
    with scratch() as folder:
        workspace = fresh(folder)
        trained = workspace.command("train", "--quiet")
        count = _syncs_of(trained, folder)
        plan, end, facts = _facts(workspace)
        (folder / "logged").mkdir()
        log = Log.create(
            folder / "logged" / "log",
            actor=Actor("bench", "bench", "bench"),
            tool=Tool("bench", "1"),
            keys=KeyStore(folder / "log_keys"),
        )
        taken = _Taken()
        with (folder / "bare").open("ab", buffering=0) as bare:
            for number in range(ROUNDS + 1):
                _one_turn(log, f"run-{number}", (plan, end), bare.fileno(), taken, number > 0)
        peers = {store: _mlflow(folder, store, facts) for store in ("files", "sqlite")}
    return [
        _row("its file store", peers["files"], taken, FILES_LIMIT),
        _row("its SQLite store", peers["sqlite"], taken, SQLITE_LIMIT),
        Row(
            "record of one run / bare write + fdatasync of its two lines",
            statistics.median(taken.ours) / statistics.median(taken.bare),
            numbers=f"{seconds(statistics.median(taken.ours))} "
            f"against {seconds(statistics.median(taken.bare))} (2 syncs)",
        ),
        Row("syncs of one run's record", taken.syncs, numbers=_kinds(taken.calls)),
        Row("syncs of `repro train`, whole process", count, numbers=_counted(count)),
    ]


@dataclass(slots=True)
class _Taken:
    """What was measured of ours and of the bare writes, turn by turn."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The synced files of one run, in order."""

    @property
    def syncs(self) -> int:
        return len(self.calls)


def _one_turn(
    log: Log,
    name: str,
    bodies: tuple[Mapping[str, Any], Mapping[str, Any]],
    bare: int,
    taken: _Taken,
    counts: bool,
) -> None:
    """Record one run; write the same bytes bare."""
    file = log.directory / "log.jsonl"
    before = file.stat().st_size
    plan, end = ({**body, "run": name} for body in bodies)
    with _counting() as calls:
        begin = time.perf_counter()
        with hold(log.directory, name):
            seq = log.append("run.planned", plan).seq
            log.commit()
            log.append("run.completed", {**end, "plan": seq})
            log.commit()
        ours = time.perf_counter() - begin
    with file.open("rb") as lines:
        lines.seek(before)
        written = lines.read().splitlines(keepends=True)
    begin = time.perf_counter()
    for line in written:
        os.write(bare, line)
        os.fdatasync(bare)
    if counts:
        taken.bare.append(time.perf_counter() - begin)
        taken.ours.append(ours)
        taken.calls = calls


@contextmanager
def _counting() -> Iterator[list[str]]:
    """Yield a list that gets the name of every file synced by this process."""
    calls: list[str] = []
    originals = {name: getattr(os, name) for name in ("fsync", "fdatasync")}

    def counted(name: str) -> Any:
        def call(descriptor: int) -> None:
            originals[name](descriptor)
            calls.append(descriptor_name(descriptor))

        return call

    for name in originals:
        setattr(os, name, counted(name))
    try:
        yield calls
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def descriptor_name(descriptor: int) -> str:
    """Return the last part of the path that a descriptor is open on, a directory's with a slash."""
    try:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return "?"
    return f"{path.name}/" if path.is_dir() else path.name


def _kinds(calls: list[str]) -> str:
    return "in order: " + ", ".join(_without_pid(name) for name in calls)


def _without_pid(name: str) -> str:
    return name.replace(f".{os.getpid()}", "")


def _syncs_of(command: Command, folder: Path) -> float | None:
    """Run a command; return how often its tree synced, or None without strace."""
    trace = folder / "strace"
    if which("strace") is None:
        run(command)
        return None
    strace = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", trace]
    run(Command([*strace, *command.words], command.directory, command.variables))
    return sum("sync(" in line for line in trace.read_text("utf-8", "replace").splitlines())


def _counted(count: float | None) -> str:
    return "strace is not here" if count is None else "the log's, and each file of the sealed run"


def _facts(workspace: Workspace) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return both bodies of the run that was trained here, and what a tracker keeps of it."""
    lines = (workspace.root / "AUDIT_LOG" / "log.jsonl").read_text("utf-8").splitlines()
    bodies = {r["type"]: r["body"] for r in map(json.loads, lines)}
    snapshot_file = min((workspace.root / "RESULTS").rglob("snapshot.json"))
    snapshot = json.loads(snapshot_file.read_text("utf-8"))
    facts = {
        "params": snapshot["parameters"]["requested"],
        "metrics": {k: v for k, v in snapshot["metrics"].items() if v is not None},
        "artifact": str(snapshot_file.parent / "metrics.json"),
    }
    return bodies["run.planned"], bodies["run.completed"], facts


@dataclass(frozen=True, slots=True)
class _Peer:
    """What MLflow takes for one run with one store."""

    seconds: float
    syncs: float | None


def _mlflow(folder: Path, store: str, facts: Mapping[str, Any]) -> _Peer | None:
    python = peer_with("mlflow")
    if python is None:
        return None
    file = folder / "facts.json"
    file.write_text(json.dumps(facts), "utf-8")
    place = folder / f"mlflow_{store}"
    place.mkdir()
    script = [python, HERE / "peer_mlflow_log.py", store, file]
    taken = json.loads(run(Command([*script, str(PEER_ROUNDS)], place)).splitlines()[-1])
    one, more = (_syncs_of(Command([*script, str(n)], place), folder) for n in (1, 6))
    syncs = (more - one) / 5 if one is not None and more is not None else None
    return _Peer(statistics.median(taken), syncs)


def _row(store: str, peer: _Peer | None, taken: _Taken, limit: float) -> Row:
    goal = f"record of one run / MLflow, {store}"
    if peer is None:
        return Row(goal, None, limit)
    ours = statistics.median(taken.ours)
    syncs = "" if peer.syncs is None else f" and {peer.syncs:.0f}"
    bare = statistics.median(taken.bare)
    return Row(
        goal,
        ours / peer.seconds,
        limit,
        numbers=f"{seconds(ours)} against {seconds(peer.seconds)}; syncs {taken.syncs}{syncs}; "
        f"two bare synced writes alone are 1/{peer.seconds / bare:.0f}",
    )
