"""Workspaces as users have them: made and used through the commands.

The notary is this process, unless a desk is told otherwise; workers are processes of their own.
That the installed command does the same, test_front_desk.py, test_same_bits.py and the documents
see.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

REPRO = Path(sys.executable).parent / "repro"


@dataclass(frozen=True)
class Desk:
    """One workspace with a key directory of its own beside it."""

    root: Path
    keys: Path
    here: Callable[..., Any] | None = None
    """What runs a command in this process; without it, it is run in another."""
    command: tuple[str, ...] = ()
    """What runs it in another, if not the installed command."""

    def run(self, *arguments: str, status: int | None = 0) -> Any:
        """Run ``repro`` in the workspace; the exit status must be ``status``, or may be any."""
        if self.command or self.here is None:
            done = subprocess.run(
                [*(self.command or (str(REPRO),)), *arguments],
                cwd=self.root,
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
            )
        else:
            done = self.here(arguments, self.root, {"REPRO_KEYS": str(self.keys)})
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
def make_desk(
    tmp_path_factory: pytest.TempPathFactory, in_this_process: Callable[..., Any]
) -> Callable[[], Desk]:
    """Return a maker of new workspaces."""

    def make() -> Desk:
        base = tmp_path_factory.mktemp("desk")
        (base / "workspace").mkdir()
        desk = Desk(base / "workspace", base / "keys", in_this_process)
        desk.run("init")
        return desk

    return make


@pytest.fixture(scope="session")
def first_run(make_desk: Callable[[], Desk]) -> tuple[Desk, Any]:
    """Return a workspace with one run, and its JSON: to be copied, never used."""
    desk = make_desk()
    return desk, desk.train()


@pytest.fixture
def with_run(first_run: tuple[Desk, Any], tmp_path: Path) -> tuple[Desk, Any]:
    """Return a workspace of the test's own with one run, and the run's JSON.

    It is a copy, with its keys: no other workspace signs under them.
    """
    desk, run = first_run
    mine = replace(desk, root=tmp_path / "workspace", keys=tmp_path / "keys")
    shutil.copytree(desk.root, mine.root)
    shutil.copytree(desk.keys, mine.keys)
    folder = mine.root / Path(run["folder"]).relative_to(desk.root)
    return mine, {**run, "folder": str(folder)}


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """Return a new workspace."""
    return make_desk()
