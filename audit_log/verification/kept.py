"""The log against what others have kept of it: older checkpoints, the mark, a verifier's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from repro.audit_log.errors import CheckpointError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, split
from repro.audit_log.formats.note_key import Verifier

from .faults import verdict_of
from .forks import make_evidence, make_evidence_of_equals
from .later import Later
from .memory import Memory
from .rotations import Rotations
from .trust import Case, open_old
from .walk import Walk


@dataclass(frozen=True, slots=True)
class Old:
    """A checkpoint that was kept from earlier: the note and what it says."""

    note: bytes
    checkpoint: Checkpoint


def read_old(case: Case, note: bytes | None) -> Old | None:
    """Return the checkpoint in ``note``, whose signatures are not checked yet; a fault if none."""
    if note is None:
        return None
    try:
        return Old(note, parse_checkpoint(split(note)[0]))
    except (NoteError, CheckpointError) as error:
        case.add("old-checkpoint", f"the checkpoint handed in is none: {error}")
        return None


def judge_old(
    case: Case,
    walk: Walk,
    rotations: Rotations,
    old: Old | None,
    pinned: tuple[Verifier, ...],
    leaves: Callable[[], Iterable[bytes]],
) -> tuple[set[int], str]:
    """Return ``{2}`` if the log extends ``old``, and the evidence if it provably does not."""
    if old is None or walk.origin is None:
        return set(), ""
    then = old.checkpoint
    if then.origin != walk.origin:
        message = f"the checkpoint handed in is of {then.origin}, the log is {walk.origin}"
        case.add("old-checkpoint", message)
        return set(), ""
    try:
        open_old(case, rotations, walk.size, pinned, old.note)
    except NoteError as error:
        case.add("old-checkpoint", f"the checkpoint handed in cannot be believed: {error}")
        return set(), ""
    if case.own is None:
        return set(), ""
    now = case.own
    keys = rotations.keys_at(now.size)
    if now.size < then.size:
        case.add("rolled-back", f"the log was signed with {then.size} records, now with {now.size}")
        return set(), ""
    if now.size == then.size and now.root != then.root and _is_signed(case, keys):
        case.add("fork", f"two signed checkpoints over {then.size} records have different roots")
        case.evidence = (old.note.decode(), case.note.decode())
        return set(), make_evidence_of_equals(old.note, case.note, now.root).decode()
    if then.size not in walk.roots:
        return set(), ""
    if walk.roots[then.size] == then.root:
        case.checked.append(f"extends the checkpoint handed in, of {then.size} records")
        return ({2} if case.level >= 1 else set()), ""
    message = f"the first {then.size} records are not those of the checkpoint handed in"
    if is_damaged(case):
        case.add("root", message)
        return set(), ""
    case.add("fork", message)
    if walk.roots.get(now.size) != now.root or not _is_signed(case, keys):
        return set(), ""
    case.evidence = (old.note.decode(), case.note.decode())
    sizes = (then.size, now.size)
    return set(), make_evidence(old.note, case.note, sizes, leaves()).decode()


def judge_mark(case: Case, walk: Walk, mark: Checkpoint | None, later: Callable[[], Later]) -> None:
    """Compare the log with what its key has signed here.

    A checkpoint that is older than the mark is not taken for rolled back while the lines still
    have the root of the mark: a signer raises the mark before it puts the checkpoint in place, and
    may have died in between. Nothing here tells that from an older checkpoint that was put back, so
    it is said, loudly, and left to people; nothing that was signed is missing.
    """
    if mark is None or case.own is None:
        return
    if walk.origin is not None and mark.origin != walk.origin:
        case.add("key", f"the high-water mark is of {mark.origin}, the log is {walk.origin}")
    elif walk.size < mark.size:
        message = f"{mark.size} records were signed here, and {walk.size} are there"
        case.add("rolled-back", message)
    elif walk.roots.get(mark.size) != mark.root:
        message = f"the first {mark.size} records are not those that were signed here"
        case.add("root" if is_damaged(case) else "fork", message)
    else:
        case.checked.append("the high-water mark beside the key")
        # A signer that lives has put its checkpoint there by now.
        if case.own.size < mark.size and later().size < mark.size:
            case.warnings.append(
                f"the key has signed {mark.size} records, the checkpoint says {case.own.size}: "
                "it was put back, or a signer died"
            )


def judge_memory(case: Case, walk: Walk, memory: Memory | None) -> None:
    """Compare the log with what the verifier has seen of it before."""
    if memory is None or case.own is None or walk.origin is None:
        return
    if memory.origin != walk.origin:
        case.add("key", f"{memory.origin} was verified before, and this log is {walk.origin}")
    elif case.own.size < memory.size:
        message = f"{memory.size} signed records were verified before, {case.own.size} are signed"
        case.add("rolled-back", message)
    elif memory.size not in walk.roots:
        return  # shorter than its own checkpoint, which is said already
    elif walk.roots[memory.size] != memory.root:
        message = f"the first {memory.size} records are not those that were verified before"
        case.add("root" if is_damaged(case) else "fork", message)
    else:
        case.checked.append(f"extends what was verified before, of {memory.size} records")


def is_damaged(case: Case) -> bool:
    """Return whether the lines disagree with the log's own chain or root.

    Another checkpoint then disagrees for that reason too: damage is not a fork, which takes two
    logs that are each whole.
    """
    return verdict_of(case.faults) == "tampered"


def _is_signed(case: Case, keys: tuple[Verifier, ...]) -> bool:
    try:
        open_note(case.note, keys)
    except NoteError:
        return False
    return True
