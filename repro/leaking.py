"""Features that leak, on their way from the plan to who starts the run again without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class LeakingFeatures(Exception):  # noqa: N818 (not the end of a run: it is started again)
    """Features that leak are to be dropped: the run is started again with those that are left."""

    def __init__(self, left: tuple[str, ...], findings: Sequence[Mapping[str, Any]]) -> None:
        """Keep the names that are left, in order, and what was found."""
        super().__init__(f"{len(findings)} findings of leakage")
        self.left = left
        self.findings = tuple(findings)
