"""``repro rank``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import (
    AsFormat,
    Family,
    Format,
    Level,
    NoProgress,
    Overlay,
    Overrides,
    Profile,
    Quiet,
    Seed,
    Set,
    Symbol,
    Variant,
    View,
    Workspace,
)
from repro.cli.progress import observer
from repro.cli.selection import selection

if TYPE_CHECKING:
    from repro.rank import Ranking
    from repro.runs.ranking import Standing


def command(
    workspace: Workspace = Path(),
    family: Family = None,
    variant: Variant = None,
    profile: Profile = None,
    config: Overlay = None,
    sets: Set = None,
    seed: Seed = None,
    view: View = None,
    symbol: Symbol = None,
    level: Level = None,
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    overrides: Overrides = None,
) -> int:
    """Train each target with an ordinary run, and say which is predicted best, and how surely."""
    from repro.rank import rank
    from repro.train import TrainCommand

    chosen = selection(
        target=None,
        family=family,
        variant=variant,
        profile=profile,
        overlays=config,
        sets=sets,
        seed=seed,
        view=view,
        symbol=symbol,
        level=level,
        overrides=overrides,
    )
    with observer(quiet, no_progress) as watching:
        found = rank(TrainCommand(workspace, chosen, watching))
    if form is Format.json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
    else:
        _text(found)
    return found.exit_status


def _json(found: Ranking) -> dict[str, Any]:
    """Return the ranking as JSON."""
    return {
        "schema": 1,
        "command": "rank",
        "family": found.family,
        "metric": found.rule["metric"],
        "confidence": found.rule["confidence"],
        "resamples": found.rule["resamples"],
        "targets": [_target(place, one) for place, one in enumerate(found.standings, start=1)],
        "conclusions": list(found.conclusions),
    }


def _target(place: int, one: Standing) -> dict[str, Any]:
    """Return one target as JSON."""
    interval = one.interval
    return {
        "target": one.target,
        "rank": None if one.value is None else place,
        "outcome": one.outcome,
        "run": one.run,
        "value": one.value,
        "interval": None if interval is None else {"low": interval.low, "high": interval.high},
        "folds": one.folds,
        "reason": one.reason,
    }


def _text(found: Ranking) -> None:
    """Write the targets as a table, and below it what follows."""
    metric = found.rule["metric"]
    share = f"{100 * found.rule['confidence']:g} %"
    output.result(f"{found.family}, by {metric} out of fold; intervals of {share} over test folds")
    output.result("")
    rows = [("", "target", metric, "from", "to", "run")]
    for place, one in enumerate(found.standings, start=1):
        interval = one.interval
        rows.append(
            (
                "-" if one.value is None else str(place),
                one.target,
                output.number(one.value),
                output.number(None if interval is None else interval.low),
                output.number(None if interval is None else interval.high),
                one.run or "-",
            )
        )
    output.result(output.columns(rows, right=(0, 2, 3, 4)))
    output.result("")
    for one in found.standings:
        if one.reason is not None:
            output.result(f"{one.target}: {one.outcome}: {one.reason}")
    for line in found.conclusions:
        output.result(line)
    if found.level == "best-effort":
        output.result(output.NOT_PROMISED)
