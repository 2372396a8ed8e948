"""What stands behind the commitments of records: open, erased, absent or damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from repro.audit_log.errors import OpeningError
from repro.audit_log.formats.commitment import ACTOR_PATH, commitments_of_line
from repro.audit_log.formats.record import Record, actor_value
from repro.audit_log.storage import openings


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a record commits to, or an actor who stands there in plain."""

    path: str
    commitment: str | None
    """None where the value stands in the record itself."""
    state: str
    """``open``, ``erased``, ``absent`` or ``damaged``."""
    value: Any
    """What it is; None unless it is open."""
    erased_in: int | None = None
    """The record of its erasure."""

    def as_json(self) -> dict[str, Any]:
        """Return every field as a JSON value."""
        return {
            "path": self.path,
            "commitment": self.commitment,
            "state": self.state,
            "value": self.value,
            "erased_in": self.erased_in,
        }

    def words(self) -> str:
        """Return why it is not open, for people."""
        if self.state == "erased":
            return f"erased in record {self.erased_in}"
        return {"absent": "its opening is not here", "damaged": "its opening is damaged"}[
            self.state
        ]


class Openings:
    """The openings of one log, as they lie there now."""

    def __init__(self, directory: Path) -> None:
        """Read nothing yet."""
        self._directory = directory
        self._cached = lru_cache(maxsize=1024)(self._open)

    def actor(self, record: Record) -> Value:
        """Return who acted in ``record``."""
        value = actor_value(record.actor)
        digest = value.get("commitment")
        if not isinstance(digest, str):
            return Value(ACTOR_PATH, None, "open", value)
        return self._cached(ACTOR_PATH, digest)

    def all(self, line: bytes) -> Iterator[Value]:
        """Yield every value that a line commits to, its actor first."""
        for path, digest in commitments_of_line(line):
            yield self._open(path, digest)

    def others(self, line: bytes) -> Iterator[Value]:
        """Yield what a line commits to besides its actor."""
        return (value for value in self.all(line) if value.path != ACTOR_PATH)

    def _open(self, path: str, digest: str) -> Value:
        try:
            opening = openings.read(self._directory, digest)
        except (OpeningError, OSError):
            return Value(path, digest, "damaged", None)
        if opening is None:
            gone = self._erased.get(digest)
            return Value(path, digest, "absent" if gone is None else "erased", None, gone)
        if opening.path != path:
            return Value(path, digest, "damaged", None)
        return Value(path, digest, "open", opening.value)

    @cached_property
    def _erased(self) -> Mapping[str, int]:
        return openings.erased(self._directory)


def actor_text(actor: Value) -> str:
    """Return an actor for people: ``user@host``, or why nobody can say."""
    match actor.value:
        case {"user": str(user), "host": str(host)}:
            return f"{user}@{host}"
    return actor.words() if actor.state != "open" else "not an actor"
