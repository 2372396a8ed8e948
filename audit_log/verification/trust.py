"""Whose log it is: the keys that the verifier trusts, those that the log names, the signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import NoteError, UnknownSignerError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import Verified, open_note, split
from repro.audit_log.formats.note_key import (
    ED25519,
    KINDS,
    MLDSA44_COSIGNATURE,
    Verifier,
    parse_vkey,
)
from repro.audit_log.storage.layout import VKEY

from .faults import Fault
from .rotations import Epoch, Rotations


@dataclass(slots=True)
class Case:
    """What is known while a log is looked at."""

    directory: Path
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    own: Checkpoint | None = None
    note: bytes = b""
    published: bytes | None = None
    """What ``log.vkey`` holds."""
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


def read_published(case: Case) -> None:
    """Read ``log.vkey``; call it before the lines are read, which a rotation changes first."""
    try:
        case.published = read_small(case.directory / VKEY, 65_536)
    except OSError:
        case.published = None


def judge_place(case: Case, origin: str | None, held: str | None) -> None:
    """Add a fault if this machine saw another log, ``held``, where the log ``origin`` lies."""
    if held is not None and origin is not None and origin != held:
        case.add("swapped", f"this place held log {held}, now it holds log {origin}")


def judge_signature(
    case: Case,
    rotations: Rotations,
    size: int,
    pinned: tuple[Verifier, ...],
    self_asserted: bool,
) -> None:
    """Add a fault unless the right keys signed the checkpoint; set the level that they give.

    ``size`` is how many records were read; `read_published` was called.
    """
    if size:
        _judge_published(case, rotations)
    if case.own is None:
        return
    origin = rotations.origin
    if origin is not None and case.own.origin != origin:
        case.add("checkpoint", f"the checkpoint is of {case.own.origin}, the log is {origin}")
    if not pinned and not self_asserted:
        case.add("key", "nothing says whose log this is: no key was given")
    # Its own keys are tried in any case: a log whose checkpoint they did not sign is broken,
    # whatever the verifier trusts.
    own = rotations.keys_at(case.own.size)
    if own and not _is_signed_by_own(case, rotations, own):
        return
    case.checked.extend(_rotated(epoch) for epoch in rotations.epochs[1:])
    if pinned and _is_signed_by_pinned(case, rotations, own, pinned):
        case.level = 1
    elif self_asserted and own:
        case.checked.append("the signature of the key that the log itself names")


def open_old(
    case: Case, rotations: Rotations, size: int, pinned: tuple[Verifier, ...], note: bytes
) -> None:
    """Raise `NoteError` unless the keys in force then have signed a checkpoint kept from earlier.

    ``size`` is how many records were read. Beyond them nothing says which keys are in force, and
    the pinned ones themselves must have signed.
    """
    old = parse_checkpoint(split(note)[0])
    then = rotations.keys_at(old.size)
    keys = list(then) if not pinned or any(_leads(rotations, key) for key in pinned) else []
    for key in pinned:
        if old.size > size or key in then or rotations.epoch_of(key) is None:
            keys.append(key)
    open_note(note, [key for key in dict.fromkeys(keys) if key.name == old.origin])


def _judge_published(case: Case, rotations: Rotations) -> None:
    if case.published is None:
        case.warnings.append(f"{VKEY} is missing or cannot be read")
        return
    if not rotations.epochs or case.published == rotations.epochs[-1].published:
        return
    if any(case.published == epoch.published for epoch in rotations.epochs):
        # A rotation writes its record first; the file follows when the new keys have signed.
        if case.own is None or rotations.keys_at(case.own.size) == rotations.epochs[-1].keys:
            case.warnings.append(f"{VKEY} holds keys that were replaced")
        return
    case.add("vkey", f"{VKEY} does not hold the keys that the records name")


def _is_signed_by_own(case: Case, rotations: Rotations, own: tuple[Verifier, ...]) -> bool:
    what = "the key that the log names"
    if own != rotations.epochs[0].keys:
        what += f", in force since record {_since(rotations, own)}"
    verified = _open(case, own)
    if isinstance(verified, NoteError):
        case.add("signature", f"the checkpoint is not signed by {what}: {verified}")
        return False
    if not any(one.verifier.kind == ED25519 for one in verified):
        case.add("signature", f"the checkpoint is not signed by {what}: no Ed25519 signature")
        return False
    signed = {one.verifier for one in verified}
    if any(key.kind == MLDSA44_COSIGNATURE and key not in signed for key in own):
        case.warnings.append(
            "the checkpoint lacks the ML-DSA-44 cosignature of the key that the log names"
        )
    return True


def _is_signed_by_pinned(
    case: Case, rotations: Rotations, own: tuple[Verifier, ...], pinned: tuple[Verifier, ...]
) -> bool:
    verified = _open(case, pinned)
    if isinstance(verified, NoteError):
        if isinstance(verified, UnknownSignerError) and not set(own) & set(pinned):
            if any(_leads(rotations, key) for key in pinned):
                case.checked.append("the signature of a key that the pinned one leads to")
                return _has_post_quantum(case, rotations, own, pinned, ())
            if any(rotations.epoch_of(key) for key in pinned):
                message = "the pinned key was replaced, and only Ed25519 keys sign for new ones"
                case.add("key", f"{message}: pin one in force, or the Ed25519 key")
                return False
        stranger = bool(own) and not set(own) & set(pinned)
        hint = "; the log does not name this key: it may be another log" if stranger else ""
        code = "key" if stranger else "signature"
        case.add(code, f"the checkpoint is not signed by the pinned key: {verified}{hint}")
        return False
    kinds = " and ".join(KINDS[one.verifier.kind] for one in verified)
    case.checked.append(f"the signature of the pinned key ({kinds})")
    return _has_post_quantum(case, rotations, own, pinned, verified)


def _has_post_quantum(
    case: Case,
    rotations: Rotations,
    own: tuple[Verifier, ...],
    pinned: tuple[Verifier, ...],
    verified: tuple[Verified, ...],
) -> bool:
    """Return whether the ML-DSA-44 keys that are pinned have signed as they must."""
    signed = {one.verifier for one in verified}
    for key in pinned:
        if key.kind != MLDSA44_COSIGNATURE or key in signed:
            continue
        if key in own:
            case.add("signature", "the checkpoint lacks the pinned key's ML-DSA-44 cosignature")
            return False
        if rotations.epoch_of(key) is not None:
            case.warnings.append(
                "the pinned ML-DSA-44 key is not the one in force, and only Ed25519 keys sign "
                "for new ones: this is no post-quantum assurance"
            )
    return True


def _open(case: Case, keys: tuple[Verifier, ...]) -> tuple[Verified, ...] | NoteError:
    # A key signs for the origin that it is named after, and for no other.
    origin = case.own.origin if case.own else ""
    try:
        return open_note(case.note, [key for key in keys if key.name == origin]).verified
    except NoteError as error:
        return error


def _leads(rotations: Rotations, key: Verifier) -> bool:
    """Return whether a chain of rotations joins ``key`` with the keys in force at any size."""
    return key.kind == ED25519 and rotations.epoch_of(key) is not None


def _since(rotations: Rotations, keys: tuple[Verifier, ...]) -> int:
    return next(epoch.seq for epoch in rotations.epochs if epoch.keys == keys)


def _rotated(epoch: Epoch) -> str:
    return f"key rotated at record {epoch.seq}, signed by old and new"
