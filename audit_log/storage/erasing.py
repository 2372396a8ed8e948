"""Erasing: what opens a commitment is deleted, and a record says so; every proof stays valid.

First the openings move from ``openings/`` to ``erasing/``; then the record ``erasure`` is appended
and committed; then they are deleted, and every copy of them that can be found. A crash before the
record undoes the move, a crash after it completes the deletion, both at the next opening of the
log. Nobody who writes meanwhile needs one of them: see `openings.Author`.

The body of the record is {"what": "openings", "commitments": [64 hex, …], "reason": TEXT}.

What this cannot do is in `BEYOND`, and is part of what `erase` returns, with its own records.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from repro.audit_log.disk.locks import exclusive, exclusive_if_free
from repro.audit_log.disk.sync import read_small, replace, sync_directory
from repro.audit_log.errors import (
    CanonicalError,
    LogError,
    LogUnusableError,
    OpeningError,
    RecordError,
)
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.commitment import (
    ACTOR_PATH,
    COMMITTED,
    Opening,
    commitments_in,
    is_digest,
)
from repro.audit_log.formats.record import actor_value, decode

from . import copies, hold, openings
from .layout import LOG_LOCK, STATE, read_checkpoint
from .openings import ERASING, OPENINGS
from .search import lines_holding

if TYPE_CHECKING:
    from .store import Log

ERASE_LOCK: Final = "erase.lock"
BEYOND: Final = (
    "copies that somebody else has kept, and backups, are beyond reach",
    "archives, and files that are compressed or encrypted, were not searched",
    "a deleted file is not physically erased: its blocks stay until the disk writes over them",
)
_ALSO: Final = "also"
_IN_A_RECORD: Final = 900
"""Commitments in one record: a line has room for more than 950."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    records: tuple[int, ...]
    """The records ``erasure``; none if everything was named by one before."""
    removed: tuple[str, ...]
    """Files that were deleted."""
    left: tuple[str, ...]
    """Files that still hold what opens a commitment, or could not be searched, with why."""
    beyond: tuple[str, ...] = BEYOND
    """What no erasure reaches."""
    freed_by: tuple[int, ...] = ()
    """The approvals that have lifted legal holds: a human should know of them."""


def erase(
    log: Log, commitments: Iterable[str], reason: str, *, also: Sequence[Path] = ()
) -> Erased:
    """Erase the openings of ``commitments``, here, in ``derived/`` and below each of ``also``.

    What was erased before is deleted again, if it has come back, without another record.
    `LogUnusableError`: a legal hold is in force (it is named), a commitment stands in no record,
    there is no key to sign the record, or a directory cannot be written. Nothing is erased then.
    """
    wanted = sorted(set(commitments))
    for digest in wanted:
        if not is_digest(digest):
            raise LogUnusableError(f"not a commitment: {digest!r}")
    if not reason.strip():
        raise LogUnusableError("an erasure needs a reason")
    folders = _folders(also)
    log.keys.signer(log.origin)  # without a key nothing could be committed: say so at the start
    directory = log.directory
    try:
        with exclusive(directory / ERASE_LOCK):
            covered = log.commit_to_erase().size
            if any(openings.present(directory, ERASING)):  # what an earlier one has left
                _settle(directory)
            freed = hold.require_none(log, "erasure", covered)
            named = _set_aside(directory, wanted, folders)
            try:
                records = _record(log, named, reason, covered)
            except LogError:
                _settle(directory)
                raise
            return _delete(directory, wanted, folders, records, freed)
    except OpeningError as error:
        raise LogUnusableError(f"nothing can be erased: {error}") from error
    except OSError as error:
        raise LogUnusableError(
            f"the erasure could not be finished: {error.strerror or error}",
            "open the log again: that finishes it, or undoes it if it was not recorded",
        ) from error


def finish_interrupted(directory: Path) -> None:
    """Complete the erasure that a crash has left recorded, undo one that is not; no lock is held.

    Nothing happens while somebody else is erasing.
    """
    try:
        if any(openings.present(directory, ERASING)):
            with exclusive_if_free(directory / ERASE_LOCK) as is_ours:
                if is_ours:
                    _settle(directory)
    except OpeningError as error:
        raise LogUnusableError(f"the log in {directory} cannot be used: {error}") from None


def commitments_of(
    directory: Path, *, user: str | None = None, seq: int | None = None, path: str | None = None
) -> tuple[str, ...]:
    """Return the commitments to erase: all of an actor's, by user name, or those of a record.

    ``user`` looks into the openings that are still there. ``seq`` with ``path`` (``actor``,
    ``body.reason``) is one place of one record; without, every commitment that the record holds.
    """
    found: list[str] = []
    if user is not None:
        for digest in openings.present(directory):
            try:
                opening = openings.read(directory, digest)
            except OpeningError:
                continue  # verification names it
            if opening is not None and _is_user(opening, user):
                found.append(digest)
    if seq is not None:
        for line in lines_holding(directory, f',"seq":{seq},'.encode()):
            try:
                record = decode(line)
            except RecordError:
                continue
            if record.seq == seq:
                held = (("actor", actor_value(record.actor)), ("body", dict(record.body)))
                pairs = [pair for name, value in held for pair in commitments_in(value, name)]
                found.extend(digest for place, digest in pairs if path in (None, place))
    return tuple(sorted(set(found)))


def _is_user(opening: Opening, user: str) -> bool:
    value = opening.value
    return opening.path == ACTOR_PATH and isinstance(value, dict) and value.get("user") == user


def _folders(also: Sequence[Path]) -> tuple[Path, ...]:
    folders = tuple(Path(folder).absolute() for folder in also)
    for folder in folders:
        if folder.is_symlink() or not folder.is_dir():
            raise LogUnusableError(f"cannot be searched: {folder} is not a directory")
    return folders


