"""Values that a command takes over from a sealed run, told with the places that decided them there.

An attribution trains what lies between two runs. It lays their values by an overlay in a folder
that is gone afterwards, and by overrides that nobody typed; of each the run and the place that its
own record has is what somebody can look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.config.resolution.layers import Setting, Value, dotted
from repro.errors import Place

if TYPE_CHECKING:
    from repro.config.resolution.resolve import Resolved

FROM = "run "
"""What the layer of such a value begins with, and its file: ``run NAME: FILE``."""


@dataclass(frozen=True, slots=True)
class Told:
    """Where a run's record says that a value was decided."""

    file: str
    line: int
    column: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A run that values come from."""

    run: str
    layer: str
    """What the layer by which they are laid begins with."""
    told: Mapping[str, Told]
    """By the paths of the values, with dots."""
    target: Told | None = None
    """Where the run's target was decided, if it is the one that is asked for."""

    @property
    def name(self) -> str:
        """Return what the layer is called instead."""
        return FROM + self.run


def told(resolved: Resolved, origins: Iterable[Origin]) -> Resolved:
    """Return a configuration whose values say where the runs that they come from decided them."""
    lines: dict[str, dict[int, str]] = {}
    renamed: dict[str, str] = {}
    origins = tuple(origins)

    def from_(origin: Origin, found: Told, setting: Setting, before: str = "") -> Setting:
        own = found.file.startswith(FROM)  # it was taken over there, too
        file = found.file if own else f"{origin.name}: {found.file}"
        lines.setdefault(file, {})[found.line] = found.text or ""
        place = Place(file, found.line, found.column, found.column + 1)
        return replace(setting, layer=before + origin.name, place=place, key=place, items=())

    def of(path: str, setting: Setting) -> Setting:
        for origin in origins:
            before, laid, _ = setting.layer.partition(origin.layer)
            if not laid:
                continue
            renamed[setting.layer[len(before) :]] = origin.name
            found = origin.told.get(path, Told("config.json", 1, 1, None))
            return from_(origin, found, setting, before)
        return setting

    flat = {
        path: Value(path, tuple(of(dotted(path), setting) for setting in value.history))
        if any(o.layer in s.layer for s in value.history for o in origins)
        else value
        for path, value in resolved.flat.items()
    }
    nobody = Setting(resolved.target, "", *(Place("", 1, 1, 1),) * 2)
    targets = [from_(one, one.target, nobody) for one in origins if one.target is not None]
    sources = {
        file: tuple(known.get(number, "") for number in range(1, max(known) + 1))
        for file, known in lines.items()
    }
    named = dict.fromkeys(renamed.get(name, name) for name in resolved.layers)
    idle = [name for name in named if any(name.startswith(origin.layer) for origin in origins)]
    layers = tuple(name for name in named if name not in idle)
    return replace(
        resolved,
        flat=flat,
        sources={**resolved.sources, **sources},
        layers=layers,
        target_from=next(iter(targets), resolved.target_from),
    )
