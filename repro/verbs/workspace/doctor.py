"""``repro doctor``: what this machine can promise, and what differs from where a run was made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from repro.audit_log.disk.filesystem import kind_at, warnings_for
from repro.audit_log.errors import LogError
from repro.audit_log.formats.digests import digest_file
from repro.audit_log.formats.record import format_time
from repro.audit_log.storage.store import utc_now
from repro.config.documents.workspace import find_root
from repro.config.sealed.request import selecting
from repro.errors import InputError, ReproError, UsageError
from repro.execution.environment import settings
from repro.execution.probing import Probing
from repro.facts.code import digest_here
from repro.facts.host import has_openmp, host
from repro.facts.limits import LEVELS, PROMISING
from repro.facts.trainers import Declaration, declaration, declarations
from repro.identity.payloads import ENVIRONMENT
from repro.runs import differences
from repro.runs.differences import Cause
from repro.runs.finding import find
from repro.runs.sealed import Run
from repro.verbs.audit.log import log_directory, require_as_logged
from repro.verbs.audit.reading import reading
from repro.verbs.workspace.offering import pinned_fingerprint

STRICT, PORTABLE, _ = LEVELS
STATUS: Mapping[str, int] = {"can": 0, "differs": 1, "cannot": 3, "violated": 5}
"""Verdict to exit status."""


@dataclass(frozen=True, slots=True)
class Level:
    """What came of asking a worker for one level."""

    level: str
    threads: int
    state: str
    """``can``, ``cannot``, or ``violated``: set, and not in force."""
    problems: tuple[str, ...]
    """Why the level cannot be had, in sentences."""
    environment: Mapping[str, Any] | None
    """What was read back; None where nothing could be."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the rulebook of a family promises, and whether its library can be loaded here."""

    family: str
    problem: str | None
    """Why it cannot be trained here."""
    hint: str | None
    """What to do about the problem."""
    promises: Mapping[str, bool]
    """``strict``, ``strict, several threads`` and ``portable``, as far as its family goes."""
    limits: tuple[str, ...]
    """Why not, where it does not."""


@dataclass(frozen=True, slots=True)
class Place:
    """The workspace, as a place for a log."""

    root: Path
    """The workspace."""
    file_system: str | None
    """The kind of its file system, where the system tells it."""
    free: int
    """Bytes."""
    newest: str | None
    """Time of the newest record; None without a log that can be read."""
    pinned: str | None
    """The numeric fingerprint that the configuration pins."""
    warnings: tuple[str, ...]
    """What speaks against it as a place for a log."""


@dataclass(frozen=True, slots=True)
class Against:
    """What differs between a run and this machine, here and now."""

    run: str
    level: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found."""

    asked: str
    """The level that the verdict is of."""
    machine: Mapping[str, Any]
    """Node, kernel, processors, name of the processor, and whether OpenMP is there."""
    levels: tuple[Level, ...]
    families: tuple[Family, ...]
    place: Place | None
    against: Against | None

    @property
    def verdict(self) -> str:
        """Return ``violated``, ``cannot``, ``differs`` or ``can``: the worst that was found."""
        state = next(level.state for level in self.levels if level.level == self.asked)
        if state != "can":
            return state
        return "differs" if self.against is not None and self.against.causes else "can"

    @property
    def exit_status(self) -> int:
        """Return 0 for ``can``, 1 for ``differs``, 3 for ``cannot``, 5 for ``violated``."""
        return STATUS[self.verdict]


def diagnose(start: Path, level: str | None = None, against: str | None = None) -> Diagnosis:
    """Return what this machine can promise.

    Without a ``level`` it is strict that is judged, and portable that is told beside it; of a run,
    its own. Raises UsageError for a level or a run that does not exist, InputError for a run where
    there is no workspace, IntegrityError for one that is not what was sealed.
    """
    if level is not None and level not in LEVELS:
        raise UsageError(f"no such level: {level!r}", f"the levels: {', '.join(LEVELS)}")
    root, run = _root(start, against), None
    if root is not None and against is not None:
        run = find(root, against)
        require_as_logged(root, run)
    asked = level or (run.snapshot["level"] if run else STRICT)
    decides = run.read("request.json")["decides"] if run else None
    threads = decides["execution"]["threads"] if decides and asked != PORTABLE else 1
    trainers = tuple(declarations().values())
    if run is not None:
        named = dict.fromkeys((run.snapshot["family"], *selecting(decides or {})))
        trainers = tuple(declaration(name) for name in named)
    place = None if root is None else _place(root)
    wanted = (asked,) if level or run else PROMISING
    found, missing = _probed(wanted, threads, trainers, place.pinned if place else None)
    families = tuple(_family(trainer, missing.get(trainer.family)) for trainer in trainers)
    levels = tuple(_with_libraries(one, families, all_needed=run is not None) for one in found)
    return Diagnosis(
        asked,
        {**host(), "openmp": has_openmp()},
        levels,
        families,
        place,
        _against(root, run, levels[0]) if root is not None and run is not None else None,
    )


def _root(start: Path, against: str | None) -> Path | None:
    """Return the workspace, or None without one, which only a run needs."""
    try:
        return find_root(start.resolve())
    except InputError:
        if against is not None:
            raise
        return None


def _probed(
    levels: Sequence[str], threads: int, trainers: Sequence[Declaration], pinned: str | None
) -> tuple[list[Level], Mapping[str, Mapping[str, Any]]]:
    """Return what a worker of each level finds, and the families that the first cannot load."""
    found: list[Level] = []
    missing: Mapping[str, Mapping[str, Any]] = {}
    with ExitStack() as stack:
        workers = []
        for level in levels:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="repro-doctor-")))
            workers.append(stack.enter_context(Probing(level, threads, trainers, folder)))
        for level, worker in zip(levels, workers, strict=True):
            try:
                answer = worker.found()
            except ReproError as error:
                found.append(Level(level, threads, "cannot", (error.problem,), None))
                continue
            missing = missing or answer["missing"]
            found.append(_level(level, threads, answer, pinned))
    return found, missing


def _level(level: str, threads: int, answer: Mapping[str, Any], pinned: str | None) -> Level:
    """Return what a worker's answer means."""
    violated, environment = list(answer["violated"]), answer["environment"]
    if level == PORTABLE and environment is not None and not answer["beyond"]:
        here = environment["numeric_fingerprint"]
        if pinned not in (None, here):
            violated.append(
                f"the numeric fingerprint is {here}, and reproducibility.numeric_fingerprint is "
                f"{pinned}"
            )
    problems = (*violated, *answer["beyond"])
    state = "violated" if violated else "cannot" if problems else "can"
    return Level(level, threads, state, problems, environment)


