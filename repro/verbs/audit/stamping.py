"""Trusted time stamps over checkpoints of the log: asked for, taken in, kept, and checked again.

    AUDIT_LOG/timestamps/<size>-<first 8 hex of the root>.note    the checkpoint, verbatim
    AUDIT_LOG/timestamps/<size>-<first 8 hex of the root>.tsr     what the authority said of it

The note is there as soon as a stamp is asked for: a response that is carried back next week is one
over that checkpoint, whatever was signed since.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, sync_directory
from repro.audit_log.errors import CheckpointError, NoteError, TimestampError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import MAX_NOTE, open_note, split
from repro.audit_log.formats.note_key import Verifier
from repro.audit_log.outside import timestamp
from repro.audit_log.verification.levels import Stamp
from repro.errors import InputError, UsageError
from repro.verbs.audit.files import read_input, require_new, write_files
from repro.verbs.audit.reading import keys_named, require_log, signed_head

FOLDER: Final = "timestamps"
MAX_PEM: Final = 1_000_000
_MAX_REQUEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Stamped:
    """What was asked for or taken in."""

    checkpoint: Checkpoint
    request: Path | None
    """The file that was handed out."""
    response: Path | None
    """Where the response is kept; None if there is none yet."""
    time: str | None
    """When the checkpoint existed, by the authority's word; RFC 3339, UTC."""
    authority: str | None
    """Who signed the stamp, if that was checked; None if it was not."""


def request_stamp(root: Path, out: Path) -> Stamped:
    """Write a request over the current checkpoint to the new file ``out``; keep the checkpoint."""
    directory = require_log(root)
    head = signed_head(directory)
    kept = _path(directory, head.checkpoint)
    _require_unstamped(kept)
    require_new(out)
    try:
        request = timestamp.make_request(head.text)
    except TimestampError as error:
        raise InputError(str(error)) from None
    _keep_note(kept, head.note)
    write_files({out: request})
    return Stamped(head.checkpoint, out, None, None, None)


def fetch_stamp(root: Path, url: str, authorities: Path | None = None) -> Stamped:
    """Ask the authority at ``url`` for a stamp over the current checkpoint, check and keep it."""
    directory = require_log(root)
    head = signed_head(directory)
    kept = _path(directory, head.checkpoint)
    _require_unstamped(kept)
    pinned = read_authorities(authorities)
    try:
        request = timestamp.make_request(head.text)
        response = timestamp.send(request, url)
        time, who = _checked(response, head.text, pinned, request)
    except TimestampError as error:
        raise InputError(f"no time stamp: {error}", "nothing was kept; ask again") from None
    return _keep(kept, head.note, head.checkpoint, response, time, who)


def take_stamp(
    root: Path, response: Path, request: Path | None = None, authorities: Path | None = None
) -> Stamped:
    """Take in a response that was carried here, over the current or an earlier kept checkpoint.

    With ``request`` the two must belong together; with ``authorities`` (PEM) one of them must have
    signed. InputError if anything does not hold: nothing is kept then.
    """
    directory = require_log(root)
    pinned = read_authorities(authorities)
    asked = read_input(request, _MAX_REQUEST, "the request") if request is not None else None
    data = read_input(response, timestamp.MAX_RESPONSE, "the response")
    notes = [signed_head(directory).note, *_waiting(directory)]
    refused = ""
    for note in notes:
        text, _ = split(note)
        checkpoint = parse_checkpoint(text)
        try:
            time, who = _checked(data, text, pinned, asked)
        except TimestampError as error:
            refused = refused if "another checkpoint" in str(error) and refused else str(error)
            continue
        kept = _path(directory, checkpoint)
        _require_unstamped(kept)
        return _keep(kept, note, checkpoint, data, time, who)
    raise InputError(f"{response}: {refused}", "nothing was kept")


def read_authorities(path: Path | None) -> bytes | None:
    """Return the pinned certificates in a PEM file; InputError if there are none in it."""
    if path is None:
        return None
    from cryptography.x509 import load_pem_x509_certificates

    data = read_input(path, MAX_PEM, "the certificates")
    try:
        load_pem_x509_certificates(data)
    except ValueError as error:
        raise InputError(f"{path} holds no certificates (PEM): {error}") from None
    return data


