"""The log on disk: create, open, append, commit.

`Log` is the only writer. How it holds and extends the end of the log is in `writer`, what it signs
in `committing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from repro.audit_log.disk.locks import shared
from repro.audit_log.errors import LogCorruptError, RecordError
from repro.audit_log.formats.record import Actor, Record, Tool, decode, format_time
from repro.audit_log.keys.keystore import KeyStore

from . import aside, creation, erasing, layout, pruning, recovery, running
from .committing import Committer
from .segments import Text
from .writer import Appended, Usable, utc_now

__all__ = ["Appended", "Head", "Log", "utc_now"]


@dataclass(frozen=True, slots=True)
class Head:
    """How many records there are, and the hash of the last one's line."""

    size: int
    hash: str


class Log(Committer):
    """One log, opened for appending. Make it with `create` or `open`."""

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        actor: Actor,
        tool: Tool,
        keys: KeyStore | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> Log:
        """Make a new log with a key of its own, committed; refuse one that exists."""
        directory = Path(directory)
        moment = format_time(clock())
        creation.create(directory, actor, tool, keys or KeyStore.default(), moment)
        return cls.open(directory, actor=actor, tool=tool, keys=keys, clock=clock)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        actor: Actor | None = None,
        tool: Tool | None = None,
        keys: KeyStore | None = None,
        clock: Callable[[], datetime] = utc_now,
        seal_at: int | None = None,
    ) -> Log:
        """Return the log in ``directory``, repaired if a writer died in the middle of a write.

        A commit after which the active file has ``seal_at`` bytes or more also seals it.
        `LogUnusableError` if it cannot be used, `LogCorruptError` if its bytes do not agree.
        """
        directory = Path(directory)
        layout.require_directory(directory)
        with Usable(directory):
            recovery.sweep(directory)
            recovery.heal_suspect(directory)
            log = cls(directory, actor=actor, tool=tool, keys=keys, clock=clock, seal_at=seal_at)
            creation.require_place(directory, log.origin, log.keys)
            with log._locked():
                recovery.finish_interrupted(log.directory, log.append_locked)
                pruning.finish(log.directory)
            erasing.finish_interrupted(directory)
        return log

    def append(self, type: str, body: Mapping[str, object]) -> Appended:  # noqa: A002 - its name
        """Add one record; it is on the disk when this returns.

        A value in ``body`` that is `Redactable`, at whatever depth, is replaced by a commitment,
        and its opening is on the disk too.
        """
        return self.append_many([(type, body)])[0]

    def append_many(
        self, entries: Sequence[tuple[str, Mapping[str, object]]]
    ) -> tuple[Appended, ...]:
        """Add records one after the other with one write and one sync."""
        _refuse_seals(entries)
        with Usable(self.directory):
            with self._locked():
                done, file, end = self.append_locked(entries), self._file, self._tail.offset
            self._sync(file, end)
        return done

    def append_if(
        self,
        condition: Callable[[], bool],
        type: str,  # noqa: A002 - its name
        body: Mapping[str, object],
    ) -> Appended | None:
        """Add one record if ``condition`` still holds when nobody else can append."""
        _refuse_seals([(type, body)])
        with Usable(self.directory):
            with self._locked():
                if not condition():
                    return None
                done = self.append_locked([(type, body)])
                file, end = self._file, self._tail.offset
            self._sync(file, end)
        return done[0]

    def set_aside(self, seq: int, reason: str) -> None:
        """Move the lines from record ``seq`` on into ``torn/``, and record that.

        For lines that must not be signed. `LogUnusableError` if a checkpoint covers the record. A
        log that cannot even be opened for such a line: `aside.cut`, then open it.
        """
        with Usable(self.directory):
            aside.cut(self.directory, seq, reason, self.keys)
            with self._locked():
                recovery.finish_interrupted(self.directory, self.append_locked)
                file, end = self._file, self._tail.offset
            self._sync(file, end)

    def records(self) -> Iterator[Record]:
        """Yield every record that is in the log now; `LogCorruptError` where one is none.

        Of a pruned segment, the records that were kept.
        """
        with shared(self.directory / layout.LOG_LOCK):
            text = Text.open(self.directory).require_sound()
        for part in text.parts:
            kept = () if part.pruned is None else part.pruned.sorted()
            lines = ((line, True) for _, line in kept) if kept else part.pieces()
            for number, (line, whole) in enumerate(lines):
                if not whole:
                    return
                seq = kept[number][0] if kept else part.first + number
                try:
                    yield decode(line)
                except RecordError as error:
                    raise LogCorruptError(f"record {seq} is not a record: {error}") from None

    def head(self) -> Head:
        """Return size and last hash of the log now."""
        with Usable(self.directory), self._locked():
            return Head(self._tail.size, self._tail.head)

    def find_bytes(self, needle: bytes) -> bool:
        """Return whether ``needle`` occurs anywhere in the lines of the log that are there."""
        return any(True for _ in Text.open(self.directory).find(needle))

    def recover_runs(self) -> tuple[str, ...]:
        """End every plan whose notary is gone; return the ids of these runs."""
        with Usable(self.directory):
            return running.recover(self.directory, self.append_if)


def _refuse_seals(entries: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    for type_, _ in entries:
        if type_ == "segment.sealed":
            raise RecordError("a segment.sealed record is written by seal alone")
