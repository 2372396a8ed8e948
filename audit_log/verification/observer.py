"""What looks at records while the walk passes them: one judge for each rule about many records.

A judge names the record types that it must see decoded; the walk decodes those and shows them in
order. What a judge knows between two records is small, whatever the length of the log, and can be
written down as JSON, so that a later verification may continue where an earlier one stopped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from repro.audit_log.formats.record import Record

from .faults import Fault


class Observer(Protocol):
    """A judge of records."""

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
