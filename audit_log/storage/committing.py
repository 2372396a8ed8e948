"""What needs the log's private keys: checkpoints, rotation, seals, pruning.

Whoever signs holds the sign lock, then the key's own lock, and finishes a rotation that somebody
else has begun. The log's lock is held only as long as it takes to read where the log ends, except
while a segment is sealed or pruned: nobody may append then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from repro.audit_log.disk.filesystem import warnings_for
from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import replace
from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats import rotation
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.note_key import Signer, verifier_of
from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.formats.retention import check_retention
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.keys.retired import Retired

from . import cosigning, creation, hold, judging, layout, pruning, segments, signing
from .segments import Text
from .tail import Tail
from .writer import Appended, Usable, Writer, utc_now


@dataclass(frozen=True, slots=True)
class Pruning(Appended):
    """The acknowledgement of a segment that was pruned: its record, and what a human should see."""

    freed_by: tuple[int, ...]
    """The approvals without which it would have stayed, or that have lifted a legal hold."""
    openings: int
    """How many openings went with its lines."""


class Committer(Writer):
    """A writer that has the keys of its log."""

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
        """Use `Log.open` instead: it also repairs what a crash left behind."""
        super().__init__(directory, actor=actor, tool=tool, clock=clock)
        self.keys = keys or KeyStore.default()
        self._seal_at = seal_at
        self.warnings: tuple[str, ...] = warnings_for(directory)
        """What the user must be told about where the log lies."""

    def commit(self) -> Checkpoint:
        """Sign a checkpoint over everything that is in the log, whoever wrote it."""
        with self._signing() as signers:
            checkpoint, written = self._commit(signers)
        if self._seal_at is not None and written >= self._seal_at:
            self.seal(at_least=self._seal_at)
            return layout.read_checkpoint(self.directory)
        return checkpoint

    def rotate_keys(self) -> Checkpoint:
        """Replace the keys of the log by new ones, and sign a checkpoint with them.

        The steps are in `signing`; one that was interrupted is finished by the next commit.
        """
        with self._signing() as old:
            new = self.keys.prepare_next(self.origin)
            with self._locked():
                self._judge_locked(old)
                body = rotation.rotation_body(self._tail.size, self._tail.head, old, new)
                self.append_locked([(rotation.TYPE, body)])
            return self._finish_rotation(new) or self._commit(new)[0]

    def seal(
        self, *, retention: Mapping[str, str] | None = None, at_least: int = 1
    ) -> Appended | None:
        """End the active file's segment with a signed seal, and begin a new file.

        None if the active file holds fewer than ``at_least`` bytes. ``retention`` is
        ``keep_until`` (a date, ``2036-01-31``) and ``policy`` (why): only a segment with one can
        be pruned. `RecordError` if it is anything else.
        """
        if retention is not None:
            check_retention(retention)
        with self._signing() as signers, self._locked():
            if self._tail.offset - self._file.start < at_least:
                return None
            self._judge_locked(signers)
            text = Text.open(self.directory).require_sound()
            body = segments.body_of_seal(text, self._tail.size - self._file.first, retention)
            done = self.append_locked([("segment.sealed", body)])[0]
            self._sealed = True
            self._sign_locked(signers)
            self._roll()
        return done

    def commit_to_erase(self) -> Checkpoint:
        """Commit, unless somebody else has appended an approval that frees something.

        `LogUnusableError` names it: whoever erases must not be the one who signs it unseen.
        """
        with self._signing() as signers:
            return self._commit(signers, freeing=False)[0]

    def prune(self, segment: int, *, reason: str, held: Callable[[], str | None]) -> Pruning:
        """Remove the lines of a sealed segment; what proofs need of them stays.

        What is there is signed first, as by `commit_to_erase`: an approval counts only if that
        covers it. `LogUnusableError` unless the retention has passed by this log's clock, if a
        legal hold is in force or ``held`` says why else nothing may be erased, or if a plan in it
        has no end.
        """
        with self._signing() as signers, self._locked():
            signed = self._sign_locked(signers, freeing=False)
            pruning.finish(self.directory)
            text = Text.open(self.directory).require_sound()
            part = pruning.part_of(text, segment)
            why = held()
            if why is not None:
                raise LogUnusableError(f"segment {segment} is under legal hold: {why}")
            lifted = hold.require_none(self, "pruning", signed.size)
            freed = pruning.require_over(text, segment, self._clock().date(), signed.size)
            pruning.require_signed(self.directory, signed.size, signed.root)
            body = pruning.prepare(self.directory, text, part)
            entry = {**body, "reason": reason, "segment": segment}
            done = self.append_locked([("erasure", entry)])[0]
            self._sign_locked(signers)
            gone = pruning.carry_out(self.directory, part.first)
        return Pruning(done.seq, done.hash, done.time, tuple(sorted({*lifted, *freed})), gone)

    def add_cosignatures(self, note: bytes) -> bool:
        """Put the cosignatures of ``note`` into the checkpoint that stands, durable on return.

        No key is needed. False, and nothing done, if another checkpoint stands by now. See
        `cosigning.with_cosignatures` for what is refused; whether they are good is for the caller
        to say.
        """
        with Usable(self.directory), exclusive(self.directory / layout.SIGN_LOCK):
            standing = layout.read_note(self.directory)
            merged = cosigning.with_cosignatures(standing, note, self.origin)
            if merged is None:
                return False
            if merged != standing:
                replace(self.directory / layout.CHECKPOINT, merged)
        return True

    @contextmanager
    def _signing(self) -> Iterator[tuple[Signer, ...]]:
        """Hold what everyone holds who signs, before the log's own lock; yield the keys in force.

        Every begun rotation is finished.
        """
        with Usable(self.directory):
            self.keys.signers(self.origin)  # what is wrong with them, before anything is touched
        with (
            Usable(self.directory),
            exclusive(self.directory / layout.SIGN_LOCK),
            self.keys.exclusive(self.origin),
        ):
            begun = self.keys.next_signers(self.origin)
            if begun is not None:
                self._finish_rotation(begun)
            yield self.keys.signers(self.origin)

    def _finish_rotation(self, new: tuple[Signer, ...]) -> Checkpoint | None:
        """Do what is left of a rotation to ``new``; nothing if no record says that it began."""
        with self._locked():
            in_force = [verifier_of(signer) for signer in self.keys.signers(self.origin)]
            last = signing.rotation_of(self.directory, new, in_force)
        if last is None:
            return None
        replaced = Retired(last, tuple(verifier_of(s) for s in self.keys.signers(self.origin)))
        checkpoint, _ = self._commit(new, replaced)
        signing.publish(self.directory, new)
        self.keys.adopt_next(self.origin, last)
        return checkpoint

    def _commit(
        self, signers: tuple[Signer, ...], *replaced: Retired, freeing: bool = True
    ) -> tuple[Checkpoint, int]:
        """Sign what is there; return the checkpoint and the bytes in the active file."""
        with self._locked():
            file, end, others = self._file, self._tail.snapshot(), self._others.copy()
        self._sync(file, end.offset)
        checkpoint = self._sign(end, others, signers, *replaced, freeing=freeing)
        with self._mutex:
            self._tail.rebase(checkpoint.size)
            self._others.drop(checkpoint.size)
        return checkpoint, end.offset - file.start

    def _sign_locked(self, signers: tuple[Signer, ...], *, freeing: bool = True) -> Checkpoint:
        """Sign what is there while the log lock is held too."""
        self._sync(self._file, self._tail.offset)
        checkpoint = self._sign(self._tail, self._others, signers, freeing=freeing)
        self._tail.rebase(checkpoint.size)
        self._others.drop(checkpoint.size)
        return checkpoint

    def _judge_locked(self, signers: tuple[Signer, ...]) -> None:
        """Judge what others have appended before a record is added that is to be signed."""
        mark = self.keys.mark(self.origin)
        signed = max(
            layout.read_checkpoint(self.directory).size, mark.size if mark is not None else 0
        )
        keys = self._keys_around(signers, self.keys.retired(self.origin))
        judging.judge(self.directory, self._tail, self._others, signed, keys, freeing=True)

    def _keys_around(self, signers: tuple[Signer, ...], former: Sequence[Retired]) -> judging.Keys:
        return judging.Keys(self.origin, tuple(verifier_of(s) for s in signers), former)

    def _sign(
        self,
        end: Tail,
        others: judging.Others,
        signers: tuple[Signer, ...],
        *replaced: Retired,
        freeing: bool,
    ) -> Checkpoint:
        is_known = creation.require_place(self.directory, self.origin, self.keys)
        former = [r for r in self.keys.retired(self.origin) if r not in replaced]
        time = max(0, int(self._clock().timestamp()))
        before = [*former, *replaced]
        keys = self._keys_around(signers, before)

        def judge(signed: int) -> None:
            judging.judge(self.directory, end, others, signed, keys, freeing=freeing)

        checkpoint = signing.commit(self.directory, end, signers, before, self.keys, time, judge)
        if not is_known:
            self.keys.pin(self.directory, self.origin)
        return checkpoint
