"""Flags that mean values of the configuration, as the overrides that they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from repro.errors import UsageError

if TYPE_CHECKING:
    from repro.config.resolve import Selection


def selection(
    *,
    target: str | None,
    family: str | None,
    variant: str | None,
    profile: str | None,
    overlays: Sequence[str] | None,
    sets: Sequence[str] | None,
    seed: int | None,
    view: str | None,
    symbol: str | None,
    level: str | None,
    overrides: Sequence[str] | None,
) -> Selection:
    """Return what the flags ask for; every flag that means a value is a ``--set``."""
    from repro.config.resolve import Selection

    stray = [text for text in overrides or () if "=" not in text]
    if stray:
        raise UsageError(f"not an override: {stray[0]!r}", "overrides are written key=value")
    values = [*(sets or ()), *(overrides or ())]
    if symbol is not None and view is None:
        view = "symbol_specific"
    named = {
        "pipeline.family": family,
        "reproducibility.base_seed": seed,
        "reproducibility.level": level,
        "routing.view": view,
        "routing.symbol": symbol,
    }
    values += [
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in named.items()
        if value is not None
    ]
    return Selection(target, variant, profile, tuple(overlays or ()), tuple(values))
