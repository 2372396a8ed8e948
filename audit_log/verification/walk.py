"""One pass over the lines of a log, in flat memory: framing, order, chain, tree, plans and ends.

Pure: lines in, faults out. `Walk.feed` is the strict way: every line is decoded, every rule of the
envelope holds, and canonical form is required. After a fault the walk goes on from the line as it
stands, so that one changed byte is one fault, and everything behind a forged line is still looked
at. The quick way over lines that a checkpoint covers is in `swift`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repro.audit_log.errors import RecordError
from repro.audit_log.formats.genesis import begun
from repro.audit_log.formats.record import FIRST_PREV, Record, decode, line_hash
from repro.audit_log.formats.tree import Frontier, leaf_hash
from repro.audit_log.storage.tail import prev_of

from .faults import Fault
from .observer import Finishing, Observer, Watching
from .plans import RUN_TYPES, Plans

MAX_FAULTS = 20
_FIRST = "log.created"
_DOUBTS = frozenset({"record", "chain"})


@dataclass(slots=True)
class Walk:
    """What has been seen so far; feed it the lines one by one, then call `finish`."""

    sizes: frozenset[int]
    """Sizes at which the root is wanted, because some checkpoint speaks of them."""
    observers: Sequence[Observer] = ()
    """Judges of the records that have a good envelope."""

    roots: dict[int, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    more_faults: int = 0
    """Faults beyond `MAX_FAULTS`, counted and not kept."""
    backwards: int = 0
    """How often the time went backwards."""
    origin: str | None = None
    vkeys: tuple[str, ...] = ()
    head: str = FIRST_PREV
    plans: Plans = field(default_factory=Plans)
    frontier: Frontier = field(default_factory=Frontier)
    orphan: tuple[int, str] | None = None
    """Record and ``prev`` of the first record that does not follow its predecessor."""
    time: str = ""
    """What the last record says of when it was written."""
    strict: int = 0
    """How many lines were decoded strictly, one by one."""
    gone: int = 0
    """How many records were pruned: of them only the leaf hashes are there."""
    quickly: bool = False
    """Whether any line was passed on the quick way, now or in what is remembered."""
    doubted: bool = False
    """Whether a fault was found that the lines themselves are to blame for."""

    @property
    def size(self) -> int:
        """How many lines were read."""
        return self.frontier.size

    @property
    def strictly(self) -> frozenset[bytes]:
        """The types that are decoded strictly wherever they stand."""
        named = {type_.encode() for judge in self.observers for type_ in judge.types}
        return frozenset({_FIRST.encode(), *named})

    @property
    def wanted(self) -> frozenset[bytes]:
        """The types that are looked at on the quick way."""
        return self.strictly | {type_.encode() for type_ in RUN_TYPES}

    def start(self) -> None:
        """Take the root of the tree as it is at the start, if it is wanted."""
        if self.size in self.sizes:
            self.roots[self.size] = self.frontier.root()

    def feed(self, line: bytes) -> None:
        """Look at the next whole line, strictly."""
        seq = self.size
        try:
            record = decode(line)
        except RecordError as error:
            self.fault(Fault(seq, "record", f"record {seq} is not a record: {error}"))
        else:
            self._check(seq, record)
        self.watch(seq, (line,))
        self.strict += 1
        self.head = line_hash(line)
        self.frontier.append(leaf_hash(line))
        if self.frontier.size in self.sizes:
            self.roots[self.frontier.size] = self.frontier.root()

    def pass_over(self, leaves: Iterable[bytes], kept: Mapping[int, bytes]) -> None:
        """Look at a pruned segment: the leaf hash of each record, and the lines that were kept.

        The tree goes through all of it; the chain begins again at each kept line.
        """
        chained = True
        for leaf in leaves:
            seq = self.size
            line = kept.get(seq)
            if line is not None and leaf_hash(line) == leaf:
                self.head = self.head if chained else prev_of(line)
                self.feed(line)
                chained = True
                continue
            chained = False
            self.gone += 1
            if line is not None:
                self.fault(Fault(seq, "record", f"record {seq} is not the one that was pruned"))
            self.frontier.append(leaf)
            if self.frontier.size in self.sizes:
                self.roots[self.frontier.size] = self.frontier.root()

    def watch(self, first: int, lines: Sequence[bytes]) -> None:
        """Show lines, the first of which is record ``first``, to those who look at bytes."""
        for judge in self.observers:
            if isinstance(judge, Watching):
                self.add(judge.see_lines(first, lines))

    def show(self, record: Record) -> None:
        """Show a record, which stands where it says, to those who judge records of its type."""
        seq = record.seq
        if (seq == 0) != (record.type == _FIRST):
            self.fault(Fault(seq, "record", f"record {seq} is {record.type}"))
        elif seq == 0:
            self._begin(record)
        if record.type == "erasure":
            self._erase(record)
        for judge in self.observers:
            if record.type in judge.types:
                self.add(judge.see(record))

    def show_ids(self, seq: int, type_: str, run: object, plan: object) -> None:
        """Count in what a record of a run says of its run and its plan."""
        fault = self.plans.see_ids(seq, type_, run, plan)
        if fault is not None:
            self.fault(fault)

    def pass_times(self, first: str, backwards: int, last: str) -> None:
        """Go on over records of these times, which go backwards so often among themselves."""
        self.backwards += backwards + (first < self.time)
        self.time = last

    def finish(self) -> None:
        """Add what can only be said once the last line was read."""
        for judge in self.observers:
            if isinstance(judge, Finishing):
                self.add(judge.finish())

    def fault(self, fault: Fault) -> None:
        """Keep ``fault``, or count it if there are many already."""
        self.doubted = self.doubted or fault.code in _DOUBTS
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.more_faults += 1

    def add(self, faults: Iterable[Fault]) -> None:
        """Keep each of ``faults``."""
        for fault in faults:
            self.fault(fault)

    def _check(self, seq: int, record: Record) -> None:
        if record.seq != seq:
            self.fault(Fault(seq, "chain", f"record {seq} says that it is record {record.seq}"))
        if record.prev != self.head:
            self.orphan = self.orphan or (seq, record.prev)
            message = f"record {seq} does not continue the record before it"
            self.fault(Fault(seq, "chain", message))
        self.pass_times(record.time, 0, record.time)
        self.show(replace(record, seq=seq) if record.seq != seq else record)
        if record.type in RUN_TYPES:
            self.show_ids(seq, record.type, record.body.get("run"), record.body.get("plan"))

    def _erase(self, record: Record) -> None:
        """Add a fault if a plan without an end stands in the segment that ``record`` erases."""
        match record.body:
            case {"what": "segment", "first": int(first), "count": int(count)}:
                seqs = sorted(seq for seq in self.plans.open.values() if 0 <= seq - first < count)
                if seqs:
                    message = f"record {record.seq} erases the plan of record {seqs[0]}"
                    self.fault(Fault(record.seq, "erasure", f"{message}, which had no end"))

    def _begin(self, record: Record) -> None:
        try:
            self.origin, self.vkeys = begun(record)
        except RecordError as error:
            self.fault(Fault(0, "record", f"record 0 does not begin a log: {error}"))
