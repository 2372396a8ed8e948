"""The kit under pytest: ``pytest --repro-trainer FAMILY`` makes a test of each check.

pytest loads this module in every session where repro is installed, so it imports nothing of ours
until a trainer is asked for. Families can also stand in the ini file, as ``repro_trainers``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from repro.conformance.checks import Check
    from repro.conformance.run import Verdict
    from repro.conformance.subject import Subject

BENCHES = pytest.StashKey["_Benches"]()
NAME = "repro-trainer"


class NonconformityError(Exception):
    """A trainer does not keep the contract; ``verdict`` says where."""

    def __init__(self, verdict: Verdict) -> None:
        """Keep what was found."""
        super().__init__(f"{verdict.check.name}: {verdict.check.proves}")
        self.verdict = verdict


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini values."""
    group = parser.getgroup("repro", "conformance of trainers")
    group.addoption(
        "--repro-trainer",
        action="append",
        default=[],
        metavar="FAMILY",
        help="Try the trainer of a family: a test for each check of `repro trainers check`.",
    )
    group.addoption(
        "--repro-check",
        action="append",
        default=[],
        metavar="CHECK",
        help="Only this check, by name; probes are done only so.",
    )
    parser.addini("repro_trainers", "Families whose trainers are tried.", type="args", default=[])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the checks to what was collected, before anything is deselected."""
    families = [*config.getini("repro_trainers"), *config.getoption("--repro-trainer")]
    for family in dict.fromkeys(families):
        group = _Trainer.from_parent(session, name=family, nodeid=f"{NAME}/{family}")
        items.extend(group.collect())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the workers."""
    benches = session.config.stash.get(BENCHES, None)
    if benches is not None:
        benches.close()


class _Benches:
    """The trainers that are being tried in this process, each with its workers."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._subjects: dict[str, Subject] = {}

    def subject(self, family: str) -> Subject:
        """Return a trainer on its bench."""
        from repro.conformance.run import on_bench

        if family not in self._subjects:
            self._subjects[family] = self._open.enter_context(on_bench(family))
        return self._subjects[family]

    def close(self) -> None:
        """End all workers."""
        self._subjects.clear()
        self._open.close()


class _Trainer(pytest.Collector):
    """The checks of one family."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each check; raises UsageError for a check that does not exist."""
        from repro.conformance.run import chosen
        from repro.errors import UsageError

        names: Sequence[str] = self.config.getoption("--repro-check")
        try:
            checks = chosen(names)
        except UsageError as error:
            raise pytest.UsageError(f"{error.problem} ({error.hint})") from error
        for check in checks:
            yield _CheckItem.from_parent(self, name=check.name, check=check)


class _CheckItem(pytest.Item):
    """One check of one family."""

    def __init__(self, *, check: Check, **more: Any) -> None:
        super().__init__(**more)
        self.check = check
        # With `--dist loadgroup` a family stays in one process, and its library is loaded once.
        if self.config.pluginmanager.hasplugin("xdist"):  # without it, nobody knows the mark
            self.add_marker(pytest.mark.xdist_group(f"{NAME} {self.family}"))

    @property
    def family(self) -> str:
        """Return the family that is tried."""
        return self.nodeid.partition("::")[0].rpartition("/")[2]

    def runtest(self) -> None:
        """Do the check; raises NonconformityError for what it finds."""
        from repro.conformance.run import examine

        benches = self.config.stash.setdefault(BENCHES, _Benches())
        verdict = examine(self.check, benches.subject(self.family))
        for note in verdict.notes:
            said = f"{note.task}: {note.message}" if note.task else note.message
            self.add_report_section("call", "notes", said)
        if not verdict.passed:
            raise NonconformityError(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what was found, as lines; a traceback only for a bug of ours."""
        from repro.errors import ReproError

        error = excinfo.value
        if isinstance(error, NonconformityError):
            lines = [f"{self.family} does not keep the contract: {error}"]
            for finding in error.verdict.faults:
                where = f"{finding.task}: " if finding.task else ""
                lines.append(f"  {where}{finding.message}")
            return "\n".join(lines)
        if isinstance(error, ReproError):
            return f"{error.problem}\n{error.hint or ''}".strip()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path | str, int | None, str]:
        """Return where it belongs, for reports."""
        return f"{NAME}/{self.family}", None, f"{self.family}: {self.check.name}"
