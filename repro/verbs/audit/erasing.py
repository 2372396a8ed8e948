"""``repro audit erase``: forget values, and say so; every proof stays valid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from repro.audit_log.errors import LogUnusableError, OpeningError
from repro.audit_log.formats.commitment import is_digest
from repro.audit_log.storage import erasing, hold, openings
from repro.audit_log.storage.erasing import Erased
from repro.audit_log.storage.layout import require_directory
from repro.audit_log.storage.search import lines_holding
from repro.errors import UsageError
from repro.runs import layout
from repro.verbs.audit.log import cosigner, log_directory, open_log_to_sign
from repro.verbs.audit.words import require_words
from repro.verbs.observer import Warn, unheard

HOSTS: Final = (
    "environment.json of each run names the host (host.node): the log has its digest, so that it "
    "cannot be changed unseen"
)
"""What a run's own files say of who ran it, beyond the reach of any erasure in the log."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose or which values are to be forgotten: exactly one of these ways to say it."""

    user: str | None = None
    commitments: tuple[str, ...] = ()
    record: int | None = None
    path: str | None = None
    """Which value of ``record``: ``actor`` or ``body.reason``, say."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value that would be forgotten."""

    commitment: str
    path: str | None
    """Where in a record it stands; None if its opening is not here."""
    value: str | None
    """The value as JSON."""
    records: int
    """In how many records it stands."""


def would_erase(root: Path, wanted: Wanted) -> tuple[Value, ...]:
    """Return what an erasure would forget; nothing is changed.

    UsageError if that is nothing, LogUnusableError naming the hold if one is in force.
    """
    directory = log_directory(root)
    require_directory(directory)
    _require_one_way(wanted)
    held = hold.in_force(directory)
    if held:
        raise LogUnusableError(
            f"erasure is refused: legal hold {held[0].id!r} of record {held[0].seq} is in force",
            f"when it has ended: repro audit hold lift {held[0].id!r} --reason TEXT",
        )
    found = wanted.commitments or erasing.commitments_of(
        directory, user=wanted.user, seq=wanted.record, path=wanted.path
    )
    values = tuple(_value(directory, digest) for digest in dict.fromkeys(found))
    for value in values:
        if value.path is None and not value.records:
            raise UsageError(
                f"no record holds the commitment {value.commitment}", "copy it from the record"
            )
    if not values:
        raise UsageError(f"nothing to erase: {_nothing(wanted)}", _where(wanted))
    return values


def erase(
    root: Path,
    commitments: Sequence[str],
    reason: str,
    also: Sequence[Path] = (),
    warn: Warn = unheard,
) -> Erased:
    """Erase what opens ``commitments``, here and below each directory of ``also``."""
    require_words("reason", reason)
    for folder in also:
        if folder.is_symlink() or not folder.is_dir():
            raise UsageError(f"cannot be searched: {folder} is not a directory")
    log = open_log_to_sign(root, warn)
    done = erasing.erase(log, commitments, reason, also=also)
    cosigner(log, warn)()
    has_runs = any(layout.runs(root).glob("*"))
    return replace(done, beyond=(*done.beyond, HOSTS)) if has_runs else done


def _require_one_way(wanted: Wanted) -> None:
    ways = (wanted.user is not None, bool(wanted.commitments), wanted.record is not None)
    if sum(ways) != 1 or (wanted.path is not None and wanted.record is None):
        raise UsageError(
            "say what to erase in one way",
            "--user NAME, or --commitment HEX, or --record N with --path P",
        )
    if wanted.record is not None and wanted.path is None:
        raise UsageError("--record needs --path", "as in --record 7 --path actor")
    for digest in wanted.commitments:
        if not is_digest(digest):
            raise UsageError(f"not a commitment: {digest!r}", "64 hexadecimal digits, lower case")


def _value(directory: Path, digest: str) -> Value:
    records = sum(1 for _ in lines_holding(directory, f'{{"commitment":"{digest}"}}'.encode()))
    try:
        opening = openings.read(directory, digest)
    except OpeningError:
        opening = None  # damaged: it can be erased all the same
    if opening is None:
        return Value(digest, None, None, records)
    text = json.dumps(opening.value, ensure_ascii=False, sort_keys=True)
    return Value(digest, opening.path, text, records)


def _nothing(wanted: Wanted) -> str:
    if wanted.user is not None:
        return f"no opening that is here names the user {wanted.user!r}"
    return f"record {wanted.record} has no commitment at {wanted.path!r}"


def _where(wanted: Wanted) -> str:
    if wanted.user is not None:
        return "what was erased before is gone; actors that stand in plain cannot be erased"
    return "look at the record: paths are `actor`, or as in `body.reason`"
