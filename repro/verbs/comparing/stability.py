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
from repro.runs.finding import find, newest_of, relatives, several, sharing
from repro.runs.group import Group, judge, members
from repro.runs.predictions import Table, agreement, table
from repro.runs.purpose import is_asked
from repro.runs.sealed import Run
from repro.runs.variance import Stability, key_of, replicates
from repro.verbs.audit.log import contradicted_keys, require_completed, require_vouching
from repro.verbs.comparing.gone import gone
from repro.verbs.configuring.validate import configuration

FINAL = "final"
ALARM = "BROKEN"
_LISTED = 20
"""Seeds that a hint lists."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """How alike the predictions out of fold are, over all pairs of replicates."""

    pairs: int
    """How many pairs of replicates there are that both have predictions."""
    correlation: float | None
    """The mean over pairs."""
    correlation_least: float | None
    """The least of any pair."""
    same_rows: float
    """The mean share of rows whose bits are the same."""
    largest: float | None
    """The largest absolute difference of any pair; None where one is no finite number."""
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
    anything else is said, for a run that is not what was sealed, and UsageError if there is none or
    if no replicate has the seed.
    """
    root, resolved, _ = configuration(start, Selection())
    rule = Stability(**activate(resolved).stability)
    of = None if reference is None else _member(root, reference, rule)
    require_vouching(root)
    missing = gone(root, rule)
    groups = _group(root, rule, of) if of is not None else _groups(root, rule, missing)
    if seed is not None:
        _require_seed(groups, rule, seed)
    contradicted = contradicted_keys(root)
    judged, predicted = [], {}
    for key, group in groups.items():
        require_completed(root, *group)
        shares = {run.name: run.read(layout.IMPORTANCE)[FINAL] for run in group if _tells(run)}
        judged.append(judge(key, group, shares, rule, seed, contradicted, missing.get(key, ())))
        if reference is not None:
            found = _predictions(members(group, rule.filter_mode))
            if found is not None:
                predicted[key] = found
    shown = judged if reference is not None else _listed(judged)
    return Stabilities(rule, tuple(shown), predicted)


def _group(root: Path, rule: Stability, of: Run) -> dict[str, tuple[Run, ...]]:
    """Return the one group of a run, by its key."""
    others = relatives(root, of, rule.filter_mode)
    if not is_asked(of.snapshot) and of.name not in (run.name for run in others):
        raise UsageError(
            f"run {of.name} was trained for an attribution, and counts as nobody's replicate",
            "name a run that somebody asked for: repro runs list --asked",
        )
    if of.snapshot["incomplete"] and not rule.allow_legacy_snapshots:
        raise UsageError(
            f"run {of.name} is incomplete, and counts as nobody's replicate",
            "stability.allow_legacy_snapshots in CONFIG/identity_config.yaml lets it count",
        )
    found = replicates(of, others, rule)
    if not found:
        raise UsageError(
            f"run {of.name} has no replicates in this workspace", "see the runs: repro runs list"
        )
    return {key_of(of, rule.filter_mode): found}


def _groups(
    root: Path, rule: Stability, missing: Mapping[str, Sequence[str]]
) -> dict[str, tuple[Run, ...]]:
    """Return every group of several by its key, that with the newest run first.

    A run whose replicates are ``missing``, by their key, is one too.
    """
    runs = several(root, rule.filter_mode)
    known = {key_of(run, rule.filter_mode) for run in runs}
    alone = [
        run for key in missing if key not in known for run in sharing(root, rule.filter_mode, key)
    ]
    found: dict[str, tuple[Run, ...]] = {}
    for run in sorted((*runs, *alone), key=lambda run: run.order, reverse=True):
        key = key_of(run, rule.filter_mode)
        if key not in found:
            found[key] = replicates(run, (*runs, *alone), rule)
    groups = {
        key: group for key, group in found.items() if len(group) > 1 or (group and missing.get(key))
    }
    if not groups:
        raise _no_replicates()
    return groups


def _listed(groups: Sequence[Group]) -> list[Group]:
    """Return those of several that count, and those of which something must be said all the same.

    The same trained again under one seed is nobody's replicate. Raises UsageError if none is left.
    """
    listed = [one for one in groups if len(one.runs) > 1 or one.gone or one.verdict == ALARM]
    if not listed:
        raise _no_replicates()
    return listed


def _no_replicates() -> UsageError:
    return UsageError(
        "there are no replicates yet: no two runs that count differ in the seed alone",
        "make some with: repro train --replicates 5",
    )


def _require_seed(groups: Mapping[str, tuple[Run, ...]], rule: Stability, seed: int) -> None:
    """Raise UsageError for a seed that no replicate has that counts."""
    counting = [members(group, rule.filter_mode) for group in groups.values()]
    seeds = sorted({int(run.group["train_seed"]) for group in counting for run in group})
    if seed not in seeds:
        listed = ", ".join(map(str, seeds[:_LISTED])) + (", …" if len(seeds) > _LISTED else "")
        raise UsageError(
            f"no replicate that counts has the seed {seed}", f"seeds are: {listed or 'none'}"
        )


def _member(root: Path, reference: str, rule: Stability) -> Run:
    """Return a run of the group that is named: by a run, or by the beginning of a replicate key.

    Where replicates share more or less than that key, by what they share, too.
    """
    newest = None
    if rule.filter_mode == "strict":
        newest = newest_of(root, reference, "strict_key")
    elif rule.filter_mode == "legacy":
        named = sharing(root, rule.filter_mode, reference)
        newest = next((r for r in reversed(named) if not r.snapshot["incomplete"]), None)
        newest = newest or next(reversed(named), None)
    newest = newest or newest_of(root, reference)
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
    apart = [one.largest for one in found]
    classes = [one.same_class for one in found if one.same_class is not None]
    several = runs[0].snapshot["task"] != "regression"
    return Predictions(
        pairs=len(found),
        correlation=statistics.mean(known) if known else None,
        correlation_least=min(known, default=None),
        same_rows=statistics.mean([one.same_rows for one in found]),
        largest=None if None in apart else max(apart),
        same_class=statistics.mean(classes) if several and classes else None,
    )
