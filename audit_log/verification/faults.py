"""What verification finds, and which verdict it amounts to.

verdict         exit   meaning
ok               0     at the level stated
torn             1     an incomplete tail beyond the last checkpoint
incomplete       1     a plan with no end and nobody running it; ends that do not tally; an opening
                       that is missing, or not erased as recorded; an erasure under legal hold
unverifiable     3     no key, no checkpoint, cannot be read
tampered         4     bytes, order, chain, tree or signature do not agree
truncated        4     shorter than its own checkpoint
rolled back      4     older than a checkpoint handed in, or than the high-water mark
forked           4     two records with one parent, or two checkpoints that no proof can join
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

EXIT: Final = MappingProxyType(
    {
        "forked": 4,
        "tampered": 4,
        "truncated": 4,
        "rolled back": 4,
        "unverifiable": 3,
        "incomplete": 1,
        "torn": 1,
        "ok": 0,
    }
)
"""Exit status of each verdict; the gravest first, which is the one that is pronounced."""

_VERDICT_OF: Final = MappingProxyType(
    {
        "absent": "incomplete",
        "artifact": "tampered",
        "chain": "tampered",
        "checkpoint": "tampered",
        "commitment": "tampered",
        "erasure": "incomplete",
        "fork": "forked",
        "hold": "incomplete",
        "key": "unverifiable",
        "missing": "unverifiable",
        "old-checkpoint": "unverifiable",
        "opening": "incomplete",
        "record": "tampered",
        "rolled-back": "rolled back",
        "root": "tampered",
        "rotation": "tampered",
        "run": "incomplete",
        "shorter": "truncated",
        "signature": "tampered",
        "swapped": "tampered",
        "torn": "torn",
        "twice": "tampered",
        "vkey": "tampered",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding: at which record (None: at none in particular), of which kind, in words."""

    seq: int | None
    """The place of the record, from 0; None for none in particular."""
    code: str
    """The kind, for programs."""
    message: str
    """What is wrong, in a sentence."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification can say about a log."""

    verdict: str
    exit_status: int
    level: int
    """The highest that was attained; only meaningful when the verdict is ``ok``; -1 if none."""
    attained: tuple[int, ...]
    """Every level that was attained, ascending: they do not imply each other (see `levels`)."""
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    """What is no fault and should be known."""
    size: int
    """Whole records that are there."""
    remembered: int
    """So many of these were not read again: an earlier verification did."""
    committed: int
    """Records that the log's own checkpoint covers."""
    head: str
    """Hash of the last line that was read."""
    origin: str | None
    running: tuple[str, ...]
    """Runs that are planned, not ended, and alive."""
    checked: tuple[str, ...]
    """What was verified and holds, in sentences."""
    not_checked: tuple[str, ...]
    """What was not, and why."""
    not_proven: tuple[str, ...]
    """What the level does not prove."""
    evidence: tuple[str, ...] = ()
    """Two signed notes that contradict each other: proof of misbehaviour that can be carried on."""
    fork: str = ""
    """The same with the tree hashes that show it, as a file: see `forks`. Empty without proof."""


def verdict_of(faults: Iterable[Fault]) -> str:
    """Return the gravest verdict among ``faults``; ``ok`` if there are none."""
    found = {_VERDICT_OF[fault.code] for fault in faults}
    return next((verdict for verdict in EXIT if verdict in found), "ok")


def ordered(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return ``faults``, the gravest first, then the first bad record, then what names none."""
    gravity = {verdict: place for place, verdict in enumerate(EXIT)}

    def place(fault: Fault) -> tuple[int, bool, int]:
        return gravity[_VERDICT_OF[fault.code]], fault.seq is None, fault.seq or 0

    return tuple(sorted(faults, key=place))
