"""What a sweep warns of though it goes on, each thing once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from repro.identity.payloads import ENVIRONMENT
from repro.runs import differences
from repro.verbs.observer import Warn
from repro.verbs.training.plan import Plan, without_rows

SHOWN = 3
"""Differences between two places that a warning names."""


@dataclass(slots=True)
class Cautions:
    """The warnings of one sweep."""

    warn: Warn
    _told: set[str] = field(default_factory=set)
    _first: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """By what is trained under which level: the first place that prepared it, and its facts."""

    def look_at(self, point: str, plan: Plan, place: str) -> None:
        """Warn of what a plan lacks, of symbols that vanish, and of a place unlike the first."""
        if plan.identity.missing and plan.active.identity_mode == "relaxed":
            missing = ", ".join(plan.identity.missing)
            self.warn(f"{point}: the run is marked incomplete: no facts of {missing}")
        vanished = without_rows(plan)
        if vanished is not None:
            self._once(vanished)
        self._compare(plan, place)

    def _compare(self, plan: Plan, place: str) -> None:
        """Warn where a place computes with something else than the first one did."""
        here = {name: plan.environment[name] for name in ENVIRONMENT}
        alike = f"{plan.active.family}, {plan.active.level}, {plan.job.threads}"
        first, then = self._first.setdefault(alike, (place, here))
        if first == place:
            return
        found = [one.subject for one in differences.mapping("environment", "", then, here)]
        if found:
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            self._once(
                f"{place} is not like {first}: {'; '.join(found[:SHOWN])}{more}; its runs have "
                "execution keys of their own"
            )

    def _once(self, told: str) -> None:
        if told not in self._told:
            self._told.add(told)
            self.warn(told)
