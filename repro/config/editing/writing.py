"""Changes of the files below one folder: shown as a diff first, then written all or none.

A new file is written beside its place and linked there, so that it never overwrites one; a changed
one is renamed over the old; old ones are removed last. Whoever is killed in between leaves files
that are each whole, old or new, and the same command does the rest.
"""

from __future__ import annotations

import difflib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from repro.errors import InputError

STAGED = ".repro-new"
"""How the name of a file ends that was written and is not in its place yet."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file created, changed, moved or removed; paths are relative to the folder."""

    old: Path | None
    """Where it is; None for a new one."""
    new: Path | None
    """Where it will be; None for one that is removed."""
    before: bytes
    """What the file holds; empty for a new one."""
    after: bytes
    """What it will hold; empty for one that is removed."""

    @property
    def kind(self) -> str:
        """Return ``create``, ``change``, ``move`` or ``remove``."""
        if self.old is None or self.new is None:
            return "create" if self.old is None else "remove"
        return "change" if self.old == self.new else "move"


def unified(changes: Sequence[Change]) -> str:
    """Return the changes as a diff that ``git apply`` takes; moves are shown as such."""
    return "".join(line for change in changes for line in _unified(change))


def _unified(change: Change) -> Iterator[str]:
    old, new = change.old or change.new, change.new or change.old
    if old is None or new is None:
        raise AssertionError("a change has a file")
    a, b = (f"{side}/{path.as_posix().lstrip('/')}" for side, path in (("a", old), ("b", new)))
    yield f"diff --git {a} {b}\n"
    if change.kind == "move":
        yield f"rename from {old.as_posix()}\nrename to {new.as_posix()}\n"
    if change.kind in ("create", "remove"):
        yield f"{'new' if change.kind == 'create' else 'deleted'} file mode 100644\n"
    names = {"create": ("/dev/null", b), "remove": (a, "/dev/null")}.get(change.kind, (a, b))
    before = change.before.decode("utf-8").split("\n")
    after = change.after.decode("utf-8").split("\n")
    lines = difflib.unified_diff(_ended(before), _ended(after), *names, n=3)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _ended(parts: list[str]) -> list[str]:
    """Return lines with their break; the last has none if the text does not end in one."""
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def write(base: Path, changes: Sequence[Change], root: Path | None = None) -> None:
    """Make all changes below ``base``, or none.

    ``root``, ``base`` or a folder above it, is what is never left: no link on the way down from
    it is followed. Raises InputError, with nothing changed, if a file is not what it was when the
    changes were made, if a new one exists, if one is read-only, if it or a folder on the way to it
    is a link, or if something cannot be written.
    """
    files = (path for change in changes for path in (change.old, change.new) if path is not None)
    require_no_links(root or base, (base / path for path in files))
    with _alone(base):
        tidy(base)
        for change in changes:
            _require_possible(base, change)
        undo: list[Change] = []
        made: list[Path] = []
        staged: list[Path] = []
        done = False
        try:
            for change in changes:
                staged.append(_stage(base, change, made))
            for change, path in zip(changes, staged, strict=True):
                if change.new is not None:
                    undo.append(change)
                    _place(base, change, path)
            for change in changes:
                if change.old is not None and change.old != change.new:
                    undo.append(Change(change.old, None, change.before, b""))
                    (base / change.old).unlink()
            done = True
        except OSError as error:
            what = Path(error.filename or base).name
            raise InputError(
                f"cannot write {what}: {(error.strerror or str(error)).lower()}; "
                "everything is as it was",
                "check that CONFIG may be written and has space left",
            ) from error
        finally:
            if not done:
                _undo(base, undo, made)
            tidy(base)
        for change in changes:
            _drop_empty(base, change)


def tidy(base: Path) -> None:
    """Remove what somebody who was killed had written and not put in its place."""
    for path in sorted(base.rglob(f".*{STAGED}")):
        path.unlink(missing_ok=True)


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    """Hold the folder; raise InputError if another command writes into it."""
    descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another command is writing into {base.name}", "wait until it has ended"
            ) from None
        yield
    finally:
        os.close(descriptor)


def require_no_links(root: Path, files: Iterable[Path]) -> None:
    """Raise InputError if a file below ``root``, or a folder on the way to it, is a link."""
    for file in files:
        path = root
        for step in file.relative_to(root).parts:
            path /= step
            if path.is_symlink():
                raise InputError(
                    f"{path.relative_to(root)} is a link; nothing was written",
                    "links are not followed when files are written: put what it points to in its "
                    "place, or change that by hand",
                )


def _require_possible(base: Path, change: Change) -> None:
    if change.old is not None:
        path = base / change.old
        try:
            same = path.read_bytes() == change.before
        except OSError:
            same = False
        if not same:
            raise InputError(f"{change.old} was changed meanwhile", "run the command again")
        if not stat.S_IMODE(path.stat().st_mode) & 0o222 or not os.access(path, os.W_OK):
            raise InputError(
                f"{change.old} is read-only; nothing was written", "make it writable: chmod u+w"
            )
    if change.new is not None and change.new != change.old and (base / change.new).exists():
        raise InputError(f"{change.new} exists already", "it is never overwritten; move it away")


def _stage(base: Path, change: Change, made: list[Path]) -> Path:
    """Write what will be at the new path beside it, with the mode of the old one."""
    if change.new is None:
        return base
    target = base / change.new
    for folder in reversed(target.relative_to(base).parents):
        if not (base / folder).is_dir():
            (base / folder).mkdir()
            made.append(base / folder)
    path = target.with_name(f".{target.name}{STAGED}")
    with path.open("wb") as file:
        file.write(change.after)
        file.flush()
        os.fsync(file.fileno())
    if change.old is not None:
        path.chmod(stat.S_IMODE((base / change.old).stat().st_mode))
    return path


def _place(base: Path, change: Change, staged: Path) -> None:
    """Put what was staged in its place; an existing file is replaced only where it is the old."""
    target = base / str(change.new)
    if change.kind == "change":
        staged.replace(target)
    else:
        try:
            os.link(staged, target)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS) or target.exists():
                raise
            staged.rename(target)  # no hard links here; nobody else of ours writes meanwhile
        staged.unlink(missing_ok=True)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _undo(base: Path, undo: Sequence[Change], made: Sequence[Path]) -> None:
    """Bring back what was there, newest change first."""
    for change in reversed(undo):
        if change.kind in ("create", "move"):
            path = base / str(change.new)
            if path.is_file() and path.read_bytes() == change.after:
                path.unlink()
        else:
            path = base / str(change.old)
            if not path.is_file() or path.read_bytes() != change.before:
                back = path.with_name(f".{path.name}{STAGED}")
                back.write_bytes(change.before)
                back.replace(path)
    tidy(base)
    for folder in reversed(made):
        with suppress(OSError):  # somebody else has put something there
            folder.rmdir()


def _drop_empty(base: Path, change: Change) -> None:
    """Remove the folders that a removed file leaves empty."""
    if change.old is None or change.old == change.new:
        return
    for folder in change.old.parents:
        if folder == Path():
            return
        try:
            (base / folder).rmdir()
        except OSError:  # something is in it still
            return
