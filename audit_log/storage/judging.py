"""What others have appended is judged before it is signed: the rules that verification will hold.

Appending needs no key, so a stranger may have written any line that no checkpoint covers yet. Once
signed it stays, and what is wrong with it is wrong for ever. So whoever signs first judges the
lines that it did not append itself: `Others` remembers where they lie, `judge` reads them.

This keeps out lines that break a rule. It does not prove who wrote one that keeps them: appending
proves no authorship. What protects there is that a human signs knowingly; so before anything is
erased or pruned, an approval of others that frees it (`frees`) is refused too until it is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.errors import LogCorruptError, LogUnusableError, OpeningError, RecordError
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.commitment import commitments_of_line, is_digest
from repro.audit_log.formats.note_key import Verifier
from repro.audit_log.formats.record import ENDS, PLANNED, Record, decode, fits
from repro.audit_log.formats.retention import check_retention
from repro.audit_log.formats.rotation import TYPE as ROTATED
from repro.audit_log.formats.rotation import read_rotation
from repro.audit_log.formats.tree import leaf_hash
from repro.audit_log.keys.retired import Retired

from . import hold, openings
from .openings import ERASING, OPENINGS
from .segments import Part, Text, body_of_seal, path_of
from .tail import Tail

_SEAL = "segment.sealed"


@dataclass(slots=True)
class Span:
    """Neighbouring lines that others have appended."""

    first: int
    """The ``seq`` of the first."""
    stop: int
    """The ``seq`` after the last."""
    start: int
    """Where they begin in the text of all lines."""
    end: int


@dataclass(slots=True)
class Others:
    """Where the lines lie that this writer has read and not appended, beyond a checkpoint."""

    base: int
    """Records that the checkpoint covered when the writer began to read."""
    spans: list[Span] = field(default_factory=list)

    def add(self, seq: int, start: int, end: int) -> None:
        """Count in the line of record ``seq``, which lies between two offsets."""
        last = self.spans[-1] if self.spans else None
        if last is not None and last.stop == seq:
            last.stop, last.end = seq + 1, end
        else:
            self.spans.append(Span(seq, seq + 1, start, end))

    def copy(self) -> Others:
        """Return an independent copy."""
        return Others(self.base, [Span(s.first, s.stop, s.start, s.end) for s in self.spans])

    def drop(self, size: int) -> None:
        """Forget the lines below ``size``, which a checkpoint of this writer covers."""
        self.spans = [span for span in self.spans if span.stop > size]

    def end_with(self, seq: int) -> bool:
        """Return whether record ``seq`` is the last of them."""
        return bool(self.spans) and self.spans[-1].stop == seq + 1


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that are in force where something is signed, and those that they came after."""

    origin: str
    now: tuple[Verifier, ...]
    former: Sequence[Retired]

    def around(self, seq: int) -> tuple[tuple[Verifier, ...], tuple[Verifier, ...]] | None:
        """Return the keys that record ``seq`` replaced, and those that it put in force."""
        old = next((one.keys for one in self.former if one.last == seq), None)
        new = next((one.keys for one in self.former if one.last > seq), self.now)
        return None if old is None else (old, new)


def judge(
    directory: Path, tail: Tail, others: Others, signed: int, keys: Keys, *, freeing: bool
) -> None:
    """Raise `LogCorruptError` naming the first line of others that must not be signed.

    ``signed`` records were signed before: the checkpoint or the mark beside the key says so. Unless
    ``freeing``, an approval that lifts a hold or changes a retention is a `LogUnusableError`.
    """
    if signed < others.base:
        raise LogCorruptError(
            f"the checkpoint of the log covers {signed} records, and it covered {others.base}"
        )
    spans = [span for span in others.spans if span.stop > signed]
    if not spans:
        return
    text = Text.open(directory).require_sound()
    foreign = {seq for span in spans for seq in range(span.first, span.stop)}
    bench = _Bench(directory, text, tail.size, foreign, keys)
    for span in spans:
        seq, offset = span.first, span.start
        for line, _ in text.pieces(span.start, span.end):
            offset += len(line) + 1
            if signed <= seq < tail.size:
                place = seq - tail.base.size
                if place >= 0 and tail.leaves[place] != leaf_hash(line):
                    raise LogCorruptError(f"record {seq} has changed since it was read")
                _judge_one(bench, line, seq, offset, freeing)
            seq += 1
        if seq < min(span.stop, tail.size):
            raise LogCorruptError(f"record {seq} is gone since it was read")


