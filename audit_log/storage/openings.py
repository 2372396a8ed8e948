"""The openings of a log's commitments: ``openings/<commitment>.json``, one file for each.

An opening is on the disk before the first record that needs it is written. Openings are written
under the log lock, so what lies there under another name than an opening's is what a crash left.

**Actors.** A writer's records all hold one commitment to its actor: the first append looks for an
opening of the same actor and makes one only if there is none, so that an append costs one sync and
not three. Records of one actor can therefore be linked to each other, as they could be when the
name stood in them. After erasure they still can, but no more to a person. Any other value gets a
commitment of its own each time: two records that hold the same value do not show it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.errors import OpeningError, RecordError
from repro.audit_log.formats.commitment import (
    ACTOR_PATH,
    MAX_OPENING,
    Commitment,
    Opening,
    actor_of,
    format_opening,
    is_digest,
    new_opening,
    parse_opening,
)
from repro.audit_log.formats.record import Actor, Record, actor_value, as_actor

from .search import records_of
from .segments import Text

OPENINGS: Final = "openings"
ERASING: Final = "erasing"
"""Where openings lie between the decision to erase them and their deletion (see `erasing`)."""
_SUFFIX: Final = ".json"


def path_of(directory: Path, commitment: str, room: str = OPENINGS) -> Path:
    """Return where the opening of ``commitment`` lies; `OpeningError` if that is no digest."""
    if not is_digest(commitment):
        raise OpeningError(f"not the digest of a commitment: {commitment!r}")
    return directory / room / f"{commitment}{_SUFFIX}"


def read(directory: Path, commitment: str, room: str = OPENINGS) -> Opening | None:
    """Return the opening of ``commitment``; None if it is not there.

    `OpeningError` naming the file if it is a link, damaged, or opens something else. OSError if it
    cannot be read.
    """
    path = path_of(directory, commitment, room)
    if is_link(directory / room) or is_link(path):
        raise OpeningError(f"{room}/{path.name} is reached through a symbolic link")
    try:
        data = read_small(path, MAX_OPENING + 1)
    except FileNotFoundError:
        return None
    try:
        return check(commitment, data)
    except OpeningError as error:
        raise OpeningError(f"{room}/{path.name}: {error}") from None


def check(commitment: str, data: bytes) -> Opening:
    """Return the opening that ``data`` is; `OpeningError` unless it opens ``commitment``."""
    opening = parse_opening(data)
    if opening.commitment() != commitment:
        raise OpeningError("it does not open the commitment that it is named after")
    return opening


def present(directory: Path, room: str = OPENINGS) -> Iterator[str]:
    """Yield the commitment of each opening, by the names of the files; unread, in no order."""
    for name in _names(directory / room):
        if _is_ours(name):
            yield name.removesuffix(_SUFFIX)


def foreign(directory: Path) -> tuple[str, ...]:
    """Return the names in ``openings/`` that no opening has, in order."""
    return tuple(sorted(name for name in _names(directory / OPENINGS) if not _is_ours(name)))


def resolve(directory: Path, record: Record) -> Actor | None:
    """Return who acted in ``record``; None if that was erased or its opening is not here.

    `OpeningError` if what lies there is not its opening.
    """
    if isinstance(record.actor, Actor):
        return record.actor
    opening = read(directory, record.actor.digest)
    if opening is None:
        return None
    try:
        if opening.path != ACTOR_PATH:
            raise RecordError(f"it opens {opening.path}")
        return as_actor(opening.value)
    except RecordError as error:
        raise OpeningError(f"the opening of the actor of record {record.seq}: {error}") from None


def keep(directory: Path, openings: Mapping[str, Opening]) -> None:
    """Make ``openings``, by their commitments, durable; the log lock is held."""
    if not openings:
        return
    files = {digest: format_opening(opening) for digest, opening in openings.items()}
    folder = directory / OPENINGS
    _require_folder(folder)
    try:
        for digest, data in files.items():
            path = path_of(directory, digest)
            temporary = folder / f".{path.name}.tmp"
            write_new(temporary, data)
            temporary.replace(path)
        sync_directory(folder)
    except OSError:
        discard(directory, openings)
        raise


def discard(directory: Path, commitments: Iterable[str]) -> None:
    """Remove openings that no record came to need; the log lock is held."""
    for digest in commitments:
        path = path_of(directory, digest)
        path.unlink(missing_ok=True)
        path.with_name(f".{path.name}.tmp").unlink(missing_ok=True)


def sweep(directory: Path) -> None:
    """Remove openings half written when a writer died; the log lock is held."""
    for name in foreign(directory):
        if name.startswith(".") and name.endswith(f"{_SUFFIX}.tmp"):
            (directory / OPENINGS / name).unlink(missing_ok=True)


def erased(directory: Path) -> dict[str, int]:
    """Return each commitment that an ``erasure`` record of the log names, and that record."""
    found: dict[str, int] = {}
    for record in records_of(directory, "erasure"):
        named = record.body.get("commitments")
        for digest in named if isinstance(named, list) else ():
            found.setdefault(str(digest), record.seq)
    return found


class Author:
    """The actor of one writer, as its records hold it."""

    def __init__(self, directory: Path, actor: Actor) -> None:
        """Know who it is; nothing is read or written."""
        self._directory, self._actor = directory, actor
        self._commitment: Commitment | None = None
        self._path = ""

    def commitment(self) -> Commitment:
        """Return the commitment to the actor, whose opening is durable; the log lock is held.

        An opening leaves its place before the record of its erasure is written. So one look under
        the lock, whether it is still there, is enough never to write a record that needs one that
        was erased.
        """
        if self._commitment is None or not _is_file(self._path):
            digest = self._find() or self._make()
            self._path = str(path_of(self._directory, digest))
            self._commitment = Commitment(digest)
        return self._commitment

    def _find(self) -> str | None:
        """Return the commitment of an opening that is there already, made by whatever process."""
        folder, wanted = self._directory / OPENINGS, actor_value(self._actor)
        if not folder.is_dir():
            return None
        _require_folder(folder)
        # Salts are of one length: only a file of this size can open this value.
        size = len(format_opening(new_opening(ACTOR_PATH, wanted)))
        gone: Mapping[str, int] | None = None
        for digest in sorted(d for d in present(self._directory) if self._has_size(d, size)):
            try:
                opening = read(self._directory, digest)
            except OpeningError:
                continue  # verification names it
            if opening is None or (opening.path, opening.value) != (ACTOR_PATH, wanted):
                continue
            # It may have been put back from a copy. Where nothing was ever erased, no need to look.
            if gone is None:
                has_erased = (self._directory / ERASING).is_dir()
                gone = erased(self._directory) if has_erased else {}
            if digest not in gone:
                self._make_durable(digest)
                return digest
        return None

    def _make(self) -> str:
        opening = new_opening(ACTOR_PATH, actor_value(self._actor))
        digest = opening.commitment()
        keep(self._directory, {digest: opening})
        return digest

    def _has_size(self, digest: str, size: int) -> bool:
        try:
            return path_of(self._directory, digest).lstat().st_size == size
        except FileNotFoundError:
            return False

    def _make_durable(self, digest: str) -> None:
        """Sync the name of an opening: its maker may have died between rename and sync."""
        # What the first record holds was durable before there was a log.
        if actor_of(Text.open(self._directory).first_line()) != digest:
            sync_directory(self._directory / OPENINGS)


def is_link(path: Path) -> bool:
    """Return whether ``path`` is a symbolic link."""
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _is_ours(name: str) -> bool:
    return name.endswith(_SUFFIX) and is_digest(name.removesuffix(_SUFFIX))


def _names(folder: Path) -> Iterator[str]:
    if is_link(folder):
        raise OpeningError(f"{folder.name}/ is a symbolic link")
    try:
        # repro: allow unsorted-listing until 2028-06-30: may be millions; callers sort
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name
    except FileNotFoundError:
        return


def _require_folder(folder: Path) -> None:
    """Make the folder if it is not there; OSError if it is a link or no directory."""
    if is_link(folder):
        raise NotADirectoryError(f"{folder} is a symbolic link")
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        sync_directory(folder.parent)
