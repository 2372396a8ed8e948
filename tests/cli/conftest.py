"""Workspaces as users have them: made and used through the installed command, as subprocesses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPRO = Path(sys.executable).parent / "repro"


@dataclass(frozen=True)
class Desk:
    """One workspace with a key directory of its own beside it."""

    root: Path
    keys: Path
    command: tuple[str, ...] = (str(REPRO),)

    def run(self, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run ``repro`` in the workspace; the exit status must be ``status``, or may be any."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert status in (None, done.returncode), f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, status: int = 0) -> Any:
        """Run with ``--format json``; stdout must be exactly one JSON document."""
        return json.loads(self.run(*arguments, "--format", "json", status=status).stdout)

    def train(self, *arguments: str) -> Any:
        """Train quickly; return the JSON."""
        return self.json("train", "--quiet", "--profile", "debug", *arguments)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        return {**os.environ, "REPRO_KEYS": str(self.keys)}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that occurs exactly once in a file of ``CONFIG``."""
        path = self.root / "CONFIG" / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), "utf-8")

    def snapshot(self, run: str) -> Any:
        """Return the snapshot of a run, at its documented place."""
        pattern = f"RESULTS/runs/{run}/targets/*/reproducibility/*/cohort=*/snapshot.json"
        (path,) = self.root.glob(pattern)
        return json.loads(path.read_text("utf-8"))

    def records(self) -> list[Any]:
        """Return the records of the log."""
        lines = (self.root / "AUDIT_LOG" / "log.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def make_desk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    """Return a maker of new workspaces."""

    def make() -> Desk:
        base = tmp_path_factory.mktemp("desk")
        (base / "workspace").mkdir()
        desk = Desk(base / "workspace", base / "keys")
        desk.run("init")
        return desk

    return make


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """Return a new workspace."""
    return make_desk()
