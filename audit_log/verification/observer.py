"""What looks at records while the walk passes them: one judge for each rule about many records.

A judge names the record types that it must see decoded; the walk decodes those, strictly, and shows
them in order. What a judge knows between two records is small, whatever the length of the log, and
can be written down as JSON, so that a later verification may continue where an earlier one stopped.

The walk may start over (when the quick way is in doubt); it then resumes each judge from the state
that it had at the start. So `resume` must forget everything that was seen since.

Besides, a judge may look at every line, raw (`Watching`), say at the end what is missing
(`Finishing`), and have its own words in the report (`Telling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
class Watching(Protocol):
    """A judge that looks at the bytes of every line, whatever its type."""

    def see_lines(self, first: int, lines: Sequence[bytes]) -> Iterable[Fault]:
        """Look at whole lines, in order, the first of which is record ``first``."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """A judge that has something to say once the last record was seen; it is called once."""

    def finish(self) -> Iterable[Fault]:
        """Return what is wrong with the log as a whole; `state` stays what it was."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A judge with words of its own for the report, complete once it has finished."""

    checked: list[str]
    not_checked: list[str]
    warnings: list[str]
