"""A workspace as a user has it: real files, real commands, and what must hold after a mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

REPRO = (sys.executable, "-P", "-m", "repro")
QUICK = ("--profile", "debug")
ENDLESS = ("--profile", "debug", "--set", "n_estimators=1000000")
"""A training that does not end before somebody ends it."""
PLANNED = ("run.planned", "config.override")
"""What a plan under either leaves in the log, at once: both differ from the documents."""
PATIENCE = 60.0
"""Seconds that anything may take on a busy machine."""
UNSET = ("PYTHONUNBUFFERED", "REPRO_DEBUG", "XDG_DATA_HOME")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote where."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Return everything that it wrote."""
        return self.out + self.err

    def require(self, status: int, *words: str) -> Done:
        """Fail unless it ended with ``status`` and said all ``words``, without a traceback."""
        assert self.status == status, f"exit status {self.status}, not {status}:\n{self.text}"
        assert "Traceback" not in self.text, self.text
        for word in words:
            assert word in self.text, f"{word!r} was not said:\n{self.text}"
        return self


@dataclass(frozen=True)
class State:
    """What a refused command must leave as it was."""

    records: tuple[Mapping[str, Any], ...]
    files: frozenset[str]
    runs: frozenset[str]


class Running:
    """A command that has been started, in a process group of its own, as by a shell."""

    def __init__(self, workspace: Workspace, arguments: Sequence[str]) -> None:
        """Start it."""
        self.workspace = workspace
        self.planned = len(workspace.of_type("run.planned"))
        self.process = subprocess.Popen(
            [*REPRO, *arguments],
            cwd=workspace.root,
            env=workspace.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for_plan(self) -> Mapping[str, Any]:
        """Return the body of ``run.planned`` as soon as it is in the log."""

        def plans() -> list[Mapping[str, Any]]:
            return self.workspace.of_type("run.planned")[self.planned :]

        self._until(lambda: bool(plans()))
        return plans()[0]

    def wait_for_training(self) -> Mapping[str, Any]:
        """Return the body of ``run.planned`` once it is committed: the worker may train."""
        plan = self.wait_for_plan()
        checkpoint = self.workspace.root / "AUDIT_LOG" / "checkpoint"
        size = next(
            record["seq"] + 1 for record in self.workspace.records() if record["body"] == plan
        )
        self._until(lambda: int(checkpoint.read_text("utf-8").split("\n")[1]) >= size)
        time.sleep(0.1)  # the notary must have read its own checkpoint
        return plan

    def wait_for_worker(self) -> int:
        """Return the worker's process id as soon as there is one that runs our code."""
        self._until(lambda: bool(self._workers()))
        return self._workers()[0]

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Signal the process group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Kill the notary alone, without a chance to say anything."""
        self.process.kill()

    def end(self) -> Done:
        """Return how it ended."""
        try:
            out, err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return Done(self.process.returncode, out, err)

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended too early:\n{self.end().text}")
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.01)

    def _workers(self) -> list[int]:
        return [pid for pid in children(self.process.pid) if "repro.execution.worker" in said(pid)]


def children(parent: int) -> list[int]:
    """Return the process ids of the children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name stands in parentheses and may hold anything; then state and parent.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
    return found


def said(pid: int) -> str:
    """Return the command line of a process; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def require_gone(pid: int) -> None:
    """Fail unless a process ends within a moment; one that is dead and unburied is gone."""
    end = time.monotonic() + 10
    while said(pid):
        assert time.monotonic() < end, f"process {pid} is left behind: {said(pid)}"
        time.sleep(0.02)


class Workspace:
    """One workspace, its keys beside it."""

    def __init__(self, place: Path) -> None:
        """Name the folders; `made` makes them."""
        self.root = place / "workspace"
        self.keys = place / "keys"
        self._started: list[Running] = []
        self._verified: tuple[bytes, ...] = ()

    @classmethod
    def made(cls, place: Path) -> Workspace:
        """Return a new workspace, made by ``repro init``."""
        workspace = cls(place)
        place.mkdir(parents=True, exist_ok=True)
        workspace.repro("init", str(workspace.root), cwd=place).require(0)
        return workspace

    @property
    def log(self) -> Path:
        """Return the file of the records."""
        return self.root / "AUDIT_LOG" / "log.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        return {**kept, "REPRO_KEYS": str(self.keys)}

    def repro(
        self,
        *arguments: str,
        cwd: Path | None = None,
        before: Sequence[str] = (),
        python: Path | None = None,
        **variables: str,
    ) -> Done:
        """Run a command in the workspace; ``before`` is a command that runs it."""
        command = (str(python), *REPRO[1:]) if python else REPRO
        done = subprocess.run(
            [*before, *command, *arguments],
            cwd=cwd or self.root,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Done(
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )

    def shell(self, script: str, **variables: str) -> Done:
        """Run a line of shell in the workspace, in which ``$REPRO`` is the command."""
        command = " ".join(REPRO)
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self.root,
            env={**self.environment, "REPRO": command, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Done(
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )

    def start(self, *arguments: str) -> Running:
        """Start a command in the workspace."""
        self._started.append(Running(self, arguments))
        return self._started[-1]

    def end_all(self) -> None:
        """Kill what a test that failed has left running: nobody else would ever end it."""
        for running in self._started:
            if running.process.poll() is None:
                running.kill()
                running.end()
        self._started.clear()

    def records(self) -> tuple[Mapping[str, Any], ...]:
        """Return every whole record of the log."""
        try:
            lines = self.log.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return ()
        return tuple(json.loads(line) for line in lines)

    def of_type(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the bodies of the records of one type."""
        return [record["body"] for record in self.records() if record["type"] == kind]

    def runs(self) -> frozenset[str]:
        """Return the names of the sealed runs."""
        folder = self.root / "RESULTS" / "runs"
        return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()

    def folder_of(self, run: str) -> Path:
        """Return the folder that holds the files of a run."""
        return next((self.root / "RESULTS" / "runs" / run).rglob("snapshot.json")).parent

    def state(self) -> State:
        """Return what a refused command must leave as it was."""
        kept = (
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if not path.is_dir() or path.is_symlink()
        )
        ours = ("AUDIT_LOG/", "RESULTS/failed/", "RESULTS/.lock", "RESULTS/.derived/")
        files = frozenset(name for name in kept if not name.startswith(ours))
        return State(self.records(), files, self.runs())

    def require_clean(self, before: State, *adds: str) -> list[Mapping[str, Any]]:
        """Fail unless nothing is half-written and the log is sound; return the new records.

        ``adds`` are the types of the records that are new. Each must meet its schema.
        """
        after = self.state()
        new = list(after.records[len(before.records) :])
        assert after.records[: len(before.records)] == before.records
        assert [record["type"] for record in new] == list(adds), new
        for record in new:
            faults = [f"{e.json_path}: {e.message}" for e in schema(record["type"], record["body"])]
            assert not faults, faults
        staging = self.root / "RESULTS" / ".staging"
        left = [path.name for path in staging.iterdir()] if staging.is_dir() else []
        assert not left, f"left in the staging area: {left}"
        if "run.completed" not in adds:
            assert after.runs == before.runs
            assert after.files == before.files, sorted(after.files ^ before.files)
        self.require_sound()
        return new

    def require_sound(self) -> None:
        """Fail unless ``repro audit verify`` is content; bytes that it has seen it need not see."""
        folder = self.root / "AUDIT_LOG"
        content = tuple((folder / name).read_bytes() for name in ("log.jsonl", "checkpoint"))
        if content != self._verified:
            self.repro("audit", "verify").require(0, "ok: ", "all committed")
            self._verified = content

    def refuse(
        self,
        *arguments: str,
        status: int,
        says: Sequence[str],
        adds: Sequence[str] = (),
        before: Sequence[str] = (),
        **variables: str,
    ) -> Done:
        """Run a command that must end with ``status``, say ``says``, and change nothing."""
        state = self.state()
        done = self.repro(*arguments, before=before, **variables).require(status, *says)
        new = self.require_clean(state, *adds)
        for record in new:
            if record["type"] in ("run.refused", "run.failed"):
                assert record["body"]["exit_status"] == status
        return done

    @contextmanager
    def edited(self, name: str, old: str, new: str) -> Iterator[None]:
        """Replace a text that occurs once in a file of the workspace, for a while."""
        text = (self.root / name).read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {name}"
        with self.holding(name, text.replace(old, new).encode()):
            yield

    @contextmanager
    def holding(self, name: str, content: bytes | None) -> Iterator[None]:
        """Let a file of the workspace hold ``content`` (None: not be there), for a while."""
        path = self.root / name
        kept = path.read_bytes() if path.is_file() else None
        try:
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
            yield
        finally:
            if kept is None:
                path.unlink()
            else:
                path.write_bytes(kept)


@cache
def _schemas() -> Any:
    found = {}
    for folder in ("output", "records"):
        for path in files("repro.schemas").joinpath(folder).iterdir():
            name = f"repro:{folder}/{path.name.removesuffix('.schema.json')}"
            found[name] = json.loads(path.read_text("utf-8"))
    resources = ((name, Resource.from_contents(schema)) for name, schema in found.items())
    return found, Registry().with_resources(resources)


def schema(kind: str, value: Any) -> list[Any]:
    """Return what the schema of a record's type (or ``output/NAME``) finds wrong with a value."""
    found, registry = _schemas()
    name = f"repro:{kind}" if "/" in kind else f"repro:records/{kind}"
    return list(Draft202012Validator(found[name], registry=registry).iter_errors(value))


def one_error(done: Done) -> Mapping[str, Any]:
    """Return the error in the one JSON document that is all of stdout."""
    document = json.loads(done.out)
    faults = [f"{e.json_path}: {e.message}" for e in schema("output/error", document)]
    assert not faults, faults
    error: Mapping[str, Any] = document["error"]
    assert error["exit_status"] == done.status
    return error
