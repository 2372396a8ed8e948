"""The rules under which a checkpoint is signed; the sign lock and the key's lock are held.

The high-water mark is durable before each signature, so that no two signed checkpoints can
contradict each other: signing refuses unless the log extends both the checkpoint and the mark.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import replace, sync_directory
from repro.audit_log.errors import CheckpointError, LogCorruptError, LogUnusableError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, sign
from repro.audit_log.formats.note_key import Signer, verifier_of
from repro.audit_log.keys.keystore import KeyStore

from .layout import CHECKPOINT, STATE, read_note
from .tail import Tail, format_state, root_from_lines

_STATE: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def commit(directory: Path, tail: Tail, signer: Signer, keys: KeyStore) -> Checkpoint:
    """Sign ``tail``, whose lines are durable; return the checkpoint that now stands."""
    wanted = Checkpoint(signer.name, tail.size, tail.frontier.root())
    current = _current(directory, signer)
    _require_extends(directory, tail, current, "its checkpoint")
    mark = keys.mark(signer.name)
    if mark is None:
        raise LogUnusableError(
            f"no high-water mark beside the key in {keys.directory(signer.name)}: "
            "nothing says what this key has signed"
        )
    _require_extends(directory, tail, mark, "what its key has signed (was it put back?)")
    if current == wanted:
        # A signer may have died between its rename and the sync of the directory.
        sync_directory(directory)
        return current
    # Also if it stands there already, left by a signer that died: only who has synced a mark knows
    # that it is durable.
    keys.raise_mark(wanted)
    replace(directory / CHECKPOINT, sign(format_checkpoint(wanted), [signer]))
    _keep_state(directory, tail)
    return wanted


def _current(directory: Path, signer: Signer) -> Checkpoint:
    try:
        note = open_note(read_note(directory), [verifier_of(signer)])
        current = parse_checkpoint(note.text)
        if current.extensions:
            raise CheckpointError("it has lines after the root")
        return current
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
    with suppress(OSError):  # without it the next opening walks all lines; the signature stands
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, _STATE, 0o644)
        try:
            os.ftruncate(descriptor, os.write(descriptor, data))
        finally:
            os.close(descriptor)