def _set_aside(directory: Path, wanted: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Move the openings that are to be erased; return the commitments that a record must name.

    Under the log lock: an opening without a record is what a crash left, and only if nobody is
    about to write that record.
    """
    with exclusive(directory / LOG_LOCK):
        openings.sweep(directory)
        gone = openings.erased(directory)
        held: set[str] = set()
        new = {digest.encode() for digest in wanted if digest not in gone}
        if new:
            for line in lines_holding(directory, b'{"commitment":"'):
                held.update(digest.decode() for digest in new.intersection(COMMITTED.findall(line)))
        orphans = [d for d in wanted if d not in gone and d not in held]
        for digest in orphans:
            if not openings.path_of(directory, digest).exists():
                raise LogUnusableError(f"no record holds the commitment {digest}")
        openings.discard(directory, orphans)
        folder = directory / ERASING
        if openings.is_link(folder):
            raise LogUnusableError(f"{ERASING}/ is a symbolic link")
        folder.mkdir(exist_ok=True)
        sync_directory(directory)
        try:
            replace(folder / _ALSO, canonical([str(place) for place in folders]))
        except CanonicalError as error:
            raise LogUnusableError(f"a directory whose name is not UTF-8: {error}") from None
        for digest in sorted(held):
            _move(directory, digest, OPENINGS, ERASING)
        _sync(directory)
    return sorted(held)


def _record(log: Log, named: Sequence[str], reason: str, covered: int) -> tuple[int, ...]:
    records = []
    for start in range(0, len(named), _IN_A_RECORD):
        part = list(named[start : start + _IN_A_RECORD])
        body = {"what": "openings", "commitments": part, "reason": reason}
        done = log.append_if(lambda: not hold.active(log, covered), "erasure", body)
        if done is None:  # placed since we looked
            hold.require_none(log, "erasure", covered)
            raise LogUnusableError("erasure is refused: a legal hold was in force")
        records.append(done.seq)
    if records:
        log.commit()
    return tuple(records)


def _settle(directory: Path) -> None:
    """Delete what lies in ``erasing/`` if a committed record names it, else put it back.

    What is named by a record that is not committed stays: a later opening decides.
    """
    pending = sorted(openings.present(directory, ERASING))
    if not pending:
        return
    named, committed = openings.erased(directory), read_checkpoint(directory).size
    for digest in pending:
        if digest not in named:
            _move(directory, digest, ERASING, OPENINGS)
    _sync(directory)
    recorded = [digest for digest in pending if named.get(digest, committed) < committed]
    if recorded:
        _delete(directory, recorded, _remembered(directory), ())


def _remembered(directory: Path) -> tuple[Path, ...]:
    """Return the directories that the interrupted erasure was to search, if still there."""
    try:
        value = parse(read_small(directory / ERASING / _ALSO, 1 << 20))
    except (OSError, CanonicalError):
        return ()
    names = value if isinstance(value, list) else []
    return tuple(Path(name) for name in names if isinstance(name, str) and Path(name).is_dir())


def _delete(
    directory: Path,
    commitments: Sequence[str],
    folders: Sequence[Path],
    records: tuple[int, ...],
    freed: tuple[int, ...] = (),
) -> Erased:
    """Delete the openings and their copies; those in ``erasing/`` last, as they say what to do."""
    found, salts = copies.Found(), set[bytes]()
    for room in (ERASING, OPENINGS):
        for digest in commitments:
            try:
                opening = openings.read(directory, digest, room)
            except OpeningError as error:
                found.left.append(f"{error}: copies of it cannot be recognised")
            else:
                salts |= {opening.salt.encode()} if opening is not None else set()
    for folder in folders:
        copies.remove(folder, frozenset(commitments), salts, directory.absolute(), found)
    _clear_derived(directory, found)
    for room in (OPENINGS, ERASING):
        for digest in commitments:
            path = openings.path_of(directory, digest, room)
            if openings.is_link(path) or path.exists():
                path.unlink()
                found.removed.append(str(path))
    (directory / ERASING / _ALSO).unlink(missing_ok=True)
    _sync(directory)
    removed, left = tuple(found.removed), tuple(found.left)
    return Erased(records, removed, left, (*BEYOND, *_named_anew(records)), freed)


def _named_anew(records: tuple[int, ...]) -> tuple[str, ...]:
    """Return what these records of an erasure have brought: whoever erases is named as any actor.

    Often it is the very person who is to be forgotten.
    """
    if not records:
        return ()
    numbers = " and ".join(str(seq) for seq in records)
    which = "record" if len(records) == 1 else "records"
    return (f"{which} {numbers} of this erasure: who erased has a new opening there",)


def _clear_derived(directory: Path, found: copies.Found) -> None:
    """Remove what was derived from records and openings: it is made again without what is gone."""
    state = directory / STATE
    if openings.is_link(state.parent):
        found.left.append(f"{state.parent}: a symbolic link")
        return
    for place, folders, names in os.walk(state.parent):
        folders.sort()
        for path in (Path(place) / name for name in sorted(names)):
            if path != state:  # hashes alone
                path.unlink(missing_ok=True)
                found.removed.append(str(path))
        sync_directory(Path(place))


def _move(directory: Path, digest: str, source: str, target: str) -> None:
    path = openings.path_of(directory, digest, source)
    if openings.is_link(path) or path.exists():  # it may be missing already: name it all the same
        path.replace(openings.path_of(directory, digest, target))


def _sync(directory: Path) -> None:
    for room in (OPENINGS, ERASING):
        if (directory / room).is_dir():
            sync_directory(directory / room)
