"""What came of the points of a sweep, as little of it as a summary needs: there may be many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import payload_digest
from repro.errors import ReproError
from repro.identity.keys import exact
from repro.runs.divergence import folds_of
from repro.sweeping.points import Point
from repro.verbs.training.sealing import Outcome

_CUT = "repro-audit v1 sweep cut"


@dataclass(frozen=True, slots=True)
class Result:
    """A sealed run, as a sweep tells of it."""

    run: str
    folder: Path
    """The folder that holds ``snapshot.json``."""
    target: str
    task: str
    family: str
    view: str
    symbol: str | None
    metrics: Mapping[str, Any] = field(repr=False)
    """Out of fold."""
    execution_key: str
    output_digest: str
    leakage: str
    """The verdict."""
    reused: bool
    """Whether it was sealed before this sweep came to it."""
    cut: str
    """A digest of rows, labels and folds: what has the same was scored on the same."""

    @classmethod
    def of(cls, outcome: Outcome) -> Result:
        """Return what a sweep keeps of an outcome."""
        snapshot = outcome.snapshot
        return cls(
            run=outcome.run,
            folder=outcome.folder,
            target=snapshot["target"],
            task=snapshot["task"],
            family=snapshot["family"],
            view=snapshot["view"],
            symbol=snapshot["symbol"],
            metrics=dict(snapshot["metrics"]),
            execution_key=snapshot["comparison_group"]["execution_key"],
            output_digest=snapshot["output_digest"],
            leakage=snapshot["leakage"]["verdict"],
            reused=outcome.reused,
            cut=_cut(snapshot),
        )


@dataclass(frozen=True, slots=True)
class Done:
    """A point, and what came of it."""

    point: Point
    result: Result | None = None
    error: ReproError | None = None
    """Why there is no result; beside one, that its bits contradict those of an earlier run."""

    @property
    def counted(self) -> Result | None:
        """Return the result, unless the log has other bits under its key: then it is nobody's."""
        return self.result if self.error is None else None

    @property
    def state(self) -> str:
        """Return in a word what came of it."""
        if self.error is not None:
            return "failed"
        if self.result is None:
            return "not started"
        if self.point.twin is not None:
            return "same run"
        return "sealed before" if self.result.reused else "sealed"


def _cut(snapshot: Mapping[str, Any]) -> str:
    """Return the digest of a run's rows and folds; of one that does not know them, its own."""
    folds = folds_of(snapshot)
    found = {"rows": snapshot["samples"]["columns"], "fold_map": folds.get("fold_map")}
    return payload_digest(_CUT, exact(found if folds else {"run": snapshot["run"]}))
