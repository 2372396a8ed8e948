"""Verify a log: read everything once, believe nothing, say what is and what is not proven.

`verify` raises nothing for a bad log; it returns a `Report`. It writes nothing. The verdicts are
in `faults`; the walk over the lines is in `walk`; this module reads the files and compares the
tree with every checkpoint that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from repro.audit_log.disk.locks import shared
from repro.audit_log.errors import CheckpointError, LogCorruptError, LogUnusableError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import split
from repro.audit_log.formats.note_key import Verifier
from repro.audit_log.formats.record import Record
from repro.audit_log.storage import running
from repro.audit_log.storage.layout import (
    LOG_LOCK,
    SUSPECT,
    read_note,
    require_directory,
)
from repro.audit_log.storage.pruning import is_erased
from repro.audit_log.storage.segments import Text, lines_with

from .artifacts import ArtifactCheck
from .erasures import Erasures
from .faults import EXIT, Fault, Report, not_proven, ordered, verdict_of
from .rotations import Rotations
from .trust import Case, judge_place, judge_signature, open_old, read_published, trusted
from .walk import Walk


def verify(
    directory: Path,
    *,
    vkeys: Sequence[str] = (),
    old_checkpoint: bytes | None = None,
    self_asserted: bool = False,
    artifacts_root: Path | None = None,
    high_water: Checkpoint | None = None,
    held: str | None = None,
    without_openings: bool = False,
) -> Report:
    """Return what can be said about the log in ``directory``.

    ``vkeys`` are the keys that the verifier trusts; ``self_asserted`` accepts the keys that the
    log names itself, at L0. ``old_checkpoint`` is a signed note kept from earlier. With
    ``artifacts_root``, every file that a record names is digested again below it. ``held`` is the
    origin of the log that was seen in this place before.
    ``without_openings`` accepts a copy that was handed out without ``openings/``.
    """
    directory = Path(directory)
    case = Case(directory)
    artifacts = ArtifactCheck(artifacts_root) if artifacts_root is not None else None
    pinned = trusted(case, vkeys)
    there = _read_own(case)
    read_published(case)
    old_text = _split_old(case, old_checkpoint)
    known = [c for c in (case.own, old_text, high_water) if c is not None]
    walk = Walk(frozenset(c.size for c in known))
    walk.start()
    rotations = Rotations()
    erasures = Erasures(directory, without_openings)
    walk.lines = erasures.see_lines

    def visit(record: Record) -> Iterator[Fault]:
        if record.type in rotations.types:
            yield from rotations.see(record)
        if artifacts is not None:
            yield from artifacts.faults_of(record)
        if record.type in erasures.types:
            yield from erasures.see(record)

    walk.visit = visit
    cut = there and _walk(case, walk)
    judge_place(case, rotations.origin, held)
    judge_signature(case, rotations, walk.size, pinned, self_asserted)
    _judge_tree(case, walk, cut)
    _judge_old(case, walk, rotations, old_text, old_checkpoint, pinned)
    _judge_mark(case, walk, high_water)
    alive = _judge_runs(case, walk)
    if artifacts is not None:
        case.checked.append(f"{artifacts.count} artifacts, byte by byte")
    case.faults = [*walk.faults, *case.faults, *(erasures.finish() if there else ())]
    case.checked.extend(erasures.checked)
    case.warnings.extend(erasures.warnings)
    return _report(case, walk, alive, artifacts is not None, erasures.not_checked)


def _read_own(case: Case) -> bool:
    """Return whether there are lines to walk; read the checkpoint.

    It is read *before* the size of the log is, so that the log can only be longer.
    """
    try:
        require_directory(case.directory)
    except LogUnusableError as error:
        case.add("missing", error.problem)
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


def _split_old(case: Case, old: bytes | None) -> Checkpoint | None:
    if old is None:
        return None
    try:
        return parse_checkpoint(split(old)[0])
    except (NoteError, CheckpointError) as error:
        case.add("old-checkpoint", f"the checkpoint handed in is none: {error}")
        return None


def _walk(case: Case, walk: Walk) -> bool:
    """Feed all lines to ``walk``; return whether the last one is incomplete."""
    cut = False
    try:
        with shared(case.directory / LOG_LOCK):
            text = Text.open(case.directory)
        for problem in text.problems:
            case.add("chain", problem)
        for part in text.parts:
            if part.pruned is not None:
                walk.pass_over(part.pruned.leaves(), part.pruned.kept)
                if not is_erased(text, part.first):
                    message = f"the lines from record {part.first} on are gone, by no record"
                    case.add("record", message, part.first)
            for line, whole in part.pieces():
                if whole:
                    walk.feed(line)
                cut = not whole
    except LogCorruptError as error:
        case.add("record", error.problem)
    except LogUnusableError as error:
        case.add("missing", error.problem)
    except OSError as error:
        case.add("missing", f"cannot read the log: {error.strerror or error}")
    if walk.size == 0 and (case.own is None or case.own.size == 0):
        case.add("missing", "the log holds no whole record")
    if walk.orphan is not None:
        _look_for_fork(case, *walk.orphan)
    if (case.directory / SUSPECT).exists():
        case.warnings.append("a sync of this log has failed; it is marked suspect")
    if walk.backwards:
        case.warnings.append(f"time goes backwards at {walk.backwards} records")
    return cut


def _look_for_fork(case: Case, seq: int, prev: str) -> None:
    """Add a fault if two different lines name the same parent as record ``seq`` does."""
    lines: set[bytes] = set()
    try:
        for line in lines_with(case.directory, f',"prev":"{prev}"'.encode()):
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


def _judge_tree(case: Case, walk: Walk, cut: bool) -> None:
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
    case.checked.append(f"{walk.size} records: framing, order, chain, tree")


def _judge_old(
    case: Case,
    walk: Walk,
    rotations: Rotations,
    old: Checkpoint | None,
    note: bytes | None,
    pinned: tuple[Verifier, ...],
) -> None:
    if old is None or note is None or walk.origin is None:
        return
    if old.origin != walk.origin:
        message = f"the checkpoint handed in is of {old.origin}, the log is {walk.origin}"
        case.add("old-checkpoint", message)
        return
    try:
        open_old(case, rotations, walk.size, pinned, note)
    except NoteError as error:
        case.add("old-checkpoint", f"the checkpoint handed in cannot be believed: {error}")
        return
    if case.own is None:
        return
    if case.own.size < old.size:
        message = f"the log was signed with {old.size} records, now with {case.own.size}"
        case.add("rolled-back", message)
    elif old.size in walk.roots and walk.roots[old.size] != old.root:
        message = f"the first {old.size} records are not those of the checkpoint handed in"
        if _is_damaged(case):
            case.add("root", message)
            return
        case.add("fork", message)
        case.evidence = (note.decode(), case.note.decode())
    elif old.size in walk.roots:
        case.level = 2 if case.level == 1 else case.level
        case.checked.append(f"extends the checkpoint handed in, of {old.size} records")


def _judge_mark(case: Case, walk: Walk, mark: Checkpoint | None) -> None:
    if mark is None or case.own is None:
        return
    if walk.origin is not None and mark.origin != walk.origin:
        case.add("key", f"the high-water mark is of {mark.origin}, the log is {walk.origin}")
    elif walk.size < mark.size:
        message = f"{mark.size} records were signed here, and {walk.size} are there"
        case.add("rolled-back", message)
    elif walk.roots[mark.size] != mark.root:
        message = f"the first {mark.size} records are not those that were signed here"
        case.add("root" if _is_damaged(case) else "fork", message)
    else:
        case.checked.append("the high-water mark beside the key")


def _is_damaged(case: Case) -> bool:
    """Return whether the lines disagree with the log's own chain or root.

    Another checkpoint then disagrees for that reason too: damage is not a fork, which takes two
    logs that are each whole.
    """
    return verdict_of(case.faults) == "tampered"


def _judge_runs(case: Case, walk: Walk) -> tuple[str, ...]:
    alive = []
    for run, seq in walk.plans.items():
        try:
            is_alive = running.is_running(case.directory, run)
        except (LogUnusableError, OSError):
            is_alive = False
        if is_alive:
            alive.append(run)
        else:
            message = f"run {run}, planned in record {seq}, has no end and nobody runs it"
            case.add("run", message, seq)
    return tuple(sorted(alive))


def _report(
    case: Case, walk: Walk, alive: tuple[str, ...], artifacts: bool, more: Sequence[str]
) -> Report:
    verdict = verdict_of(case.faults)
    if walk.more_faults:
        case.warnings.append(f"{walk.more_faults} further faults are not listed")
    level = case.level if EXIT[verdict] < 3 else -1
    unchecked = ["bodies against their schemas", "trusted timestamps (L3), witnesses (L4)"]
    if not artifacts:
        unchecked.append("artifacts")
    unchecked.extend(more)
    return Report(
        verdict=verdict,
        exit_status=EXIT[verdict],
        level=level,
        faults=ordered(case.faults),
        warnings=tuple(case.warnings),
        size=walk.size,
        committed=case.own.size if case.own else 0,
        head=walk.head,
        origin=walk.origin,
        running=alive,
        checked=tuple(case.checked),
        not_checked=tuple(unchecked),
        not_proven=not_proven(level) if level >= 0 else (),
        evidence=case.evidence,
    )
