"""Records in full, and the newest ones in a line each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from repro.audit_log.formats.record import TYPES, line_hash
from repro.audit_log.formats.tree import leaf_hash
from repro.errors import IntegrityError, UsageError
from repro.verbs.audit.actors import Openings, Value, actor_text
from repro.verbs.audit.reading import LOOK, Found, Reader, decoded, open_text, reading, signed_head

PAUSE: Final = 0.25
"""Seconds between two looks at a log that is followed."""
_LONGEST: Final = 15
"""Digits of a record's number."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record with all that is known of it."""

    found: Found
    actor: Value
    openings: tuple[Value, ...]
    """The other values that it commits to."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        record = self.found.record
        return {
            "seq": record.seq,
            "time": record.time,
            "type": record.type,
            "actor": self.actor.as_json(),
            "tool": {"name": record.tool.name, "version": record.tool.version},
            "nonce": record.nonce,
            "prev": record.prev,
            "body": dict(record.body),
            "openings": [value.as_json() for value in self.openings],
            "line_hash": line_hash(self.found.line),
            "leaf_hash": leaf_hash(self.found.line).hex(),
            "committed": self.found.committed,
        }


@dataclass(frozen=True, slots=True)
class Brief:
    """A record in a line."""

    seq: int
    """The place of the record, from 0."""
    time: str
    """When it was written, by the writer's clock."""
    type: str
    """The type of the record."""
    run: str | None
    reason: str | None
    actor: Value
    committed: bool
    """Whether a signed checkpoint covers it."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "seq": self.seq,
            "time": self.time,
            "type": self.type,
            "run": self.run,
            "reason": self.reason,
            "actor": self.actor.as_json(),
            "committed": self.committed,
        }

    def text(self) -> str:
        """Return it for people."""
        what = self.run or self.reason or "-"
        mark = "" if self.committed else "  not committed"
        return (
            f"{self.seq:>6}  {self.time}  {self.type:<16}  {what}  {actor_text(self.actor)}{mark}"
        )


def show(root: Path, what: str | None = None, type_: str | None = None) -> Iterator[Shown]:
    """Yield records in full: one by number, all of a run, or all of a type.

    ``what`` is a number, or what names a run (`Reader.run_called`). UsageError if there is nothing
    of that name, IntegrityError or `LogError` where the log is not what was signed.
    """
    if (what is None) == (type_ is None):
        raise UsageError(
            "name what to show: a record's number, a run, or a type",
            "repro audit show 3, repro audit show @latest, repro audit show --type erasure",
        )
    if type_ is not None and type_ not in TYPES:
        raise UsageError(f"no type is called {type_!r}", f"types: {', '.join(sorted(TYPES))}")
    with reading(root) as reader:
        known = Openings(reader.directory)
        for found in _wanted(reader, what, type_):
            yield Shown(found, known.actor(found.record), tuple(known.others(found.line)))


def number_of(text: str) -> int | None:
    """Return the record's number that ``text`` spells; None if it spells none."""
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) > _LONGEST:
        raise UsageError(f"there is no record {text[:20]}…", "records are numbered from 0 on")
    return int(text)


def newest(reader: Reader, count: int) -> Iterator[Brief]:
    """Yield the newest ``count`` records, the oldest of them first; memory stays flat."""
    known = Openings(reader.directory)
    return (_brief(found, known) for found in reader.newest(count))


def follow(root: Path, count: int, pause: float = PAUSE) -> Iterator[Brief]:
    """Yield the newest ``count`` records and then each that is added, as long as it is asked.

    IntegrityError if the log becomes shorter.
    """
    with reading(root) as reader:
        known, directory = Openings(reader.directory), reader.directory
        committed, place = reader.committed, reader.end()
        yield from newest(reader, count)
    while True:
        text = open_text(directory)
        if text.size < place:
            raise IntegrityError("the log became shorter", LOOK)
        if text.size > place:
            committed = signed_head(directory).checkpoint.size
        for line, whole in text.pieces(place):
            if not whole:
                break
            place += len(line) + 1
            record = decoded(line)
            yield _brief(Found(line, record, record.seq < committed), known)
        time.sleep(pause)


def _wanted(reader: Reader, what: str | None, type_: str | None) -> Iterator[Found]:
    if type_ is not None or what is None:
        yield from reader.of_type(str(type_))
        return
    number = number_of(what)
    if number is not None:
        yield reader.at(number)
    else:
        run = reader.run_called(what)
        records = reader.of_run(run)
        first = next(records, None)
        if first is None:
            raise UsageError(f"the log says nothing of run {run}")
        yield from chain([first], records)


def _brief(found: Found, known: Openings) -> Brief:
    record = found.record
    run, reason = record.body.get("run"), record.body.get("reason")
    return Brief(
        record.seq,
        record.time,
        record.type,
        run if isinstance(run, str) else None,
        reason if isinstance(reason, str) else None,
        known.actor(record),
        found.committed,
    )
