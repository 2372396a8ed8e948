"""The verbs for Python: a workspace, and what can be done with it; ``import repro`` offers all.

Every method does what the command of its name does, by the same code: same records in the log, same
errors. It returns what was found as a frozen dataclass and prints nothing; who wants to see how far
it is gives the workspace an ``Observer``. Runs are named as on the command line: by a prefix of
their name or key, as ``@latest`` or ``@latest~1``, by the name of a pin, or by path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from repro.config.documents.workspace import find_root
from repro.verbs.observer import Observer
from repro.verbs.research.choosing import override, selection

if TYPE_CHECKING:
    from repro.audit_log.verification.faults import Report
    from repro.config.resolution.resolve import Selection
    from repro.runs.sealed import Run
    from repro.verbs.audit.publishing import Published
    from repro.verbs.comparing.compare import Comparison
    from repro.verbs.comparing.rounds import Verification
    from repro.verbs.comparing.stability import Stabilities
    from repro.verbs.comparing.trend import Trend
    from repro.verbs.configuring.configuration import Configuration
    from repro.verbs.configuring.explain import Explanation
    from repro.verbs.configuring.validate import Validation
    from repro.verbs.data.comparison import DataComparison
    from repro.verbs.data.fingerprint import Fingerprint
    from repro.verbs.research.attribute import Attribution
    from repro.verbs.research.experiment import Experimented
    from repro.verbs.research.rank import Ranking
    from repro.verbs.research.replicates import Replicates
    from repro.verbs.research.select import Selected
    from repro.verbs.research.sweep import Swept
    from repro.verbs.sealed.listing import Page
    from repro.verbs.sealed.pins import Pin
    from repro.verbs.sealed.pulling import Pulled
    from repro.verbs.sealed.pushing import Pushed
    from repro.verbs.training.sealing import Outcome
    from repro.verbs.workspace.doctor import Diagnosis


class Choice(TypedDict, total=False):
    """What may be asked of the configuration; the command line's options of these names."""

    target: str
    family: str
    experiment: str
    variant: str
    profile: str
    overlays: Sequence[str]
    seed: int
    view: str
    symbol: str
    level: str
    set: Mapping[str, object]
    """Overrides: ``{"hyperparameters.n_estimators": 200}``. Values keep their types."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace: the folder that holds ``CONFIG``, or any folder below it."""

    root: Path
    observer: Observer = field(default_factory=Observer, repr=False)

    def validate(self, **chosen: Unpack[Choice]) -> Validation:
        """Return all problems of the configuration; of what is chosen, or of all that it offers."""
        from repro.verbs.configuring.validate import validate

        return validate(self.root, _selection(chosen) if chosen else None)

    def configuration(self, reference: str = "today", **chosen: Unpack[Choice]) -> Configuration:
        """Return every value with its history, as it stands today or as a run sealed it."""
        from repro.verbs.configuring.configuration import Desk

        return Desk(self.root, _selection(chosen)).referenced(reference)

    def explain(self, key: str, **chosen: Unpack[Choice]) -> Explanation:
        """Return who decided a value, layer by layer, with file and line."""
        from repro.verbs.configuring.configuration import Desk
        from repro.verbs.configuring.explain import explain

        desk = Desk(self.root, _selection(chosen))
        return explain(desk.configured(), desk.families, key)

    def train(self, **chosen: Unpack[Choice]) -> Outcome:
        """Train one model, strictly, and seal the run.

        Raises ProblemsError, InputError, DeterminismError, TrainingError, and the log's errors;
        after the plan, each of them has left its record.
        """
        from repro.verbs.training.train import TrainCommand, train

        return train(TrainCommand(self.root, _selection(chosen), self.observer))

    def replicate(self, count: int, **chosen: Unpack[Choice]) -> Replicates:
        """Train the same run under ``count`` seeds that count on; what is sealed is reused."""
        from repro.verbs.research.replicates import replicate
        from repro.verbs.training.train import TrainCommand

        return replicate(TrainCommand(self.root, _selection(chosen), self.observer), count)

    def experiment(
        self, name: str, *, rerun: bool = False, **chosen: Unpack[Choice]
    ) -> Experimented:
        """Train every run that an experiment names; what is sealed is reused unless ``rerun``."""
        from repro.verbs.research.experiment import carry_out, members
        from repro.verbs.training.train import TrainCommand

        asked: Choice = {**chosen, "experiment": name}
        command = TrainCommand(self.root, _selection(asked), self.observer)
        return carry_out(command, members(command), rerun=rerun)

    def sweep(
        self,
        axes: Mapping[str, str | Sequence[object]],
        *,
        executor: str | None = None,
        jobs: int | None = None,
        address: str | None = None,
        metric: str | None = None,
        rerun: bool = False,
        keep_going: bool = True,
        most: int = 0,
        **chosen: Unpack[Choice],
    ) -> Swept:
        """Train every point of a grid, several at a time; what is sealed is reused.

        An axis has a list of values, which keep their types, or a text as on the command line:
        ``{"learning_rate": [0.01, 0.03], "seed": "1..5"}``. More points than are configured as
        ``sweep.ask_above`` are a UsageError, unless they are at ``most`` so many.
        """
        from repro.sweeping.axes import typed
        from repro.verbs.research.sweep import SweepCommand, sweep

        return sweep(
            SweepCommand(
                start=self.root,
                selection=_selection(chosen),
                axes=[typed(key, values) for key, values in axes.items()],
                executor=executor,
                jobs=jobs,
                address=address,
                metric=metric,
                rerun=rerun,
                keep_going=keep_going,
                agrees=lambda points, bound: points <= most,
                observer=self.observer,
            )
        )

    def stability(self, reference: str | None = None, seed: int | None = None) -> Stabilities:
        """Return how well replicates agree: those of a run or key, or every group of several."""
        from repro.verbs.comparing.stability import stability

        return stability(self.root, reference, seed)

    def rank(self, *, rerun: bool = False, **chosen: Unpack[Choice]) -> Ranking:
        """Train each target that is to be ranked by each family; return them in order.

        What is sealed is reused unless ``rerun``.
        """
        from repro.verbs.research.rank import rank
        from repro.verbs.training.train import TrainCommand

        return rank(TrainCommand(self.root, _selection(chosen), self.observer), rerun=rerun)

    def select(self, *, rerun: bool = False, **chosen: Unpack[Choice]) -> Selected:
        """Train each family of ``feature_selection``; return the features in order.

        What is sealed is reused unless ``rerun``. ``document`` of what is returned is an experiment
        of those that are kept.
        """
        from repro.verbs.research.select import select
        from repro.verbs.training.train import TrainCommand

        return select(TrainCommand(self.root, _selection(chosen), self.observer), rerun=rerun)

    def run(self, reference: str = "@latest") -> Run:
        """Return one sealed run; raises UsageError if nothing or several are called so.

        IntegrityError, as of every verb that judges one, if it is not what the log says was sealed.
        """
        from repro.verbs.audit.log import require_as_logged

        found = self._find(reference)
        require_as_logged(self.root, found)
        return found

    def _find(self, reference: str) -> Run:
        """Return a run for a verb that holds it against the log itself."""
        from repro.runs.finding import find

        return find(self.root, reference)

    def runs(self) -> tuple[Run, ...]:
        """Return every sealed run, oldest first; each is read, and none judged, as by ``run``.

        Of many, ``list`` is quick.
        """
        from repro.runs.sealed import all_runs

        return all_runs(self.root)

    def list(self, **filters: Any) -> Page:
        """Return a page of runs by the index; ``filters`` are the fields of ``ListCommand``."""
        from repro.verbs.sealed.listing import ListCommand, list_runs

        return list_runs(ListCommand(self.root, **filters))

    def trend(self, metric: str | None = None, **filters: Any) -> Trend:
        """Return how a metric went over the times at which runs were planned."""
        from repro.verbs.comparing.trend import trend
        from repro.verbs.sealed.listing import ListCommand

        return trend(ListCommand(self.root, **filters), metric)

    def pin(self, name: str, reference: str | None) -> Pin:
        """Let ``@name`` stand for a run from here on, or, for None, for no run."""
        from repro.verbs.sealed.pins import pin

        return pin(self.root, name, reference, self.observer.warn)

    def diff(self, a: str, b: str) -> Comparison:
        """Return how two runs compare: verdict, causes, effect."""
        from repro.verbs.comparing.compare import compare

        return compare(self.root, self._find(a), self._find(b))

    def attribute(
        self, a: str, b: str, metric: str | None = None, *, every_order: int = 4
    ) -> Attribution:
        """Train what it takes to say how much of a metric's change each cause carries."""
        from repro.verbs.research.attribute import attribute, plan

        planned = plan(self.root, self._find(a), self._find(b), metric, every_order)
        return attribute(self.root, planned, self.observer)

    def verify(
        self, reference: str = "@latest", *, rounds: int = 1, vary: bool | Iterable[str] = False
    ) -> Verification:
        """Do a run again, from what was sealed, and compare every bit.

        ``vary`` does it once more under each variation, or under those that are named.
        """
        from repro.execution.variation import VARIATIONS
        from repro.verbs.comparing.reexecute import variations, verify_run

        named = (VARIATIONS if vary else ()) if isinstance(vary, bool) else tuple(vary)
        return verify_run(
            self.root, self._find(reference), self.observer, rounds, variations(list(named))
        )

    def fingerprint(self, reference: str = "today", **chosen: Unpack[Choice]) -> Fingerprint:
        """Return the dataset's digests by symbol and column, of today or of a run."""
        from repro.verbs.data.comparison import fingerprint_of

        return fingerprint_of(self.root, reference, _selection(chosen), self.observer)

    def data_diff(self, a: str, b: str = "today", **chosen: Unpack[Choice]) -> DataComparison:
        """Return which symbols, columns, dates and files differ between two datasets."""
        from repro.verbs.data.comparison import compare_data

        return compare_data(self.root, a, b, _selection(chosen), self.observer)

    def doctor(self, level: str | None = None, against: str | None = None) -> Diagnosis:
        """Return what this machine can promise and, against a run, what differs."""
        from repro.verbs.workspace.doctor import diagnose

        return diagnose(self.root, level, against)

    def push(self, *references: str, to: str) -> tuple[Pushed, ...]:
        """Put sealed runs into the store at the address ``to``, by digest and with their proof."""
        from repro.verbs.sealed.pushing import push

        return push(self.root, references, to)

    def pull(
        self,
        *names: str,
        source: str,
        vkeys: Iterable[str] = (),
        policy: Path | None = None,
        self_asserted: bool = False,
    ) -> tuple[Pulled, ...]:
        """Fetch sealed runs from the store at ``source``; whose log vouches must be trusted."""
        from repro.verbs.audit.vouching import Trust
        from repro.verbs.sealed.pulling import pull

        trust = Trust(tuple(vkeys), policy, self_asserted)
        return pull(self.root, names, source, trust, self.observer.warn)

    def audit_publish(self, address: str, *, check: bool = False) -> Published:
        """Publish the signed log as static C2SP tlog-tiles; only what is new is written."""
        from repro.verbs.audit.publishing import Wanted, publish

        return publish(self.root, address, Wanted(check=check), self.observer.warn)

    def audit_verify(self, *vkeys: str, artifacts: bool = True, full: bool = False) -> Report:
        """Return what can be said of the log, and with ``artifacts`` of every sealed file.

        Nothing is raised for a bad log: look at the report.
        """
        from repro.verbs.audit.verifying import Asked, verify_workspace

        asked = Asked(vkeys=vkeys, artifacts=artifacts, full=full)
        return verify_workspace(self.root, asked)[0]


def workspace(folder: str | Path = ".", observer: Observer | None = None) -> Workspace:
    """Return the workspace that a folder lies in; raises InputError if it lies in none."""
    root = find_root(Path(folder).resolve())
    return Workspace(root) if observer is None else Workspace(root, observer)


def init(folder: str | Path) -> Workspace:
    """Make a workspace with the example panel and a log with a new key; return it.

    Raises UsageError if there is one, InputError if the folder cannot be written.
    """
    from repro.verbs.workspace.initialise import initialise

    return Workspace(initialise(Path(folder)).root)


def _selection(chosen: Choice) -> Selection:
    named = {name: value for name, value in chosen.items() if name != "set"}
    sets = [override(key, value) for key, value in chosen.get("set", {}).items()]
    return selection(sets=sets, **named)  # type: ignore[arg-type]  # as the keys are named there
