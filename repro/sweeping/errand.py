"""What a worker of a foreign engine does for one task: find code and data, run the strict child.

Nothing here knows an engine. Whatever runs tasks elsewhere calls `run` there with a parcel, which
is plain JSON, and a `Line` to the coordinator.
"""

from __future__ import annotations

import json
import os
import select
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from repro import errors
from repro.errors import InputError, ReproError, TrainingError
from repro.execution.executor import Task
from repro.execution.session import Job, Session
from repro.facts.code import package_digest
from repro.facts.file_digest import digest_data
from repro.facts.host import host
from repro.facts.trainers import Declaration, declaration
from repro.sweeping.elsewhere import SAME, of_worker

OBJECTS: Final = "REPRO_OBJECTS"
"""The variable of a worker that names folders of files called by their BLAKE3."""
STEP: Final = 0.25
"""Seconds between two looks for an order, and for whether anybody still waits."""
OWN: Final = "repro-audit"
LOG: Final = "worker.log"
ROOM: Final = "is there space left where it keeps what is temporary, as its TMPDIR says?"
ABSENT: Final = "is not there"

Parcel = Mapping[str, Any]
Message = dict[str, Any]


class Line(Protocol):
    """The way to the coordinator and back."""

    @property
    def place(self) -> str:
        """What this worker is called."""

    def tell(self, message: Message) -> None:
        """Tell the coordinator something."""

    def order(self, seconds: float) -> Message | None:
        """Return the next order, waiting for so long at most."""

    def is_wanted(self) -> bool:
        """Return whether the coordinator is still there and wants this task."""


class DroppedError(Exception):
    """Nobody wants the task any more."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a task came to, as it is sent home."""

    message: Message | None
    """The child's own message ``finished``; None if there is none."""
    error: Message | None
    """Kind, problem, hint and tail of what it failed with, where, and whether that place lacks
    something."""
    files: Mapping[str, bytes]
    """What the child wrote, by name."""


def parcel(task: Task, paths: Mapping[str, str]) -> Message:
    """Return a task as it is sent: plain JSON. ``paths`` is where each data file lies here."""
    job = task.job
    return {
        "decides": job.decides,
        "options": job.options,
        "trainers": [_described(trainer) for trainer in (job.trainer, *job.selectors)],
        "files": {name: {"path": paths[name], "blake3": task.digests[name]} for name in job.files},
        "level": job.level,
        "threads": job.threads,
        "seconds": job.seconds,
        "version": _version(),
    }