def require_seal(directory: Path, seq: int, line: bytes) -> None:
    """Raise `LogCorruptError` unless the last line, record ``seq``, seals the active file."""
    text = Text.open(directory).require_sound()
    try:
        _check_seal(text, len(text.parts) - 1, decode(line), text.size - len(line) - 1)
    except RecordError as error:
        raise _refused(seq, str(error)) from None


def _judge_one(bench: _Bench, line: bytes, seq: int, end: int, freeing: bool) -> None:
    try:
        record = decode(line)
        if not freeing and hold.frees(record):
            raise LogUnusableError(
                f"record {seq} frees what it names, it is not signed, and anybody may have "
                "written it",
                "if you know of it, sign it first: repro audit checkpoint --sign",
            )
        if record.type == "log.created":
            raise RecordError("it begins a log a second time")
        bench.check_commitments(line, seq)
        check = bench.checks.get(record.type)
        if check is not None:
            check(record, end, line)
    except RecordError as error:
        raise _refused(seq, str(error)) from None


def _refused(seq: int, problem: str) -> LogCorruptError:
    return LogCorruptError(
        f"record {seq}, which this process did not write, must not be signed: {problem}",
        f"nothing that is signed is lost; to go on without the lines from there on, which torn/ "
        f"then keeps: repro audit set-aside {seq} --reason TEXT",
    )


