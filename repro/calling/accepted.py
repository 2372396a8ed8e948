"""What may be passed to the verbs from Python, as types, which editors show and `check` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol, TypedDict, runtime_checkable

from repro.calling.check import AtLeast, Said


@runtime_checkable
class Sealed(Protocol):
    """What a verb returned for a sealed run: it knows the run's folder."""

    @property
    def folder(self) -> Path:
        """The folder that holds ``snapshot.json``."""


Reference = Annotated[
    str | Path | Sealed,
    Said("the name of a run, a path, or what another method returned for a run"),
]
"""What names a run: a text as on the command line, a path, or what another verb returned for it."""
Count = Annotated[int, AtLeast(0)]
Some = Annotated[int, AtLeast(1)]


class Choice(TypedDict, total=False):
    """What may be asked of the configuration; the command line's options of these names."""

    target: str | None
    family: str | None
    experiment: str | None
    variant: str | None
    profile: str | None
    overlays: Sequence[str | Path] | None
    seed: int | None
    view: str | None
    symbol: str | None
    level: str | None
    set: Mapping[str, object] | None
    """Overrides: ``{"hyperparameters.n_estimators": 200}``. Values keep their types."""


class Filters(TypedDict, total=False):
    """Which runs are asked for, in which order; what is None, or lists nothing, filters nothing."""

    target: str | None
    family: str | None
    view: str | None
    symbol: str | None
    level: str | None
    experiment: str | None
    seed: int | None
    key: str | None
    """The beginning of a name or of any key."""
    since: str | None
    """A day, or a time, in UTC: runs planned then or later."""
    until: str | None
    """Runs planned before the end of a day, or of what else a time is written to."""
    where: Sequence[str]
    """Conditions on metrics, such as ``rmse<0.05``."""
    incidents: bool
    """Only those with an incident."""
    pinned: bool
    """Only those that a name stands for."""
    asked: bool
    """Only those that somebody asked for: none that an attribution trained."""
    sort: str | None
    """A column or a metric; with ``-`` in front the highest first. Without it, the newest first."""
    limit: Count
    """How many at most; 0 for all."""
    offset: Count
    """How many to pass over."""
    rebuild: bool
    """Whether the index is made anew first, from the runs and the log."""


def named(reference: Reference) -> str:
    """Return what names a run as the command line has it; a path is made whole."""
    if isinstance(reference, str):
        return reference
    return str(Path(reference if isinstance(reference, Path) else reference.folder).absolute())
