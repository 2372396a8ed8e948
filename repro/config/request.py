"""What a worker is asked, in two halves: what decides the outcome, and what does not.

The first half is digested into the execution key; it holds no paths and no display options. The
second holds every value that its schema calls ``none``: how a file is packed, what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.config.active import Active, component_of
from repro.config.catalog import Trainer
from repro.config.layers import below, nest
from repro.config.resolve import Resolved

SCHEMA = 1
FILES = "files"


@dataclass(frozen=True, slots=True)
class Request:
    """The two halves; both are sealed into the run, so that it can be done again."""

    decides: Mapping[str, Any]
    options: Mapping[str, Any]


def build(resolved: Resolved, active: Active, trainer: Trainer) -> Request:
    """Return the request that a resolved configuration means for a trainer."""
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
            "splits": dict(active.splits),
            "routing": dict(active.routing),
            "execution": {"level": active.level, "threads": active.threads},
        },
        options={"dataset": nest(rest), "leakage": dict(active.leakage)},
    )
