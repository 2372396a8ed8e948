"""Flags that mean values of the configuration, as the overrides that they are.

The options that choose a configuration are declared once, in ``Chosen``; a command that takes them
has a parameter of that type and is marked with ``selecting``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.cli.bundles import unbundled
from repro.cli.options import (
    Experiment,
    Family,
    Level,
    Overlay,
    Overrides,
    Profile,
    Seed,
    Set,
    Symbol,
    Target,
    Variant,
    View,
)
from repro.errors import UsageError
from repro.verbs.research import choosing

if TYPE_CHECKING:
    from repro.config.resolution.resolve import Selection


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options that choose a configuration were given."""

    target: Target = None
    family: Family = None
    experiment: Experiment = None
    variant: Variant = None
    profile: Profile = None
    config: Overlay = None
    sets: Set = None
    seed: Seed = None
    view: View = None
    symbol: Symbol = None
    level: Level = None
    overrides: Overrides = None

    def selection(self) -> Selection:
        """Return what is asked for; raises UsageError for an argument that is no override."""
        return selection(
            target=self.target,
            family=self.family,
            experiment=self.experiment,
            variant=self.variant,
            profile=self.profile,
            overlays=self.config,
            sets=self.sets,
            seed=self.seed,
            view=self.view,
            symbol=self.symbol,
            level=self.level,
            overrides=self.overrides,
        )


def selecting(command: Callable[..., int], *, overrides: bool = True) -> Callable[..., int]:
    """Return ``command`` with the options of ``Chosen`` in place of its parameter of that type.

    The overrides come after every other argument, unless the command reads its arguments itself
    (``overrides`` false).
    """
    if overrides:
        return unbundled(command, Chosen, last="overrides")
    return unbundled(command, Chosen, without="overrides")


def selection(
    *, overrides: Sequence[str] | None, sets: Sequence[str] | None, **named: Any
) -> Selection:
    """Return what the flags ask for; UsageError for an argument that is no override."""
    stray = [text for text in overrides or () if "=" not in text]
    if stray:
        raise UsageError(f"not an override: {stray[0]!r}", "overrides are written key=value")
    return choosing.selection(
        spelled=choosing.as_flag, sets=[*(sets or ()), *(overrides or ())], **named
    )
