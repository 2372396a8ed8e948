"""``repro stability``: whether runs that differ in the seed alone agree, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection
from repro.errors import UsageError
from repro.runs import layout, statistics
from repro.runs.finding import find, newest_of, relatives, several
from repro.runs.group import Group, judge, members
from repro.runs.predictions import Table, agreement, table
from repro.runs.sealed import Run
from repro.runs.variance import Stability, key_of, replicates
from repro.verbs.audit.log import contradicted_keys, require_as_logged
from repro.verbs.configuring.validate import configuration

FINAL = "final"


@dataclass(frozen=True, slots=True)
class Predictions:
    """How alike the predictions out of fold are, over all pairs of replicates."""

    pairs: int
    """How many pairs of replicates there are."""
    correlation: float | None
    """The mean over pairs."""
    correlation_least: float | None
    """The least of any pair."""
    same_rows: float
    """The mean share of rows whose bits are the same."""
    largest: float
    """The largest absolute difference of any pair."""
    same_class: float | None
    """The mean share of rows with the same class, of a target with classes."""


@dataclass(frozen=True, slots=True)
class Stabilities:
    """What was asked, and every group that was judged, the newest first."""

    rule: Stability
    groups: tuple[Group, ...]
    predictions: Mapping[str, Predictions]
    """By the key of a group; only where one group was asked for."""

    @property
    def exit_status(self) -> int:
        """Return the worst of the groups': 5, else 1, else 0."""
        return max((group.exit_status for group in self.groups), default=0)


def stability(start: Path, reference: str | None = None, seed: int | None = None) -> Stabilities:
    """Return how stable a group of replicates is, or, unless one is named, every group of several.

    ``reference`` names any run of the group, or its replicate key. ``seed`` is the one that is
    reported elsewhere. The rule is that of today's configuration. Raises IntegrityError, before
    anything else is said, for a run that is not what was sealed, and UsageError if there is none.
    """
    root, resolved, _ = configuration(start, Selection())
    rule = Stability(**activate(resolved).stability)
    groups = _groups(root, rule, reference)
    judged, predicted = [], {}
    for key, group in groups.items():
        require_as_logged(root, *group)
        contradicted = contradicted_keys(root)
        shares = {run.name: run.read(layout.IMPORTANCE)[FINAL] for run in group if _tells(run)}
        judged.append(judge(key, group, shares, rule, seed, contradicted))
        if reference is not None:
            found = _predictions(members(group, rule.filter_mode))
            if found is not None:
                predicted[key] = found
    return Stabilities(rule, tuple(judged), predicted)


def _groups(root: Path, rule: Stability, reference: str | None) -> dict[str, tuple[Run, ...]]:
    """Return the groups by key, that with the newest run first."""
    if reference is not None:
        of = _member(root, reference)
        others = relatives(root, of, rule.filter_mode)
        return {key_of(of, rule.filter_mode): replicates(of, others, rule)}
    found: dict[str, tuple[Run, ...]] = {}
    runs = several(root, rule.filter_mode)
    for run in reversed(runs):
        key = key_of(run, rule.filter_mode)
        if key not in found:
            found[key] = replicates(run, runs, rule)
    groups = {key: group for key, group in found.items() if len(group) > 1}
    if not groups:
        raise UsageError(
            "there are no replicates yet: no two runs share a key",
            "make some with: repro train --replicates 5",
        )
    return groups


def _member(root: Path, reference: str) -> Run:
    """Return a run of the group that is named: by a run, or by the beginning of a replicate key."""
    newest = newest_of(root, reference)
    return find(root, reference) if newest is None else newest


def _tells(run: Run) -> bool:
    """Return whether a run sealed the importance of its features, which the oldest did not."""
    return (run.folder / layout.IMPORTANCE).is_file()


def _predictions(runs: Sequence[Run]) -> Predictions | None:
    """Return how alike the predictions are; None for fewer than two runs that have some."""
    tables: list[Table] = [
        table(run.folder / layout.PREDICTIONS)
        for run in runs
        if (run.folder / layout.PREDICTIONS).is_file()
    ]
    if len(tables) < 2:
        return None
    found: list[Any] = [agreement(a, b) for n, a in enumerate(tables) for b in tables[n + 1 :]]
    known = [one.correlation for one in found if one.correlation is not None]
    classes = [one.same_class for one in found if one.same_class is not None]
    several = runs[0].snapshot["task"] != "regression"
    return Predictions(
        pairs=len(found),
        correlation=statistics.mean(known) if known else None,
        correlation_least=min(known, default=None),
        same_rows=statistics.mean([one.same_rows for one in found]),
        largest=max(one.largest for one in found),
        same_class=statistics.mean(classes) if several and classes else None,
    )
