"""What is wrong with the points of a sweep, and what is to be warned of: each told once.

A grid of a thousand points has few mistakes, and every one of them in many points. So each is told
with the number of points that have it, and with the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from repro.config.resolution.resolve import Selection
from repro.config.spelling.names import suggestion
from repro.errors import COMMAND_LINE, Place, Problem, ProblemsError, ReproError, UsageError
from repro.verbs.observer import Warn
from repro.verbs.research.choosing import VALUES
from repro.verbs.research.experiment import CROSS_SECTIONAL

_ASIDE = ("experiment", "profile", "variant", "target")
"""Axes without which a point can be looked at on: a value is as wrong without them."""
_BETWEEN = frozenset({"cross-check", "idle", COMMAND_LINE})
"""Rules that hold a value against others, so that a point that lacks an axis cannot be judged."""
_BOTH_VIEWS = (
    "leave out the axis view: a symbol brings its own, and null among the symbols is all of them "
    "in one model, as in symbol=null,AAPL"
)


class Pointed(Protocol):
    """What is needed of a point."""

    @property
    def name(self) -> str:
        """Return the point in words."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Return what each axis has there."""

    @property
    def selection(self) -> Selection:
        """Return what it asks of the configuration."""


@dataclass(slots=True)
class Faults:
    """What was found so far."""

    _problems: dict[tuple[str, str, str], tuple[Problem, list[str]]] = field(default_factory=dict)
    _unknown: dict[str, tuple[UsageError, Problem, list[str]]] = field(default_factory=dict)
    _warnings: dict[tuple[str, str], tuple[Problem, list[str]]] = field(default_factory=dict)

    def warning(self, point: Pointed, problem: Problem) -> None:
        """Keep what is to be warned of: one of each place, whatever the point has there."""
        key = (problem.place.file, problem.path)
        self._warnings.setdefault(key, (problem, []))[1].append(point.name)

    def add(
        self, point: Pointed, error: ReproError, resolve: Callable[[Selection], object]
    ) -> None:
        """Keep why a point cannot be.

        A name that does not exist hides what else is wrong, so the point is resolved once more
        without it: of that the other names count, and values that are wrong by themselves.
        """
        problems: Sequence[Problem] = error.problems if isinstance(error, ProblemsError) else ()
        selection: Selection | None = point.selection
        while isinstance(error, UsageError) and selection is not None:
            named = _named(point, error)
            self._unknown.setdefault(error.problem, (error, named, []))[2].append(point.name)
            selection = _without(selection, point, error)
            if selection is None:
                break
            try:
                resolve(selection)
            except ProblemsError as further:
                is_known = selection.experiment == point.selection.experiment
                problems = [each for each in further.problems if _is_alone(each, is_known)]
                break
            except UsageError as further:
                error = further
            else:
                break
        for problem in problems:
            if problem.path == VALUES["symbol"] and _is_of_other_view(point.values):
                problem = replace(problem, hint=_BOTH_VIEWS)
            key = (problem.place.file, problem.path, problem.message)
            self._problems.setdefault(key, (problem, []))[1].append(point.name)

    def no_symbol(self, point: Pointed, symbol: str, known: Collection[str]) -> None:
        """Keep that the data of a point have no such symbol."""
        error = UsageError(
            f"no such symbol: {symbol!r}{suggestion(symbol, known)}",
            f"symbols of the dataset: {', '.join(sorted(known)) or 'none'}",
        )
        named = _named(point, error)
        self._unknown.setdefault(error.problem, (error, named, []))[2].append(point.name)

    def tell(self, warn: Warn) -> None:
        """Warn of what is to be warned of; raise UsageError or ProblemsError if there is a fault.

        A name that does not exist is a UsageError, if nothing else is wrong.
        """
        for problem, names in self._warnings.values():
            where = f"{problem.place.file}:{problem.place.line}"
            warn(f"{where}: {_pointed(problem, names).message}")
        if len(self._unknown) == 1 and not self._problems:
            ((error, problem, names),) = self._unknown.values()
            raise UsageError(_pointed(problem, names).message, error.hint) from error
        found = [(problem, names) for _, problem, names in self._unknown.values()]
        found += self._problems.values()
        if found:
            raise ProblemsError([_pointed(problem, names) for problem, names in found])


def _named(point: Pointed, error: UsageError) -> Problem:
    """Return an unknown name as a problem of the axis that gives it, if one does."""
    for key, value in point.values.items():
        if isinstance(value, str) and repr(value) in error.problem:
            source = f"{key}={value}"
            place = Place(f"axis {key}", 1, len(key) + 2, len(source) + 1)
            return Problem(place, key, error.problem, COMMAND_LINE, error.hint, source)
    place = Place("command line", 1, 1, 2)
    return Problem(place, "", error.problem, COMMAND_LINE, error.hint)


def _without(selection: Selection, point: Pointed, error: UsageError) -> Selection | None:
    """Return a selection without the axis of which an error speaks; None if that is none of those.

    None also beside an experiment, which may need what the axis says.
    """
    for key in _ASIDE:
        name = getattr(selection, key)
        if key in point.values and name is not None and repr(name) in error.problem:
            if selection.experiment is not None and key != "experiment":
                return None
            return {
                "experiment": replace(selection, experiment=None),
                "profile": replace(selection, profile=None),
                "variant": replace(selection, variant=None),
                "target": replace(selection, target=None),
            }[key]
    return None


def _is_alone(problem: Problem, is_known: bool) -> bool:
    """Return whether a value of an axis is wrong whatever else a point has.

    Unless its experiment ``is_known``, so is not the family that judges hyperparameters.
    """
    if not is_known and problem.path.startswith("hyperparameters."):
        return False
    return problem.place.file.startswith("axis ") and problem.rule not in _BETWEEN


def _is_of_other_view(values: Mapping[str, Any]) -> bool:
    """Return whether axes of a point give a symbol and a view that has none, or neither."""
    if not {"view", "symbol"} <= values.keys():
        return False
    is_of_all: bool = values["view"] == CROSS_SECTIONAL
    return (values["symbol"] is None) is not is_of_all


def _pointed(problem: Problem, names: Sequence[str]) -> Problem:
    """Return a problem that says in which points it is."""
    where = f"in the point {names[0]}"
    if len(names) > 1:
        where = f"in {len(names)} points, the first: {names[0]}"
    return replace(problem, message=f"{problem.message} ({where})")
