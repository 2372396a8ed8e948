"""Commitments, their openings and their erasure: what was to be kept is there, what was erased not.

Every commitment in a record has an opening that opens it and its place, or a record ``erasure``
names it. The lines are looked at raw, since any record may hold a commitment: `see_lines` finds the
actor's without parsing, and parses only a line that holds more. Records of `types` come decoded, to
`see`. What is known in between is one entry for each distinct commitment. The files are read once,
at the end, in `finish`, later than the lines: what is pruned in between takes openings with it, so
that before anybody is accused it is asked which lines are still there. Nothing is read
`without_openings`, as of a copy that was handed out without them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.disk.patience import shared_within
from repro.audit_log.errors import LogCorruptError, OpeningError, RecordError
from repro.audit_log.formats.commitment import (
    ACTOR_PATH,
    actor_of,
    commitments_of_line,
    count_in,
    has_more,
    heads_of,
    is_digest,
)
from repro.audit_log.formats.record import Record
from repro.audit_log.storage import openings
from repro.audit_log.storage.erasing import ERASE_LOCK
from repro.audit_log.storage.hold import Hold, Holds
from repro.audit_log.storage.openings import ERASING, OPENINGS

from .faults import Fault
from .later import Later


@dataclass(slots=True)
class Erasures:
    """The judge of commitments, openings, erasures and legal holds."""

    directory: Path
    without_openings: bool = False
    """Do not look for openings: say so under "not checked"."""
    pruned: bool = False
    """Some lines are not here any more: a commitment that is erased may stand in one of them."""
    covered: int | None = None
    """Records that the checkpoint covers: an erasure beyond them does not count. None: all."""
    later: Callable[[], Later] | None = None
    """Reads the checkpoint again."""
    still: Callable[[Collection[str]], Collection[str]] | None = None
    """Returns those of some commitments that lines hold which were not pruned meanwhile."""
    types: frozenset[str] = frozenset({"approval", "erasure"})
    checked: list[str] = field(default_factory=list)
    """What `finish` has checked, and what it warns of; as texts."""
    not_checked: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _held: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The commitments in records: the first that holds it, and its place there."""
    _erased: dict[str, int] = field(default_factory=dict)
    """The commitments that an erasure names, and the first that does."""
    _holds: Holds = field(default_factory=Holds)
    _last: str | None = None

    def see_lines(self, first: int, lines: Sequence[bytes]) -> Iterable[Fault]:
        """Look at whole lines, in order, the first of which is record ``first``."""
        if lines and self._are_known(lines):
            self._last = actor_of(lines[-1])
            return ()
        found: list[Fault] = []
        for seq, line in enumerate(lines, first):
            if has_more(line):
                for place, digest in commitments_of_line(line):
                    found.extend(self._hold(seq, place, digest))
                continue
            actor = actor_of(line)
            if actor is not None and actor != self._last:
                found.extend(self._hold(seq, ACTOR_PATH, actor))
                self._last = actor
        return found

    def see(self, record: Record) -> Iterable[Fault]:
        """Count in an approval or an erasure."""
        if record.type == "erasure":
            return self._see_erasure(record)
        try:
            self._holds.see(record)
        except RecordError as error:
            return (Fault(record.seq, "hold", f"record {record.seq}: {error}"),)
        return ()

    def state(self) -> object:
        """Return what must be known to continue later, as a JSON value."""
        return {
            "erased": dict(self._erased),
            "held": {digest: [seq, place] for digest, (seq, place) in self._held.items()},
            "holds": [[hold.id, hold.seq, hold.reason] for hold in self._holds.active.values()],
        }

    def resume(self, state: object) -> None:
        """Continue from what `state` returned, forgetting all else; ValueError if it is not that.

        The files are looked at again in any case, those of the records before too.
        """
        held: dict[str, tuple[int, str]] = {}
        try:
            match state:
                case {"erased": dict(erased), "held": dict(places), "holds": list(holds)}:
                    for digest, (seq, place) in places.items():
                        held[str(digest)] = (int(seq), str(place))
                    gone = {str(digest): int(seq) for digest, seq in erased.items()}
                    active = [Hold(str(id_), int(seq), str(why)) for id_, seq, why in holds]
                case _:
                    raise ValueError("not the state of a judge of erasures")
        except TypeError as error:
            raise ValueError(f"not the state of a judge of erasures: {error}") from None
        if not all(is_digest(digest) for digest in (*held, *gone)):
            raise ValueError("not the state of a judge of erasures: a digest that is none")
        self._held, self._erased, self._last = held, gone, None
        self._holds = Holds({hold.id: hold for hold in active})
        self.checked, self.not_checked, self.warnings = [], [], []

    def finish(self) -> Iterable[Fault]:
        """Return what is wrong once all records were seen; look into the files."""
        found = list(self._unknown())
        if not self._held and not self._erased:
            return found
        if self.without_openings:
            self.not_checked.append(OPENINGS)
            return found
        files = _Files(self.directory, self._held, self._covered(self.covered), self._erased)
        try:
            if any(files.look()):
                # Somebody may be erasing while we look; then records say more than we have read.
                with shared_within(self.directory / ERASE_LOCK) as is_ours:
                    if not is_ours:
                        self.warnings.append(
                            f"somebody holds {ERASE_LOCK}: an erasure may be under way"
                        )
                    if self.later is not None:
                        files.erased = self._with(self.later())
                    found.extend(self._missed(files))
            odd = openings.foreign(self.directory)
        except OpeningError as error:
            found.append(Fault(None, "commitment", str(error)))
            return found
        except (OSError, LogCorruptError) as error:
            found.append(Fault(None, "opening", f"the openings cannot be checked: {error}"))
            return found
        if odd:
            self.warnings.append(f"{len(odd)} names in {OPENINGS}/ are no opening's, as {odd[0]}")
        stray = sum(1 for digest in openings.present(self.directory) if digest not in self._held)
        if stray:  # also those of records that were appended while we read
            self.warnings.append(
                f"{stray} openings open no commitment of the records that were read"
            )
        openings_ = "opening" if files.opened == 1 else "openings"
        erased = len(files.erased) - len(files.back)
        self.checked.append(f"{files.opened} {openings_}; {erased} erased")
        return found

    def held(self) -> Set[str]:
        """Return the commitments that the lines hold which were seen."""
        return self._held.keys()

    def _missed(self, files: _Files) -> list[Fault]:
        """Return what is wrong with ``files``, but for what went with lines pruned meanwhile."""
        found = list(files.look())
        if self.still is None or not files.missing:
            return found
        # The lock of erasures does not keep pruning out, which deletes openings too.
        gone = files.missing - set(self.still(files.missing))
        if not gone:
            return found
        files.held = {d: where for d, where in files.held.items() if d not in gone}
        return self._missed(files)

    def _are_known(self, lines: Sequence[bytes]) -> bool:
        """Return whether each of ``lines`` holds one commitment, of an actor already seen.

        For many lines at once: their heads are few, and no line holds more if all together hold
        one for each.
        """
        for head in heads_of(lines):
            actor = actor_of(head)
            if actor is None or self._held.get(actor, (0, ""))[1] != ACTOR_PATH:
                return False
        return count_in(lines) == len(lines)

    def _covered(self, size: int | None) -> dict[str, int]:
        return {d: seq for d, seq in self._erased.items() if size is None or seq < size}

    def _with(self, later: Later) -> dict[str, int]:
        """Return what is erased by records that ``later`` covers, and the first that does."""
        found = self._covered(later.size)
        for record in later.erasures:
            match record.body:
                case {"what": "openings", "commitments": list(named)}:
                    for digest in named:
                        found.setdefault(str(digest), record.seq)
        return found

    def _hold(self, seq: int, place: str, digest: str) -> Iterable[Fault]:
        first = self._held.setdefault(digest, (seq, place))
        if first[1] != place:
            message = (
                f"record {seq} holds at {place} the commitment that record {first[0]} holds at "
                f"{first[1]}: no opening opens both"
            )
            yield Fault(seq, "commitment", message)

    def _see_erasure(self, record: Record) -> Iterator[Fault]:
        named: list[object] = []
        match record.body:
            case {"what": "openings", "commitments": list(named), "reason": str()} if named:
                pass
            case {"what": "segment", "segment": int(), "first": int(), "count": int()}:
                pass  # whose lines are gone: the walk finds out
            case _:
                yield Fault(
                    record.seq, "erasure", f"record {record.seq} does not say what it erases"
                )
                return
        if self._holds.active:
            hold = next(iter(self._holds.active.values()))
            message = (
                f"record {record.seq} erases while legal hold {hold.id!r} of record {hold.seq} "
                "is in force"
            )
            yield Fault(record.seq, "hold", message)
        for digest in named:
            if is_digest(digest):
                self._erased.setdefault(str(digest), record.seq)
            else:
                message = f"record {record.seq} erases {digest!r}, which is no commitment"
                yield Fault(record.seq, "erasure", message)

    def _unknown(self) -> Iterator[Fault]:
        """Yield a fault for the erasures that name what no record before them holds."""
        if self.pruned:
            return
        unknown = sorted(
            (seq, digest)
            for digest, seq in self._erased.items()
            if digest not in self._held or self._held[digest][0] > seq
        )
        if unknown:
            seq, digest = unknown[0]
            message = f"record {seq} erases {digest}, which no record before it holds"
            yield Fault(seq, "erasure", f"{message}{_more(len(unknown))}")


