"""What an executor tells, held against what it was asked: it may be anybody's code.

A plan has one outcome. So a task prepares once, ends once, and finishes only after it was let
proceed; of one that says otherwise nobody could tell which of its workers trained what, and its
point fails. What is said of tasks that are over, or that nobody gave, is passed over with a
warning: it cannot move anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from repro.errors import DeterminismError, InputError, ReproError, TrainingError, recordable
from repro.execution.executor import Event, Failed, Finished, Prepared, Progressed
from repro.verbs.observer import Warn

PREPARES: Final = "it prepares"
PREPARED: Final = "it has prepared"
TRAINS: Final = "it was let train"
HINT: Final = "a plan has one outcome; whoever wrote the executor should hear of this"

LONGEST: Final = 4000
"""Characters of what an executor tells of a failure that are kept."""
SHORT: Final = 200
"""Characters of it that a warning shows."""
FAILURES: Final = (InputError, DeterminismError, TrainingError)
"""What a worker fails with."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What of several events counts, each kind in the order in which it came."""

    progressed: tuple[Progressed, ...]
    prepared: tuple[Prepared, ...]
    finished: tuple[Finished, ...]
    failed: tuple[Failed, ...]
    broken: tuple[int, ...]
    """Tasks among ``failed`` that the executor still has: it told what cannot be."""


@dataclass(slots=True)
class Hearing:
    """The tasks of one executor, and at what each is."""

    warn: Warn
    _at: dict[int, str] = field(default_factory=dict)
    """Tasks that are not over, by number."""
    _given: set[int] = field(default_factory=set)
    _warned: set[str] = field(default_factory=set)

    def gives(self, number: int) -> None:
        """Remember that a task is given to the executor."""
        self._given.add(number)
        self._at[number] = PREPARES

    def lets_train(self, number: int) -> None:
        """Remember that a task is let proceed."""
        self._at[number] = TRAINS

    def takes_back(self, number: int) -> None:
        """Remember that nothing more is expected of a task."""
        self._at.pop(number, None)

    def of(self, events: Iterable[Event]) -> Heard:
        """Return what of the events counts, and which tasks the executor is not to be believed of.

        Of a task that ends among them, be it badly, nothing else is there but how far it was.
        """
        progressed: list[Progressed] = []
        prepared: dict[int, Prepared] = {}
        finished: list[Finished] = []
        failed: dict[int, Failed] = {}
        broken: list[int] = []
        for event in events:
            number = getattr(event, "number", None)
            at = self._at.get(number) if isinstance(number, int) else None
            if at is None or not isinstance(event, Event):
                self._pass_over(event)
                continue
            if isinstance(event, Progressed):
                progressed += [event] if _is_progress(event) else []
            elif isinstance(event, Failed):
                failed[event.number] = Failed(event.number, _error(event.error))
            elif isinstance(event, Prepared) and at == PREPARES and _has_facts(event):
                self._at[event.number] = PREPARED
                prepared[event.number] = event
            elif isinstance(event, Finished) and at == TRAINS:
                finished.append(event)
            else:
                failed[event.number] = Failed(event.number, _senseless(event, at))
                broken.append(event.number)
            if isinstance(event, Finished) or event.number in failed:
                self.takes_back(event.number)
        sound = tuple(event for number, event in prepared.items() if number not in failed)
        rest = (tuple(finished), tuple(failed.values()), tuple(broken))
        return Heard(tuple(progressed), sound, *rest)

    def _pass_over(self, event: object) -> None:
        """Warn, once of each kind, of what cannot mean a task that is under way."""
        kind, number = type(event).__name__, getattr(event, "number", None)
        if isinstance(event, Progressed):
            return  # said before it heard that nobody asks any more
        if not isinstance(event, Event):
            said = f"the executor tells {kind}, which is no event"
        elif number in self._given:
            said = f"the executor tells {kind} of a task that is over"
        else:
            said = f"the executor tells {kind} of a task that it was never given"
        if said not in self._warned:
            self._warned.add(said)
            self.warn(f"{said}: {told(event, SHORT)}; passed over")


def _is_progress(event: Progressed) -> bool:
    """Return whether it can be shown; of one that cannot, nothing is lost."""
    words: tuple[Any, Any, Any] = (event.stage, event.done, event.total)
    if not all(map(isinstance, words, (str, int, int))):
        return False
    return event.stage.isprintable()


def _has_facts(event: Prepared) -> bool:
    """Return whether there is in it what a plan is made of."""
    facts = event.facts
    parts = (facts, *(facts.get(n) for n in ("facts", "environment"))) if facts else ()
    return bool(parts) and all(isinstance(part, Mapping) for part in parts)


def _error(error: object) -> ReproError:
    """Return what a task failed with; executors of others may tell anything.

    Of a worker are only failures that are its own: of the log and the workspace it knows nothing,
    and what is told of these would stop the sweep.
    """
    if not isinstance(error, ReproError):
        return TrainingError(f"the executor tells that it failed: {told(error, LONGEST)}")
    if isinstance(error, FAILURES) and all(map(_is_sound, (error.problem, error.hint, error.tail))):
        return error
    kind = next((kind for kind in FAILURES if isinstance(error, kind)), TrainingError)
    problem, hint, tail = (told(text, LONGEST) for text in (error.problem, error.hint, error.tail))
    heard = kind(problem, None if error.hint is None else hint)
    heard.tail = tail
    return heard


def _is_sound(text: object) -> bool:
    return text is None or (isinstance(text, str) and text == recordable(text))


def told(what: object, most: int) -> str:
    """Return ``most`` characters of what was told, which may be nested deeper than can be shown."""
    try:
        return recordable(what)[:most]
    except RecursionError:
        return f"a {type(what).__name__}, nested without end"


def _senseless(event: Prepared | Finished, at: str) -> TrainingError:
    """Return what is wrong with an event of a task that is not at that."""
    if isinstance(event, Prepared) and at == PREPARES:
        return TrainingError("the executor tells that it prepared, and no facts", HINT)
    said = "prepared once more" if isinstance(event, Prepared) else "finished"
    return TrainingError(f"the executor tells that it {said} while {at}", HINT)
