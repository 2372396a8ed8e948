"""The logs that a witness knows: for each the public keys that may sign for its origin.

``logs/<name>.vkeys`` holds them, a line each; several while a log changes its key. A key is named
after the origin that it signs for. A running witness reads them at each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import read_small, replace, sync_directory
from repro.audit_log.errors import LogCorruptError, LogError, LogUnusableError, NoteError
from repro.audit_log.formats.checkpoint import MAX_ORIGIN, Checkpoint
from repro.audit_log.formats.note_key import Verifier, format_vkey, parse_vkey

from .identity import KEY, LOGS, STATE
from .state import Records, file_name

_ENDING: Final = ".vkeys"
_LIMIT: Final = 262_144


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that the witness cosigns for."""

    origin: str
    verifiers: tuple[Verifier, ...]
    latest: Checkpoint | None
    """What was cosigned last (size 0: nothing yet); None if the record is damaged."""
    problem: str = ""
    """Why nothing is cosigned for this log, if so."""


def add_log(directory: Path, vkeys: Sequence[str]) -> KnownLog:
    """Let the witness in ``directory`` know a log, or more keys of one; return what it now knows.

    All ``vkeys`` name one origin. A log that was removed before goes on from what was cosigned
    then. `LogUnusableError` for keys that are none or of several origins, or if it cannot be kept.
    """
    try:
        given = tuple(parse_vkey(vkey.strip()) for vkey in vkeys)
    except NoteError as error:
        raise LogUnusableError(f"not a public key: {error}") from None
    origins = {verifier.name for verifier in given}
    if len(origins) != 1:
        raise LogUnusableError(f"the keys of one log have one name: {len(origins)} were given")
    origin = origins.pop()
    if len(origin.encode()) > MAX_ORIGIN:
        raise LogUnusableError(f"the origin is longer than {MAX_ORIGIN} bytes")
    with _editing(directory):
        Records(directory / STATE).create(origin)  # before the log is known: see `state`
        _write(directory, origin, dict.fromkeys((*keys_of(directory, origin), *given)))
    return _known(directory, origin)


def remove_log(directory: Path, origin: str, vkey: str | None = None) -> None:
    """Forget the log ``origin``, or only its key ``vkey``; what was cosigned stays on record.

    `LogUnusableError` if it was not known.
    """
    with _editing(directory):
        known = keys_of(directory, origin)
        left = [key for key in known if vkey is not None and format_vkey(key) != vkey.strip()]
        if len(left) == len(known):
            raise LogUnusableError(f"this witness knows no such log or key: {origin}")
        if left:
            _write(directory, origin, left)
        else:
            _path(directory, origin).unlink()
            sync_directory(directory / LOGS)


def list_logs(directory: Path) -> tuple[KnownLog, ...]:
    """Return the logs that the witness in ``directory`` knows, sorted by origin."""
    if not (directory / KEY).is_file():
        raise LogUnusableError(f"no witness in {directory}: there is no {KEY}")
    found = []
    for path in sorted((directory / LOGS).glob(f"*{_ENDING}")):
        origin = _read(path)[0].name
        if path.name != _path(directory, origin).name:
            raise LogCorruptError(f"a list of keys under a wrong name: {path}")
        found.append(_known(directory, origin))
    return tuple(sorted(found, key=lambda log: log.origin))


def keys_of(directory: Path, origin: str) -> tuple[Verifier, ...]:
    """Return the keys that may sign for ``origin``; none if the log is not known."""
    try:
        verifiers = _read(_path(directory, origin))
    except FileNotFoundError:
        return ()
    if any(verifier.name != origin for verifier in verifiers):
        raise LogCorruptError(f"keys of another log: {_path(directory, origin)}")
    return verifiers


def _known(directory: Path, origin: str) -> KnownLog:
    verifiers = keys_of(directory, origin)
    try:
        latest = Records(directory / STATE).read(origin).checkpoint
    except LogError as error:
        return KnownLog(origin, verifiers, None, error.problem)
    return KnownLog(origin, verifiers, latest)


@contextmanager
def _editing(directory: Path) -> Iterator[None]:
    if not (directory / KEY).is_file():
        raise LogUnusableError(f"no witness in {directory}: there is no {KEY}")
    try:
        with exclusive(directory / f"{LOGS}.lock"):
            yield
    except OSError as error:
        raise LogUnusableError(f"cannot change the logs of {directory}: {error}") from error


def _path(directory: Path, origin: str) -> Path:
    return directory / LOGS / f"{file_name(origin)}{_ENDING}"


def _write(directory: Path, origin: str, verifiers: Iterable[Verifier]) -> None:
    text = "".join(f"{format_vkey(verifier)}\n" for verifier in verifiers)
    replace(_path(directory, origin), text.encode())


def _read(path: Path) -> tuple[Verifier, ...]:
    try:
        text = read_small(path, _LIMIT).decode()
        verifiers = tuple(parse_vkey(line) for line in text.splitlines())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LogUnusableError(f"cannot read the keys of a log: {path}: {error}") from error
    except (NoteError, UnicodeDecodeError) as error:
        raise LogCorruptError(f"not public keys of a log: {path}: {error}") from None
    if not verifiers:
        raise LogCorruptError(f"an empty list of keys: {path}")
    return verifiers
