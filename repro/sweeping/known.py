"""Which points have a result already: by execution key, foreseen or as a worker prepared it.

The execution key of a run hangs on facts that only a worker can tell: of the data, of the features,
of the folds, of its libraries. They are the same for all points that differ in nothing but
hyperparameters and seeds. So the first of them that a worker prepares tells the keys of all others,
and one that is sealed needs no worker of its own. A key that is foreseen decides only that: a run
that is made has the key that its own worker's facts give it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import payload_digest
from repro.errors import DamagedRunError, IntegrityError
from repro.identity.keys import exact
from repro.runs import layout
from repro.runs.purpose import SWEEP, Purpose, purpose_in, stands_for
from repro.runs.sealed import Run, load_run, require_whole, runs_of
from repro.sweeping.points import Ready
from repro.verbs.audit.log import require_completed, require_vouching
from repro.verbs.audit.results import Results
from repro.verbs.training.leaking import Judged
from repro.verbs.training.plan import Plan
from repro.verbs.training.preparing import identity_with
from repro.verbs.training.running import as_good, standing_for
from repro.verbs.training.sealing import Outcome

_ALIKE = "repro-audit v1 sweep prepared alike"
_NEEDED = ("dataset", "features", "splits", "drawn_folds")
"""What identity takes of a worker's facts; nothing else of them is kept."""
FOR = Purpose(SWEEP)
"""What every run of a sweep is made for."""
_LOOKED_AT = (layout.SNAPSHOT, "request.json")
"""What of a sealed run is read here, and so held against the log."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the worker of one point told, as far as identity needs it."""

    facts: Mapping[str, Any]
    environment: Mapping[str, Any]
    code: Mapping[str, str]


@dataclass(slots=True)
class Known:
    """The sealed runs of a workspace, for the points of one sweep."""

    root: Path
    _told: dict[str, _Told] = field(default_factory=dict)
    _results: Results = field(init=False)
    _is_vouched: bool = False

    def __post_init__(self) -> None:
        """Have read nothing of the log yet."""
        self._results = Results(self.root)

    def learn(self, ready: Ready, plan: Plan) -> None:
        """Keep what the worker of a point told, for the points that are prepared alike."""
        facts = {name: plan.facts[name] for name in _NEEDED if name in plan.facts}
        told = _Told(facts, plan.environment, plan.code)
        self._told.setdefault(_alike(ready), told)

    def key_of(self, ready: Ready) -> str | None:
        """Return the execution key that a point will have; None while nothing like it is known."""
        told = self._told.get(_alike(ready))
        if told is None:
            return None
        found = identity_with(ready.active, ready.job, told.facts, told.code, told.environment)
        return None if found.missing else found.execution_key

    def foreseen(self, ready: Ready) -> Outcome | None:
        """Return the sealed result of a point, without a worker; None if it cannot be told."""
        key = self.key_of(ready)
        if key is None or not _promises(ready):
            return None
        completed = self._results.completed(key)
        if completed is None:
            return None
        folder = layout.runs(self.root) / str(completed["run"])
        if not folder.is_dir():
            return None
        self._vouch()
        with _damaged():
            run = load_run(folder)
            if not stands_for(purpose_in(run.snapshot), FOR):
                return None  # an older one may: that is looked for once the worker has prepared
            looked_at = [a for a in completed["artifacts"] if a["path"].endswith(_LOOKED_AT)]
            require_whole(run, {"artifacts": looked_at})
            return self._standing(run, Judged(ready.resolved, ready.active))

    def sealed(self, plan: Plan) -> Outcome | None:
        """Return the sealed result of a point whose worker has prepared, or None.

        Only bits that are promised can stand for others. Raises DamagedRunError for a run that is
        not what was sealed, IntegrityError for a log that is not, DeterminismError where
        the log has other bits under the same key.
        """
        return self._sealed(plan.identity.execution_key, plan.judged) if plan.is_promised else None

    def _sealed(self, execution_key: str, judged: Judged) -> Outcome | None:
        with _damaged():
            found = runs_of(self.root, execution_key, FOR)
        if not found:
            return None
        self._vouch()
        with _damaged():
            require_completed(self.root, found[-1])
            return self._standing(found[-1], judged)

    def _vouch(self) -> None:
        """Raise IntegrityError unless the log is whole; what comes after is appended by us."""
        if not self._is_vouched:
            require_vouching(self.root)
            self._is_vouched = True

    def _standing(self, run: Run, judged: Judged) -> Outcome | None:
        """Return a sealed run as the outcome of a new one; see `standing_for`."""
        if self._results.contradict(run.group["execution_key"], run.snapshot["output_digest"]):
            return standing_for(self.root, run, judged)
        return as_good(run, judged)


@contextmanager
def _damaged() -> Iterator[None]:
    """Say of one sealed run that is not what was sealed how to go on without it."""
    try:
        yield
    except IntegrityError as error:
        hint = "move its folder away, and the same sweep trains the point anew"
        raise DamagedRunError(
            error.problem, f"{error.hint}; {hint}" if error.hint else hint
        ) from error


def _promises(ready: Ready) -> bool:
    return ready.active.level != "best-effort"


def _alike(ready: Ready) -> str:
    """Return a digest of what a worker prepares from: all but hyperparameters and the seed."""
    decides = {k: v for k, v in ready.job.decides.items() if k != "parameters"}
    options = {k: v for k, v in ready.job.options.items() if k != "leakage"}
    return payload_digest(
        _ALIKE,
        exact(
            {
                "decides": decides,
                "options": options,
                "settings": ready.job.settings,
                "files": sorted(ready.job.files),
            }
        ),
    )
