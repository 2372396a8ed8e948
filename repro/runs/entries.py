"""What the log says of sealed runs, as the index keeps it: marks, and what each was sealed as.

No evidence either: a line is taken as it stands, if it says what such a record can say. A mark
counts once it is signed: appending needs no key. Whoever judges verifies the log first.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repro.runs import layout

_COMPLETED: Final = "run.completed"
VERDICTS: Final = frozenset({"reproduced", "sensitive", "not reproduced", "BROKEN", "failed"})
"""What a verification can come to, by the schema of ``run.verified``."""
_LARGEST: Final = (1 << 63) - 1
"""What the database can hold as a whole number."""
_ENDS: Final = tuple(
    f'"type":"{kind}"}}'.encode() for kind in (_COMPLETED, "incident", "run.verified", "run.pinned")
)
"""How a line of such a record ends: ``type`` is the last member of a canonical line."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the log says of a run after its end: an incident, a verification, a name."""

    kind: str
    """``incident``, ``verified`` or ``pinned``."""
    detail: str
    """The verdict, or the name."""
    seq: int


def log_size(root: Path) -> int:
    """Return how many bytes the log has; 0 without a log."""
    from repro.audit_log.storage.segments import Text

    try:
        return Text.open(root / layout.LOG).size
    except OSError:
        return 0


def signed_size(root: Path) -> int | None:
    """Return how many records the checkpoint says that it covers; None if none can be read."""
    from repro.audit_log.errors import CheckpointError, NoteError
    from repro.audit_log.formats.checkpoint import parse_checkpoint
    from repro.audit_log.formats.note import split
    from repro.audit_log.storage.layout import CHECKPOINT

    try:
        return parse_checkpoint(split((root / layout.LOG / CHECKPOINT).read_bytes())[0]).size
    except (OSError, NoteError, CheckpointError):
        return None


def take_in(root: Path, database: sqlite3.Connection, since: int, size: int) -> None:
    """Take in what the log says after the bytes that were read; all of it if it is shorter now."""
    from repro.audit_log.storage.segments import Text

    if size < since:
        database.execute("DELETE FROM marks")
        database.execute("DELETE FROM sealed")
        since = 0
    if size == since:
        return
    for line, whole in Text.open(root / layout.LOG).pieces(since, size):
        if whole and line.rstrip().endswith(_ENDS):
            # What is odd is for the log's own judges to say.
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                record = json.loads(line)
                if record["type"] == _COMPLETED:
                    # A run is completed once: a line that comes later replaces nothing.
                    sealed = _sealed(record["body"])
                    database.execute("INSERT OR IGNORE INTO sealed VALUES (?, ?)", sealed)
                    continue
                told = _told(record["type"], record["body"])
                rows = [(*map(_text, each), _place(record["seq"])) for each in told]
                database.executemany("INSERT INTO marks VALUES (?, ?, ?, ?)", rows)


def _told(type_: str, body: Any) -> list[tuple[Any, ...]]:
    """Return run, kind and detail of what a record says of runs; ValueError for no known verdict.

    Anybody may have written it: whether these are texts is still to be looked at.
    """
    if type_ == "run.verified":
        if body["verdict"] not in VERDICTS:
            raise ValueError("no verdict of ours")
        own = "origin" not in body  # another log's run of that name may have been pulled
        return [(body["run"], "verified", body["verdict"])] if own else []
    if type_ == "run.pinned":
        return [(body["run"] or "", "pinned", body["name"])]
    names = dict.fromkeys([body["run"], *(other["run"] for other in body["others"])])
    return [(name, "incident", body["execution_key"]) for name in names]


def _sealed(body: Any) -> tuple[str, str]:
    """Return which run a record completes, and the digest of the snapshot that it names."""
    (snapshot,) = (a for a in body["artifacts"] if a["path"].endswith(f"/{layout.SNAPSHOT}"))
    return _text(body["run"]), _text(snapshot["blake3"])


def _text(value: object) -> str:
    """Return a text that can be shown as it is; ValueError for anything else."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("no text to show")
    return value


def _place(value: object) -> int:
    """Return the place of a record; ValueError if it is none that the database can hold."""
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("no place in a log")
    return value
