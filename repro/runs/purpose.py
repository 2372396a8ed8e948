"""What a run was made for, where it was not asked for by itself. No part of its identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ATTRIBUTION = "attribution"
"""Of the runs that are named: nobody chose this configuration, it lies between two others."""
REPLICATES = "replicates"
SWEEP = "sweep"
RANKING = "ranking"
SELECTION = "selection"
KINDS = (ATTRIBUTION, REPLICATES, SWEEP, RANKING, SELECTION)


@dataclass(frozen=True, slots=True)
class Purpose:
    """A larger thing that somebody asked for, and that needed this run."""

    kind: str
    """One of `KINDS`."""
    runs: tuple[str, ...] = ()
    """The names of the runs that it is about, if there are such."""

    def record(self) -> dict[str, Any]:
        """Return it as JSON, as plans and snapshots have it."""
        return {"kind": self.kind, **({"runs": list(self.runs)} if self.runs else {})}

    @property
    def words(self) -> str:
        """Return it as people read it: ``attribution of A and B``."""
        return f"{self.kind} of {' and '.join(self.runs)}" if self.runs else self.kind


def stands_for(sealed: Purpose | None, needed: Purpose | None) -> bool:
    """Return whether a run that was made for one thing may be taken for one that another needs.

    Nobody asked for what an attribution trained: ``@latest``, ``runs list --asked`` and trends pass
    over it, and would pass over a run that somebody asked for if it were taken for that. So nothing
    but an attribution takes it; an attribution takes every run.
    """
    mine = sealed is not None and sealed.kind == ATTRIBUTION
    return not mine or (needed is not None and needed.kind == ATTRIBUTION)


def is_asked(said: Mapping[str, Any]) -> bool:
    """Return whether somebody asked for a run by what its snapshot, or its plan, says of it."""
    purpose = purpose_in(said)
    return purpose is None or purpose.kind != ATTRIBUTION


def purpose_in(said: Mapping[str, Any]) -> Purpose | None:
    """Return what a snapshot or plan says its run was made for; None if it was asked for itself."""
    found = said.get("made_for")
    return None if found is None else Purpose(found["kind"], tuple(found.get("runs", ())))
