"""What is known of a feature, and how: stated, worked out, or no more than its name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from repro.pipeline.formulas import lookback_of

EXPLICIT = "explicit"
"""The registry states everything of the feature."""
INFERRED = "inferred"
"""The registry states its formula; what it does not state is worked out, or the least."""
NAMES_ONLY = "names-only"
"""The registry does not have it: it is the column of that name, and nothing vouches for it."""

STATED = ("formula", "lookback", "lag", "allowed_horizons", "version")
"""What the registry may state of a feature, beside a sentence for people."""


def feature_of(
    name: str, registry: Mapping[str, Mapping[str, Any]], columns: Collection[str]
) -> dict[str, Any]:
    """Return all of ``STATED``, and under ``resolved`` how the feature was resolved.

    ``columns`` are those of the dataset. Without a statement the lookback is what the formula
    needs, the lag 0, any horizon allowed, and the version 1. Raises KeyError for a name that is
    neither in the registry nor a column.
    """
    if name in registry:
        stated = {key: value for key, value in registry[name].items() if key in STATED}
        resolved = EXPLICIT if len(stated) == len(STATED) else INFERRED
    elif name in columns:
        stated, resolved = {"formula": {"kind": "column", "column": name}}, NAMES_ONLY
    else:
        raise KeyError(name)
    least = {
        "lookback": lookback_of(stated["formula"]),
        "lag": 0,
        "allowed_horizons": "any",
        "version": 1,
    }
    return {**least, **stated, "resolved": resolved}
