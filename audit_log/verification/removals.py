"""Segments whose lines are gone: whether the log's own committed records let them go.

A judge of the walk. It follows the seals and what they and later approvals say of how long each
segment is kept, and holds every erasure of a segment against that, at the time that the erasure
itself gives. At the end, with `judge`, each segment without lines needs an erasure that a signed
checkpoint covers; which lines must be kept of it is in that erasure, as a digest.

Judged are the lines that were read, and nothing beyond: what is erased meanwhile has its seal and
its retention beyond them too. Who prunes has the erasure signed before any line goes, and lets
nobody open the text in between, so that the erasure of what is gone is always among these lines;
only the checkpoint may have been read too early to cover it.

What is known in between is one entry for each segment. Legal holds are the business of `erasures`,
open plans that of the walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from repro.audit_log.errors import RecordError
from repro.audit_log.formats.record import Record
from repro.audit_log.formats.retention import check_retention
from repro.audit_log.storage.pruned import Pruned
from repro.audit_log.storage.segments import Part

from .faults import Fault
from .later import ERASURE, Later
from .survey import Reading
from .trust import Case


@dataclass(frozen=True, slots=True)
class Removal:
    """What a record ``erasure`` says of a segment."""

    seq: int
    segment: int
    first: int
    count: int
    kept: str
    """The BLAKE3 digest of what stays of it; empty where the record is from before that rule."""


@dataclass(slots=True)
class Removals:
    """The judge of segments that were erased."""

    types: frozenset[str] = frozenset({"approval", ERASURE, "segment.sealed"})
    _retention: dict[int, object] = field(default_factory=dict)
    """By the number of the segment; None where its seal says nothing."""
    _next: int = 0
    """The first record of the segment that no seal has closed yet."""
    _sealed: int = 0
    """How many segments were sealed."""
    _removals: list[Removal] = field(default_factory=list)
    """In order; a stranger may have added some, so that one of a segment's must be right."""
    _broken: list[Fault] = field(default_factory=list)
    """Erasures that the retention forbids; a fault once a checkpoint covers them."""

    def see(self, record: Record) -> Iterable[Fault]:
        """Take what a seal, an approval or an erasure says; the faults come in `judge`."""
        body = record.body
        if record.type == "segment.sealed":
            self._seal(record)
        elif record.type == "approval" and body.get("subject") == "retention":
            segment = body.get("segment")
            if type(segment) is int and segment in self._retention:
                self._retention[segment] = {key: body.get(key) for key in ("keep_until", "policy")}
        elif record.type == ERASURE and body.get("what") == "segment":
            removal = removal_of(record)
            if removal is not None:  # who cannot say what is erased is a fault elsewhere
                self._removals.append(removal)
                why = self._forbidden(removal, record.time)
                if why:
                    message = f"record {record.seq} erases segment {removal.segment}, {why}"
                    self._broken.append(Fault(record.seq, "erasure", message))
        return ()

    def judge(self, parts: Sequence[Part], covered: int) -> Iterator[Fault]:
        """Yield what is wrong with the segments without lines, and with how they went.

        A checkpoint covers the first ``covered`` records.
        """
        yield from (fault for fault in self._broken if (fault.seq or 0) < covered)
        for number, part in enumerate(parts):
            if part.pruned is not None:
                yield from self._judge_part(number, part, covered)

    def gone_without_record(self, parts: Sequence[Part], covered: int) -> bool:
        """Return whether lines are gone by no erasure among the first ``covered`` records."""
        return any(part.pruned is not None and not self._of(part.first, covered) for part in parts)

    def let_go(self, number: int, pruned: Pruned, later: Later) -> bool:
        """Return whether a record that ``later`` covers erases just this, and keeps just that.

        Also one that was not read. Whether it was time to is for who reads it to judge.
        """
        meanwhile = [removal_of(record) for record in later.erasures]
        return any(
            (r.segment, r.first, r.count, r.kept)
            == (number, pruned.first, pruned.count, pruned.digest)
            for r in (*self._of(pruned.first, later.size), *meanwhile)
            if r is not None
        )

    def unsure(self, parts: Sequence[Part]) -> tuple[int, ...]:
        """Return the erasures of segments without lines that do not say what was kept."""
        found = [self._of(part.first) for part in parts if part.pruned is not None]
        return tuple(of[0].seq for of in found if of and not any(one.kept for one in of))

    def state(self) -> object:
        """Return what must be known to continue later, as a JSON value."""
        return {
            "next": self._next,
            "removals": [[r.seq, r.segment, r.first, r.count, r.kept] for r in self._removals],
            "retention": {str(number): said for number, said in self._retention.items()},
            "sealed": self._sealed,
        }

    def resume(self, state: object) -> None:
        """Continue from what `state` returned, forgetting all else; ValueError if it is not that.

        Nothing is remembered of erasures that are forbidden: a log with one is read again.
        """
        match state:
            case {
                "next": int(first),
                "removals": list(removals),
                "retention": dict(retention),
                "sealed": int(sealed),
            }:
                self._removals = [_removal(value) for value in removals]
                self._retention = {int(number): said for number, said in retention.items()}
                self._next, self._sealed, self._broken = first, sealed, []
            case _:
                raise ValueError("not the state of a judge of segments")

    def _seal(self, record: Record) -> None:
        """Take a seal that closes the next segment; one that does not fit speaks of none."""
        match record.body:
            case {"segment": self._sealed, "first": self._next, "count": int(count)} if (
                record.seq == self._next + count
            ):
                self._retention[self._sealed] = record.body.get("retention")
                self._next, self._sealed = record.seq + 1, self._sealed + 1

    def _forbidden(self, removal: Removal, time: str) -> str:
        """Return why the segment was not to be erased at ``time``; empty if it was."""
        said = self._retention.get(removal.segment)
        if not isinstance(said, Mapping):
            return "though no record says how long it is kept"
        try:
            last, day = check_retention(said), date.fromisoformat(time[:10])
        except (RecordError, ValueError) as error:
            return f"whose retention cannot be understood: {error}"
        return "" if day > last else f"which is kept until {last.isoformat()}"

    def _of(self, first: int, covered: int | None = None) -> list[Removal]:
        removals = [removal for removal in self._removals if removal.first == first]
        return [r for r in removals if covered is None or r.seq < covered]

    def _judge_part(self, number: int, part: Part, covered: int) -> Iterator[Fault]:
        pruned, found = part.pruned, self._of(part.first, covered)
        if pruned is None:
            return
        right = [r for r in found if (r.segment, r.count) == (number, pruned.count)]
        said = {r.kept for r in right if r.kept}
        if not found:
            beyond = self._of(part.first)
            why = f": record {beyond[0].seq}, which no checkpoint covers, is none" if beyond else ""
            message = f"the lines from record {part.first} on are gone, by no record{why}"
            yield Fault(part.first, "record", message)
        elif not right:
            message = (
                f"record {found[0].seq} erases {found[0].count} records as segment "
                f"{found[0].segment}: {pruned.count} are gone, of segment {number}"
            )
            yield Fault(found[0].seq, "record", message)
        elif said and pruned.digest not in said:
            message = f"what is kept from record {part.first} on is not what record {right[0].seq}"
            yield Fault(part.first, "record", f"{message} says was kept")


def judge_removals(
    case: Case, reading: Reading, removals: Removals, later: Callable[[], Later]
) -> None:
    """Hold the segments without lines against the erasures that a checkpoint covers."""
    parts = reading.text.parts if reading.text is not None else ()
    covered = case.own.size if case.own is not None else reading.walk.size
    if removals.gone_without_record(parts, covered):
        covered = later().size
    reading.walk.add(removals.judge(parts, covered))
    for seq in removals.unsure(parts):
        case.warnings.append(f"record {seq} does not say which lines were kept: some may be gone")


def removal_of(record: Record) -> Removal | None:
    """Return what an erasure says of a segment; None if it does not say that."""
    match record.body:
        case {"segment": int(segment), "first": int(first), "count": int(count), **rest}:
            kept = rest.get("kept", "")
            return Removal(record.seq, segment, first, count, str(kept))
        case _:
            return None


def _removal(value: object) -> Removal:
    match value:
        case [int(seq), int(segment), int(first), int(count), str(kept)]:
            return Removal(seq, segment, first, count, kept)
        case _:
            raise ValueError("not the state of a judge of segments")
