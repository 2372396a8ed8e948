"""The kit from end to end: one trainer, some checks, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from repro.config.spelling.names import suggestion
from repro.conformance.bench import SECONDS, Bench
from repro.conformance.checks import CHECKS, Check
from repro.conformance.subject import Finding, Subject, subject_of
from repro.errors import DeterminismError, InputError, UsageError
from repro.facts.trainers import Declaration, declaration

FAULTS = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found."""

    check: Check
    faults: tuple[Finding, ...]
    notes: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Return whether nothing was found that counts."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Report:
    """What the kit found about one trainer."""

    declaration: Declaration
    verdicts: tuple[Verdict, ...]

    @property
    def exit_status(self) -> int:
        """Return 0 if all passed, 5 if bits were not the same, 1 for anything else."""
        faults = [fault for verdict in self.verdicts for fault in verdict.faults]
        if any(fault.bits for fault in faults):
            return DeterminismError.exit_status
        return FAULTS if faults else 0

    @property
    def repeated(self) -> tuple[tuple[str, str, int], ...]:
        """Return each sentence that several checks found, with the first of them and how many."""
        found: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            for said in dict.fromkeys(fault.message for fault in verdict.faults):
                found.setdefault(said, []).append(verdict.check.name)
        return tuple(
            (said, names[0], len(names)) for said, names in found.items() if len(names) > 1
        )


def chosen(names: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return the checks of these names, in the kit's order; without names all but the long ones.

    Raises UsageError for a name that no check has.
    """
    asked = set(names)
    for name in sorted(asked - set(CHECKS)):
        said = f"there is no check called {name!r}{suggestion(name, CHECKS)}"
        raise UsageError(said, f"there are: {', '.join(CHECKS)}")
    return tuple(
        check
        for check in CHECKS.values()
        if (check.name in asked if asked else not check.on_demand)
    )


@contextmanager
def on_bench(family: str, seconds: int = SECONDS) -> Iterator[Subject]:
    """Give a trainer with workers to try it in; they end when this ends.

    ``seconds`` is how long one act of it may take before it is said to hang.

    Raises UsageError for a family that nobody offers, InputError if its library is not installed or
    it has no model document.
    """
    trainer = declaration(family)
    missing = trainer.missing()
    if missing:
        raise InputError(
            f"the family {family} cannot be tried here: {', '.join(missing)} not installed",
            f"install it with: {trainer.install_command()}",
        )
    with Bench(trainer, seconds) as bench:
        yield subject_of(bench)


def examine(check: Check, subject: Subject) -> Verdict:
    """Return what one check finds; raises InputError if the trainer cannot be loaded at all."""
    found = tuple(dict.fromkeys(check.run(subject)))
    subject.bench.go_home()
    faults = tuple(finding for finding in found if not finding.note)
    return Verdict(check, faults, tuple(finding for finding in found if finding.note))


def check_trainer(
    family: str,
    names: Iterable[str] = (),
    starting: Callable[[Check], None] = lambda _: None,
    done: Callable[[Verdict], None] = lambda _: None,
    seconds: int = SECONDS,
) -> Report:
    """Return what the checks find about a family; each is told before it starts and when it ends.

    Raises as ``chosen`` and ``on_bench`` do.
    """
    checks = chosen(names)
    verdicts = []
    with on_bench(family, seconds) as subject:
        for check in checks:
            starting(check)
            verdicts.append(examine(check, subject))
            done(verdicts[-1])
    return Report(declaration(family), tuple(verdicts))
