"""Verify a log: read everything once, believe nothing, say what is and what is not proven.

`verify` raises nothing for a bad log; it returns a `Report`. It writes nothing. The verdicts are in
`faults`, the levels in `levels`, the walk over the lines in `survey`; this module reads the
checkpoint and compares the tree with every checkpoint that it knows. `continuing` is for verifiers
that come back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

from repro.audit_log.errors import (
    CheckpointError,
    LogCorruptError,
    LogError,
    LogUnusableError,
    NoteError,
)
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import split
from repro.audit_log.storage import running
from repro.audit_log.storage.layout import SUSPECT, read_note, require_directory

from .artifacts import ArtifactCheck
from .asked import Asked
from .erasures import Erasures
from .faults import EXIT, Report, ordered, verdict_of
from .index import Index
from .kept import is_damaged, judge_mark, judge_memory, judge_old, read_old
from .later import read_later
from .levels import (
    Policy,
    Stamp,
    judge_post_quantum,
    judge_stamps,
    judge_witnesses,
    not_checked,
    not_proven,
)
from .memory import Memory
from .observer import Observer, Telling
from .reading import Text
from .removals import Removals, judge_removals
from .rotations import Rotations
from .spill import Spill
from .standing import still_held
from .survey import Reading
from .trust import Case, judge_place, judge_signature, read_published, trusted


@dataclass(slots=True)
class Outcome:
    """A report, and what the verifier may remember."""

    report: Report
    memory: Memory | None
    """None if something was found that must be found again."""
    runs: Spill
    """Every run that was planned in what was read."""


def verify(directory: Path, **asked: Unpack[Asked]) -> Report:
    """Return what can be said about the log in ``directory``; what can be asked is in `Asked`."""
    return examine(directory, **asked).report


def examine(
    directory: Path,
    *,
    vkeys: Sequence[str] = (),
    old_checkpoint: bytes | None = None,
    self_asserted: bool = False,
    artifacts_root: Path | None = None,
    high_water: Checkpoint | None = None,
    policy: Policy | None = None,
    stamps: Sequence[Stamp] = (),
    observers: Sequence[Observer] = (),
    held: str | None = None,
    without_openings: bool = False,
    full: bool = False,
    memory: Memory | None = None,
    index: Index | None = None,
) -> Outcome:
    """Verify as `verify` does, going on from ``memory``; return also what to remember then.

    ``index`` holds the runs that were planned in what ``memory`` covers.
    """
    case = Case(Path(directory))
    artifacts = ArtifactCheck(artifacts_root) if artifacts_root is not None else None
    rotations, erasures = Rotations(), Erasures(case.directory, without_openings)
    removals = Removals()
    judges: list[Observer] = [rotations, erasures, removals, *observers]
    judges += [artifacts] if artifacts is not None else []
    pinned = (
        *trusted(case, vkeys),
        *(log.verifier for log in (policy.logs if policy is not None else ())),
    )
    there = _read_own(case)
    read_published(case)
    old = read_old(case, old_checkpoint)
    known = [case.own, old.checkpoint if old else None, high_water]
    sizes = {c.size for c in known if c is not None} | {stamp.size for stamp in stamps}
    resumable = memory if not full and all(memory.size <= n for n in sizes if memory) else None
    sizes |= {memory.size} if memory is not None else set()
    # Files are digested again, or not at all: nothing is known of those that were there last time.
    if artifacts is not None:
        resumable = None
    reading = Reading(frozenset(sizes), tuple(judges))
    readable = there and _read(case, reading, resumable, full)
    walk = reading.walk
    walk.add(walk.plans.twice(index.find if index is not None and reading.start else None))
    later = partial(read_later, case, reading, rotations)
    if readable:
        erasures.pruned, erasures.later = bool(walk.gone), later
        erasures.still = partial(still_held, case, reading, removals, later)
        erasures.covered = case.own.size if case.own is not None else None
        walk.finish()
        judge_removals(case, reading, removals, later)
    judge_place(case, rotations.origin, held)
    judge_signature(case, rotations, walk.size, pinned, self_asserted)
    unchecked = judge_post_quantum(case, pinned)
    attained, fork = judge_witnesses(case, policy, time.time()), ""
    if readable:  # who could not read to the end must not say that anything is missing there
        _judge_tree(case, reading)
        extends, fork = judge_old(case, walk, rotations, old, pinned, reading.leaves)
        judge_mark(case, walk, high_water, later)
        judge_memory(case, walk, memory)
        attained |= extends | judge_stamps(case, walk, stamps, is_damaged(case))
    alive = _judge_runs(case, reading)
    unchecked += not_checked(policy, stamps)
    for judge in judges:
        if isinstance(judge, Telling):
            case.checked.extend(judge.checked)
            case.warnings.extend(judge.warnings)
            unchecked.extend(judge.not_checked)
    clean = not walk.faults and verdict_of(case.faults) in ("ok", "torn", "incomplete")
    case.faults = [*walk.faults, *case.faults]
    if artifacts is None:
        unchecked.append("artifacts")
    else:
        case.checked.append(f"{artifacts.count} artifacts, byte by byte")
    report = _report(case, reading, alive, attained, unchecked, fork)
    kept = reading.memory if clean else None
    return Outcome(report, kept, walk.plans.ever)


def _read_own(case: Case) -> bool:
    """Return whether there are lines to walk; read the checkpoint.

    It is read *before* the size of the log is, so that the log can only be longer.
    """
    try:
        require_directory(case.directory)
    except (LogUnusableError, OSError) as error:
        case.add("missing", str(error))
        return False
    try:
        case.note = read_note(case.directory)
    except LogUnusableError as error:
        case.add("missing", error.problem)
        return True
    try:
        text, _ = split(case.note)
        case.own = parse_checkpoint(text)
    except (NoteError, CheckpointError) as error:
        case.add("checkpoint", f"the checkpoint of the log is none: {error}")
    return True


def _read(case: Case, reading: Reading, memory: Memory | None, full: bool) -> bool:
    """Walk over all lines; add what is odd about them as a whole; False if reading failed."""
    readable = True
    try:
        reading.read(case.directory, case.own, memory, full=full)
    except LogCorruptError as error:
        case.add("record", error.problem)
    except LogUnusableError as error:
        case.add("missing", error.problem)
        readable = False
    except OSError as error:
        case.add("missing", f"cannot read the log: {error.strerror or error}")
        readable = False
    walk = reading.walk
    if walk.size == 0 and (case.own is None or case.own.size == 0):
        case.add("missing", "the log holds no whole record")
    if walk.orphan is not None and reading.text is not None:
        _look_for_fork(case, reading.text, *walk.orphan)
    case.warnings.extend(reading.warnings())
    if os.path.lexists(case.directory / SUSPECT):
        case.warnings.append("a sync of this log has failed; it is marked suspect")
    if walk.backwards:
        case.warnings.append(f"time goes backwards at {walk.backwards} records")
    return readable


def _look_for_fork(case: Case, text: Text, seq: int, prev: str) -> None:
    """Add a fault if two different lines name the same parent as record ``seq`` does."""
    lines: set[bytes] = set()
    try:
        for line in text.lines_with(f',"prev":"{prev}"'.encode()):
            lines.add(line)
            if len(lines) > 1:
                break
    except OSError as error:
        case.warnings.append(f"could not look for a fork: {error.strerror or error}")
    if len(lines) > 1:
        message = (
            f"record {seq} and another record have one parent: evidence of a fork, "
            "not proof (only two signed checkpoints prove one)"
        )
        case.add("fork", message, seq)


def _judge_tree(case: Case, reading: Reading) -> None:
    walk = reading.walk
    # Without the lock, a line without an end is one that is being written.
    cut = reading.cut and (reading.text is None or reading.text.is_locked)
    if case.own is None:
        if cut:
            case.add("torn", f"record {walk.size} is incomplete", walk.size)
        return
    if walk.size < case.own.size:
        rest = f", and record {walk.size} is cut short" if cut else ""
        message = f"{walk.size} of {case.own.size} committed records are there{rest}"
        case.add("shorter", message, walk.size)
        return
    if cut:
        case.add("torn", f"record {walk.size}, not committed, is incomplete", walk.size)
    if walk.roots[case.own.size] != case.own.root:
        message = f"the first {case.own.size} records are not those that were signed"
        case.add("root", message)
    if walk.size > case.own.size:
        count = walk.size - case.own.size
        case.warnings.append(f"{count} records are durable and not committed")
    if not walk.doubted and walk.roots[case.own.size] == case.own.root:
        count = walk.size - reading.start
        case.checked.append(f"{count} records: framing, order, chain, tree")


def _judge_runs(case: Case, reading: Reading) -> tuple[str, ...]:
    walk, alive = reading.walk, []
    free = [run for run in walk.plans.open if not _is_alive(case, run)]
    # A run that ended while the lines were read wrote its end before it let go of its lock.
    ended = _ended_since(case, reading) if free else frozenset()
    for run, seq in walk.plans.open.items():
        if run not in free or run in ended:
            alive.append(run)
        else:
            message = f"run {run}, planned in record {seq}, has no end and nobody runs it"
            case.add("run", message, seq)
    return tuple(sorted(alive))


def _is_alive(case: Case, run: str) -> bool:
    try:
        return running.is_running(case.directory, run)
    except (LogUnusableError, OSError):
        return False


def _ended_since(case: Case, reading: Reading) -> frozenset[str]:
    """Return the runs that lines beyond those that were read end."""
    if reading.text is None:
        return frozenset()
    try:
        now = Text(case.directory, None if reading.text.is_locked else 0.0)
        return frozenset(running.ends_in(now.pieces(reading.text.end)))
    except (LogError, OSError):
        return frozenset()


def _report(
    case: Case,
    reading: Reading,
    alive: tuple[str, ...],
    above: set[int],
    unchecked: list[str],
    fork: str,
) -> Report:
    walk = reading.walk
    verdict = verdict_of(case.faults)
    if walk.more_faults:
        case.warnings.append(f"{walk.more_faults} further faults are not listed")
    attained: tuple[int, ...] = ()
    if EXIT[verdict] < 3:
        attained = tuple(sorted({0, *range(1, case.level + 1), *above}))
    quick = walk.size - reading.start - walk.strict - (walk.gone - reading.gone)
    if walk.gone:
        unchecked.insert(0, f"{walk.gone} pruned records: only their leaf hashes are there")
    if quick:
        unchecked.insert(0, f"canonical form, actor and body of {quick} records (--full)")
    if reading.start:
        before = "quickly" if reading.quickly_before else "strictly"
        again = f"records 0-{reading.start - 1} again"
        unchecked.insert(0, f"{again}: they were verified before, {before}")
    return Report(
        verdict=verdict,
        exit_status=EXIT[verdict],
        level=attained[-1] if attained else -1,
        attained=attained,
        faults=ordered(case.faults),
        warnings=tuple(case.warnings),
        size=walk.size,
        remembered=reading.start,
        committed=case.own.size if case.own else 0,
        head=walk.head,
        origin=walk.origin,
        running=alive,
        checked=tuple(case.checked),
        not_checked=tuple(unchecked),
        not_proven=not_proven(attained) if attained else (),
        evidence=case.evidence,
        fork=fork,
    )
