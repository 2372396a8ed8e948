"""The log on disk: create, open, append, commit.

`Log` is the only writer. Each append is: lock, read what others wrote, build, one write, unlock,
sync, acknowledge. The sync comes after the unlock: a later writer's sync covers earlier bytes, so
writers share one. Processes exclude each other by ``flock``, threads by a mutex; a forked child
opens its own files.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from repro.audit_log.disk.locks import exclusive, shared
from repro.audit_log.errors import (
    LogCorruptError,
    LogError,
    LogSuspectError,
    LogUnusableError,
    RecordError,
)
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.record import (
    Actor,
    Record,
    Tool,
    check_author,
    decode,
    encode_own,
    format_time,
    line_hash,
)
from repro.audit_log.keys.keystore import KeyStore

from . import creation, layout, recovery, running, signing, tail
from .layout import Descriptor
from .lines import Lines


def utc_now() -> datetime:
    """Return the time of the system's clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Appended:
    """The acknowledgement of a record that is on the disk."""

    seq: int
    hash: str
    """The line's hash: the ``prev`` of the next record."""
    time: str


@dataclass(frozen=True, slots=True)
class Head:
    """How many records there are, and the hash of the last one's line."""

    size: int
    hash: str


class Log:
    """One log, opened for appending. Make it with `create` or `open`."""

    def __init__(
        self,
        directory: Path,
        *,
        actor: Actor | None = None,
        tool: Tool | None = None,
        keys: KeyStore | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Use `open` instead: it also repairs what a crash left behind."""
        self.directory = directory
        self.keys = keys or KeyStore.default()
        self._actor = actor or creation.local_actor()
        self._tool = tool or creation.THIS_ROOM
        self._clock = clock
        check_author(self._actor, self._tool)
        self._lines, self._lock = directory / layout.LINES, directory / layout.LOG_LOCK
        self._suspect = directory / layout.SUSPECT
        self._reopen()
        self.origin = creation.read_origin(directory)

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
    ) -> Log:
        """Return the log in ``directory``, repaired if a writer died in the middle of a write.

        `LogUnusableError` if it cannot be used, `LogCorruptError` if its bytes do not agree.
        """
        directory = Path(directory)
        layout.require_directory(directory)
        with _usable(directory):
            recovery.heal_suspect(directory)
            log = cls(directory, actor=actor, tool=tool, keys=keys, clock=clock)
            with log._locked():
                recovery.finish_interrupted(log.directory, log.append_locked)
        return log

    def append(self, type: str, body: Mapping[str, object]) -> Appended:  # noqa: A002 - its name
        """Add one record; it is on the disk when this returns."""
        return self.append_many([(type, body)])[0]

    def append_many(
        self, entries: Sequence[tuple[str, Mapping[str, object]]]
    ) -> tuple[Appended, ...]:
        """Add records one after the other with one write and one sync."""
        with _usable(self.directory):
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
        with _usable(self.directory):
            with self._locked():
                if not condition():
                    return None
                done = self.append_locked([(type, body)])
                file, end = self._file, self._tail.offset
            self._sync(file, end)
        return done[0]

    def append_locked(
        self, entries: Sequence[tuple[str, Mapping[str, object]]]
    ) -> tuple[Appended, ...]:
        """Write records while the log lock is held; the caller syncs."""
        lines: list[bytes] = []
        done: list[Appended] = []
        head = self._tail.head
        for seq, (type_, body) in enumerate(entries, self._tail.size):
            moment, nonce = format_time(self._clock()), secrets.token_hex(16)
            line = encode_own(
                Record(seq, moment, type_, self._actor, self._tool, nonce, head, body)
            )
            head = line_hash(line)
            lines.append(line)
            done.append(Appended(seq, head, moment))
        if lines:
            recovery.write_whole(
                self._file.number, b"".join(line + b"\n" for line in lines), self._tail.offset
            )
        for line, appended in zip(lines, done, strict=True):
            self._tail.push(line, appended.hash)
        return tuple(done)

    def commit(self) -> Checkpoint:
        """Sign a checkpoint over everything that is in the log, whoever wrote it."""
        signer = self.keys.signer(self.origin)
        with (
            _usable(self.directory),
            exclusive(self.directory / layout.SIGN_LOCK),
            self.keys.exclusive(self.origin),
        ):
            with self._locked():
                file, end = self._file, self._tail.snapshot()
            self._sync(file, end.offset)
            checkpoint = signing.commit(self.directory, file.number, end, signer, self.keys)
            with self._mutex:
                self._tail.rebase(checkpoint.size)
        return checkpoint

    def records(self) -> Iterator[Record]:
        """Yield every record that is in the log now; `LogCorruptError` where one is none."""
        with shared(self.directory / layout.LOG_LOCK):
            file = Descriptor(self.directory / layout.LINES)
            end = os.fstat(file.number).st_size
        for seq, (line, whole) in enumerate(layout.pieces(file.number, 0, end)):
            if not whole:
                return
            try:
                yield decode(line)
            except RecordError as error:
                raise LogCorruptError(f"record {seq} is not a record: {error}") from None

    def head(self) -> Head:
        """Return size and last hash of the log now."""
        with _usable(self.directory), self._locked():
            return Head(self._tail.size, self._tail.head)

    def find_bytes(self, needle: bytes) -> bool:
        """Return whether ``needle`` occurs anywhere in the lines of the log."""
        return any(True for _ in layout.find(self.directory / layout.LINES, needle))

    def recover_runs(self) -> tuple[str, ...]:
        """End every plan whose notary is gone; return the ids of these runs."""
        with _usable(self.directory):
            return running.recover(self.directory, self.append_if)

    def _reopen(self) -> None:
        self._pid = os.getpid()
        self._mutex = threading.RLock()
        self._load()

    def _load(self) -> None:
        checkpoint = layout.read_checkpoint(self.directory)
        self._file = Lines(self._lines)
        self._tail = tail.load(self.directory, self._file.number, checkpoint)
        self._busy = False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the log alone, with everything read that others have written."""
        if self._pid != os.getpid():  # a forked child: neither the mutex nor the files are ours
            self._reopen()
        with self._mutex, exclusive(self._lock):
            recovery.refuse_suspect(self._suspect)
            here, there = os.fstat(self._file.number), self._lines.lstat()
            # A repair after a failed sync puts a new file in place; an exception inside the lock
            # (an interrupt, say) may have left the tail half updated.
            if self._busy or (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
                self._load()
            self._busy = True
            self._read_others()
            yield
            self._busy = False

    def _read_others(self) -> None:
        end = os.fstat(self._file.number).st_size
        if end < self._tail.offset:
            raise LogCorruptError(
                f"the log is shorter than it was: {end} bytes of {self._tail.offset}"
            )
        for line, whole in layout.pieces(self._file.number, self._tail.offset, end):
            if whole:
                self._tail.extend(line)
        if self._tail.offset < end:
            # Nobody else holds the lock, so whoever wrote this is gone.
            recovery.cut_torn(self.directory, self._file.number, self._tail, self.append_locked)

    def _sync(self, file: Lines, end: int) -> None:
        """Make the lines durable, or make the log suspect: a failed sync is never retried."""
        try:
            file.sync(end)
        except OSError as error:
            recovery.mark_suspect(self.directory, str(error))
            raise LogSuspectError(
                f"a sync of the log failed ({error.strerror}): what was just written may be lost",
                "open the log again: that writes the uncommitted records anew",
            ) from error
        # Again: this log may have opened the file after the kernel told the failure to another.
        recovery.refuse_suspect(self._suspect)


@contextmanager
def _usable(directory: Path) -> Iterator[None]:
    """Turn what the operating system refuses into `LogUnusableError`."""
    try:
        yield
    except LogError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise LogUnusableError(
            f"the log in {directory} cannot be used: {reason}",
            "whoever appends must be able to write there, with space left",
        ) from error
