"""What a sweep writes: plans, ends and sealed runs, as many at a time as have come together.

One write and one signature cover a batch. The order is that of every run: a plan is durable before
its worker trains, and a run is whole on the disk before the record that completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.audit_log.storage.running import hold, is_running, with_locks
from repro.audit_log.storage.store import Log
from repro.config.resolution.resolve import Resolved
from repro.errors import ReproError
from repro.execution.interrupts import deferred
from repro.runs import layout
from repro.runs.staging import Staging, names_locked, next_name, set_aside
from repro.sweeping.points import Ready
from repro.verbs.audit.log import contradictions, incident, records_naming
from repro.verbs.training.ending import alarm, as_bug, as_failure, keep, name_log, refusal
from repro.verbs.training.leaking import Judged, located
from repro.verbs.training.plan import Plan, ended, records_of, require_in_force
from repro.verbs.training.refusing import record_fixed
from repro.verbs.training.sealing import Outcome, Planned, Written, input_texts, named, write_run

Records = list[tuple[str, Mapping[str, Any]]]
BUGS = (
    *(AssertionError, ArithmeticError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)
"""What a mistake of our own ends in, and what a worker told that no worker of ours tells."""


@dataclass(slots=True)
class Underway:
    """A point whose worker is on its way."""

    ready: Ready
    place: Staging
    held: ExitStack
    """What is given back when it ends: its folder, and the lock that says that it is alive."""
    plan: Plan | None = None
    planned: Planned | None = None
    """Name of the run, and place and time of its plan; from here on it must end in the log."""
    texts: dict[str, str] = field(default_factory=dict)
    is_ended: bool = False
    """Whether the log has its end, be it signed or not: no second one may be written."""

    @property
    def run(self) -> str | None:
        """Return the name of its run, once it has one."""
        return None if self.planned is None else self.planned[0]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What came of a worker that finished."""

    underway: Underway
    outcome: Outcome | None
    error: ReproError | None = None
    """Why there is no outcome; beside one, that its bits contradict those of an earlier run."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The log of a workspace, as a sweep writes it."""

    root: Path
    log: Log
    cosign: Callable[[], None]

    def is_busy(self, execution_key: str) -> bool:
        """Return whether a run with this key is being trained right now, by whatever command.

        The log is asked only if the name of one that is alive begins as that of a run with the key.
        """
        begin = layout.run_name(execution_key, 1).removesuffix("1")
        named = {name for name in with_locks(self.log.directory) if name.startswith(begin)}
        if not named:
            return False
        needle = f'"execution_key":"{execution_key}"'
        return any(
            is_running(self.log.directory, name)
            for kind, body in records_naming(self.root, needle)
            for name in named
            if kind == "run.planned" and _plans(body, name, execution_key)
        )

    def plan(self, batch: Sequence[tuple[Underway, Plan]]) -> list[Underway]:
        """Give each its name and lock, and make all plans durable and signed.

        Returns those that were not planned: a run with the same execution key is under way, and
        two at a time would be one too many.
        """
        with names_locked(self.root):
            given: dict[str, str] = {}
            named: list[tuple[Underway, Plan, str]] = []
            busy: list[Underway] = []
            for underway, plan in batch:
                key = plan.identity.execution_key
                if key in given.values() or self.is_busy(key):
                    busy.append(underway)
                    continue
                name = next_name(self.root, key, lambda n: n in given or self._is_taken(n))
                underway.held.enter_context(hold(self.log.directory, name))
                given[name] = key
                named.append((underway, plan, name))
            if not named:
                return busy
            with deferred():
                records: Records = []
                starts = []
                for _, plan, name in named:
                    starts.append(len(records))
                    records += records_of(plan, name)
                appended = self.log.append_many(records)
                for (underway, plan, name), start in zip(named, starts, strict=True):
                    underway.plan = plan
                    underway.planned = (name, appended[start].seq, appended[start].time)
                self.log.commit()
        self.cosign()  # so that somebody else has seen the plans before any outcome can be known
        return busy

    def write(self, underway: Underway, message: Mapping[str, Any]) -> Written | ReproError:
        """Make one run durable, under no name yet; return why not where that cannot be.

        Nothing of it is in the log and nobody sees it, so that it may be done beside all else.
        """
        try:
            if underway.plan is None or underway.planned is None:
                raise AssertionError("a worker finished that had no plan")
            findings = located(message["findings"], underway.plan.resolved)
            finished = {**message, "findings": findings}
            require_in_force(underway.plan, finished)
            texts = underway.texts or input_texts(underway.plan)
            return write_run(underway.place, underway.plan, texts, finished, underway.planned)
        except (ReproError, OSError) as error:
            return as_failure(error)
        except BUGS as bug:
            return as_bug(bug)

    def seal(self, batch: Sequence[tuple[Underway, Written | ReproError]]) -> list[Sealed]:
        """Give runs that are written their names, and record them; or that they failed."""
        done: list[Sealed] = []
        failed = [(each, found) for each, found in batch if isinstance(found, ReproError)]
        records: Records = []
        # One command at a time: of two runs that end together, the second sees the first one's bits
        with deferred(), names_locked(self.root):
            sealed: list[tuple[Underway, Outcome, list[dict[str, Any]], int]] = []
            for underway, written in batch:
                if isinstance(written, ReproError):
                    continue
                try:
                    outcome = named(written)
                except (ReproError, OSError) as error:
                    failed.append((underway, as_failure(error)))
                    continue
                others = contradictions(self.root, outcome.record)
                sealed.append((underway, outcome, others, len(records)))
                records.append(("run.completed", outcome.record))
                if others:
                    records.append(("incident", incident(outcome.record, others)))
            if records:
                appended = self.log.append_many(records)
                for underway, *_ in sealed:
                    underway.is_ended = True
                size = self.log.commit().size
                for underway, outcome, others, start in sealed:
                    keep(underway.place, outcome.run, layout.PRINTED)
                    underway.held.close()
                    told = alarm(outcome.run, others) if others else None
                    whole = outcome.committed(size, appended[start].hash)
                    done.append(Sealed(underway, whole, told))
        if records:
            self.cosign()
        if failed:
            self.fail(failed)
        return done + [Sealed(underway, None, error) for underway, error in failed]

    def fail(self, batch: Sequence[tuple[Underway, ReproError]]) -> None:
        """Record what failed: after its plan as ``run.failed``, before it as ``run.refused``."""
        records: Records = []
        for underway, error in batch:
            if underway.planned is None:
                records.append(("run.refused", refusal(underway.ready.resolved, error)))
            else:
                name, seq, _ = underway.planned
                kept = keep(underway.place, name)
                records.append(("run.failed", ended(name, seq, error, kept)))
                name_log(error, kept)
        self._end(records, [underway for underway, _ in batch])

    def refuse(self, resolved: Resolved, error: ReproError) -> None:
        """Record that a run was refused before any worker was started for it."""
        self._end([("run.refused", refusal(resolved, error))], ())

    def record_fixed(self, judged: Judged, known: Outcome) -> None:
        """Record what was left out to arrive at a run that was sealed before."""
        record_fixed(self.log, self.cosign, judged, known)

    def interrupt(self, batch: Sequence[Underway], reason: str) -> None:
        """Record as interrupted what was planned and has no end."""
        left = [underway for underway in batch if not underway.is_ended]
        planned = [underway.planned for underway in left if underway.planned is not None]
        records: Records = [
            ("run.interrupted", ended(name, seq, reason=reason)) for name, seq, _ in planned
        ]
        self._end(records, left)
        for name, _, _ in planned:
            set_aside(self.root, name)  # what was sealed, and could not be recorded as complete

    def _end(self, records: Records, batch: Sequence[Underway]) -> None:
        if records:
            with deferred():
                self.log.append_many(records)
                for underway in batch:
                    underway.is_ended = True
                self.log.commit()
            self.cosign()
        for underway in batch:
            underway.held.close()

    def _is_taken(self, name: str) -> bool:
        in_log = self.log.find_bytes(f'"run":"{name}"'.encode())
        return in_log or is_running(self.log.directory, name)


def _plans(body: Mapping[str, Any], name: str, execution_key: str) -> bool:
    """Return whether a record plans a run of this name and key; anybody may append another form."""
    group = body.get("comparison_group")
    under = group.get("execution_key") if isinstance(group, Mapping) else None
    return body.get("run") == name and under == execution_key
