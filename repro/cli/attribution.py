"""What ``repro diff --attribute`` asks and writes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.progress import observer

if TYPE_CHECKING:
    from repro.runs.sealed import Run
    from repro.verbs.research.attribute import Attribution

MANY = 20
"""Trainings that nobody starts by mistake."""


def attributed(
    root: Path, runs: tuple[Run, Run], metric: str | None, most: int, *, yes: bool, as_json: bool
) -> int:
    """Say how many trainings it takes, train, and write what each cause carries."""
    from repro.verbs.research.attribute import attribute, plan

    planned = plan(root, *runs, metric, most)
    count = planned.trainings
    output.talk(f"repro: at most {count} trainings; what is sealed already is not trained again")
    if count > MANY:
        require_consent(f"train up to {count} times?", yes, "add --yes, or lower --every-order")
    with observer(False, False) as watching:
        found = attribute(root, planned, watching)
    if as_json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
    else:
        _text(found)
    return 0


def _json(found: Attribution) -> dict[str, Any]:
    """Return the attribution as JSON; nothing is rounded."""
    return {
        "schema": 1,
        "command": "diff attribute",
        "a": found.a.name,
        "b": found.b.name,
        "label": found.label,
        "metric": found.metric,
        "old": found.old,
        "new": found.new,
        "delta": found.delta,
        "every_order": found.every_order,
        "shares": [
            {
                "factor": share.factor.name,
                "delta": share.delta,
                "causes": [asdict(cause) for cause in share.factor.causes],
            }
            for share in found.shares
        ],
        "rest": found.rest,
        "unattributed": [cause.subject for cause in found.unattributed],
        "trained": found.trained,
        "reused": found.reused,
    }


def _text(found: Attribution) -> None:
    """Write what each cause carries, the largest first."""
    number = output.number
    output.result(f"  A {found.a.name}")
    output.result(f"  B {found.b.name}")
    if found.label:
        output.result(f"  note: {found.label}")
    output.result(
        f"{found.metric}: {number(found.old)} -> {number(found.new)}, {number(found.delta)} in all"
    )
    rows = [("", "carries", "share")]
    rows += [
        (f"  {share.factor.name}", number(share.delta), _percent(share.delta, found.delta))
        for share in found.shares
    ]
    if found.rest or found.unattributed:
        rows.append(("  the rest", number(found.rest), _percent(found.rest, found.delta)))
    output.result(output.columns(rows, right=(1, 2)))
    how = "in the mean over all orders" if found.every_order else "in this order, one by one"
    output.result(
        f"each as it changes the metric {how} (Shapley values)"
        if found.every_order
        else f"each as it changes the metric {how}; in another order the shares may differ"
    )
    if found.unattributed:
        kinds = dict.fromkeys(cause.kind for cause in found.unattributed)
        output.result(f"the rest is other {' and '.join(kinds)}: no configuration brings it back")
    output.result(f"{found.trained} trained, {found.reused} sealed before")
    if found.trained:
        output.result("what was trained are ordinary runs: @latest is one of them now")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