class _Bench:
    """Where records of each type are held against what else is in the log."""

    def __init__(
        self, directory: Path, text: Text, size: int, foreign: set[int], keys: Keys
    ) -> None:
        self._directory, self._text, self._size = directory, text, size
        self._foreign, self._keys = foreign, keys
        self._open: set[tuple[str, str]] = set()
        self._gone: dict[str, int] | None = None
        self.checks: dict[str, Callable[[Record, int, bytes], None]] = {
            ROTATED: self._rotation,
            _SEAL: self._seal,
            "erasure": self._erasure,
            "approval": self._approval,
            **dict.fromkeys(PLANNED | ENDS, self._run),
        }

    def check_commitments(self, line: bytes, seq: int) -> None:
        """Raise `RecordError` unless each commitment has an opening, or was erased."""
        for place, digest in commitments_of_line(line):
            if (place, digest) not in self._open:
                self._check_opening(place, digest, seq)
                self._open.add((place, digest))

    def _check_opening(self, place: str, digest: str, seq: int) -> None:
        for room in (OPENINGS, ERASING, OPENINGS):  # it may be put back while we look
            try:
                opening = openings.read(self._directory, digest, room)
            except OpeningError as error:
                raise RecordError(str(error)) from None
            if opening is not None:
                if opening.path != place:
                    raise RecordError(f"the commitment at {place} opens {opening.path}")
                return
        if self._gone is None:
            self._gone = openings.erased(self._directory)
        if self._gone.get(digest, -1) < seq:
            raise RecordError(f"nothing opens the commitment at {place}")

    def _rotation(self, record: Record, end: int, line: bytes) -> None:
        around = self._keys.around(record.seq)
        if around is None:
            raise RecordError("it rotates the keys to others than the key store holds")
        if read_rotation(record, self._keys.origin, around[0]) != around[1]:
            raise RecordError("it rotates the keys to others than those that sign")

    def _run(self, record: Record, end: int, line: bytes) -> None:
        run, seq = record.body.get("run"), record.seq
        if not isinstance(run, str):
            raise RecordError("it names no run")
        if not fits(record.type, run):
            raise RecordError(f"it is no record of {run!r}: commands and trainings are told apart")
        planned, ended = self._of_run(run)
        mine = planned if record.type in PLANNED else ended
        for other in mine:
            # Of two lines of others the later is named: less is set aside.
            if other < seq or (other > seq and other not in self._foreign):
                raise RecordError(f"record {other} plans or ends run {run!r} too")
        if record.type in ENDS:
            plan = record.body.get("plan")
            if type(plan) is not int or plan not in planned or plan >= seq:
                raise RecordError(f"it ends run {run!r} with a plan that is none")

    def _of_run(self, run: str) -> tuple[list[int], list[int]]:
        """Return the records that plan ``run``, and those that end it, among what is signed."""
        planned: list[int] = []
        ended: list[int] = []
        for line in self._text.lines_with(b'"run":' + canonical(run)):
            try:
                found = decode(line)
            except RecordError:
                continue  # of what was signed: verification names it
            if found.body.get("run") == run and found.seq < self._size:
                if found.type in PLANNED:
                    planned.append(found.seq)
                elif found.type in ENDS:
                    ended.append(found.seq)
        return planned, ended

    def _seal(self, record: Record, end: int, line: bytes) -> None:
        for number, part in enumerate(self._text.parts):
            if part.start < end <= part.end:
                if part.end != end:
                    raise RecordError("lines follow it in the segment that it ends")
                _check_seal(self._text, number, record, end - len(line) - 1)

    def _approval(self, record: Record, end: int, line: bytes) -> None:
        hold.Holds().see(record)
        if record.body.get("subject") == hold.RETENTION:
            check_retention({name: record.body.get(name) for name in ("keep_until", "policy")})
            if type(record.body.get("segment")) is not int:
                raise RecordError("it names no segment")

    def _erasure(self, record: Record, end: int, line: bytes) -> None:
        held = hold.before(self._directory, record.seq)
        if held:
            raise RecordError(f"it erases while legal hold {held[0].id!r} is in force")
        match record.body:
            case {"what": "openings", "commitments": list(named), "reason": str()} if named:
                self._erased_openings(named, record.seq)
            case {"what": "segment", "segment": int(number), "first": int(first), "count": int()}:
                self._erased_segment(number, first)
            case _:
                raise RecordError("it does not say what it erases")

    def _erased_openings(self, named: Iterable[object], seq: int) -> None:
        for digest in named:
            if not is_digest(digest):
                raise RecordError(f"it erases {digest!r}, which is no commitment")
            # Whoever erases first moves the opening; then comes the record.
            if not openings.path_of(self._directory, str(digest), ERASING).exists():
                raise RecordError(f"nobody is erasing the opening of {digest}")
            holders = self._text.lines_with(f'{{"commitment":"{digest}"}}'.encode())
            if not any(decode(one).seq < seq for one in holders):
                raise RecordError(f"it erases {digest}, which no record before it holds")

    def _erased_segment(self, number: int, first: int) -> None:
        if not 0 <= number < len(self._text.parts) - 1 or self._text.parts[number].first != first:
            raise RecordError("it erases a segment that there is not")
        if not any(
            path_of(self._directory, first, kind).exists() for kind in ("pending", "pruned")
        ):
            raise RecordError(f"nobody is pruning segment {number}")


def _check_seal(text: Text, number: int, record: Record, end: int) -> None:
    """Raise `RecordError` unless ``record``, whose line begins at ``end``, seals that part."""
    part = text.parts[number]
    covered = Part(part.path, part.first, part.start, end - part.start, part.file)
    said = dict(record.body)
    retention = said.pop("retention", None)
    if retention is not None:
        if not isinstance(retention, dict):
            raise RecordError("its retention is none")
        check_retention(retention)
    before = Text((*text.parts[:number], covered), ())
    if part.file is None or said != body_of_seal(before, record.seq - part.first, None):
        raise RecordError("it does not seal the lines before it")
