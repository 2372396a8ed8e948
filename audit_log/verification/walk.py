"""One pass over the lines of a log, in flat memory: framing, order, chain, tree, plans and ends.

Pure: lines in, faults out. After a fault the walk goes on from the line as it stands, so that one
changed byte is one fault, and everything behind a forged line is still looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from repro.audit_log.errors import RecordError
from repro.audit_log.formats.genesis import begun
from repro.audit_log.formats.record import ENDS, FIRST_PREV, Record, decode, line_hash
from repro.audit_log.formats.tree import Frontier, leaf_hash
from repro.audit_log.storage.tail import prev_of

from .faults import Fault

MAX_FAULTS = 20


def _no_lines(first: int, lines: Sequence[bytes]) -> Iterable[Fault]:
    return ()


def _nothing(record: Record) -> Iterable[Fault]:
    return ()


@dataclass(slots=True)
class Walk:
    """What has been seen so far; feed it the lines one by one, then call `finish`."""

    sizes: frozenset[int]
    """Sizes at which the root is wanted, because some checkpoint speaks of them."""
    visit: Callable[[Record], Iterable[Fault]] = _nothing
    """Called with each good record; what it yields are faults too."""
    lines: Callable[[int, Sequence[bytes]], Iterable[Fault]] = _no_lines
    """Called with whole lines, raw, and the number of the first; what it returns are faults too."""

    roots: dict[int, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    more_faults: int = 0
    """Faults beyond `MAX_FAULTS`, counted and not kept."""
    backwards: int = 0
    """How often the time went backwards."""
    origin: str | None = None
    vkeys: tuple[str, ...] = ()
    head: str = FIRST_PREV
    plans: dict[str, int] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    """Every run that was ever planned: an id that is planned again could hide the first result."""
    """Runs that are planned and not ended: id → seq of the plan."""
    frontier: Frontier = field(default_factory=Frontier)
    orphan: tuple[int, str] | None = None
    """Record and ``prev`` of the first record that does not follow its predecessor."""
    _time: str = ""

    @property
    def size(self) -> int:
        """How many lines were read."""
        return self.frontier.size

    def start(self) -> None:
        """Take the root of the empty tree, if it is wanted."""
        if 0 in self.sizes:
            self.roots[0] = self.frontier.root()

    def feed(self, line: bytes) -> None:
        """Look at the next whole line."""
        seq = self.size
        try:
            record = decode(line)
        except RecordError as error:
            self.fault(Fault(seq, "record", f"record {seq} is not a record: {error}"))
        else:
            self._check(seq, record)
            for fault in self.visit(record):
                self.fault(fault)
        for fault in self.lines(seq, (line,)):
            self.fault(fault)
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
            if line is not None:
                self.fault(Fault(seq, "record", f"record {seq} is not the one that was pruned"))
            self.frontier.append(leaf)
            if self.frontier.size in self.sizes:
                self.roots[self.frontier.size] = self.frontier.root()

    def fault(self, fault: Fault) -> None:
        """Keep ``fault``, or count it if there are many already."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.more_faults += 1

    def _check(self, seq: int, record: Record) -> None:
        if record.seq != seq:
            self.fault(Fault(seq, "chain", f"record {seq} says that it is record {record.seq}"))
        if record.prev != self.head:
            self.orphan = self.orphan or (seq, record.prev)
            message = f"record {seq} does not continue the record before it"
            self.fault(Fault(seq, "chain", message))
        if record.time < self._time:
            self.backwards += 1
        self._time = record.time
        if (seq == 0) != (record.type == "log.created"):
            self.fault(Fault(seq, "record", f"record {seq} is {record.type}"))
        elif seq == 0:
            self._begin(record)
        if record.type == "run.planned":
            self._plan(seq, record)
        elif record.type in ENDS:
            self._end(seq, record)

    def _begin(self, record: Record) -> None:
        try:
            self.origin, self.vkeys = begun(record)
        except RecordError as error:
            self.fault(Fault(0, "record", f"record 0 does not begin a log: {error}"))

    def _plan(self, seq: int, record: Record) -> None:
        run = record.body.get("run")
        if not isinstance(run, str):
            self.fault(Fault(seq, "run", f"record {seq} plans a run without an id"))
        elif run in self.ever:
            self.fault(Fault(seq, "twice", f"record {seq} plans run {run} a second time"))
        else:
            self.plans[run] = seq
            self.ever.add(run)

    def _end(self, seq: int, record: Record) -> None:
        run, plan = record.body.get("run"), record.body.get("plan")
        if not isinstance(run, str) or run not in self.plans:
            message = f"record {seq} ends run {run}, which has no open plan"
        elif self.plans[run] != plan:
            message = f"record {seq} ends run {run} with plan {plan}, not {self.plans[run]}"
        else:
            message = ""
        if message:
            self.fault(Fault(seq, "run", message))
        if isinstance(run, str):
            self.plans.pop(run, None)
