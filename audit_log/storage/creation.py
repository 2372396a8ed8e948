"""How a log begins: its first record, its key, its first checkpoint, all at once.

Everything is made in a directory beside the final one and renamed into place, so that a crash
leaves either no log or a whole one.
"""

from __future__ import annotations

import os
import pwd
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import sync_directory, write_new
from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint
from repro.audit_log.formats.commitment import ACTOR_PATH, Commitment, new_opening
from repro.audit_log.formats.genesis import FORMAT, origin_of
from repro.audit_log.formats.note import sign
from repro.audit_log.formats.note_key import format_vkey
from repro.audit_log.formats.record import (
    FIRST_PREV,
    Actor,
    Record,
    Tool,
    actor_value,
    decode,
    encode,
)
from repro.audit_log.keys.keystore import KeyStore

from . import openings, tail
from .layout import CHECKPOINT, LINES, LOG_LOCK, RUNNING, SIGN_LOCK, STATE, VKEY
from .segments import Text

THIS_ROOM: Final = Tool("repro.audit_log", "1")


def local_actor() -> Actor:
    """Return the user that this process runs as."""
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number without a name
        user = f"uid:{uid}"
    return Actor(user, os.uname().nodename, "effective user of the process")


def create(directory: Path, actor: Actor, tool: Tool, keys: KeyStore, moment: str) -> None:
    """Make the log in ``directory``; raise `LogUnusableError` if something is there."""
    _refuse(directory, keys)
    origin = f"repro.log/{secrets.token_hex(16)}"
    temporary = directory.with_name(f".{directory.name}.{secrets.token_hex(8)}.tmp")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise LogUnusableError(f"cannot make a log at {directory}: {error.strerror}") from error
    try:
        _fill(temporary, origin, actor, tool, keys, moment)
        temporary.rename(directory)
        sync_directory(directory.parent)
        keys.pin(directory, origin)
    except OSError as error:
        raise LogUnusableError(f"cannot make a log at {directory}: {error.strerror}") from error
    finally:
        _remove(temporary)


def require_place(directory: Path, origin: str, keys: KeyStore) -> bool:
    """Return whether ``origin`` was seen in ``directory``; `LogCorruptError` if another log was."""
    held = keys.pinned_origin(directory)
    if held not in (None, origin):
        raise LogCorruptError(f"this place held log {held}, now it holds log {origin}: {directory}")
    return held is not None


def read_origin(directory: Path) -> str:
    """Return the origin that the first record names."""
    line = Text.open(directory).first_line()
    try:
        return origin_of(decode(line) if line else None)
    except RecordError as error:
        raise LogCorruptError(f"record 0 does not begin a log: {error}") from None


def _refuse(directory: Path, keys: KeyStore) -> None:
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise LogUnusableError(f"{directory} is not a directory")
    if directory.is_dir() and any(directory.iterdir()):
        raise LogUnusableError(f"there is a log, or something else, at {directory} already")
    workspace = directory.parent.resolve()
    if keys.root.resolve().is_relative_to(workspace):
        raise LogUnusableError(
            f"the key would lie in the workspace that it vouches for: {keys.root}",
            "set REPRO_KEYS to a directory outside the workspace",
        )


def _fill(
    directory: Path, origin: str, actor: Actor, tool: Tool, keys: KeyStore, moment: str
) -> None:
    vkeys = [format_vkey(key) for key in keys.create(origin)]
    body = {"format": FORMAT, "origin": origin, "vkeys": vkeys}
    nonce = secrets.token_hex(16)
    opening = new_opening(ACTOR_PATH, actor_value(actor))
    held = Commitment(opening.commitment())
    line = encode(Record(0, moment, "log.created", held, tool, nonce, FIRST_PREV, body))
    end = tail.empty()
    end.extend(line)
    checkpoint = Checkpoint(origin, 1, end.frontier.root())
    openings.keep(directory, {held.digest: opening})
    (directory / RUNNING).mkdir()
    (directory / STATE).parent.mkdir()
    for lock in (LOG_LOCK, SIGN_LOCK):
        write_new(directory / lock, b"")
    write_new(directory / VKEY, "".join(f"{vkey}\n" for vkey in vkeys).encode())
    write_new(directory / LINES, line + b"\n")
    keys.raise_mark(checkpoint)
    note = sign(format_checkpoint(checkpoint), keys.signers(origin), _posix(moment))
    write_new(directory / CHECKPOINT, note)
    write_new(directory / STATE, tail.format_state(end) or b"")
    sync_directory(directory)


def _posix(moment: str) -> int:
    return max(0, int(datetime.fromisoformat(moment).timestamp()))


def _remove(temporary: Path) -> None:
    """Remove what a failed creation left; nothing if it was renamed into place."""
    if temporary.is_dir():
        for path in sorted(temporary.rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        temporary.rmdir()
