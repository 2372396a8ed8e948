"""The verbs for Python: a workspace, and what can be done with it; ``import repro`` offers all.

Every method does what the command of its name does, by the same code: same records in the log, same
errors. It returns what was found as a frozen dataclass and prints nothing; who wants to see how far
it is gives the workspace an ``Observer``. Runs are named as on the command line: by a prefix of
their name or key, as ``@latest`` or ``@latest~1``, by the name of a pin, or by path; or by what
another method returned for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from repro.calling.accepted import Choice, Count, Reference, Some
from repro.calling.check import checked, checked_methods
from repro.calling.logged import Logged
from repro.calling.place import selected
from repro.config.documents.workspace import find_root
from repro.errors import UsageError
from repro.verbs.observer import Observer

if TYPE_CHECKING:
    from repro.verbs.commands.execute import Outcome as ExecOutcome
    from repro.verbs.comparing.rounds import Verification
    from repro.verbs.research.attribute import Attribution
    from repro.verbs.research.experiment import Experimented
    from repro.verbs.research.rank import Ranking
    from repro.verbs.research.replicates import Replicates
    from repro.verbs.research.select import Selected
    from repro.verbs.research.sweep import Swept
    from repro.verbs.training.identifying import Identified
    from repro.verbs.training.sealing import Outcome


@checked_methods
class Workspace(Logged):
    """A workspace, and what can be done with it."""

    __slots__ = ()

    @checked
    def __init__(self, root: str | Path, observer: Observer | None = None) -> None:
        """Find the workspace that ``root`` is or lies in.

        Raises UsageError for what is no folder, InputError if it lies in no workspace.
        """
        object.__setattr__(self, "root", find_root(Path(root).resolve()))
        object.__setattr__(self, "observer", Observer() if observer is None else observer)

    def train(self, **chosen: Unpack[Choice]) -> Outcome:
        """Train one model, strictly, and seal the run.

        Raises ProblemsError, InputError, DeterminismError, TrainingError, and the log's errors;
        after the plan, each of them has left its record.
        """
        from repro.verbs.training.train import TrainCommand, train

        return train(TrainCommand(self.root, selected(chosen), self.observer))

    def identity(self, *, cached: bool = False, **chosen: Unpack[Choice]) -> Identified:
        """Return the keys of what would be trained; nothing is trained and nothing recorded.

        With ``cached`` also the sealed run that could stand for it. Raises ProblemsError,
        InputError and DeterminismError.
        """
        from repro.verbs.training.identifying import identify

        return identify(self.root, selected(chosen), self.observer, cached=cached)

    def replicate(
        self, count: Some, *, rerun: bool = False, **chosen: Unpack[Choice]
    ) -> Replicates:
        """Train the same run under ``count`` seeds that count on.

        What is sealed is reused unless ``rerun``.
        """
        from repro.verbs.research.replicates import replicate
        from repro.verbs.training.train import TrainCommand

        command = TrainCommand(self.root, selected(chosen), self.observer)
        return replicate(command, count, rerun=rerun)

    def experiment(
        self, name: str, *, rerun: bool = False, **chosen: Unpack[Choice]
    ) -> Experimented:
        """Train every run that an experiment names; what is sealed is reused unless ``rerun``."""
        from repro.verbs.research.experiment import carry_out, members
        from repro.verbs.training.train import TrainCommand

        if chosen.get("experiment") not in (None, name):
            raise UsageError(
                f"experiment: two are named, {name!r} and {chosen['experiment']!r}",
                "carry out one after the other",
            )
        asked: Choice = {**chosen, "experiment": name}
        command = TrainCommand(self.root, selected(asked), self.observer)
        return carry_out(command, members(command), rerun=rerun)

    def sweep(
        self,
        axes: Mapping[str, str | Iterable[object]],
        *,
        executor: str | None = None,
        jobs: Some | None = None,
        address: str | None = None,
        metric: str | None = None,
        rerun: bool = False,
        keep_going: bool = True,
        most: Count = 0,
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
                selection=selected(chosen),
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

    def rank(self, *, rerun: bool = False, **chosen: Unpack[Choice]) -> Ranking:
        """Train each target that is to be ranked by each family; return them in order.

        What is sealed is reused unless ``rerun``.
        """
        from repro.verbs.research.rank import rank
        from repro.verbs.training.train import TrainCommand

        return rank(TrainCommand(self.root, selected(chosen), self.observer), rerun=rerun)

    def select(self, *, rerun: bool = False, **chosen: Unpack[Choice]) -> Selected:
        """Train each family of ``feature_selection``; return the features in order.

        What is sealed is reused unless ``rerun``. ``document`` of what is returned is an experiment
        of those that are kept.
        """
        from repro.verbs.research.select import select
        from repro.verbs.training.train import TrainCommand

        return select(TrainCommand(self.root, selected(chosen), self.observer), rerun=rerun)

    def attribute(
        self, a: Reference, b: Reference, metric: str | None = None, *, every_order: Count = 4
    ) -> Attribution:
        """Train what it takes to say how much of a metric's change each cause carries."""
        from repro.verbs.research.attribute import attribute, plan

        planned = plan(self.root, self._find(a), self._find(b), metric, every_order)
        return attribute(self.root, planned, self.observer)

    def verify(
        self,
        reference: Reference = "@latest",
        *,
        rounds: Some = 1,
        vary: bool | Iterable[str] = False,
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

    def exec(
        self,
        *arguments: str | Path,
        inputs: Iterable[str | Path] = (),
        outputs: Iterable[str | Path] = (),
        level: str = "strict",
        threads: Some = 1,
        seconds: float | None = None,
        hide_arguments: bool = False,
        list_undeclared: bool = False,
        sha256: bool = False,
    ) -> ExecOutcome:
        """Run any command in the strict environment, and log what it read, wrote and ended with.

        Working directory and streams are those of this process: look at ``exit_status``. Raises
        UsageError, InputError, and what a command that cannot be started ends with.
        """
        from repro.verbs.commands.execute import ExecCommand, execute

        return execute(
            ExecCommand(
                start=self.root,
                arguments=tuple(str(word) for word in arguments),
                inputs=tuple(str(path) for path in inputs),
                outputs=tuple(str(path) for path in outputs),
                level=level,
                threads=threads,
                seconds=seconds,
                hidden=hide_arguments,
                look_for_undeclared=list_undeclared,
                sha256=sha256,
                to_stderr=False,
                warn=self.observer.warn,
            )
        )


@checked
def workspace(folder: str | Path = ".", observer: Observer | None = None) -> Workspace:
    """Return the workspace that a folder lies in; raises InputError if it lies in none."""
    return Workspace(folder, observer)


@checked
def init(folder: str | Path) -> Workspace:
    """Make a workspace with the example panel and a log with a new key; return it.

    Raises UsageError if there is one, InputError if the folder cannot be written.
    """
    from repro.verbs.workspace.initialise import initialise

    return Workspace(initialise(Path(folder)).root)
