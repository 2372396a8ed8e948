"""Hyperparameters that others leave without effect, or make impossible, as trainers declare it.

What cannot have an effect is told where somebody wrote it: the signature of a run would differ
for it, and its bits would not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from repro.config.checks.composed import source
from repro.config.documents.catalog import MODELS, Trainer
from repro.config.resolution.active import SELECTION, selecting
from repro.config.resolution.experiments import TARGETS
from repro.config.resolution.layers import Path, Value
from repro.config.resolution.resolve import Resolved
from repro.errors import Problem

BENEATH = "defaults"
CHOOSING = "feature_selection.feature_selection"
RULE = "cross-check"


class Condition(Protocol):
    """What is needed of a declared condition."""

    @property
    def when(self) -> Mapping[str, tuple[Any, ...]]:
        """Canonical name to the values with which it holds."""

    @property
    def task(self) -> str | None:
        """The only task for which it holds."""

    @property
    def requires(self) -> Mapping[str, tuple[Any, ...]]:
        """Canonical name to the values that are possible."""

    @property
    def reason(self) -> str:
        """Why, in words."""


class Judge(Trainer, Protocol):
    """A trainer's declaration that knows its conditions."""

    def idle(self, values: Mapping[str, Any], task: str) -> Mapping[str, Condition]:
        """Return the names that have no effect, with what makes it so."""

    def contradictions(
        self, values: Mapping[str, Any], task: str
    ) -> Sequence[tuple[str, Condition]]:
        """Return the names whose values are impossible, with what makes it so."""


def impossible(resolved: Resolved, trainer: Judge) -> Iterator[Problem]:
    """Yield each hyperparameter of the family whose value another makes impossible."""
    settings = _settings(resolved, trainer)
    for name, condition in trainer.contradictions(_plain(settings), _task(resolved)):
        value = settings[name]
        possible = " or ".join(json.dumps(one) for one in condition.requires[name])
        message = (
            f"{name} must be {possible}{_while(condition, settings)}, "
            f"not {json.dumps(value.value)}: {condition.reason}"
        )
        yield _problem(resolved, name, value, message)


def idle(
    resolved: Resolved, families: Mapping[str, Judge], broken: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Return a warning for each hyperparameter that somebody set and that has no effect.

    Of the family that is trained, and of those that choose its features. One that stands as the
    documents beneath have it says nothing that is not so; nor does one that must be written,
    because nothing lies beneath it.
    """
    if "data.targets" in broken:
        return ()
    asked: tuple[str, ...] = ()
    # One family is looked at alone, without the document that says how features are chosen.
    if (*SELECTION, "method") in resolved.flat and CHOOSING not in broken:
        asked = selecting(resolved)
    found: list[Problem] = []
    for family in dict.fromkeys((resolved.family, *asked)):
        if family in families and f"{MODELS}.{family}" not in broken:
            found += _idle(resolved, families[family])
    return tuple(found)


def warned(resolved: Resolved, families: Mapping[str, Judge]) -> Resolved:
    """Return the configuration with what is idle in it among its warnings."""
    return replace(resolved, warnings=(*resolved.warnings, *idle(resolved, families)))


def _idle(resolved: Resolved, trainer: Judge) -> Iterator[Problem]:
    """Yield a warning for each hyperparameter of one family that is set and not used."""
    settings = _settings(resolved, trainer)
    for name, condition in trainer.idle(_plain(settings), _task(resolved)).items():
        value = settings[name]
        if _is_said(value):
            message = f"{name} is not used{_while(condition, settings)}: {condition.reason}"
            hint = "it moves the identity of a run, and not its bits: leave it out"
            problem = _problem(resolved, name, value, message)
            yield replace(problem, hint=hint, severity="warning")


def _is_said(value: Value) -> bool:
    """Return whether somebody chose the value, who did not have to write it as it stands."""
    beneath = [setting for setting in value.history if setting.layer == BENEATH]
    if not beneath:
        return value.setting.layer != "document"
    return value.setting is not beneath[-1] and value.value != beneath[-1].value


def _while(condition: Condition, settings: Mapping[str, Value]) -> str:
    """Return the values, with their places, and the task that a condition hangs on."""
    causes = []
    for name in condition.when:
        place = settings[name].setting.place
        written = json.dumps(settings[name].value)
        causes.append(f"{name} is {written} ({place.file}:{place.line})")
    told = f" while {' and '.join(causes)}" if causes else ""
    return told if condition.task is None else f"{told} in a {condition.task} task"


def _settings(resolved: Resolved, trainer: Judge) -> dict[str, Value]:
    """Return the hyperparameters of a family that have a value, by canonical name."""
    prefix: Path = (MODELS, trainer.family, "hyperparameters")
    paths = {name: (*prefix, name) for name in trainer.hyperparameters}
    return {name: resolved.flat[path] for name, path in paths.items() if path in resolved.flat}


def _plain(settings: Mapping[str, Value]) -> dict[str, Any]:
    return {name: value.value for name, value in settings.items()}


def _task(resolved: Resolved) -> str:
    return str(resolved.flat[(*TARGETS, resolved.target, "task")].value)


def _problem(resolved: Resolved, name: str, value: Value, message: str) -> Problem:
    """Return an error at the place that decided a hyperparameter."""
    place = value.setting.place
    shown = f"hyperparameters.{name}"
    return Problem(place, shown, message, RULE, source=source(resolved, place))
