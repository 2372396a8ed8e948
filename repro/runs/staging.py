"""A place for a run that is not finished: locked while somebody works in it, sealed by a rename."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro.errors import InputError
from repro.runs import layout

ROOM = 1 << 16
"""Bytes that must fit where runs are made, for the next one to be tried after one failed."""


@dataclass(frozen=True, slots=True)
class Staging:
    """One unfinished run: ``work`` is the worker's directory, ``final`` becomes the run."""

    root: Path
    folder: Path

    @property
    def work(self) -> Path:
        """Return where the worker may write."""
        return self.folder / "work"

    @property
    def final(self) -> Path:
        """Return what will be renamed to the run's name."""
        return self.folder / "final"


@contextmanager
def staging(root: Path) -> Iterator[Staging]:
    """Give a folder of its own to an unfinished run, and take it away at the end.

    Folders that a killed process left behind are removed first. Raises InputError if the
    workspace cannot be written.
    """
    base = layout.results(root) / layout.STAGING
    for link in (layout.results(root), layout.runs(root)):
        if link.is_symlink():
            raise InputError(
                f"{link.relative_to(root)} is a link", "put the whole workspace where there is room"
            )
    try:
        base.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(base):
            _remove_stale(base)
            folder = base / os.urandom(8).hex()
            folder.mkdir()
            descriptor = os.open(folder / layout.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        place = Staging(root, folder)
        place.work.mkdir()
    except OSError as error:
        raise _unusable(root, error) from error
    try:
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def require_room(root: Path, size: int = 0) -> None:
    """Raise InputError if not even a little can be written where runs are made, or not ``size``.

    ``size`` is that of a run, in bytes.
    """
    path = layout.results(root) / layout.STAGING / "room"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(ROOM))
        sync(path)
        if shutil.disk_usage(path.parent).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise _unusable(root, error) from error
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def names_locked(root: Path) -> Iterator[None]:
    """Hold the lock under which names of runs are given out."""
    try:
        layout.results(root).mkdir(exist_ok=True)
        path = layout.results(root) / layout.LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unusable(root, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def next_name(root: Path, execution_key: str, taken: Callable[[str], bool]) -> str:
    """Return the first name for this key that nothing on disk has and that is not ``taken``.

    To be called with the names locked.
    """
    attempt = 1
    while True:
        name = layout.run_name(execution_key, attempt)
        folders = (layout.RUNS, layout.FAILED)
        on_disk = any((layout.results(root) / f / name).exists() for f in folders)
        if not on_disk and not taken(name):
            return name
        attempt += 1


def seal(place: Staging, name: str) -> Path:
    """Rename the finished run, which is durable, to its name; return its folder.

    Raises InputError if something of that name is there already: nothing is ever overwritten.
    """
    return _move(place.final, layout.runs(place.root) / name, place.root)


def put(place: Staging, source: Path, target: Path) -> Path:
    """Make a whole run in the staging durable and rename it to ``target``, as `seal` does."""
    return _move(source, target, place.root)


def set_aside(root: Path, name: str) -> None:
    """Move a run that was sealed but never completed in the log out of the sealed runs."""
    source, target = layout.runs(root) / name, layout.results(root) / layout.FAILED / name
    if source.is_dir() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)


def keep_printed(place: Staging, name: str, folder: str = layout.FAILED) -> Path | None:
    """Keep what the worker printed, under the run's name; None if it printed nothing."""
    output = place.work / layout.WORKER_LOG
    if not output.is_file() or output.stat().st_size == 0:
        return None
    kept = place.folder / "printed"
    kept.mkdir()
    output.replace(kept / layout.WORKER_LOG)
    sync_tree(kept)
    return _move(kept, layout.results(place.root) / folder / name, place.root)


def _move(source: Path, target: Path, root: Path) -> Path:
    """Rename a tree that is durable, so that a reader sees all of it or nothing."""
    if target.exists():
        raise InputError(
            f"the run directory {target.relative_to(root)} exists already",
            "nothing is ever overwritten: move it away and train again",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise InputError(
                f"the run directory {target.relative_to(root)} exists already",
                "nothing is ever overwritten: move it away and train again",
            ) from error
        raise
    sync(target.parent)
    return target


def sync_tree(folder: Path) -> None:
    """Make every file and directory below ``folder`` durable."""
    for path in sorted(folder.rglob("*"), reverse=True):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Make one file or directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _one_at_a_time(base: Path) -> Iterator[None]:
    """Hold the lock under which folders are made: one without its own lock is in nobody's hands."""
    descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_stale(base: Path) -> None:
    """Remove the folders whose owner is gone: their lock is free, or no longer there.

    The latter was killed while it took its folder away. To be called by `_one_at_a_time`.
    """
    for folder in sorted(base.iterdir()):
        try:
            descriptor = os.open(folder / layout.LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)


def _unusable(root: Path, error: OSError) -> InputError:
    """Return the error for a workspace that cannot be written."""
    return InputError(
        f"cannot write in {root / layout.RESULTS}: {error.strerror}",
        "the workspace must be writable, with space left",
    )
