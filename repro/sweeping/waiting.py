"""A point that is to be started, perhaps again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from repro.sweeping.points import Point
from repro.verbs.training.leaking import LeakingFeatures
from repro.verbs.training.train import without_leaking


@dataclass(frozen=True, slots=True)
class Waiting:
    """A point that waits for a worker."""

    point: Point
    found: LeakingFeatures | None = None
    """What ended the try before, if there was one."""
    fixed: tuple[Mapping[str, Any], ...] = ()
    """Features that leaked before, and are left out now, each with what was found."""
    reruns: int = 0
    not_before: float = 0.0
    """By the monotonic clock: while another command trains this very run."""

    def again(self, leaking: LeakingFeatures) -> Waiting:
        """Return the point as it is started without the features that leak."""
        selection = without_leaking(self.point.selection, leaking.findings)
        return Waiting(
            replace(self.point, selection=selection),
            leaking,
            (*self.fixed, *leaking.findings),
            self.reruns + 1,
        )
