"""Overrides on a command line that do nothing, or that undo one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from repro.config.documents.catalog import Trainer
from repro.config.resolution.active import SPLITS, used
from repro.config.resolution.assignments import parse_assignment, target_path
from repro.config.resolution.experiments import TARGETS
from repro.config.resolution.layers import Path, below, dotted
from repro.config.resolution.named import DEFAULT_PROFILE
from repro.config.resolution.resolve import Resolved
from repro.config.resolution.settings import PROFILES
from repro.errors import COMMAND_LINE, Place, Problem, ProblemsError

IDLE = "idle"
"""The rule of an override whose value the run does not use."""
_LAYER = "--set"


def given_twice(
    resolved: Resolved, sets: Iterable[str], families: Mapping[str, Trainer]
) -> tuple[Problem, ...]:
    """Return a problem for each of the overrides ``sets`` that gives a value once more.

    ``resolved`` was made with them. One of the two would count, and nobody could see which.
    """
    found: list[Problem] = []
    first: dict[Path, Place] = {}
    for number, text in enumerate(sets, start=1):
        assignment = parse_assignment(number, text)
        try:
            path = target_path(assignment, resolved.flat, resolved.family, families)
        except ProblemsError:
            continue  # what it meant is laid, and has made its own key ambiguous
        earlier = first.setdefault(path, assignment.place)
        if earlier is not assignment.place:
            message = f"given twice: {earlier.file} sets it already"
            place = Place(assignment.place.file, 1, 1, max(assignment.place.column - 1, 2))
            hint = "keep one of the two"
            found.append(Problem(place, dotted(path), message, COMMAND_LINE, hint, assignment.text))
    return tuple(found)


def silent(resolved: Resolved, profile: str | None) -> tuple[Problem, ...]:
    """Return a warning if the ``profile`` that was asked for sets nothing for this run's family.

    ``profile`` is None if none was asked for; the profile `default` may be silent.
    """
    if profile in (None, DEFAULT_PROFILE) or f"profile {profile}" in resolved.layers:
        return ()
    said = [v for path, v in below(resolved.flat, PROFILES).items() if path[0] == profile]
    place = said[0].setting.place
    message = f"says nothing to {resolved.family}: the run is as it would be without it"
    hint = f"name a parameter of {resolved.family} in it, or leave the profile out"
    where = dotted((PROFILES[-1], str(profile)))
    return (Problem(place, where, message, IDLE, hint, None, "warning"),)


def unused(resolved: Resolved) -> tuple[Problem, ...]:
    """Return a warning for each override none of whose values this run uses."""
    laid: dict[str, tuple[Path, Place]] = {}
    for path, value in resolved.flat.items():
        if value.setting.layer == _LAYER:
            laid.setdefault(value.setting.place.file, (path, value.setting.place))
    if not laid:
        return ()
    # A profile or a variant that is chosen speaks with the place of the override that made it.
    needed = {value.setting.place.file for value in used(resolved).values()}
    run = f"this run (target {resolved.target}, family {resolved.family})"
    found = []
    for file, (path, place) in laid.items():
        if file not in needed:
            text = resolved.sources[file][place.line - 1]
            message = f"{text} changes nothing: {run} does not use the value"
            found.append(Problem(place, dotted(path), message, IDLE, None, text, "warning"))
    return tuple(found)


def blind_to_time(resolved: Resolved) -> tuple[Problem, ...]:
    """Return a warning for each override of what keeps tests clear in time, where groups share it.

    A purge as long as the horizon is asked for whatever the method, and no such wish.
    """
    flat = resolved.flat
    method, blocks = flat.get((*SPLITS, "method")), flat.get((*SPLITS, "time_blocks"))
    if method is None or method.value != "grouped" or blocks is None or blocks.value is not None:
        return ()
    horizon = flat[(*TARGETS, resolved.target, "horizon")].value
    found = []
    for name, least in (("purge", horizon), ("embargo", 0)):
        value = flat[(*SPLITS, name)]
        if value.setting.layer == _LAYER and value.value > least:
            place = value.setting.place
            text = resolved.sources[place.file][place.line - 1]
            message = (
                f"{text} keeps no training row from a test, unless all rows are one series:"
                " grouped without time_blocks trains on the very timestamps that are tested"
            )
            hint = "set splits.time_blocks too; 1 cuts nothing and leaves out all the same"
            where = dotted((*SPLITS, name))
            found.append(Problem(place, where, message, IDLE, hint, text, "warning"))
    return tuple(found)
