"""Where it was decided which target a run is of, if it is not the default one.

The target is no value of a document: a command names it, or an experiment that names several.
"""

from __future__ import annotations

from repro.config.resolution.experiments import Experiment
from repro.config.resolution.given import Given
from repro.config.resolution.layers import Setting
from repro.errors import Place


def target_setting(asked: str | None, experiment: Experiment) -> Setting | None:
    """Return who asked for a target, and where.

    None if nobody did, so that it is the default one, or if nobody knows: what a command found out
    by itself, as a ranking does, stands in no place.
    """
    if asked is None:
        return None
    if isinstance(asked, Given):
        place = Place(asked.origin, 1, len(asked.before) + 1, len(asked.words) + 1)
        return Setting(str(asked), "--set", place, place)
    for place in experiment.names_at(targets=asked):
        return Setting(asked, f"experiment {experiment.name}", place, place)
    return None


def lines_of(asked: str | None) -> dict[str, tuple[str, ...]]:
    """Return the words by which a command named a target, as the lines of a file are kept."""
    return {asked.origin: (asked.words,)} if isinstance(asked, Given) else {}
