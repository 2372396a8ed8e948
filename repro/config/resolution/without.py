"""The layer above all others: the list of features without those that leak."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from repro.config.resolution.layers import LEAKAGE, Flat, Layer, Path, Setting
from repro.errors import Place

FEATURES: Path = ("data", "feature_registry", "selected")
"""The list of the features of a run."""


def line(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return what the layer's place points into: one line that says who was left out."""
    return {LEAKAGE: (f"without {', '.join(names)}",)} if names else {}


def without(flat: Flat, names: Collection[str]) -> list[Layer]:
    """Return the layer that takes features out of ``flat``, or none if there is nothing to take.

    What is left stays in its order, and each feature where it was written.
    """
    if not names:
        return []
    above = flat[FEATURES].setting
    left = [place for place, name in enumerate(above.value) if name not in names]
    (text,) = line(names)[LEAKAGE]
    said = Place(LEAKAGE, 1, 1, len(text) + 1)
    setting = Setting([above.value[place] for place in left], LEAKAGE, said, said)
    if above.items:
        setting = replace(setting, items=tuple(above.items[place] for place in left))
    return [(LEAKAGE, {FEATURES: setting})]
