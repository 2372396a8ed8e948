"""Which keys were in force when: the first record names them, each ``key.rotated`` replaces them.

An `Observer` of the walk. A rotation that is malformed, misplaced or badly signed is a fault and
changes nothing: the keys before it stay in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from repro.audit_log.errors import NoteError, RecordError
from repro.audit_log.formats.genesis import begun
from repro.audit_log.formats.note_key import Verifier, format_vkey, parse_vkey
from repro.audit_log.formats.record import Record
from repro.audit_log.formats.rotation import TYPE, read_rotation

from .faults import Fault

MAX_ROTATIONS: Final = 1_000
"""More are not believed: a log is kept for years, and memory stays flat."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Keys and the record that put them in force."""

    seq: int
    keys: tuple[Verifier, ...]

    @property
    def published(self) -> bytes:
        """What ``log.vkey`` holds while these keys are in force."""
        return "".join(f"{format_vkey(key)}\n" for key in self.keys).encode()


class Rotations:
    """Collects the keys of a log, in order."""

    types = frozenset({"log.created", TYPE})

    def __init__(self) -> None:
        """Know no key."""
        self.origin: str | None = None
        self.epochs: list[Epoch] = []

    def see(self, record: Record) -> Iterable[Fault]:
        """Take the keys that ``record`` names; yield what is wrong with them."""
        return self._begin(record) if record.type == "log.created" else self._rotate(record)

    def keys_at(self, size: int) -> tuple[Verifier, ...]:
        """Return the keys that sign a checkpoint of ``size``; none if the log names none."""
        found: tuple[Verifier, ...] = ()
        for epoch in self.epochs:
            if not found or epoch.seq < size:
                found = epoch.keys
        return found

    def epoch_of(self, key: Verifier) -> Epoch | None:
        """Return when ``key`` came in force; None if it never did."""
        return next((epoch for epoch in self.epochs if key in epoch.keys), None)

    def state(self) -> object:
        """Return origin and keys as a JSON value."""
        epochs = [[e.seq, [format_vkey(key) for key in e.keys]] for e in self.epochs]
        return {"epochs": epochs, "origin": self.origin}

    def resume(self, state: object) -> None:
        """Continue from what `state` returned; ValueError for anything else."""
        match state:
            case {"epochs": list(epochs), "origin": None | str() as origin}:
                self.epochs = [_epoch(epoch) for epoch in epochs]
                self.origin = origin
            case _:
                raise ValueError("not the state of the rotations")

    def _begin(self, record: Record) -> Iterator[Fault]:
        if record.seq != 0 or self.epochs:
            return  # the walk says so
        try:
            self.origin, vkeys = begun(record)
            keys = tuple(parse_vkey(vkey) for vkey in vkeys)
        except RecordError:
            return  # the walk says so
        except NoteError as error:
            yield Fault(0, "record", f"record 0 names a key that is none: {error}")
            return
        self.epochs.append(Epoch(0, keys))
        if all(key.name != self.origin for key in keys):
            yield Fault(0, "record", "record 0 names no key of its own origin")

    def _rotate(self, record: Record) -> Iterator[Fault]:
        problem = self._problem(record)
        if problem:
            message = f"record {record.seq} does not rotate the key of the log: {problem}"
            yield Fault(record.seq, "rotation", message)

    def _problem(self, record: Record) -> str | None:
        """Take the new keys; return why they cannot be believed, if so."""
        if self.origin is None or not self.epochs:
            return "record 0 names no keys that it could replace"
        if record.seq <= self.epochs[-1].seq:
            return "it comes before the rotation before it"
        if len(self.epochs) > MAX_ROTATIONS:
            return f"there are more than {MAX_ROTATIONS} rotations"
        try:
            keys = read_rotation(record, self.origin, self.epochs[-1].keys)
        except RecordError as error:
            return str(error)
        if any(self.epoch_of(key) for key in keys):
            return "it names a key that was replaced before"
        self.epochs.append(Epoch(record.seq, keys))
        return None


def _epoch(value: object) -> Epoch:
    match value:
        case [int(seq), list(vkeys)]:
            return Epoch(seq, tuple(parse_vkey(str(vkey)) for vkey in vkeys))
        case _:
            raise ValueError("not the state of the rotations")
