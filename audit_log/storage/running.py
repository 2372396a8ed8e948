"""Which runs are alive: each notary holds a lock on a file of its own for as long as it lives.

The file is ``running/<run>.lock``. A plan without an end whose lock is held is running; one whose
lock is free is a run whose notary is gone. The kernel drops the lock however the process ends.

Convention: the body of ``run.planned`` or ``command.planned`` holds ``run``, the id; the record
that ends it holds ``run`` and ``plan``, the ``seq`` of the plan. A command's id begins with
`COMMAND`.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.record import COMMAND, ENDS, PLANNED, decode

from .layout import RUNNING
from .plans import open_plans
from .segments import lines_with

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OPEN = os.O_RDWR | _SAFE
_PATIENCE = 5.0
GONE = "the process that ran it ended without a word: killed, or the machine stopped"
"""The reason of a plan that its own process did not end; older logs say `the notary is gone`."""
_AppendIf = Callable[[Callable[[], bool], str, Mapping[str, object]], object]


@contextmanager
def hold(directory: Path, run: str) -> Iterator[None]:
    """Hold the lock of ``run`` until the block ends; then remove it.

    Take it before the plan is appended, leave it after the end is. If the block ends by an
    exception the file stays, so that `recover` finds a plan that may have no end.
    """
    path = _path(directory, run)
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = _acquire(path)
    except OSError as error:
        raise LogUnusableError(f"cannot hold {path}: {error.strerror}") from error
    try:
        yield
        path.unlink(missing_ok=True)
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def is_running(directory: Path, run: str) -> bool:
    """Return whether somebody holds the lock of ``run``."""
    try:
        descriptor = os.open(_path(directory, run), os.O_RDONLY | _SAFE)
    except FileNotFoundError:
        return False
    try:
        # Shared: two who ask at the same time must not take each other for the notary.
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def leftovers(directory: Path) -> tuple[str, ...]:
    """Return the runs whose lock file exists and is free, in order of their ids."""
    return tuple(run for run in with_locks(directory) if not is_running(directory, run))


def with_locks(directory: Path) -> tuple[str, ...]:
    """Return the runs that have a lock file, in order of their ids: all that are alive do."""
    found = sorted(path.stem for path in (directory / RUNNING).glob("*.lock"))
    return tuple(run for run in found if _RUN.fullmatch(run))


def recover(directory: Path, append_if: _AppendIf) -> tuple[str, ...]:
    """End as interrupted each leftover whose plan has no end; return those runs."""
    ended: list[str] = []
    for run in leftovers(directory):
        path = _path(directory, run)
        try:
            descriptor = os.open(path, _OPEN)
        except FileNotFoundError:  # somebody else was faster
            continue
        try:
            if _try(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, path):
                if _interrupt(directory, run, append_if):
                    ended.append(run)
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
    # A plan without an end and without a lock file: somebody has removed the file.
    for run in open_plans(directory):
        gone = _RUN.fullmatch(run) and not is_running(directory, run)
        if gone and _interrupt(directory, run, append_if):
            ended.append(run)
    return tuple(ended)


def find_run(directory: Path, run: str) -> tuple[int | None, bool]:
    """Return the ``seq`` of the plan of ``run``, and whether a record ends it."""
    plan, ended = None, False
    needle = b'"run":' + canonical(run)
    for line in lines_with(directory, needle):
        try:
            record = decode(line)
        except RecordError as error:
            raise LogCorruptError(f"a line that names run {run} is no record: {error}") from None
        if record.body.get("run") == run:
            if record.type in PLANNED:
                plan = record.seq
            ended = ended or record.type in ENDS
    return plan, ended


def ends_in(lines: Iterable[tuple[bytes, bool]]) -> Iterator[str]:
    """Yield the runs that whole lines end; what is no record ends none."""
    for line, whole in lines:
        try:
            record = decode(line) if whole else None
        except RecordError:
            continue
        if record is not None and record.type in ENDS:
            yield str(record.body.get("run"))


def _interrupt(directory: Path, run: str, append_if: _AppendIf) -> bool:
    plan, _ = find_run(directory, run)
    if plan is None:
        return False
    body = {"plan": plan, "reason": GONE, "run": run}
    type_ = "command.interrupted" if run.startswith(COMMAND) else "run.interrupted"
    # Asked again under the log lock: the end may have been written in between.
    done = append_if(lambda: not find_run(directory, run)[1], type_, body)
    return done is not None


def _path(directory: Path, run: str) -> Path:
    if not _RUN.fullmatch(run):
        raise LogUnusableError(f"not the id of a run: {run!r}")
    return directory / RUNNING / f"{run}.lock"


def _acquire(path: Path) -> int:
    deadline = time.monotonic() + _PATIENCE
    while True:
        descriptor = os.open(path, _OPEN | os.O_CREAT, 0o644)
        # A file that was removed between opening and locking protects nobody: try again.
        if _try(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise LogUnusableError(f"the run is held by another process: {path}")
        time.sleep(0.01)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