@dataclass(slots=True)
class _Files:
    """The files of a log's openings, against what its records say."""

    directory: Path
    held: dict[str, tuple[int, str]]
    erased: dict[str, int]
    """By records that a checkpoint covers."""
    named: dict[str, int]
    """By any record."""
    missing: set[str] = field(default_factory=set)
    """What nothing opened when it was last looked at."""
    opened: int = 0
    """How many had an opening then that opens them, and their place."""
    back: set[str] = field(default_factory=set)
    """What was erased and could be opened then."""

    def look(self) -> Iterator[Fault]:
        """Yield what is missing, what does not open, and what should be gone."""
        missing: list[tuple[int, str]] = []
        wrong: list[tuple[int, str]] = []
        self.opened = 0
        for digest, (seq, place) in self.held.items():
            if digest in self.erased:
                continue
            try:
                # An erasure that was not recorded is undone at the next opening of the log.
                opening = openings.read(self.directory, digest) or openings.read(
                    self.directory, digest, ERASING
                )
            except OpeningError as error:
                wrong.append((seq, str(error)))
                continue
            if opening is None:
                missing.append((seq, digest))
            elif opening.path != place:
                file = f"{OPENINGS}/{digest}.json"
                wrong.append((seq, f"{file} opens {opening.path}, not {place}"))
            else:
                self.opened += 1
        self.missing = {digest for _, digest in missing}
        if wrong:
            seq, problem = min(wrong)
            yield Fault(seq, "commitment", f"record {seq}: {problem}{_more(len(wrong))}")
        if missing:
            seq, digest = min(missing)
            all_ = (
                "" if (self.directory / OPENINGS).exists() else f"; there is no {OPENINGS}/ at all"
            )
            # Anybody can append a line; who erases has it signed before anything goes.
            said = self.named.get(digest)
            vain = "" if said is None else f" (no checkpoint covers record {said})"
            message = (
                f"record {seq}: nothing opens {digest}, and no record erases it{vain}"
                f"{_more(len(missing))}{all_}"
            )
            yield Fault(seq, "opening", message)
        yield from self._not_carried_out()

    def _not_carried_out(self) -> Iterator[Fault]:
        back = [
            (self.erased[digest], digest)
            for room in (OPENINGS, ERASING)
            for digest in openings.present(self.directory, room)
            if digest in self.erased
        ]
        self.back = {digest for _, digest in back}
        if back:
            seq, digest = min(back)
            message = f"the erasure of record {seq} was not carried out: {digest} can be opened"
            yield Fault(seq, "erasure", f"{message}{_more(len(back))}")


def _more(count: int) -> str:
    """Return how many there are besides the first."""
    return f" (and {count - 1} more)" if count > 1 else ""
