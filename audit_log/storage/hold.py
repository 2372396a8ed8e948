"""Legal holds: while one is in force nothing is erased and nothing is pruned.

A hold is placed and lifted by records ``approval`` whose body is

    {"subject": "legal hold", "action": "place" | "lift", "hold": ID, "reason": TEXT}

Other approvals have other subjects (``run``, ``retention``) or none. A hold counts as soon as it is
placed; what lifts it counts once a checkpoint covers it. That does not prove who wrote it: anybody
who can append could. What protects is that the operator signs, knowing what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.record import Record

from .layout import read_checkpoint
from .search import records_of

SUBJECT: Final = "legal hold"
RETENTION: Final = "retention"


class _Place(Protocol):
    """What is asked of a log here that is only read."""

    directory: Path


class _Log(_Place, Protocol):
    """What is asked of a log here."""

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
    lifted_by: list[int] = field(default_factory=list)
    """The records that have lifted one."""

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
                if self.active.pop(id_, None) is not None:
                    self.lifted_by.append(record.seq)
            case _:
                raise RecordError("an approval about a legal hold that cannot be understood")


def frees(record: Record) -> bool:
    """Return whether ``record`` may allow that something is erased or pruned."""
    subject, body = record.body.get("subject"), record.body
    lifts = subject == SUBJECT and body.get("action") != "place"
    return record.type == "approval" and (lifts or subject == RETENTION)


def standing(directory: Path, covered: int | None = None) -> Holds:
    """Return the holds in force: a checkpoint covers ``covered`` records (None: look).

    `LogCorruptError` if an approval about a hold cannot be understood: it might be one.
    """
    size = read_checkpoint(directory).size if covered is None else covered
    holds = Holds()
    for record in records_of(directory, "approval"):
        try:
            if record.seq < size or not frees(record):
                holds.see(record)
        except RecordError as error:
            raise LogCorruptError(f"record {record.seq}: {error}") from None
    return holds


def active(log: _Log, covered: int | None = None) -> tuple[Hold, ...]:
    """Return the holds in force, in the order in which they were placed; see `standing`."""
    return tuple(standing(log.directory, covered).active.values())


def in_force(directory: Path) -> tuple[Hold, ...]:
    """Return the holds in force in a log that is not opened; see `standing`."""
    return tuple(standing(directory).active.values())


def before(directory: Path, seq: int | None = None) -> tuple[Hold, ...]:
    """Return the holds in force where record ``seq`` stands (None: at the end), signed or not.

    `RecordError` if an approval about a hold cannot be understood.
    """
    holds = Holds()
    for record in records_of(directory, "approval"):
        if seq is None or record.seq < seq:
            holds.see(record)
    return tuple(holds.active.values())


def require_none(log: _Place, what: str, covered: int | None = None) -> tuple[int, ...]:
    """Return the records that lifted holds; `LogUnusableError` naming a hold in force, if any."""
    holds = standing(log.directory, covered)
    found = tuple(holds.active.values())
    if found:
        first = found[0]
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise LogUnusableError(
            f"{what} is refused: legal hold {first.id!r} of record {first.seq}{more} is in force",
            "a hold ends with a record `approval` that lifts it, once that is signed",
        )
    return tuple(holds.lifted_by)


def place(log: _Log, id_: str, reason: str) -> None:
    """Append the record that places a hold; `LogUnusableError` if it is in force already."""
    body = {"subject": SUBJECT, "action": "place", "hold": id_, "reason": reason}
    if (
        log.append_if(
            lambda: all(hold.id != id_ for hold in before(log.directory)), "approval", body
        )
        is None
    ):
        raise LogUnusableError(f"legal hold {id_!r} is in force already")


def lift(log: _Log, id_: str, reason: str) -> None:
    """Append the record that lifts a hold; `LogUnusableError` if it is not in force."""
    body = {"subject": SUBJECT, "action": "lift", "hold": id_, "reason": reason}
    if (
        log.append_if(
            lambda: any(hold.id == id_ for hold in before(log.directory)), "approval", body
        )
        is None
    ):
        raise LogUnusableError(f"legal hold {id_!r} is not in force")
