"""The coordinator of a sweep: it alone knows which point is where, and it alone writes the log.

Points wait, are started as an executor has room, and end as sealed, reused or failed. Whatever
happens to this process, what is in the log is true: the next command ends what is left open, and
the same sweep goes on with the points that have no result.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from repro.audit_log.errors import LogError
from repro.errors import (
    DeterminismError,
    InterruptedRunError,
    ProblemsError,
    ReproError,
)
from repro.execution.executor import Executor, Prepared, Task
from repro.runs.staging import staging
from repro.sweeping.cautions import Cautions
from repro.sweeping.done import Done, Result
from repro.sweeping.elsewhere import of_worker
from repro.sweeping.hearing import Hearing
from repro.sweeping.known import FOR, Known
from repro.sweeping.ledger import BUGS, Ledger, Underway
from repro.sweeping.points import Documents, Point
from repro.sweeping.tally import Left, Tally
from repro.sweeping.waiting import Waiting
from repro.sweeping.writers import Writers
from repro.verbs.observer import Observer
from repro.verbs.training.ending import as_bug
from repro.verbs.training.inputs import ChangedFilesError
from repro.verbs.training.leaking import LeakingFeatures, unable
from repro.verbs.training.plan import Plan, require_sound
from repro.verbs.training.preparing import Asked, plan_of
from repro.verbs.training.sealing import Outcome, Speller

PAUSE = 0.02
"""Seconds between two looks whether a run is durable."""
PATIENCE = 0.5
"""Seconds between two looks at a run of another command that a point waits for."""


@dataclass(slots=True)
class Coordinator:
    """One sweep, from its first point to its last."""

    documents: Documents
    executor: Executor
    ledger: Ledger
    observer: Observer
    reuse: bool
    """Whether a sealed run with the same execution key is as good as a new one."""
    keep_going: bool
    """Whether points are still started after one has failed."""
    total: int
    _queue: deque[Waiting] = field(default_factory=deque)
    _underway: dict[int, tuple[Waiting, Underway]] = field(default_factory=dict)
    _known: Known = field(init=False)
    _speller: Speller = field(default_factory=Speller)
    _writers: Writers = field(init=False)
    _tasks: int = 0
    _cautions: Cautions = field(init=False)
    _hearing: Hearing = field(init=False)
    _tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        """Know nothing yet of any result."""
        self._known = Known(self.documents.root)
        self._writers = Writers(self.ledger)
        self._cautions = Cautions(self.observer.warn)
        self._hearing = Hearing(self.observer.warn)
        self._tally = Tally(self.observer, self.documents.root, self.total)

    @property
    def done(self) -> dict[int, Done]:
        """What came of each point, by its number; of one that is an earlier one's run nothing."""
        return self._tally.done

    def run(self, points: Iterable[Point]) -> None:
        """Bring every point to its end; `done` has them, and those that were not started not.

        Raises InterruptedRunError if the user stops it, and what makes going on senseless: the
        log's errors, a workspace that cannot be written, data that changed, an engine that is gone.
        Whatever was under way has its record then, if the log can still be written.
        """
        self._queue.extend(Waiting(point) for point in points if point.twin is None)
        try:
            while self._queue or self._underway:
                self._fill()
                if self._underway:
                    self._hear()
                elif self._queue:
                    time.sleep(PATIENCE)
            self._writers.close()
        except KeyboardInterrupt:
            left = self._give_up("the user stopped the sweep")
            stopped = self._tally.stopped(left)
            if left.problem is not None:
                self.observer.warn(stopped)
                raise left.problem from None
            raise InterruptedRunError(stopped, "the same command goes on from there") from None
        except (LogError, ReproError, OSError) as error:
            left = self._give_up(f"the sweep could not go on: {error}"[:2000])
            self.observer.warn(self._tally.stopped(left))
            raise
        except BaseException:
            self._give_up("the sweep could not go on")
            raise

    def _fill(self) -> None:
        """Start as many points as there is room for; pass over those with a sealed result."""
        now = time.monotonic()
        for _ in range(len(self._queue)):
            is_long = time.monotonic() - now > PATIENCE
            is_full = self.executor.free <= 0 or self._writers.is_full
            if is_full or (self._underway and is_long):
                return  # workers may be waiting for an answer
            waiting = self._queue.popleft()
            if waiting.not_before > now:
                self._queue.append(waiting)
                continue
            self._start(waiting)

    def _start(self, waiting: Waiting) -> None:
        """Start the worker of one point, unless its result is there or under way."""
        point = waiting.point
        try:
            ready = self.documents.ready(point, is_valid=not waiting.reruns)
        except ReproError as error:  # it was valid when all were checked: data files may be gone
            self._end(Done(point, None, self._refused(waiting, error)))
            return
        if not waiting.reruns:
            key = self._known.key_of(ready)
            try:
                found = self._known.foreseen(ready) if self.reuse else None
            except DeterminismError as error:  # other bits under its key: a new run tells more
                self.ledger.refuse(ready.resolved, error)
                self._end(Done(point, None, error))
                return
            if found is not None:
                self._end(_reused(point, found))
                return
            if key is not None and self.ledger.is_busy(key):
                self._later(waiting)
                return
        seen = self.documents.evidence(ready.job)
        held = ExitStack()
        place = held.enter_context(staging(self.documents.root))
        self._tasks += 1
        self._underway[self._tasks] = (waiting, Underway(ready, place, held))
        digests = {file.name: file.blake3 for file in seen.files}
        self._hearing.gives(self._tasks)
        self.executor.submit(Task(self._tasks, ready.job, place.work, digests))

    def _hear(self) -> None:
        """Wait for what happens, and act on it: first for those who wait for us."""
        told = self.executor.wait(PATIENCE if self._writers.is_idle else PAUSE)
        heard = self._hearing.of(told)
        for number in heard.broken:
            self.executor.cancel(number)
        for event in heard.progressed:
            self._tally.progress(self._underway[event.number][0].point, event)
        if heard.failed and not self.keep_going:
            self._queue.clear()
        self._prepared(heard.prepared)
        self._fill()  # before the disk is waited for
        for finished in heard.finished:
            underway = self._underway[finished.number][1]
            self._writers.write(finished.number, underway, finished.message)
        self._seal()
        self._failed([(failed.number, failed.error) for failed in heard.failed])

    def _seal(self) -> None:
        """Seal what is written by now, all with one write to the log."""
        written = self._writers.written()
        if not written:
            return
        sealed = self.ledger.seal([(self._underway[n][1], found) for n, found in written.items()])
        by_point = {id(each.underway): each for each in sealed}
        for number in written:
            waiting, underway = self._underway.pop(number)
            self._end(self._tally.of_sealed(waiting.point, by_point[id(underway)]))

    def _prepared(self, events: Sequence[Prepared]) -> None:
        """Plan what has prepared and let it train, or say why not."""
        plans: list[tuple[int, Plan]] = []
        refused: list[tuple[int, ReproError]] = []
        for event in events:
            waiting, underway = self._underway[event.number]
            try:
                plan = self._plan(waiting, underway, event.facts)
                require_sound(plan)
                self._cautions.look_at(waiting.point.name, plan, event.place)
                known = self._known.sealed(plan) if self.reuse else None
            except LeakingFeatures as leaking:
                self._again(event.number, leaking)
                continue
            except ChangedFilesError:
                raise
            except ReproError as error:
                refused.append((event.number, of_worker(error, event.place)))
                continue
            except BUGS as bug:  # or what a worker told that is no worker of ours
                refused.append((event.number, as_bug(bug)))
                continue
            if known is None:
                plans.append((event.number, plan))
            else:
                self.ledger.record_fixed(plan.judged, known)
                self._release(event.number)
                self._end(_reused(waiting.point, known))
        for number, _ in refused:
            self._cancel(number)
        self._failed(refused)
        if not plans:
            return
        busy = self.ledger.plan([(self._underway[number][1], plan) for number, plan in plans])
        for number, plan in plans:
            waiting, underway = self._underway[number]
            if any(each is underway for each in busy):
                self._release(number)
                self._later(waiting)
                continue
            self._hearing.lets_train(number)
            self.executor.proceed(number, plan.seeds)
        for number, plan in plans:  # spelled while they train
            if number in self._underway:
                self._underway[number][1].texts.update(self._speller.texts(plan))

    def _plan(self, waiting: Waiting, underway: Underway, prepared: Mapping[str, Any]) -> Plan:
        """Return the plan of a point, from what its worker prepared."""
        ready, root = underway.ready, self.documents.root
        asked = Asked(
            root=root,
            resolved=ready.resolved,
            active=ready.active,
            trainer=ready.trainer,
            selectors=ready.selectors,
            observer=self.observer,
            reuse=self.reuse,
            fixed=waiting.fixed,
            reruns=waiting.reruns,
            made_for=FOR,
        )
        plan = plan_of(asked, ready.job, self.documents.evidence(ready.job), prepared)
        self._known.learn(ready, plan)
        return plan

    def _again(self, number: int, leaking: LeakingFeatures) -> None:
        """Start a point again without the features that leak, before any other."""
        waiting, _ = self._underway[number]
        self._release(number)
        for finding in leaking.findings:
            told = f"leakage: {finding['message']}; again without it"
            self.observer.warn(f"{waiting.point.name}: {told}")
        self._queue.appendleft(waiting.again(leaking))

    def _refused(self, waiting: Waiting, error: ReproError) -> ReproError:
        """Return what a point ends with that cannot be started; of a second try, recorded."""
        if waiting.found is None:
            return error
        refusal = unable(waiting.found, error) if isinstance(error, ProblemsError) else error
        self.ledger.refuse(waiting.found.judged.resolved, refusal)
        return refusal

    def _later(self, waiting: Waiting) -> None:
        """Let a point wait until another command has ended the run that it would be."""
        self._queue.append(replace(waiting, not_before=time.monotonic() + PATIENCE))

    def _release(self, number: int) -> None:
        """End a worker that nothing in the log knows of."""
        self._cancel(number)
        self._underway.pop(number)[1].held.close()

    def _cancel(self, number: int) -> None:
        """End a worker, and believe nothing more that is told of it."""
        self._hearing.takes_back(number)
        self.executor.cancel(number)

    def _failed(self, batch: Sequence[tuple[int, ReproError]]) -> None:
        """Record what failed, and go on or start nothing more."""
        if not batch:
            return
        self.ledger.fail([(self._underway[number][1], error) for number, error in batch])
        for number, error in batch:
            waiting, _ = self._underway.pop(number)
            self._end(Done(waiting.point, None, error))

    def _end(self, done: Done) -> None:
        """Keep what came of a point, and start nothing more if that is asked for."""
        if done.error is not None and not self.keep_going:
            self._queue.clear()
        self._tally.add(done)

    def _give_up(self, reason: str) -> Left:
        """End every worker, and record as interrupted what was planned and is not sealed."""
        self._writers.close()
        for number in self._underway:
            with suppress(Exception):  # whatever it is, what was planned must have its end
                self.executor.cancel(number)
        batch = [underway for _, underway in self._underway.values()]
        self._underway.clear()
        recorded = tuple(each.run for each in batch if each.is_ended and each.run is not None)
        problem = None
        try:
            self.ledger.interrupt(batch, reason)
        except LogError as error:
            problem = error
        finally:
            for underway in batch:
                underway.held.close()
        rest = [each for each in batch if each.run is not None and each.run not in recorded]
        return Left(
            tuple(str(each.run) for each in rest if each.is_ended),
            recorded,
            tuple(str(each.run) for each in rest if not each.is_ended),
            problem,
        )


def _reused(point: Point, outcome: Outcome) -> Done:
    return Done(point, Result.of(outcome))
