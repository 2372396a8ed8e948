"""The log on disk: create, open, append, commit.

`Log` is the only writer; how it holds and extends the end of the log is in `writer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from repro.audit_log.disk.locks import exclusive, shared
from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.note_key import Signer
from repro.audit_log.formats.record import Actor, Record, Tool, decode, format_time
from repro.audit_log.keys.keystore import KeyStore

from . import creation, layout, pruning, recovery, running, segments, signing
from .segments import Text
from .writer import Appended, Usable, Writer, utc_now

__all__ = ["Appended", "Head", "Log", "utc_now"]


@dataclass(frozen=True, slots=True)
class Head:
    """How many records there are, and the hash of the last one's line."""

    size: int
    hash: str


class Log(Writer):
    """One log, opened for appending. Make it with `create` or `open`."""

    def __init__(
        self,
        directory: Path,
        *,
        actor: Actor | None = None,
        tool: Tool | None = None,
        keys: KeyStore | None = None,
        clock: Callable[[], datetime] = utc_now,
        seal_at: int | None = None,
    ) -> None:
        """Use `open` instead: it also repairs what a crash left behind."""
        super().__init__(directory, actor=actor, tool=tool, clock=clock)
        self.keys = keys or KeyStore.default()
        self._seal_at = seal_at

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
            recovery.heal_suspect(directory)
            log = cls(directory, actor=actor, tool=tool, keys=keys, clock=clock, seal_at=seal_at)
            with log._locked():
                recovery.finish_interrupted(log.directory, log.append_locked)
                pruning.finish(log.directory)
        return log

    def append(self, type: str, body: Mapping[str, object]) -> Appended:  # noqa: A002 - its name
        """Add one record; it is on the disk when this returns."""
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

    def commit(self) -> Checkpoint:
        """Sign a checkpoint over everything that is in the log, whoever wrote it."""
        with self._signing() as signer:
            with self._locked():
                file, end = self._file, self._tail.snapshot()
            self._sync(file, end.offset)
            checkpoint = signing.commit(self.directory, end, signer, self.keys)
            with self._mutex:
                self._tail.rebase(checkpoint.size)
        if self._seal_at is not None and end.offset - file.start >= self._seal_at:
            self.seal(at_least=self._seal_at)
            return layout.read_checkpoint(self.directory)
        return checkpoint

    def seal(
        self, *, retention: Mapping[str, str] | None = None, at_least: int = 1
    ) -> Appended | None:
        """End the active file's segment with a signed seal, and begin a new file.

        None if the active file holds fewer than ``at_least`` bytes. ``retention`` is
        ``keep_until`` (a date, ``2036-01-31``) and ``policy`` (why): only a segment with one can
        be pruned. `RecordError` if it is anything else.
        """
        if retention is not None:
            segments.check_retention(retention)
        with self._signing() as signer, self._locked():
            if self._tail.offset - self._file.start < at_least:
                return None
            text = Text.open(self.directory).require_sound()
            body = segments.body_of_seal(text, self._tail.size - self._file.first, retention)
            done = self.append_locked([("segment.sealed", body)])[0]
            self._sealed = True
            self._sign_locked(signer)
            self._roll()
        return done

    def prune(self, segment: int, *, reason: str, held: Callable[[], str | None]) -> Appended:
        """Remove the lines of a sealed segment; what proofs need of them stays.

        `LogUnusableError` unless its retention has passed by this log's clock, if ``held`` says
        why nothing may be erased (legal hold), or if a plan in it has no end.
        """
        with self._signing() as signer, self._locked():
            pruning.finish(self.directory)
            text = Text.open(self.directory).require_sound()
            part = pruning.part_of(text, segment)
            why = held()
            if why is not None:
                raise LogUnusableError(f"segment {segment} is under legal hold: {why}")
            pruning.require_over(text, segment, self._clock().date())
            self._sign_locked(signer)
            signed = layout.read_checkpoint(self.directory)
            pruning.require_signed(self.directory, signed.size, signed.root)
            body = pruning.prepare(self.directory, text, part)
            entry = {**body, "reason": reason, "segment": segment}
            done = self.append_locked([("erasure", entry)])[0]
            self._sign_locked(signer)
            pruning.carry_out(self.directory, part.first)
        return done

    def _sign_locked(self, signer: Signer) -> None:
        """Sign what is there while the log lock is held too."""
        self._sync(self._file, self._tail.offset)
        checkpoint = signing.commit(self.directory, self._tail, signer, self.keys)
        self._tail.rebase(checkpoint.size)

    @contextmanager
    def _signing(self) -> Iterator[Signer]:
        """Hold what everyone holds who signs, before the log's own lock."""
        signer = self.keys.signer(self.origin)
        with (
            Usable(self.directory),
            exclusive(self.directory / layout.SIGN_LOCK),
            self.keys.exclusive(self.origin),
        ):
            yield signer

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
