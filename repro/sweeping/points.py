"""The points of a sweep: each a selection of its own, over documents that are read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import payload_digest
from repro.config.documents.tree import Tree
from repro.config.resolution.active import Active, activate
from repro.config.resolution.given import Given
from repro.config.resolution.layers import Flat
from repro.config.resolution.resolve import Resolved, Selection, base_of, resolve
from repro.config.sealed import request as requests
from repro.errors import ProblemsError, ReproError, UsageError
from repro.execution.session import Job
from repro.facts.trainers import Declaration
from repro.identity.keys import exact
from repro.sweeping.axes import NAMES, At, Grid, Value, name_of, points
from repro.sweeping.faults import Faults
from repro.verbs.configuring.data_files import data_files
from repro.verbs.configuring.validate import documents, resolution
from repro.verbs.observer import Warn, unheard
from repro.verbs.research.choosing import VALUES, is_set
from repro.verbs.research.experiment import (
    CROSS_SECTIONAL,
    SYMBOL_SPECIFIC,
    Member,
    members_in,
    narrowed,
)
from repro.verbs.training.preparing import Evidence, evidence

_POINT = "repro-audit v1 sweep point"
_DATASET = "repro-audit v1 sweep dataset"
NO_MEMBER = Member(None, None, None, None)
"""What is asked of an experiment that is not there."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a sweep, as it is asked for."""

    number: int
    """From 1 on, in the order of the grid."""
    values: Mapping[str, Any]
    """What each axis has here, and beside them what an experiment names that is several runs."""
    name: str
    selection: Selection
    """What is asked of the configuration."""
    task: str = ""
    """What its target is a matter of, once it is checked."""
    threads: int = 1
    """How many its worker computes with, once it is checked."""
    symbol: str | None = None
    """Whose own model it is; None for one of all, and until it is checked."""
    dataset: str = ""
    """A digest of what is asked of the data, once it is checked: points with one read the same."""
    twin: int | None = None
    """The number of an earlier point that is the same run: nothing that it uses differs."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A point that can be started."""

    point: Point
    resolved: Resolved
    active: Active
    trainer: Declaration
    selectors: tuple[Declaration, ...]
    job: Job


@dataclass(slots=True)
class Documents:
    """A workspace's documents, read once, and where its data files lie."""

    root: Path
    tree: Tree
    families: Mapping[str, Declaration]
    base: Flat = field(repr=False)
    _located: dict[tuple[str, ...], dict[str, Path]] = field(default_factory=dict)
    _evidence: dict[tuple[bool, tuple[str, ...]], Evidence] = field(default_factory=dict)

    @classmethod
    def read(cls, start: Path) -> Documents:
        """Return the documents of the workspace that ``start`` lies in; raises as `documents`."""
        root, tree, families = documents(start)
        return cls(root, tree, families, base_of(tree, families))

    def resolved(self, selection: Selection) -> Resolved:
        """Return what a selection asks for; raises as `validate.configuration` does."""
        return resolution(self.tree, selection, self.families, self.base)

    def ready(self, point: Point, *, is_valid: bool = False) -> Ready:
        """Return a point with what its worker is asked; InputError for data that is not there.

        One that ``is_valid`` was checked before, and is not checked again: nothing but documents,
        which are read once, and its selection decides that.
        """
        if is_valid:
            resolved = resolve(self.tree, point.selection, self.families, self.base)
        else:
            resolved = self.resolved(point.selection)
        active = activate(resolved)
        trainer = self.families[active.family]
        selectors = tuple(self.families[name] for name in active.selecting)
        request = requests.build(resolved, active, trainer, selectors)
        names = tuple(active.dataset["files"])
        if names not in self._located:
            self._located[names] = data_files(self.root, resolved)
        job = Job(
            request.decides,
            request.options,
            trainer,
            self._located[names],
            active.level,
            active.threads,
            active.time_limit_seconds,
            selectors,
        )
        return Ready(point, resolved, active, trainer, selectors, job)

    def evidence(self, job: Job) -> Evidence:
        """Return what this command sees of a job's data files, of the code and of this machine.

        All is looked at once. Raises InputError for a data file that cannot be read.
        """
        seen = (job.sha256, tuple(sorted(job.files)))
        if seen not in self._evidence:
            self._evidence[seen] = evidence(self.root, job)
        return self._evidence[seen]

    def spelled(self, selection: Selection, grid: Grid) -> Iterator[Point]:
        """Yield the points of a grid, unchecked.

        An experiment that names several targets, families or views is as many points; one that
        does not exist is told when its point is checked, with all others. Raises UsageError for an
        axis that an option fixes.
        """
        _require_free(selection, grid)
        number = 0
        for at in points(grid):
            chosen = selected(selection, at)
            is_there = chosen.experiment is None or chosen.experiment in self.tree.experiments
            for member in members_in(self.tree, chosen) if is_there else (NO_MEMBER,):
                number += 1
                also = _also(member)
                name = ", ".join([name_of(at)] * bool(at) + [f"{k}={v}" for k, v in also.items()])
                values = {**{key: value.value for key, value in at.items()}, **also}
                yield Point(number, values, name or "the one point", narrowed(chosen, member))

    def checked(self, given: Iterable[Point], warn: Warn = unheard) -> Iterator[Point]:
        """Yield every point, known to be valid, one that is the same run as an earlier as a twin.

        What is to be warned of is told once all were looked at, with the points that it is true of.

        Raises ProblemsError, once all were looked at, with every problem and the points that have
        it; UsageError if one name that does not exist is all that is wrong.
        """
        first: dict[str, int] = {}
        faults = Faults()
        for point in given:
            try:
                ready = self.ready(point)
            except (ProblemsError, UsageError) as error:
                faults.add(point, error, self.resolved)
                continue
            except ReproError as error:
                words = f"{error.problem} (in the point {point.name})"
                raise type(error)(words, error.hint) from error
            for warning in ready.resolved.warnings:
                faults.warning(point, warning)
            earlier = first.setdefault(_digest(ready), point.number)
            yield replace(
                point,
                task=ready.active.target["task"],
                threads=ready.active.threads,
                symbol=ready.active.routing["symbol"],
                dataset=payload_digest(_DATASET, exact(ready.active.dataset)),
                twin=None if earlier == point.number else earlier,
            )
        faults.tell(warn)


