"""``repro train``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting
from repro.cli.trained import as_json, text

if TYPE_CHECKING:
    from repro.verbs.research.replicates import Replicate, Replicates
    from repro.verbs.training.train import TrainCommand


@selecting
def command(
    chosen: Chosen,
    replicates: Annotated[
        int | None,
        typer.Option("--replicates", min=1, max=10_000, help="So many, with seeds that count on."),
    ] = None,
    rerun: Annotated[
        bool,
        typer.Option("--rerun", help="Of experiments and replicates: train what is sealed, too."),
    ] = False,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Train a model, or those of an experiment: validated, planned in the log, strict, sealed.

    Exits 0 if all is sealed, 1 for a wrong configuration, 2 for a wrong command, 3 if data or
    environment cannot be used, 4 if a run or the log is not what it was, 5 if bits differ that must
    not, 6 if training fails or leakage is refused; of several with the status of the first that
    failed.
    """
    from repro.verbs.training.train import TrainCommand, train

    selection = chosen.selection()
    asked = TrainCommand(workspace, selection)
    with observer(quiet, no_progress) as watching:
        asked = replace(asked, observer=watching)
        if replicates is not None:
            return _replicates(asked, replicates, rerun, form)
        if selection.experiment is not None:
            from repro.cli.experimented import experimented

            return experimented(asked, rerun, form)
        outcome = train(asked)
    if form is Format.json:
        output.result(json.dumps(as_json(outcome), indent=2, ensure_ascii=False))
    else:
        text(outcome)
    return 0


def _replicates(asked: TrainCommand, count: int, rerun: bool, form: Format) -> int:
    """Train replicates, and write one summary of them."""
    from repro.verbs.research.replicates import replicate

    found = replicate(asked, count, rerun=rerun)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "train replicates",
            "replicate_key": found.replicate_key,
            "exit_status": found.exit_status,
            "replicates": [_replicate(one) for one in found.made],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return found.exit_status
    rows = [("seed", "run", *(metric for metric, _ in _shown(found)), "leakage")]
    for one in found.made:
        if one.outcome is None:
            rows.append((str(one.seed), "failed", *("-" for _ in _shown(found)), "-"))
            continue
        again = " (sealed before)" if one.outcome.reused else ""
        values = (output.number(one.outcome.metrics[metric]) for metric, _ in _shown(found))
        verdict = one.outcome.leakage["verdict"]
        rows.append((str(one.seed), f"{one.outcome.run}{again}", *values, verdict))
    output.result(output.columns(rows, right=(0, *range(2, 2 + len(_shown(found))))))
    for one in found.made:
        if one.error is not None:
            output.result(f"seed {one.seed}: {output.failure(one.error)}")
    made = [one.outcome for one in found.made if one.outcome is not None]
    if any(outcome.snapshot["level"] == "best-effort" for outcome in made):
        output.result(f"\n{output.NOT_PROMISED}")
    else:
        output.result(f"\njudge them with: repro stability {str(found.replicate_key)[:12]}")
    return found.exit_status


def _shown(found: Replicates) -> list[tuple[str, Any]]:
    """Return the metrics that are shown, of the first replicate that has some."""
    from repro.runs.variance import HEADLINE

    outcome = next(one.outcome for one in found.made if one.outcome is not None)
    wanted = (HEADLINE[str(outcome.snapshot["task"])], "skill", "rank_ic", "accuracy")
    return [(name, outcome.metrics[name]) for name in wanted if name in outcome.metrics]


def _replicate(one: Replicate) -> dict[str, Any]:
    """Return one replicate as JSON."""
    outcome = one.outcome
    return {
        "seed": one.seed,
        "run": None if outcome is None else outcome.run,
        "reused": outcome is not None and outcome.reused,
        "metrics": None if outcome is None else dict(outcome.metrics),
        "output_digest": None if outcome is None else outcome.snapshot["output_digest"],
        "leakage": None if outcome is None else outcome.leakage["verdict"],
        "problem": None if one.error is None else one.error.problem,
        "hint": None if one.error is None else one.error.hint,
    }
