"""Append, sign, crash, put back, fork, in any order, against a plain list."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from repro.audit_log.errors import LogCorruptError, LogUnusableError

from .conftest import Site


class LogAgainstList(RuleBasedStateMachine):
    """A log, and the list of what was acknowledged."""

    def __init__(self) -> None:
        """Make both."""
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="audit-log-"))
        self.site = Site(self.place / "site")
        self.site.workspace.mkdir(parents=True)
        self.logs = [self.site.create()]
        self.hashes = [self.logs[0].head().hash]
        self.committed = 1
        self.torn = False
        self.kept = self.site.checkpoint.read_bytes()
        self.kept_size = 1
        self.count = self.sealed = self.pruned = 0

    def _acknowledge(self, hashes: list[str]) -> None:
        if self.torn:  # a repair has added a record of its own before these
            records = {record.seq: record for record in self.logs[0].records()}
            size = len(self.hashes)
            assert records[size].type == "log.recovered"
            following = records[size + 1].prev if hashes else self.logs[0].head().hash
            self.hashes.append(following)
            self.torn = False
        self.hashes.extend(hashes)

    @rule(writer=st.integers(0, 2), count=st.integers(1, 3))
    def append(self, writer: int, count: int) -> None:
        """Any writer appends."""
        log = self.logs[writer % len(self.logs)]
        self.count += 1
        done = log.append_many([("incident", {"n": self.count})] * count)
        self._acknowledge([one.hash for one in done])
        assert done[-1].seq == len(self.hashes) - 1

    @rule(writer=st.integers(0, 2))
    def commit(self, writer: int) -> None:
        """Any writer signs."""
        checkpoint = self.logs[writer % len(self.logs)].commit()
        self._acknowledge([])
        assert checkpoint.size == len(self.hashes)
        self.committed = checkpoint.size

    @rule(writer=st.integers(0, 2))
    def seal(self, writer: int) -> None:
        """Any writer seals what is in the active file."""
        log = self.logs[writer % len(self.logs)]
        done = log.seal(retention={"keep_until": "2025-01-30", "policy": "test"})
        self._acknowledge([done.hash] if done else [])
        self.sealed += done is not None
        self.committed = len(self.hashes) if done else self.committed

    @precondition(lambda self: self.sealed > self.pruned)
    @rule(writer=st.integers(0, 2), which=st.integers(0, 9))
    def prune(self, writer: int, which: int) -> None:
        """Any writer prunes a segment, unless its lines are gone."""
        log = self.logs[writer % len(self.logs)]
        try:
            done = log.prune(which % self.sealed, reason="test", held=lambda: None)
        except LogUnusableError:
            self._acknowledge([])
            return
        self._acknowledge([done.hash])
        self.pruned += 1
        self.committed = len(self.hashes)

    @rule()
    def crash_in_a_seal(self) -> None:
        """Lose the new file, as a sealer does who dies after the rename."""
        lines = self.site.lines
        if lines.exists() and lines.stat().st_size == 0:
            lines.unlink()

    @rule()
    def open_again(self) -> None:
        """Another writer comes; the oldest of three goes."""
        self.logs = [*self.logs, self.site.open()][-3:]
        self._acknowledge([])

    @rule(data=st.binary(min_size=1, max_size=40).filter(lambda data: b"\n" not in data))
    def crash_in_a_write(self, data: bytes) -> None:
        """Leave part of a line, as a writer that dies does."""
        if not self.site.lines.exists():
            self.logs[0].head()
        with self.site.lines.open("ab") as file:
            file.write(data)
        self.torn = True

    @rule()
    def crash_between_mark_and_rename(self) -> None:
        """Lose the checkpoint, as a signer that dies after the mark does."""
        before = self.site.checkpoint.read_bytes()
        self.commit(0)
        self.site.checkpoint.write_bytes(before)
        self.logs[0].commit()

    @rule(data=st.binary(min_size=1, max_size=511))
    def crash_while_the_mark_is_raised(self, data: bytes) -> None:
        """Leave part of a mark, as a signer that dies does."""
        keys = self.site.keys
        mark = keys.directory(self.logs[0].origin) / "high-water"
        if mark.stat().st_size % 512 == 0:
            with mark.open("ab") as file:
                file.write(data)
        assert keys.mark(self.logs[0].origin) is not None

    @rule()
    def lose_derived_state(self) -> None:
        """Somebody deletes what can be rebuilt."""
        shutil.rmtree(self.site.directory / "derived", ignore_errors=True)

    @rule()
    def keep_a_checkpoint(self) -> None:
        """Keep a copy of the checkpoint, as an auditor does."""
        self.kept, self.kept_size = self.site.checkpoint.read_bytes(), self.committed

    @precondition(
        lambda self: self.committed > self.kept_size and not self.torn and not self.sealed
    )
    @rule()
    def put_back_and_find_out(self) -> None:
        """Cut the log to the kept checkpoint; signing and the mark notice."""
        twin = self.site.copy("twin")
        lines = twin.lines.read_bytes().split(b"\n")
        twin.lines.write_bytes(b"\n".join(lines[: self.kept_size]) + b"\n")
        newest = twin.checkpoint.read_bytes()
        twin.checkpoint.write_bytes(self.kept)
        log = twin.open()
        assert twin.verify().verdict == "ok"
        assert twin.verify(old_checkpoint=newest).verdict == "rolled back"
        assert twin.verify(high_water=twin.keys.mark(log.origin)).verdict == "rolled back"
        log.append("incident", {"in": "twin"})
        try:
            log.commit()
        except LogCorruptError:
            return
        raise AssertionError("a log that was put back was signed")

    @invariant()
    def verification_agrees_with_the_list(self) -> None:
        """Nothing acknowledged is lost, nothing is accused that is well."""
        report = self.site.verify(old_checkpoint=self.kept)
        assert report.verdict == ("torn" if self.torn else "ok"), report
        assert report.level == 2
        assert (report.size, report.committed) == (len(self.hashes), self.committed)
        assert report.head == self.hashes[-1]

    def teardown(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.place)


LogAgainstList.TestCase.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, derandomize=True
)
TestLogAgainstList = LogAgainstList.TestCase