def selected(selection: Selection, at: At) -> Selection:
    """Return a selection with the values of one place of a grid."""
    named = {key: str(value.value) for key, value in at.items() if key in NAMES}
    if "target" in named:
        named["target"] = _override("target", at["target"], named["target"])
    others = {key: value for key, value in at.items() if key not in NAMES}
    added = [
        _override(key, value, f"{VALUES.get(key, key)}={value.text}")
        for key, value in others.items()
    ]
    if "symbol" in others and not is_set((*selection.sets, *added), "view"):
        view = CROSS_SECTIONAL if others["symbol"].value is None else SYMBOL_SPECIFIC
        added.append(_override("symbol", others["symbol"], f"{VALUES['view']}={view}"))
    return replace(
        selection,
        sets=(*selection.sets, *added),
        target=named.get("target", selection.target),
        experiment=named.get("experiment", selection.experiment),
        variant=named.get("variant", selection.variant),
        profile=named.get("profile", selection.profile),
    )


def _override(key: str, value: Value, text: str) -> Given:
    """Return an override that is called by its axis."""
    return Given(text, f"axis {key}", f"{key}=", value.text)


def _require_free(selection: Selection, grid: Sequence[Any]) -> None:
    """Raise UsageError for an axis whose value an option says already."""
    for axis in grid:
        if axis.key in NAMES and getattr(selection, axis.key) is not None:
            raise UsageError(
                f"--{axis.key} {getattr(selection, axis.key)} and an axis {axis.key}: one of the "
                "two would count, and nobody could see which",
                "keep one of the two",
            )


def _also(member: Member) -> dict[str, str]:
    """Return what an experiment says of one of its runs."""
    names = ("target", "family", "view", "symbol")
    said = {name: getattr(member, name) for name in names}
    return {name: value for name, value in said.items() if value is not None}


def _digest(ready: Ready) -> str:
    """Return a digest of all that decides a run of this sweep: two with one are the same run."""
    everything = {
        "decides": ready.job.decides,
        "options": ready.job.options,
        "components": ready.active.components,
        "base_seed": ready.active.base_seed,
        "files": sorted(ready.job.files),
    }
    return payload_digest(_POINT, exact(everything))
