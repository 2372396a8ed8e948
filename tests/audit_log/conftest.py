"""A workspace with a log, its keys outside of it, and a clock that is an argument."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repro.audit_log.formats.digests import digest_file
from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.faults import Report
from repro.audit_log.verification.verify import verify

ACTOR = Actor("ada", "engine", "test")
TOOL = Tool("tests", "1")


@dataclass
class Site:
    """One place with a workspace, a log in it, and a key store beside it."""

    root: Path

    @property
    def workspace(self) -> Path:
        """Where runs put their results."""
        return self.root / "workspace"

    @property
    def directory(self) -> Path:
        """Where the log lies."""
        return self.workspace / "AUDIT_LOG"

    @property
    def lines(self) -> Path:
        """The file of the records."""
        return self.directory / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The file of the checkpoint."""
        return self.directory / "checkpoint"

    @property
    def keys(self) -> KeyStore:
        """The key store."""
        return KeyStore(self.root / "keys")

    @property
    def vkey(self) -> str:
        """The public Ed25519 key, as text."""
        return self.vkeys[0]

    @property
    def vkeys(self) -> list[str]:
        """The public keys, as text: Ed25519, ML-DSA-44."""
        return (self.directory / "log.vkey").read_text().splitlines()

    def create(self) -> Log:
        """Make the log."""
        return Log.create(self.directory, actor=ACTOR, tool=TOOL, keys=self.keys, clock=ticks())

    def open(self) -> Log:
        """Open the log."""
        return Log.open(self.directory, actor=ACTOR, tool=TOOL, keys=self.keys)

    def verify(self, **more: object) -> Report:
        """Verify the log with its own key pinned."""
        given = more if "vkeys" in more else {"vkeys": [self.vkey], **more}
        return verify(self.directory, **given)  # type: ignore[arg-type]

    def copy(self, name: str) -> Site:
        """Return a copy of everything, keys too."""
        target = self.root.parent / name
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(self.root, target)
        return Site(target)

    def fill(self, log: Log) -> None:
        """Add a run with one artifact and an incident, and commit them."""
        artifact = self.workspace / "RESULTS" / "model.txt"
        artifact.parent.mkdir()
        artifact.write_text("weights\n")
        found = digest_file(artifact)
        log.append("run.planned", {"run": "r1", "rate": 0.05})
        log.append("incident", {"text": "é"})
        log.append(
            "run.completed",
            {
                "run": "r1",
                "plan": 1,
                "artifacts": [
                    {
                        "path": "RESULTS/model.txt",
                        "blake3": found.blake3,
                        "sha256": found.sha256,
                        "size": found.size,
                    }
                ],
            },
        )
        log.commit()


def ticks() -> Callable[[], datetime]:
    """Return a clock that goes on by a second at each reading."""
    now = datetime(2025, 1, 31, 12, tzinfo=UTC)

    def tick() -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    return tick


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site without a log."""
    (tmp_path / "site" / "workspace").mkdir(parents=True)
    return Site(tmp_path / "site")


@pytest.fixture
def full(site: Site) -> Site:
    """Return a site with a small committed log: created, planned, incident, completed."""
    site.fill(site.create())
    return site
