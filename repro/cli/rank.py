"""``repro rank``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import (
    AsFormat,
    Experiment,
    Family,
    Format,
    Level,
    NoProgress,
    Overlay,
    Overrides,
    Profile,
    Quiet,
    Rerun,
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
    from repro.runs.ranking import Model, Standing
    from repro.verbs.research.rank import Ranking


def command(
    workspace: Workspace = Path(),
    family: Family = None,
    experiment: Experiment = None,
    variant: Variant = None,
    profile: Profile = None,
    config: Overlay = None,
    sets: Set = None,
    seed: Seed = None,
    view: View = None,
    symbol: Symbol = None,
    level: Level = None,
    rerun: Rerun = False,
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    overrides: Overrides = None,
) -> int:
    """Train each target with ordinary runs, and say which is predicted best, and how surely."""
    from repro.verbs.research.rank import rank
    from repro.verbs.training.train import TrainCommand

    chosen = selection(
        target=None,
        family=family,
        experiment=experiment,
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
        found = rank(TrainCommand(workspace, chosen, watching), rerun=rerun)
    if form is Format.json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
    else:
        text(found)
    return found.exit_status


def _json(found: Ranking) -> dict[str, Any]:
    """Return the ranking as JSON."""
    return {"schema": 1, "command": "rank", **ranking_json(found)}


def ranking_json(found: Ranking) -> dict[str, Any]:
    """Return a ranking as a part of a JSON document."""
    return {
        "families": list(found.families),
        "average": found.rule["average"],
        "metric": found.rule["metric"],
        "confidence": found.rule["confidence"],
        "resamples": found.rule["resamples"],
        "targets": [_target(place, one) for place, one in enumerate(found.standings, start=1)],
        "conclusions": list(found.conclusions),
    }


def _target(place: int, one: Standing) -> dict[str, Any]:
    """Return one target as JSON."""
    return {
        "target": one.target,
        "rank": None if one.value is None else place,
        "outcome": one.outcome,
        "value": one.value,
        "interval": interval_json(one.interval),
        "folds": one.folds,
        "reason": one.reason,
        "models": [
            {
                "family": model.family,
                "outcome": model.outcome,
                "run": model.run,
                "reused": model.reused,
                "value": model.value,
                "interval": interval_json(model.interval),
                "reason": model.reason,
            }
            for model in one.models
        ],
    }


def interval_json(interval: Any) -> dict[str, float] | None:
    """Return an interval as JSON."""
    return None if interval is None else {"low": interval.low, "high": interval.high}


def text(found: Ranking) -> None:
    """Write the targets as a table, with a line for each of several families, and what follows."""
    metric = found.rule["metric"]
    share = f"{100 * found.rule['confidence']:g} %"
    several = len(found.families) > 1
    families = ", ".join(found.families)
    of = f"{found.rule['average']} of {families}" if several else families
    output.result(f"{of}, by {metric} out of fold; intervals of {share} over test folds")
    output.result("")
    rows = [("", "target", "family", metric, "from", "to", "run", "")]
    for number, one in enumerate(found.standings, start=1):
        place = "-" if one.value is None else str(number)
        if several:
            rows.append((place, one.target, "", *_numbers(one), "", ""))
        for model in one.models:
            named = ("", "") if several else (place, one.target)
            mark = "sealed before" if model.reused else ""
            rows.append((*named, model.family, *_numbers(model), model.run or "-", mark))
    output.result(output.columns(rows, right=(0, 3, 4, 5)))
    output.result("")
    for one in found.standings:
        for model in one.models:
            if model.reason is not None:
                who = f"{one.target}, {model.family}" if several else one.target
                output.result(f"{who}: {model.outcome}: {model.reason}")
    for line in found.conclusions:
        output.result(line)
    if found.level == "best-effort":
        output.result(output.NOT_PROMISED)


def _numbers(one: Standing | Model) -> tuple[str, str, str]:
    """Return a value with its interval as they are shown."""
    low, high = (None, None) if one.interval is None else (one.interval.low, one.interval.high)
    return output.number(one.value), output.number(low), output.number(high)
