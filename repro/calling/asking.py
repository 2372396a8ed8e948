"""The verbs for Python that train nothing: configuration, runs, data, trainers, this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from repro.calling.accepted import Choice, Filters, Reference, named
from repro.calling.check import checked_methods
from repro.calling.place import Place, selected
from repro.calling.told import as_passed

if TYPE_CHECKING:
    from repro.facts.trainers import Declaration
    from repro.runs.sealed import Run
    from repro.verbs.commands.commands import Executed
    from repro.verbs.comparing.compare import Comparison
    from repro.verbs.comparing.stability import Stabilities
    from repro.verbs.comparing.trend import Trend
    from repro.verbs.configuring.configuration import Configuration, ConfigurationComparison
    from repro.verbs.configuring.explain import Explanation
    from repro.verbs.configuring.rollback import Rollback
    from repro.verbs.configuring.validate import Validation
    from repro.verbs.data.comparison import DataComparison
    from repro.verbs.data.fingerprint import Fingerprint
    from repro.verbs.data.look import Description
    from repro.verbs.sealed.listing import Page
    from repro.verbs.sealed.pins import Pin
    from repro.verbs.sealed.unsealed import Unsealed
    from repro.verbs.workspace.doctor import Diagnosis


@checked_methods
class Asking(Place):
    """What can be asked of a workspace."""

    __slots__ = ()

    def validate(self, **chosen: Unpack[Choice]) -> Validation:
        """Return all problems of the configuration; of what is chosen, or of all that it offers."""
        from repro.verbs.configuring.validate import validate

        found = validate(self.root, selected(chosen) if chosen else None)
        return replace(found, problems=tuple(as_passed(problem) for problem in found.problems))

    def configuration(
        self, reference: Reference = "today", **chosen: Unpack[Choice]
    ) -> Configuration:
        """Return every value with its history, as it stands today or as a run sealed it."""
        from repro.verbs.configuring.configuration import Desk

        return Desk(self.root, selected(chosen)).referenced(named(reference))

    def explain(self, key: str, **chosen: Unpack[Choice]) -> Explanation:
        """Return who decided a value, layer by layer, with file and line."""
        from repro.verbs.configuring.configuration import Desk
        from repro.verbs.configuring.explain import explain

        desk = Desk(self.root, selected(chosen))
        return explain(desk.configured(), desk.families, key)

    def config_diff(
        self,
        a: Reference,
        b: Reference = "today",
        *,
        used: bool = False,
        **chosen: Unpack[Choice],
    ) -> ConfigurationComparison:
        """Return what differs between two configurations; if ``used``, only what runs would use.

        Each side is ``today``, a run, or an overlay, experiment, variant or profile; what is chosen
        lies beneath both.
        """
        from repro.verbs.configuring.configuration import Desk

        return Desk(self.root, selected(chosen)).compared(named(a), named(b), used=used)

    def rollback(
        self, reference: Reference, *, as_overlay: bool = False, write: bool = False
    ) -> Rollback:
        """Return what makes the configuration that of a run again; written only if ``write``."""
        from repro.verbs.configuring.rollback import carry_out, plan

        found = plan(self.root, named(reference), as_overlay=as_overlay, out=None)
        if write and found.changes:
            carry_out(found)
        return found

    def run(self, reference: Reference = "@latest") -> Run:
        """Return one sealed run; raises UsageError if nothing or several are called so.

        IntegrityError, as of every verb that judges one, if it is not what the log says was sealed.
        """
        from repro.verbs.audit.log import require_as_logged

        found = self._find(reference)
        require_as_logged(self.root, found)
        return found

    def runs(self) -> tuple[Run, ...]:
        """Return every sealed run, oldest first; each is read, and none judged, as by ``run``.

        Of many, ``list`` is quick.
        """
        from repro.runs.sealed import all_runs

        return all_runs(self.root)

    def list(self, **filters: Unpack[Filters]) -> Page:
        """Return a page of runs by the index, the newest first unless ``sort`` says otherwise."""
        from repro.verbs.sealed.listing import ListCommand, list_runs

        return list_runs(ListCommand(self.root, **filters))  # type: ignore[arg-type]  # tuples now

    def trend(self, metric: str | None = None, **filters: Unpack[Filters]) -> Trend:
        """Return how a metric went over the times at which runs were planned."""
        from repro.verbs.comparing.trend import trend
        from repro.verbs.sealed.listing import ListCommand

        return trend(ListCommand(self.root, **filters), metric)  # type: ignore[arg-type]  # as above

    def unsealed(self) -> tuple[Unsealed, ...]:
        """Return every run that came to nothing, newest first, and why."""
        from repro.verbs.sealed.unsealed import all_unsealed

        return all_unsealed(self.root)

    def commands(self) -> tuple[Executed, ...]:
        """Return what was run by ``exec``, oldest first."""
        from repro.verbs.commands.commands import all_commands

        return all_commands(self.root)

    def pin(self, name: str, reference: Reference | None) -> Pin:
        """Let ``@name`` stand for a run from here on, or, for None, for no run."""
        from repro.verbs.sealed.pins import pin

        given = None if reference is None else named(reference)
        return pin(self.root, name, given, self.observer.warn)

    def pins(self) -> tuple[Pin, ...]:
        """Return every name that stands for a run, by name."""
        from repro.verbs.sealed.pins import all_pins

        return all_pins(self.root)

    def diff(self, a: Reference, b: Reference) -> Comparison:
        """Return how two runs compare: verdict, causes, effect."""
        from repro.verbs.comparing.compare import compare

        return compare(self.root, self._find(a), self._find(b))

    def stability(self, reference: Reference | None = None, seed: int | None = None) -> Stabilities:
        """Return how well replicates agree: those of a run or key, or every group of several."""
        from repro.verbs.comparing.stability import stability

        return stability(self.root, None if reference is None else named(reference), seed)

    def fingerprint(self, reference: Reference = "today", **chosen: Unpack[Choice]) -> Fingerprint:
        """Return the dataset's digests by symbol and column, of today or of a run."""
        from repro.verbs.data.comparison import fingerprint_of

        return fingerprint_of(self.root, named(reference), selected(chosen), self.observer)

    def describe(self, **chosen: Unpack[Choice]) -> Description:
        """Return sums of today's dataset by symbol and column; nothing is rounded."""
        from repro.verbs.data.look import describe

        return describe(self.root, selected(chosen), self.observer)

    def data_diff(
        self, a: Reference, b: Reference = "today", **chosen: Unpack[Choice]
    ) -> DataComparison:
        """Return which symbols, columns, dates and files differ between two datasets.

        Each is ``today``, a run, or a file with a fingerprint.
        """
        from repro.verbs.data.comparison import compare_data

        return compare_data(self.root, named(a), named(b), selected(chosen), self.observer)

    def trainers(self) -> tuple[Declaration, ...]:
        """Return what each family that is offered here declares, by name."""
        from repro.facts.trainers import declarations

        return tuple(trainer for _, trainer in sorted(declarations().items()))

    def trainer(self, family: str) -> Declaration:
        """Return what the trainer of a family declares; UsageError if nobody offers it."""
        from repro.facts.trainers import declaration

        return declaration(family)

    def doctor(self, level: str | None = None, against: Reference | None = None) -> Diagnosis:
        """Return what this machine can promise and, against a run, what differs."""
        from repro.verbs.workspace.doctor import diagnose

        return diagnose(self.root, level, None if against is None else named(against))
