"""What a worker is asked, in two halves: what decides the outcome, and what does not.

The first half is digested into the execution key; it holds no paths and no display options. The
second holds every value that its schema calls ``none``: how a file is packed, what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.config.documents.catalog import Trainer
from repro.config.resolution.active import Active, component_of
from repro.config.resolution.layers import below, nest
from repro.config.resolution.resolve import Resolved
from repro.identity.seeds import fold_seed

SCHEMA = 1
FILES = "files"
RERUNS = "max_reruns"
"""How often a run may be started again: nothing for a worker."""


@dataclass(frozen=True, slots=True)
class Request:
    """The two halves; both are sealed into the run, so that it can be done again."""

    decides: Mapping[str, Any]
    options: Mapping[str, Any]


def build(
    resolved: Resolved, active: Active, trainer: Trainer, selectors: Sequence[Trainer] = ()
) -> Request:
    """Return the request that a resolved configuration means for a trainer.

    ``selectors`` are the trainers of ``active.selecting``, in that order. Where features are not
    selected, the request does not speak of it.
    """
    forced = trainer.forced(active.level)
    document = ("data", "dataset", "dataset")
    leaves = below(resolved.flat, document)
    decides = {p: v.value for p, v in leaves.items() if component_of((*document, *p)) != "none"}
    rest = {p: v.value for p, v in leaves.items() if p not in decides and p[0] != FILES}
    return Request(
        decides={
            "schema": SCHEMA,
            "dataset": nest(decides),
            "target": dict(active.target),
            "features": [dict(feature) for feature in active.features],
            "family": active.family,
            "parameters": {**active.hyperparameters, **forced},
            "clipping": dict(active.clipping),
            **_selection(active, selectors),
            "splits": {**active.splits, **_drawing(active)},
            "routing": dict(active.routing),
            "execution": {"level": active.level, "threads": active.threads},
        },
        options={
            "dataset": nest(rest),
            "leakage": {k: v for k, v in active.leakage.items() if k != RERUNS},
            "execution": {"numeric_fingerprint": active.numeric_fingerprint},
            "inputs": {"sha256": active.input_sha256},
        },
    )


def selecting(decides: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the families that a request asks to choose features, in order; often none."""
    if "selection" not in decides or "families" not in decides["selection"]:
        return ()
    return tuple(asked["family"] for asked in decides["selection"]["families"])


def _drawing(active: Active) -> dict[str, int]:
    """Return the seed of folds that are drawn, or nothing if they are not."""
    if not active.splits.get("shuffled", False):
        return {}
    view, symbol = active.routing["view"], active.routing["symbol"]
    return {"seed": fold_seed(active.base_seed, active.target["name"], view, symbol)}


def _selection(active: Active, selectors: Sequence[Trainer]) -> dict[str, Any]:
    """Return how features are chosen, or nothing if they are not."""
    if active.selection["method"] == "none":
        return {}
    rule = dict(active.selection)
    if active.selecting:
        rule["families"] = [
            {
                "family": trainer.family,
                "parameters": {**parameters, **trainer.forced(active.level)},
            }
            for trainer, parameters in zip(selectors, active.selecting.values(), strict=True)
        ]
    return {"selection": rule}
