"""Where a workspace is and who is told: what every verb for Python starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from repro.calling.accepted import Choice, Reference, named
from repro.config.resolution.given import Given
from repro.verbs.observer import Observer
from repro.verbs.research.choosing import ARGUMENT, as_argument, override, selection

if TYPE_CHECKING:
    from repro.config.resolution.resolve import Selection
    from repro.runs.sealed import Run


@dataclass(frozen=True, slots=True, init=False)
class Place:
    """A workspace, and who is told how far its verbs are."""

    root: Path
    """The folder that holds ``CONFIG``."""
    observer: Observer = field(repr=False)

    def _find(self, reference: Reference) -> Run:
        """Return a run for a verb that holds it against the log itself."""
        from repro.runs.finding import find

        return find(self.root, named(reference))


def selected(chosen: Choice) -> Selection:
    """Return what is chosen as the layers that it means."""
    asked = {name: value for name, value in chosen.items() if name not in ("set", "overlays")}
    sets = [_override(key, value) for key, value in (chosen.get("set") or {}).items()]
    overlays = [str(name) for name in chosen.get("overlays") or ()]
    return selection(spelled=as_argument, sets=sets, overlays=overlays, **asked)  # type: ignore[arg-type]  # named there


def _override(key: str, value: object) -> Given:
    """Return an override that is called by its key, as it stands in the argument ``set``."""
    text = override(key, value)
    return Given(text, f"{ARGUMENT}set[{key!r}]", f"{key}=", text.removeprefix(f"{key}="))
