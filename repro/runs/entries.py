"""What the log says of sealed runs, as the index keeps it: marks, and what each was sealed as.

No evidence either: a line is taken as it stands. Whoever judges verifies the log first.
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
            with suppress(ValueError, KeyError, TypeError):  # the log's own judges say what is odd
                record = json.loads(line)
                if record["type"] == _COMPLETED:
                    sealed = _sealed(record["body"])
                    database.execute("INSERT OR REPLACE INTO sealed VALUES (?, ?)", sealed)
                    continue
                for run, kind, detail in _told(record["type"], record["body"]):
                    database.execute(
                        "INSERT INTO marks VALUES (?, ?, ?, ?)", (run, kind, detail, record["seq"])
                    )


def _told(type_: str, body: Any) -> list[tuple[str, str, str]]:
    """Return run, kind and detail of what a record says of runs."""
    if type_ == "run.verified":
        own = "origin" not in body  # another log's run of that name may have been pulled
        return [(body["run"], "verified", body["verdict"])] if own else []
    if type_ == "run.pinned":
        return [(body["run"] or "", "pinned", body["name"])]
    names = dict.fromkeys([body["run"], *(other["run"] for other in body["others"])])
    return [(name, "incident", body["execution_key"]) for name in names]


def _sealed(body: Any) -> tuple[str, str]:
    """Return which run a record completes, and the digest of the snapshot that it names."""
    (snapshot,) = (a for a in body["artifacts"] if a["path"].endswith(f"/{layout.SNAPSHOT}"))
    return str(body["run"]), str(snapshot["blake3"])
