"""What looks at records while the walk passes them: one judge for each rule about many records.

A judge names the record types that it must see decoded; the walk decodes those, strictly, and shows
them in order. What a judge knows between two records is small, whatever the length of the log, and
can be written down as JSON, so that a later verification may continue where an earlier one stopped.

The walk may start over (when the quick way is in doubt); it then resumes each judge from the state
that it had at the start. So `resume` must forget everything that was seen since.

A judge that can only say at the end what is missing has a method ``finish() -> Iterable[Fault]``
besides (`Finishing`); it is called once, after the last record, and must not change the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from repro.audit_log.formats.record import Record

from .faults import Fault


class Observer(Protocol):
    """A judge of records. The name of its class names its state in what a verifier remembers."""

    types: frozenset[str]
    """The record types that it wants to see."""

    def see(self, record: Record) -> Iterable[Fault]:
        """Look at the next record of one of `types`; return what is wrong with it."""
        ...

    def state(self) -> object:
        """Return what must be known to continue later, as a JSON value."""
        ...

    def resume(self, state: object) -> None:
        """Continue from what `state` returned; ValueError for anything else."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """A judge that has something to say once the last record was seen."""

    def finish(self) -> Iterable[Fault]:
        """Return what is wrong with the log as a whole."""
        ...
