"""Runs that came to nothing, as the log has them: refused, failed, interrupted, or never ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.audit_log.storage.running import is_running
from repro.errors import UsageError
from repro.runs import layout
from repro.runs.finding import find
from repro.runs.sealed import Run
from repro.verbs.audit.reading import Reader, reading

REFUSED = "refused-"
"""What the name of a run begins with that was refused, before the place of its record."""
_ENDS = ("run.completed", "run.failed", "run.interrupted")
_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class Unsealed:
    """One run that was asked for and of which nothing is sealed."""

    name: str
    """What `named` finds it by: its name, or of a refused one ``refused-`` and its record."""
    run: str | None
    """Its name; None if it was refused before it was planned."""
    time: str
    """When it was planned, or refused."""
    target: str
    family: str
    state: str
    """``refused``, ``failed``, ``interrupted``, ``running``, or ``open`` (no end, nobody at it)."""
    reason: str | None
    """What went wrong, or who ended it; None without an end."""
    exit_status: int | None
    output_tail: str
    """The end of what the worker printed, if it died."""
    worker_log: str | None
    """Where all that the worker printed lies, below the workspace."""
    record: int
    """The place in the log of its end, or of its plan."""


def all_unsealed(root: Path) -> tuple[Unsealed, ...]:
    """Return every run that came to nothing, newest first."""
    with reading(root) as log:
        return _unsealed(log)


def named(root: Path, reference: str) -> Run | Unsealed:
    """Return the sealed run that ``reference`` names, or else the one that came to nothing.

    Raises UsageError if there is neither, or several.
    """
    if reference.startswith(REFUSED):
        return _refused(root, reference)
    try:
        return find(root, reference)
    except UsageError:
        with reading(root) as log:
            name = log.run_called(reference)
            found = [one for one in _unsealed(log) if one.run == name]
        if not found:
            raise
        return found[0]


def _refused(root: Path, reference: str) -> Unsealed:
    """Return the refused run of that name; UsageError if there is none."""
    with reading(root) as log:
        refused = [one for one in _unsealed(log) if one.state == "refused"]
    for one in refused:
        if one.name == reference:
            return one
    listed = ", ".join(one.name for one in refused[:_CANDIDATES])
    raise UsageError(
        f"no refused run is called {reference!r}", f"the newest: {listed}" if listed else None
    )


def _unsealed(log: Reader) -> tuple[Unsealed, ...]:
    ends = {str(e.record.body["run"]): e.record for kind in _ENDS for e in log.of_type(kind)}
    made = []
    for found in log.of_type("run.planned"):
        body, run = found.record.body, str(found.record.body["run"])
        end = ends.get(run)
        if end is not None and end.type == "run.completed":
            continue
        state = "running" if is_running(log.directory, run) else "open"
        about: dict[str, Any] = {}
        if end is not None:
            state, about = end.type.partition(".")[2], dict(end.body)
        made.append(_one(body, about, run, found.record.time, state, (end or found.record).seq))
    for found in log.of_type("run.refused"):
        body = found.record.body
        made.append(_one(body, body, None, found.record.time, "refused", found.record.seq))
    return tuple(sorted(made, key=lambda one: one.record, reverse=True))


def _one(asked: Any, end: Any, run: str | None, time: str, state: str, record: int) -> Unsealed:
    kept = end.get("kept")
    return Unsealed(
        name=f"{REFUSED}{record}" if run is None else run,
        run=run,
        time=time,
        target=str(asked["target"]),
        family=str(asked["family"]),
        state=state,
        reason=end.get("reason"),
        exit_status=end.get("exit_status"),
        output_tail=end.get("output_tail", ""),
        worker_log=None if kept is None else f"{kept}/{layout.WORKER_LOG}",
        record=record,
    )