def run(sent: Parcel, line: Line) -> Brought:
    """Carry out a task; never raises what the task itself failed with."""
    try:
        with TemporaryDirectory(prefix="repro-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            try:
                message = _trained(_fit_for(sent, line.place), place, line)
                return Brought(message, None, _files(place))
            except DroppedError:
                return Brought(None, None, {})
            except ReproError as error:
                told = _told(of_worker(error, line.place), line.place)
                return Brought(None, told, _files(place, only=LOG))
    except OSError as error:
        reason = f"the worker {line.place} could not read or write: {error.strerror or error}"
        lacking = InputError(reason, ROOM)
        lacking.is_unfit = True
        return Brought(None, _told(lacking, line.place), {})


def carry_out(sent: str, line: Line) -> Message:
    """Run a task that came as text; the parts of what is `Brought`, which an engine can carry."""
    found = run(json.loads(sent), line)
    return {"message": found.message, "error": found.error, "files": dict(found.files)}


def brought(result: Any, place: str) -> Brought:
    """Return what a task brought, as `carry_out` sent it; TrainingError for anything else."""
    try:
        found = Brought(**result)
        parts = (found.message or {}, found.error or {}, found.files)
        are_whole = all(isinstance(part, Mapping) for part in parts)
        if are_whole and all(isinstance(data, bytes) for data in found.files.values()):
            return found
    except TypeError:
        pass
    raise TrainingError(f"the worker {place} brought what is no result of a task", SAME)


def keep(files: Mapping[str, bytes], folder: Path, place: str) -> None:
    """Write what a worker brought into ``folder``.

    Raises TrainingError for a name that leads out, before anything is written, and InputError for
    what cannot be written.
    """
    for name in files:
        if name in ("", ".", "..") or {"/", "\0"} & {*name}:
            raise TrainingError(
                f"the worker {place} sent a file under the name {name!r}, which is none", None
            )
    try:
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise InputError(
            f"what the worker {place} brought cannot be kept: {error.strerror or error}",
            "is there space left in the workspace?",
        ) from error


def error_of(told: Mapping[str, Any]) -> ReproError:
    """Return the error that a worker told of."""
    kind = getattr(errors, str(told.get("kind")), TrainingError)
    if not (isinstance(kind, type) and issubclass(kind, ReproError)):
        kind = TrainingError
    problem, hint = str(told.get("problem", "it failed and did not say why")), told.get("hint")
    try:
        error: ReproError = kind(problem, hint)
    except TypeError:
        error = TrainingError(problem, hint)
    error.tail, error.is_unfit = str(told.get("tail", "")), told.get("unfit") is True
    return error


def _trained(job: Job, place: Path, line: Line) -> Message:
    """Run the strict child to its end; raises DroppedError if nobody waits for it any more."""
    with Session(job, place) as session:
        prepared = _hear(session, line)
        prepared["environment"]["host"] = host()  # the coordinator sees another one
        line.tell({"kind": "prepared", "message": prepared})
        while (order := line.order(STEP)) is None:
            _require_wanted(line)
        if order["kind"] != "proceed":
            raise DroppedError
        session.proceed(order["seeds"])
        while (message := _hear(session, line))["kind"] != "finished":
            line.tell({"kind": "progress", "message": message})
        return message


def _hear(session: Session, line: Line) -> Message:
    """Return what the child says next, looking now and then whether it is still wanted."""
    while not session.has_message and not select.select([session], [], [], STEP)[0]:
        _require_wanted(line)
        if session.is_late:
            break  # hearing it raises, and says where it hangs
    return session.hear()


def _require_wanted(line: Line) -> None:
    if not line.is_wanted():
        raise DroppedError


def _fit_for(sent: Parcel, place: str) -> Job:
    """Return the task as a job here; whatever it raises is a lack of this place."""
    try:
        return _job(sent, place)
    except ReproError as error:
        error.is_unfit = True
        raise


def _job(sent: Parcel, place: str) -> Job:
    """Return the task as a job here; raises InputError that names what this place lacks."""
    if sent["version"] != _version():
        raise InputError(
            f"the worker {place} has {OWN} {_version()}, this command has {sent['version']}",
            SAME,
        )
    trainers = [_trainer(told, place) for told in sent["trainers"]]
    files = {name: _found(name, told, place) for name, told in sent["files"].items()}
    decides, options = sent["decides"], sent["options"]
    rest = (sent["level"], sent["threads"], sent["seconds"], tuple(trainers[1:]))
    return Job(decides, options, trainers[0], files, *rest)


def _trainer(told: Mapping[str, Any], place: str) -> Declaration:
    """Return the trainer of the same bytes that is installed here."""
    try:
        found = declaration(told["family"])
    except ReproError as error:
        raise InputError(f"the worker {place}: {error.problem}", error.hint) from error
    if found.digest != told["digest"]:
        raise InputError(
            f"the worker {place} has another declaration of {told['family']}: {found.digest}, not "
            f"{told['digest']}",
            "install the same version of its distribution on every worker",
        )
    package = package_digest(found)
    if package != told["package"]:
        raise InputError(
            f"the worker {place} has other files in the package {found.package}, of the trainer "
            f"{told['family']}: {package}, not {told['package']}",
            "install the same version of its distribution on every worker",
        )
    return found


def _found(name: str, told: Mapping[str, str], place: str) -> Path:
    """Return a file of these very bytes: where the coordinator has it, or among the objects."""
    digest, there = told["blake3"], Path(told["path"])
    folders = filter(None, os.environ.get(OBJECTS, "").split(os.pathsep))
    looked_at = [there, *(Path(folder) / digest for folder in folders)]
    said = []
    for one in looked_at:
        wrong = _wrong(one, digest)
        if wrong is None:
            return one
        if one == there or wrong != ABSENT:  # a damaged object would be taken for one
            said.append(f"{one} {wrong}")
    raise InputError(
        f"the worker {place} lacks {name}: {'; '.join(said)}",
        f"copy it there, or into a folder named by {OBJECTS} as {digest}",
    )


def _wrong(path: Path, digest: str) -> str | None:
    """Return in words why a file is not of these very bytes; None if it is."""
    try:
        if not path.is_file():
            return ABSENT
        found = digest_data(path).blake3
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return None if found == digest else f"has other bytes there (BLAKE3 {found}, not {digest})"


def _described(trainer: Any) -> Message:
    package = package_digest(trainer)
    return {"family": trainer.family, "digest": trainer.digest, "package": package}


def _version() -> str:
    try:
        return version(OWN)
    except PackageNotFoundError:
        return "an unknown version"


def _files(place: Path, only: str | None = None) -> dict[str, bytes]:
    """Return the files of a folder, not those below it."""
    return {
        path.name: path.read_bytes()
        for path in sorted(place.iterdir())
        if path.is_file() and only in (None, path.name)
    }


def _told(error: ReproError, place: str) -> Message:
    """Return an error of this worker as it is sent home."""
    kind = next(c.__name__ for c in type(error).__mro__ if hasattr(errors, c.__name__))
    words = {"kind": kind, "problem": error.problem, "hint": error.hint, "tail": error.tail}
    return {**words, "unfit": error.is_unfit, "place": place}
