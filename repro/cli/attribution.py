"""What ``repro diff --attribute`` asks and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.compared import wrapped
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
    most_of = output.counted(count, "training")
    output.talk(f"repro: at most {most_of}; what is sealed already is not trained again")
    if count > MANY:
        require_consent(f"train up to {count} times?", yes, "add --yes, or lower --every-order")
    with observer(False, False) as watching:
        found = attribute(root, planned, watching)
    if as_json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
    else:
        write(found)
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
        "noise": found.effect.noise,
        "noise_from": found.effect.noise_from,
        "noise_count": found.effect.noise_count,
        "within_noise": found.within_noise,
        "moved": found.moved,
        "cancels": found.cancels,
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


def write(found: Attribution) -> None:
    """Write the whole change beside its noise, then what each cause carries, the largest first."""
    number = output.number
    output.result(f"  A {found.a.name}")
    output.result(f"  B {found.b.name}")
    if found.label:
        output.result(wrapped(f"note: {found.label}", "  "))
    output.result(f"{found.metric}: {number(found.old)} -> {number(found.new)}")
    for line in _whole(found):
        output.result(wrapped(line, ""))
    parts = [(share.factor.name, share.delta) for share in found.shares]
    if found.rest or found.unattributed:
        parts.append(("the rest", found.rest))
    rows = [("", "carries", "beside noise", "share")]
    rows += [
        (f"  {name}", number(delta), _beside(delta, found.effect.noise), _percent(delta, found))
        for name, delta in parts
    ]
    silent = {n for n in (2, 3) if not any(row[n] for row in rows[1:])}
    shown = [[cell for n, cell in enumerate(row) if n not in silent] for row in rows]
    output.result(output.columns(shown, right=range(1, 4)))
    output.result(
        "each as it changes the metric in the mean over all orders (Shapley values)"
        if found.every_order
        else "each as it changes the metric in this order, one by one; "
        "in another order\nthe parts may differ"
    )
    if found.unattributed:
        kinds = dict.fromkeys(cause.kind for cause in found.unattributed)
        output.result(f"the rest is other {' and '.join(kinds)}: no configuration brings it back")
    output.result(f"{found.trained} trained, {found.reused} sealed before")
    if found.trained:
        output.result(
            "what was trained are runs too, marked in repro runs list; @latest is none of them"
        )


def _whole(found: Attribution) -> Iterator[str]:
    """Yield how large the whole change is, beside its noise and its parts."""
    effect, whole = found.effect, output.number(found.delta)
    if not found.delta:
        yield "the metric is the same in both"
    elif effect.noise is None:
        yield f"changed by {whole} in all; its noise is not known"
    else:
        source = f"± {effect.noise:.3g}, told from {effect.noise_count} {effect.noise_from}"
        yield f"changed by {whole} in all; noise {source}"
    if found.within_noise and found.delta:
        yield (
            "the whole change is within the noise: it may be chance, and so may be"
            " whatever is no larger below"
        )
    if found.cancels:
        yield (
            f"the whole change is small against its parts, which come to"
            f" {output.number(found.moved)} and cancel each other"
        )
    if (found.within_noise and found.delta) or found.cancels:
        yield "shares of so small a change would mislead, and are left out"


def _beside(part: float, noise: float | None) -> str:
    """Return how large a part is beside the noise of the whole change; empty if that is unknown."""
    if not noise:
        return ""
    return "within" if abs(part) <= noise else f"{abs(part) / noise:.1f} times"


def _percent(part: float, found: Attribution) -> str:
    """Return a part as a share of the whole, where that is large enough to be shared."""
    if found.within_noise or found.cancels or not found.delta:
        return ""
    return f"{100 * part / found.delta:.1f} %"
