"""A workspace whose sweeps are processes of their own, so that they can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPRO = str(Path(sys.executable).parent / "repro")
LONG = ("--family", "lightgbm", "n_estimators=2000", "learning_rate=0.01")
"""A training that is still going on when somebody is killed."""
SAID = "sweep.log"


@dataclass(frozen=True)
class Away:
    """A workspace, and the environment of its commands."""

    root: Path
    environment: dict[str, str]

    @classmethod
    def new(cls, base: Path) -> Away:
        """Make one below a folder, with keys of its own."""
        found = cls(base / "workspace", {**os.environ, "REPRO_KEYS": str(base / "keys")})
        found.root.mkdir()
        found.run("init")
        return found

    def run(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Return what a command said; its status is the one that is told."""
        done = subprocess.run(
            [REPRO, *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, status: int = 0) -> Any:
        """Return what a command answers."""
        return json.loads(self.run(*arguments, "--format", "json", status=status).stdout)

    def records(self) -> list[dict[str, Any]]:
        """Return the records of the log."""
        log = self.root / "AUDIT_LOG" / "log.jsonl"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def started(away: Away, *words: str, answer: str = SAID) -> subprocess.Popen[bytes]:
    """Start a sweep in a process of its own; its ``answer`` may go to another file."""
    base = away.root.parent
    with (base / SAID).open("ab") as log, (base / answer).open("ab") as out:
        for each in (log, out):
            each.truncate(0)
        return subprocess.Popen(
            [REPRO, "sweep", *words, "--no-progress"],
            cwd=away.root,
            env=away.environment,
            stdout=out,
            stderr=log,
        )


def ended(sweeping: subprocess.Popen[bytes], away: Away) -> tuple[int, str]:
    """Return the exit status of a sweep, and what it said."""
    status = sweeping.wait(300)
    return status, (away.root.parent / SAID).read_text()


def kinds(away: Away) -> list[str]:
    """Return what the records of the log are of."""
    return [record["type"] for record in away.records()]


def once(away: Away, points: int) -> None:
    """Require that the log verifies and that each point has one result and every plan an end."""
    assert away.json("audit", "verify", "--artifacts")["verdict"] == "ok"
    records = away.records()
    plans = [r["body"]["run"] for r in records if r["type"] == "run.planned"]
    ends = {
        r["body"]["run"] for r in records if r["type"].startswith("run.") and "plan" in r["body"]
    }
    assert set(plans) == ends
    done = [r["body"]["execution_key"] for r in records if r["type"] == "run.completed"]
    assert len(done) == len(set(done)) == points