def kept_stamps(
    directory: Path, authorities: bytes | None
) -> tuple[tuple[Stamp, ...], tuple[str, ...]]:
    """Return the stamps in a log that hold, and in words what is wrong with the others.

    A stamp counts if a pinned authority has signed it over a checkpoint that lies beside it and
    that a key of this log has signed. Without ``authorities`` none is looked at, and that is said.
    Whether the log extends these checkpoints is for `verify` to judge.
    """
    folder = directory / FOLDER
    names = sorted(path.stem for path in folder.glob("*.tsr")) if folder.is_dir() else []
    if authorities is None:
        count = f"{len(names)} time stamp{'' if len(names) == 1 else 's'}"
        return (), (f"{count} in {FOLDER}/: not checked (--stamp-authority PEM)",) if names else ()
    keys = [k for e in keys_named(directory, rotated=True).epochs for k in e.keys] if names else []
    found, wrong = [], []
    for name in names:
        try:
            found.append(_stamp(folder / name, authorities, keys))
        except (OSError, NoteError, CheckpointError, TimestampError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            wrong.append(f"the time stamp {FOLDER}/{name}.tsr does not hold: {reason}")
    return tuple(found), tuple(wrong)


def stamps_over(directory: Path, checkpoint: Checkpoint) -> tuple[bytes, ...]:
    """Return the kept responses over one checkpoint, unchecked."""
    try:
        path = _path(directory, checkpoint).with_suffix(".tsr")
        return (read_small(path, timestamp.MAX_RESPONSE),)
    except FileNotFoundError:
        return ()


def _stamp(path: Path, authorities: bytes, keys: list[Verifier]) -> Stamp:
    response = timestamp.read_response(path.with_suffix(".tsr"))
    note = read_small(path.with_suffix(".note"), MAX_NOTE + 1)
    checkpoint = parse_checkpoint(split(note)[0])
    open_note(note, [key for key in keys if key.name == checkpoint.origin])
    stamp = timestamp.verify_stamp(response, split(note)[0], authorities)
    return Stamp(_moment(stamp.time), stamp.authority, checkpoint.size, checkpoint.root)


def _checked(
    response: bytes, text: str, authorities: bytes | None, request: bytes | None
) -> tuple[str, str | None]:
    """Return time and, if it was checked, authority; `TimestampError` if it does not hold."""
    time = timestamp.covers(response, text, request)
    if authorities is None:
        return _moment(time), None
    stamp = timestamp.verify_stamp(response, text, authorities, request)
    return _moment(stamp.time), stamp.authority


def _keep(
    path: Path, note: bytes, checkpoint: Checkpoint, response: bytes, time: str, who: str | None
) -> Stamped:
    _keep_note(path, note)
    kept = path.with_suffix(".tsr")
    write_files({kept: response})
    return Stamped(checkpoint, None, kept, time, who)


def _keep_note(path: Path, note: bytes) -> None:
    """Keep the checkpoint, unless one with the same text is kept already; durable on return."""
    kept = path.with_suffix(".note")
    try:
        if not kept.parent.is_dir():
            kept.parent.mkdir()
            sync_directory(kept.parent.parent)
        there = read_small(kept, MAX_NOTE + 1)
    except FileNotFoundError:
        write_files({kept: note})
        return
    except OSError as error:
        raise InputError(f"cannot write {kept}: {error.strerror or error}") from error
    with suppress(NoteError):
        if split(there)[0] == split(note)[0]:
            return
    raise InputError(f"{kept} is not the checkpoint that it is named after", "move it away")


def _waiting(directory: Path) -> list[bytes]:
    """Return the kept checkpoints that have no stamp yet and that this log has signed."""
    folder = directory / FOLDER
    paths = sorted(folder.glob("*.note"), reverse=True) if folder.is_dir() else []
    waiting = [path for path in paths if not path.with_suffix(".tsr").exists()]
    keys = [k for e in keys_named(directory, rotated=True).epochs for k in e.keys]
    notes = []
    for path in waiting:
        with suppress(OSError, NoteError, CheckpointError):
            note = read_small(path, MAX_NOTE + 1)
            parse_checkpoint(open_note(note, keys).text)
            notes.append(note)
    return notes


def _require_unstamped(path: Path) -> None:
    if path.with_suffix(".tsr").exists():
        raise UsageError(
            f"this checkpoint is stamped already: {path.with_suffix('.tsr')}",
            "a stamp is never overwritten; ask again after the next checkpoint",
        )


def _path(directory: Path, checkpoint: Checkpoint) -> Path:
    """Return where the stamp of a checkpoint lies, without the ending."""
    return directory / FOLDER / f"{checkpoint.size}-{checkpoint.root.hex()[:8]}"


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
