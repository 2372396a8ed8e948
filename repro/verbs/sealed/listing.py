"""``repro runs list``: a page of the sealed runs, filtered and sorted, by the index."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config.documents.workspace import find_root
from repro.runs import layout
from repro.runs.entries import Mark, log_size
from repro.runs.finding import pins
from repro.runs.index import ASKED, COLUMNS, LARGEST, Index, forget, opened
from repro.runs.purpose import Purpose
from repro.runs.sealed import load_run
from repro.verbs.audit.log import require_as_logged
from repro.verbs.sealed.asked_names import KNOWN, require_known
from repro.verbs.sealed.conditions import (
    beginning,
    condition,
    moment,
    require_metrics,
    sorted_by,
)

_EQUAL = ("target", "family", "view", "symbol", "level", "experiment", "seed")
_SELECTED = (
    *("time", "target", "family", "view", "symbol", "level", "experiment", "task", "seed"),
    *("replicate_key", "strict_key", "execution_key", "output_digest", "metric", "value"),
    "leakage",
)
"""The fields of `Listed` that are columns, in the order of `Index.select`."""
NO_LOG = "there are runs and no log to hold them against"
PUT_BACK = "a missing log is never taken for an empty one; put AUDIT_LOG back"
_KEYS = ("name", "replicate_key", "strict_key", "execution_key")


@dataclass(frozen=True, slots=True)
class ListCommand:
    """Which runs are asked for; what is None, or lists nothing, filters nothing."""

    start: Path
    target: str | None = None
    family: str | None = None
    view: str | None = None
    symbol: str | None = None
    level: str | None = None
    experiment: str | None = None
    seed: int | None = None
    key: str | None = None
    """The beginning of a name or of any key."""
    since: str | None = None
    """A day, or a time, in UTC: runs planned then or later."""
    until: str | None = None
    """Runs planned before the end of a day, or of what else a time is written to."""
    where: tuple[str, ...] = ()
    """Conditions on metrics, such as ``rmse<0.05``."""
    incidents: bool = False
    """Only those with an incident."""
    pinned: bool = False
    """Only those that a name stands for."""
    rebuild: bool = False
    """Make the index anew first, from the runs and the log."""
    asked: bool = False
    """Only those that somebody asked for: none that an attribution trained."""
    sort: str | None = None
    """A column or a metric; with ``-`` in front the highest first. Without it, the newest first."""
    limit: int = 0
    """0 for all."""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """One run as the index has it, and what the log says of it since."""

    run: str
    time: str | None
    """When it was planned; None in a run of an older layout."""
    target: str
    family: str
    view: str
    symbol: str | None
    level: str
    experiment: str | None
    task: str
    seed: int
    replicate_key: str
    strict_key: str
    execution_key: str
    output_digest: str
    metric: str
    """The headline metric."""
    value: float | None
    """The headline metric, in its own units."""
    leakage: str | None
    """``clean``, ``fixed`` or ``warned``; None of a run that is too old to have a verdict."""
    made_for: Purpose | None
    """What needed the run; None if it was asked for by itself."""
    metrics: Mapping[str, float | int | None]
    """Every metric, by name."""
    folder: Path
    pins: tuple[str, ...]
    """The names that stand for it, without ``@``."""
    verified: str | None
    """The verdict of the newest verification."""
    incidents: int
    """How many incidents the log has of it."""
    logged: bool
    """Whether a line of the log completes it. Of a run whose segment was pruned none does."""


@dataclass(frozen=True, slots=True)
class Page:
    """The runs that were asked for, and how many there are."""

    total: int
    """In the workspace."""
    matching: int
    """How many the filters let through."""
    runs: tuple[Listed, ...]
    """The page of these."""
    log: bool
    """Whether there is a log that could complete them: a workspace with runs has one."""

    @property
    def exit_status(self) -> int:
        """Return 4 for runs without a log, which is never taken for an empty one; else 0."""
        return 4 if self.total and not self.log else 0


def list_runs(asked: ListCommand) -> Page:
    """Return a page of runs; nothing is judged: the index is no evidence.

    Raises UsageError for a condition, a time or a column that is none, for an empty beginning of a
    key, and for a name to filter by that neither a run nor the workspace has.
    """
    root = find_root(asked.start.resolve())
    if asked.rebuild:
        forget(root)
    with opened(root) as index:
        named: dict[str, list[str]] = {}
        for name, run in pins(root).items() if index.count() else ():
            named.setdefault(run, []).append(name)
        if asked.where:
            require_metrics([condition(text)[0] for text in asked.where], index.metrics())
        rest, values = _rest(asked, list(named), index.signed)
        rows = _rows(asked, index, rest, values)
        marks = index.marks([row[0] for row in rows])
        found = tuple(_listed(root, row, marks[row[0]], named.get(row[0], ())) for row in rows)
        total = index.count()
        matching = index.count(rest, values) if rest else total
        if total and not matching:
            require_known(root, index, {name: getattr(asked, name) for name in KNOWN})
        return Page(total, matching, found, log=log_size(root) > 0)


def _listed(root: Path, row: Sequence[Any], marks: Sequence[Mark], named: Sequence[str]) -> Listed:
    name, _, *columns, kind, of, metrics, inner, size, written, as_logged = row
    _require_untouched(root, name, inner, (size, written), is_other=as_logged == 0)
    fields: dict[str, Any] = dict(zip(_SELECTED, columns, strict=True))
    verdicts = [mark.detail for mark in marks if mark.kind == "verified"]
    return Listed(
        run=name,
        **fields,
        made_for=None if kind is None else Purpose(kind, tuple(json.loads(of))),
        metrics=json.loads(metrics),
        folder=layout.runs(root) / name / inner,
        pins=tuple(named),
        verified=verdicts[-1] if verdicts else None,
        incidents=sum(mark.kind == "incident" for mark in marks),
        logged=as_logged is not None,
    )


def _require_untouched(
    root: Path, name: str, inner: str, known: tuple[int, int], *, is_other: bool
) -> None:
    """Raise IntegrityError for a snapshot that was touched, unless it is what was sealed.

    It was if it is not as the index saw it, or ``is_other`` than the log says already then.
    """
    base = layout.runs(root)
    try:
        found = (base / name / inner / layout.SNAPSHOT).lstat()
        touched = (found.st_size, found.st_mtime_ns) != known
    except OSError:
        touched = True
    if touched or is_other:
        require_as_logged(root, load_run(base / name))


def _rest(asked: ListCommand, named: Sequence[str], signed: int) -> tuple[str, list[Any]]:
    """Return the conditions as SQL, and the values in them; ``signed`` records count."""
    conditions: list[str] = []
    values: list[Any] = []
    for column in _EQUAL:
        value = getattr(asked, column)
        if isinstance(value, int) and abs(value) > LARGEST:
            conditions.append("FALSE")  # no run's seed is beyond what the database holds
        elif value is not None:
            conditions.append(f"runs.{column} = ?")
            values.append(value)
    if asked.key is not None:
        conditions.append(f"({' OR '.join(f'runs.{column} GLOB ?' for column in _KEYS)})")
        values += [beginning(asked.key)] * len(_KEYS)
    for bound, sign, end in ((asked.since, ">=", ""), (asked.until, "<", "~")):
        if bound is not None:
            conditions.append(f"time {sign} ?")
            values.append(moment(bound) + end)
    for text in asked.where:
        name, sign, number = condition(text)
        of = "SELECT 1 FROM metrics WHERE run = runs.name AND metrics.name = ?"
        conditions.append(f"EXISTS ({of} AND metrics.value {sign} ?)")
        values += [name, number]
    if asked.incidents:
        of = "SELECT 1 FROM marks WHERE run = runs.name AND kind = 'incident' AND seq < ?"
        conditions.append(f"EXISTS ({of})")
        values.append(signed)
    if asked.asked:
        conditions.append(ASKED)
    if asked.pinned:
        conditions.append(f"runs.name IN ({', '.join('?' * len(named))})")
        values += named
    return (f"WHERE {' AND '.join(conditions)}" if conditions else "", values)


def _rows(
    asked: ListCommand, index: Index, rest: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of the page; equal ones newest first, those without a value last."""
    page = (min(asked.limit, LARGEST) or -1, min(asked.offset, LARGEST))
    sort = "-plan" if asked.sort is None else asked.sort
    direction = "DESC" if sort.startswith("-") else "ASC"
    plain = sort.removeprefix("-")
    name = sorted_by(plain, () if plain in ("plan", *COLUMNS) else index.metrics())
    if name in ("plan", *COLUMNS):
        order = (
            f"ORDER BY {name} IS NULL, {name} {direction}, plan DESC, name DESC LIMIT ? OFFSET ?"
        )
        if asked.sort is None:  # along the index of plans
            order = "ORDER BY plan DESC, name DESC LIMIT ? OFFSET ?"
        return index.select(f"{rest} {order}", (*values, *page))
    also = f"AND {rest.removeprefix('WHERE ')}" if rest else ""
    found = index.select(
        f"WHERE along.name = ? {also} ORDER BY along.value {direction}, plan DESC LIMIT ? OFFSET ?",
        (name, *values, *page),
        along="metrics AS along CROSS JOIN runs ON runs.name = along.run",
    )
    if asked.limit and len(found) == asked.limit:
        return found
    has = "EXISTS (SELECT 1 FROM metrics WHERE run = runs.name AND metrics.name = ?)"
    having = index.count(f"WHERE {has} {also}", (name, *values))
    left = (asked.limit - len(found) if asked.limit else -1, max(0, page[1] - having))
    order = "ORDER BY plan DESC LIMIT ? OFFSET ?"
    return found + index.select(f"WHERE NOT {has} {also} {order}", (name, *values, *left))
