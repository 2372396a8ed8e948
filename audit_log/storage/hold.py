"""Legal holds: while one is in force nothing is erased and nothing is pruned.

A hold is placed and lifted by records ``approval`` whose body is

    {"subject": "legal hold", "action": "place" | "lift", "hold": ID, "reason": TEXT}

Other approvals have other subjects (``run``, ``retention``) or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.record import Record

from .search import records_of

SUBJECT: Final = "legal hold"


class _Log(Protocol):
    """What is asked of a log here."""

    directory: Path

    def append_if(
        self, condition: Callable[[], bool], type_: str, body: Mapping[str, object], /
    ) -> object | None:
        """Append under the lock, if ``condition`` holds there."""
        ...


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in force."""

    id: str
    seq: int
    """The record that placed it."""
    reason: str


@dataclass(slots=True)
class Holds:
    """The holds in force after the approvals that were seen, in order."""

    active: dict[str, Hold] = field(default_factory=dict)

    def see(self, record: Record) -> None:
        """Count in an approval; `RecordError` if it is about a hold and cannot be understood.

        A hold that is placed again keeps its first record; lifting one that is not there does
        nothing.
        """
        if record.body.get("subject") != SUBJECT:
            return
        match record.body:
            case {"action": "place", "hold": str(id_), "reason": str(reason)}:
                self.active.setdefault(id_, Hold(id_, record.seq, reason))
            case {"action": "lift", "hold": str(id_), "reason": str()}:
                self.active.pop(id_, None)
            case _:
                raise RecordError("an approval about a legal hold that cannot be understood")


def active(log: _Log) -> tuple[Hold, ...]:
    """Return the holds in force in a log, as `in_force` does."""
    return in_force(log.directory)


def in_force(directory: Path) -> tuple[Hold, ...]:
    """Return the holds in force, in the order in which they were placed.

    `LogCorruptError` if an approval about a hold cannot be understood: it might be one.
    """
    holds = Holds()
    for record in records_of(directory, "approval"):
        try:
            holds.see(record)
        except RecordError as error:
            raise LogCorruptError(f"record {record.seq}: {error}") from None
    return tuple(holds.active.values())


def require_none(log: _Log, what: str) -> None:
    """Raise `LogUnusableError` naming the first hold in force, if there is one."""
    found = active(log)
    if found:
        first = found[0]
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise LogUnusableError(
            f"{what} is refused: legal hold {first.id!r} of record {first.seq}{more} is in force",
            "a hold ends with a record `approval` that lifts it",
        )


def place(log: _Log, id_: str, reason: str) -> None:
    """Append the record that places a hold; `LogUnusableError` if it is in force already."""
    body = {"subject": SUBJECT, "action": "place", "hold": id_, "reason": reason}
    if log.append_if(lambda: all(hold.id != id_ for hold in active(log)), "approval", body) is None:
        raise LogUnusableError(f"legal hold {id_!r} is in force already")


def lift(log: _Log, id_: str, reason: str) -> None:
    """Append the record that lifts a hold; `LogUnusableError` if it is not in force."""
    body = {"subject": SUBJECT, "action": "lift", "hold": id_, "reason": reason}
    if log.append_if(lambda: any(hold.id == id_ for hold in active(log)), "approval", body) is None:
        raise LogUnusableError(f"legal hold {id_!r} is not in force")
