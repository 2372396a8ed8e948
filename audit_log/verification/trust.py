"""Whose log it is: the keys that the verifier trusts, those that the log names, the signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import NoteError
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.note import open_note
from repro.audit_log.formats.note_key import Verifier, parse_vkey
from repro.audit_log.storage.layout import VKEY

from .faults import Fault
from .walk import Walk


@dataclass(slots=True)
class Case:
    """What is known while a log is looked at."""

    directory: Path
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    own: Checkpoint | None = None
    note: bytes = b""
    level: int = 0
    evidence: tuple[str, ...] = ()

    def add(self, code: str, message: str, seq: int | None = None) -> None:
        """Add a fault."""
        self.faults.append(Fault(seq, code, message))


def trusted(case: Case, vkeys: Sequence[str]) -> tuple[Verifier, ...]:
    """Return the keys that ``vkeys`` spell; a fault for each that is none."""
    found = []
    for vkey in vkeys:
        try:
            found.append(parse_vkey(vkey.strip()))
        except NoteError as error:
            case.add("key", f"not a public key: {vkey.strip()!r} ({error})")
    return tuple(found)


def judge_signature(
    case: Case, walk: Walk, pinned: tuple[Verifier, ...], self_asserted: bool
) -> None:
    """Add a fault unless the right keys signed the checkpoint; set the level that they give."""
    own = _keys_of_log(case, walk) if walk.size else ()
    if case.own is None:
        return
    if walk.origin is not None and case.own.origin != walk.origin:
        case.add("checkpoint", f"the checkpoint is of {case.own.origin}, the log is {walk.origin}")
    if not pinned and not self_asserted:
        case.add("key", "nothing says whose log this is: no key was given")
    # Its own keys are tried in any case: a log whose checkpoint they did not sign is broken,
    # whatever the verifier trusts.
    if own and not _is_signed(case, own, "the key that the log names"):
        return
    if pinned and _is_signed(case, pinned, "the pinned key", ours=own):
        case.level = 1
        case.checked.append("the signature of the pinned key")
    elif self_asserted and own:
        case.checked.append("the signature of the key that the log itself names")


def _keys_of_log(case: Case, walk: Walk) -> tuple[Verifier, ...]:
    try:
        found = tuple(parse_vkey(vkey) for vkey in walk.vkeys)
    except NoteError as error:
        case.add("record", f"record 0 names a key that is none: {error}", 0)
        return ()
    if found and all(key.name != walk.origin for key in found):
        case.add("record", "record 0 names no key of its own origin", 0)
    try:
        text = read_small(case.directory / VKEY, 65_536)
    except OSError:
        case.warnings.append(f"{VKEY} is missing or cannot be read")
    else:
        if found and text != "".join(f"{vkey}\n" for vkey in walk.vkeys).encode():
            case.add("vkey", f"{VKEY} does not hold the keys that record 0 names")
    return found


def _is_signed(
    case: Case, keys: tuple[Verifier, ...], what: str, ours: tuple[Verifier, ...] = ()
) -> bool:
    # A key signs for the origin that it is named after, and for no other.
    origin = case.own.origin if case.own else ""
    try:
        open_note(case.note, [key for key in keys if key.name == origin])
    except NoteError as error:
        stranger = bool(ours) and not set(ours) & set(keys)
        hint = "; the log does not name this key: it may be another log" if stranger else ""
        code = "key" if stranger else "signature"
        case.add(code, f"the checkpoint is not signed by {what}: {error}{hint}")
        return False
    return True