def _with_libraries(level: Level, families: Sequence[Family], *, all_needed: bool) -> Level:
    """Return the level, which cannot be had where no family can be trained, or not a needed one."""
    lacking = [family for family in families if family.problem]
    if level.state != "can" or not lacking or (not all_needed and len(lacking) < len(families)):
        return level
    problems = tuple(f"{family.problem}" for family in lacking)
    return Level(level.level, level.threads, "cannot", problems, level.environment)


def _family(trainer: Declaration, missing: Mapping[str, Any] | None) -> Family:
    """Return what a family promises, whatever its hyperparameters are."""
    several = 2
    cases = {
        "strict": (STRICT, 1),
        "strict, several threads": (STRICT, several),
        "portable": (PORTABLE, 1),
    }
    limits = {name: trainer.beyond(level, n, {}, "") for name, (level, n) in cases.items()}
    return Family(
        trainer.family,
        missing["problem"] if missing else None,
        missing["hint"] if missing else None,
        {name: not found for name, found in limits.items()},
        tuple(dict.fromkeys(f"{n}: {one.reason}" for n, found in limits.items() for one in found)),
    )


def _place(root: Path) -> Place:
    """Return what is to be known of a workspace before it is relied on."""
    warnings = [*warnings_for(root)]
    newest = None
    try:
        log_directory(root)
        with reading(root) as reader:
            newest = next((found.record.time for found in reader.newest(1)), None)
    except (ReproError, LogError) as error:
        warnings.append(f"the log cannot be read: {error.problem}")
    now = format_time(utc_now())
    if newest is not None and newest > now:
        warnings.append(f"the clock says {now}, and the newest record is of {newest}")
    free = shutil.disk_usage(root).free
    if not free:
        warnings.append("no space is left")
    return Place(root, kind_at(root), free, newest, pinned_fingerprint(root), tuple(warnings))


def _against(root: Path, run: Run, level: Level) -> Against:
    """Return what differs from a run: data, code, environment."""
    causes = [*_data(root, run), *_code(run)]
    if level.environment is not None:
        then = run.read("environment.json")["environment"]
        old = {name: then.get(name) for name in (*ENVIRONMENT, "settings")}
        new = {name: level.environment[name] for name in ENVIRONMENT}
        new["settings"] = settings(level.level, level.threads)
        causes += differences.mapping("environment", "execution_key", old, new)
    return Against(run.name, run.snapshot["level"], tuple(causes))


def _data(root: Path, run: Run) -> Iterator[Cause]:
    """Yield the data files that are not as the run read them, or that are gone."""
    then = run.read("dataset.json")
    names = [file["name"] for file in then["files"]]
    now = [
        {"name": name, "blake3": digest_file(root / name).blake3}
        for name in names
        if (root / name).is_file()
    ]
    yield from differences.files({"files": then["files"]}, {"files": now})


def _code(run: Run) -> Iterator[Cause]:
    """Yield the modules and declarations that are not as the run was computed with."""
    then = run.read("environment.json")["code"]
    now = {name: digest_here(name) for name in then}
    yield from differences.mapping("code", "execution_key", then, now)
