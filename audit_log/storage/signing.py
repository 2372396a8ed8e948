"""The rules under which a checkpoint is signed; the sign lock and the key's lock are held.

The high-water mark is durable before each signature, so that no two signed checkpoints can
contradict each other: signing refuses unless the log extends both the checkpoint and the mark.

A rotation takes five steps, and each is durable before the next:

    1   the new keys are written as ``next.key``
    2   a record ``key.rotated`` that names them is appended, signed by the old key and the new
    3   a checkpoint over it is signed by the new keys
    4   ``log.vkey``, ``retired.vkeys`` and ``public.vkey`` are written
    5   ``next.key`` takes the place of ``private.key``

So ``next.key`` and its record tell what is left to do: without the record nothing has happened,
and the old keys stay in force; with it, whoever signs next does the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import replace, sync_directory
from repro.audit_log.errors import (
    CheckpointError,
    LogCorruptError,
    LogUnusableError,
    NoteError,
    RecordError,
)
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, sign, split
from repro.audit_log.formats.note_key import Signer, Verifier, format_vkey, verifier_of
from repro.audit_log.formats.record import decode
from repro.audit_log.formats.rotation import TYPE, read_rotation
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.keys.retired import Retired

from .layout import CHECKPOINT, STATE, VKEY, read_note
from .segments import lines_with
from .tail import Tail, format_state, root_from_lines

_STATE: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def commit(
    directory: Path,
    tail: Tail,
    signers: Sequence[Signer],
    former: Sequence[Retired],
    keys: KeyStore,
    time: int,
    judge: Callable[[int], None],
) -> Checkpoint:
    """Sign ``tail``, whose lines are durable; return the checkpoint that now stands.

    ``judge`` is told how many records were signed, by checkpoint or mark beside the key, and
    raises if what comes after them must not be.

    ``former`` are the keys that ``signers`` came after, the oldest first; ``time``, in POSIX
    seconds, is when cosigners among them say that they signed.
    """
    origin = signers[0].name
    wanted = Checkpoint(origin, tail.size, tail.frontier.root())
    current, is_whole = _current(directory, tuple(verifier_of(s) for s in signers), former)
    _require_extends(directory, tail, current, "its checkpoint")
    mark = keys.mark(origin)
    if mark is None:
        raise LogUnusableError(
            f"no high-water mark beside the key in {keys.directory(origin)}: "
            "nothing says what this key has signed"
        )
    _require_extends(directory, tail, mark, "what its key has signed (was it put back?)")
    if current == wanted and is_whole:
        # A signer may have died between its rename and the sync of the directory.
        sync_directory(directory)
        return current
    judge(max(current.size, mark.size))  # what was signed here was judged then
    # Also if it stands there already, left by a signer that died: only who has synced a mark knows
    # that it is durable.
    keys.raise_mark(wanted)
    replace(directory / CHECKPOINT, sign(format_checkpoint(wanted), signers, time))
    _keep_state(directory, tail)
    return wanted


def rotation_of(
    directory: Path, signers: Sequence[Signer], in_force: Sequence[Verifier]
) -> int | None:
    """Return the record that puts ``signers`` in force after ``in_force``; None if none does.

    A record that names them, and whose note these keys and those in force have not signed, is not
    one: their public halves may be known.
    """
    wanted = tuple(verifier_of(signer) for signer in signers)
    vkeys = [format_vkey(verifier_of(signer)) for signer in signers]
    for line in lines_with(directory, vkeys[0].encode()):
        try:
            record = decode(line)
        except RecordError:
            continue
        if record.type != TYPE or record.body.get("vkeys") != vkeys:
            continue
        with suppress(RecordError):
            if read_rotation(record, wanted[0].name, in_force) == wanted:
                return record.seq
    return None


def publish(directory: Path, signers: Sequence[Signer]) -> None:
    """Write the public keys in force beside the log, durable on return."""
    vkeys = "".join(f"{format_vkey(verifier_of(signer))}\n" for signer in signers)
    replace(directory / VKEY, vkeys.encode())


def _current(
    directory: Path, keys: tuple[Verifier, ...], former: Sequence[Retired]
) -> tuple[Checkpoint, bool]:
    """Return what the checkpoint says, and whether every key in force has signed it."""
    try:
        data = read_note(directory)
        current = parse_checkpoint(split(data)[0])
        if current.extensions:
            raise CheckpointError("it has lines after the root")
        in_force = next((f.keys for f in former if current.size <= f.last), keys)
        signed = {verified.verifier for verified in open_note(data, in_force).verified}
        if in_force[0] not in signed:
            raise NoteError("the Ed25519 key in force has not signed it")
        return current, signed == set(in_force)
    except (NoteError, CheckpointError) as error:
        raise LogCorruptError(f"the checkpoint of the log cannot be believed: {error}") from None


def _require_extends(directory: Path, tail: Tail, old: Checkpoint, what: str) -> None:
    if old.size > tail.size:
        raise LogCorruptError(f"the log is shorter than {what}: {tail.size} of {old.size} records")
    root = tail.root_at(old.size)
    if root is None:
        root = root_from_lines(directory, old.size)
    if root != old.root:
        raise LogCorruptError(f"the first {old.size} records of the log are not those of {what}")


def _keep_state(directory: Path, tail: Tail) -> None:
    """Write the derived state over the old one; it may be lost or torn: nobody believes it unseen.

    Not renamed into place: renaming over a file makes ext4 write it out (250 µs for 10).
    """
    path = directory / STATE
    data = format_state(tail)
    if data is None:
        return
    with suppress(OSError):  # without it the next opening walks all lines; the signature stands
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, _STATE, 0o644)
        try:
            os.ftruncate(descriptor, os.write(descriptor, data))
        finally:
            os.close(descriptor)
