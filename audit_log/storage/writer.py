"""The end of a log as one writer holds it: locked, read to the end, appended to, made durable.

Each append is: lock, read what others wrote, build, one write, unlock, sync, acknowledge. The sync
comes after the unlock: a later writer's sync covers earlier bytes, so writers share one. Processes
exclude each other by ``flock``, threads by a mutex; a forked child opens its own files.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from repro.audit_log.disk.locks import Lock
from repro.audit_log.errors import (
    LogCorruptError,
    LogSuspectError,
    LogUnusableError,
    RecordError,
)
from repro.audit_log.formats.commitment import COMMITTED, Opening, conceal, count_in
from repro.audit_log.formats.record import Actor, Letterhead, Tool, format_time, line_hash

from . import creation, judging, layout, openings, recovery, segments, tail
from .lines import Lines
from .segments import Text


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


class Writer:
    """What `store.Log` stands on: everything that happens under the log's lock."""

    def __init__(
        self,
        directory: Path,
        *,
        actor: Actor | None = None,
        tool: Tool | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Use `Log.open` instead: it also repairs what a crash left behind."""
        self.directory = directory
        who = actor or creation.local_actor()
        self._letterhead = Letterhead(who, tool or creation.THIS_ROOM)
        self._author = openings.Author(directory, who)
        self._clock = clock
        self._lines = directory / layout.LINES
        self._lock = Lock(directory / layout.LOG_LOCK)
        self._suspect = directory / layout.SUSPECT
        self._reopen()
        self.origin = creation.read_origin(directory)

    def append_locked(
        self, entries: Sequence[tuple[str, Mapping[str, object]]]
    ) -> tuple[Appended, ...]:
        """Write records while the log lock is held; the caller syncs."""
        if not entries:
            return ()
        data = bytearray()
        lines: list[bytes] = []
        done: list[Appended] = []
        made: dict[str, Opening] = {}
        letterhead = self._letterhead_in_force()
        line_of = letterhead.short_line
        head, seq, clock = self._tail.head, self._tail.size, self._clock
        # repro: allow unstable-digest until 2028-06-30: a nonce in a record has to be random
        nonces = os.urandom(16 * len(entries)).hex()
        for number, (type_, body) in enumerate(entries):
            moment, nonce = format_time(clock()), nonces[32 * number : 32 * number + 32]
            count = 1  # the actor's
            line = line_of(seq + number, moment, type_, nonce, head, body)
            if line is None:  # only then may a Redactable stand in it
                concealed, new = conceal(body)
                line = letterhead.line(seq + number, moment, type_, nonce, head, concealed)
                count += len(new)
                made |= new
            if count_in((line,)) != count and len(COMMITTED.findall(line)) != count:
                raise RecordError("a body holds a commitment: hand in its value, as Redactable")
            head = line_hash(line)
            lines.append(line)
            done.append(Appended(seq + number, head, moment))
            data += line
            data += b"\n"
        openings.keep(self.directory, made)
        file = self._file
        try:
            recovery.write_whole(file.number, data, self._tail.offset - file.start)
        except LogUnusableError:
            openings.discard(self.directory, made)
            raise
        push = self._tail.push
        for line, appended in zip(lines, done, strict=True):
            push(line, appended.hash)
        return tuple(done)

    def _letterhead_in_force(self) -> Letterhead:
        """Return what the lines have in common, with an actor whose opening is durable."""
        held = self._author.commitment()
        if self._letterhead.actor != held:
            self._letterhead = Letterhead(held, self._letterhead.tool)
        return self._letterhead

    def _reopen(self) -> None:
        self._pid = os.getpid()
        self._mutex = threading.RLock()
        self._held = False
        self._load()

    def _load(self) -> None:
        """Read where the log ends, of files that belong together."""
        checkpoint = layout.read_checkpoint(self.directory)
        while True:
            text = Text.open(self.directory).require_sound()
            part = text.active
            if part.file is None:  # the crash in a roll that `segments.begin_active` finishes
                self._busy = True
                return
            self._file = Lines(self._lines, part.first, part.start)
            found = os.fstat(part.file.number)
            if (found.st_dev, found.st_ino) == self._file.identity:
                break
        self._tail = tail.load(self.directory, text, checkpoint)
        self._others = judging.Others(checkpoint.size)
        for line, _ in text.pieces(self._tail.offset, part.start):
            self._read(line)  # sealed and rolled, and not yet signed
        self._sealed = segments.is_seal_before(part, self._tail.offset)
        self._busy = False

    def _locked(self) -> _Held:
        """Hold the log alone, with everything read that others have written."""
        return _Held(self)

    def enter(self) -> None:
        """Take the mutex and the lock; `leave` must follow whatever this raises later."""
        if self._pid != os.getpid():  # a forked child: neither the mutex nor the files are ours
            self._reopen()
        self._mutex.acquire()
        if self._held:  # by this very thread: in a signal handler, or in a condition
            self._mutex.release()
            raise LogUnusableError(f"the log in {self.directory} is in use by the same thread")
        try:
            self._held = True
            self._lock.acquire()
            recovery.refuse_suspect(self._suspect)
            # A roll or a repair after a failed sync puts a new file in place; an exception inside
            # the lock (an interrupt, say) may have left the tail half updated.
            if self._busy or not self._is_active():
                segments.begin_active(self.directory)
                self._load()
            self._busy = True
            self._read_others()
        except BaseException:
            self.leave(whole=False)
            raise

    def leave(self, *, whole: bool) -> None:
        """Give lock and mutex back; unless ``whole``, everything is read again next time."""
        try:
            self._busy = not whole
            self._lock.release()
        finally:
            self._held = False
            self._mutex.release()

    def _is_active(self) -> bool:
        try:
            found = os.lstat(self._lines)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._file.identity

    def _read_others(self) -> None:
        file = self._file
        end = file.start + os.fstat(file.number).st_size
        if end < self._tail.offset:
            raise LogCorruptError(
                f"the log is shorter than it was: {end} bytes of {self._tail.offset}"
            )
        if end == self._tail.offset and not self._sealed:
            return
        start = self._tail.offset - file.start
        for line, whole in layout.pieces(file.number, start, end - file.start):
            if whole:
                if self._sealed:
                    raise LogCorruptError(f"record {self._tail.size} follows the seal before it")
                self._read(line)
                self._sealed = line.endswith(segments.SEALED)
        torn = self._tail.offset < end
        if torn:  # nobody else holds the lock, so whoever wrote this is gone
            recovery.cut_torn(self.directory, file, self._tail)
        if self._sealed:  # and whoever sealed this did not come to roll it
            seq = self._tail.size - 1
            if self._others.end_with(seq):
                line = segments.last_line(Text.open(self.directory).active)
                judging.require_seal(self.directory, seq, line)
            self._roll()
        if torn:
            recovery.finish_interrupted(self.directory, self.append_locked)

    def _read(self, line: bytes) -> None:
        """Go on over a line that somebody else has appended; it is judged before it is signed."""
        start = self._tail.offset
        self._tail.follow(line)
        self._others.add(self._tail.size - 1, start, self._tail.offset)

    def _roll(self) -> None:
        self._sync(self._file, self._tail.offset)
        segments.roll(self.directory, self._file.first)
        self._file = Lines(self._lines, self._tail.size, self._tail.offset)
        self._sealed = False

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


class _Held:
    """The time in which a log is held; a tail that an exception left is not trusted after it."""

    __slots__ = ("_log",)

    def __init__(self, log: Writer) -> None:
        """Take nothing yet."""
        self._log = log

    def __enter__(self) -> None:
        """Hold the log."""
        self._log.enter()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Let go of it."""
        self._log.leave(whole=kind is None)


class Usable:
    """Turns what the operating system refuses into `LogUnusableError`."""

    __slots__ = ("_directory",)

    def __init__(self, directory: Path) -> None:
        """Speak of the log in ``directory``."""
        self._directory = directory

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise `LogUnusableError` in place of an `OSError`."""
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise LogUnusableError(
                f"the log in {self._directory} cannot be used: {reason}",
                "whoever appends must be able to write there, with space left",
            ) from error
