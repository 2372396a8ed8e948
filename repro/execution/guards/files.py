"""Reads only of what is declared or installed, writes only in the run's directory."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import unquote

from repro.execution.guards.calls import Check
from repro.execution.guards.violation import Watch

_CHANGES = (
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link"),
    *("os.symlink", "os.chmod", "os.chown", "os.utime", "os.chdir", "shutil.rmtree"),
)
_LISTINGS = ("os.listdir", "os.scandir")
_NODES = ("mkfifo", "mknod")
"""What makes a file without an audit event."""
_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM = (
    *("/proc/self", "/sys/fs/cgroup", "/sys/devices/system/cpu"),
    *("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"),
    *("/usr/share/locale", "/usr/lib/locale"),
)
"""What pandas, dateutil and threadpoolctl read of the system: seen with every family."""
_SYSTEM_FILES = (os.devnull, "/etc/localtime")
_PROCESSES = "/proc/"
_ADDED = ("/site-packages/", "/dist-packages/")
"""Below the standard library's folder, and no part of it."""
_METADATA = (".dist-info/", ".egg-info/")
"""Of a distribution's metadata, its version is recorded."""
_WORDS = {False: "declared", True: "declared, or was not digested before the plan"}
_CODE = (".py", ".pyc")
_IMPORTING = "<frozen importlib._bootstrap_external>"


class Places:
    """Where a worker may read, and the one folder where it may write."""

    def __init__(self, directory: str, inputs: Iterable[str]) -> None:
        """Let ``directory`` be written, and ``inputs`` and the installation be read."""
        self._inside = os.path.realpath(directory) + os.sep
        self._files: set[str] = {*_SYSTEM_FILES, *sys.path}
        self._folders: tuple[str, ...] = ()
        self._installed: set[str] = set()
        self._anywhere: tuple[str, ...] = ()
        """What was readable before all was closed."""
        self.closed = False
        """Whether what is installed can be read only if it was digested."""
        self.allow_files(inputs)
        paths = sysconfig.get_paths()
        self._standard = (paths["stdlib"], paths["platstdlib"])
        self.allow_folders([*_SYSTEM, *self._standard, paths["purelib"], paths["platlib"]])
        self.allow_folders(sys.path)

    def allow_files(self, files: Iterable[str]) -> None:
        """Let each of these files be read."""
        for file in files:
            self._files.update((file, os.path.realpath(file)))

    def allow_folders(self, folders: Iterable[str]) -> None:
        """Let everything below these folders be read."""
        absolute = [path for path in folders if path.startswith(os.sep)]
        found = {f"{path}{os.sep}" for p in absolute for path in (p, os.path.realpath(p))}
        self._folders = tuple(sorted({*self._folders, *found} - {os.sep}))

    @property
    def installed(self) -> tuple[str, ...]:
        """Return the installed files that were read so far, sorted; imports are not counted."""
        return tuple(sorted(self._installed))

    def close(self, files: Iterable[str], folders: Iterable[str]) -> None:
        """Of all that is installed, let only these be read from here on, and the standard library.

        They are what was digested before the plan: what is read after it must be among them.
        """
        self.closed = True
        self._anywhere = self._folders
        self._folders = ()
        self.allow_folders([*_SYSTEM, *folders])
        self._files.update(files)  # as they are spelled: following thousands takes a while

    def may_read(self, path: str) -> bool:
        """Return whether a file or folder is declared, installed, the run's, or the system's.

        A path that leads there by its letters is not followed: an import asks a thousand times.
        """
        direct = f"{path}{os.sep}"
        if path in self._files:
            return True
        if self.closed:
            return self._may_still_read(path)
        by_letters = "/../" not in direct and not path.startswith(_PROCESSES)
        if by_letters and direct.startswith(self._folders):
            return True
        real = os.path.realpath(path)
        return real in self._files or f"{real}{os.sep}".startswith((self._inside, *self._folders))

    def may_import(self, path: str) -> bool:
        """Return whether code may be read in order to load it: who may load what, others say."""
        if not self.closed:
            return self.may_read(path)
        installed = any(f"{place}{os.sep}".startswith(self._anywhere) for place in _places_of(path))
        return installed or self.may_read(path)

    def may_list(self, path: str) -> bool:
        """Return whether a folder may be listed; what is installed, also after the plan."""
        below = [f"{place}{os.sep}" for place in _places_of(path)]
        installed = self.closed and any(place.startswith(self._anywhere) for place in below)
        return installed or self.may_read(path)

    def note(self, path: str) -> None:
        """Remember that a file was read, if it is one of those that are installed."""
        where, real = _places_of(path)
        own = f"{_PROCESSES}{os.getpid()}{os.sep}"  # as psutil spells it
        declared = {path, real} & self._files or real.startswith(self._inside)
        known = where.startswith((*_SYSTEM, own)) or any(part in where for part in _METADATA)
        if not declared and not known:
            self._installed.add(where)

    def _may_still_read(self, path: str) -> bool:
        """Return whether a file or folder may be read after the plan: where it is, or is linked."""
        by_letters, real = _places_of(path)
        if f"{real}{os.sep}".startswith(self._inside):
            return True
        return self._is_known(by_letters) or self._is_known(real)

    def _is_known(self, place: str) -> bool:
        """Return whether a place, absolute, is one that was digested, or needs no digest."""
        below = f"{place}{os.sep}"
        if any(part in below for part in _METADATA):  # plug-ins are looked for at the first call
            return below.startswith(self._anywhere)
        if place in self._files or below.startswith(self._folders):
            return "/__pycache__/" not in below  # what lies there, no digest has
        standard = below.startswith(tuple(f"{os.path.realpath(p)}{os.sep}" for p in self._standard))
        return standard and not any(part in below for part in _ADDED)

    def may_write(self, path: str) -> bool:
        """Return whether a path lies in the run's directory, or is the null device."""
        return path == os.devnull or f"{os.path.realpath(path)}{os.sep}".startswith(self._inside)


def _is_import(path: str) -> bool:
    """Return whether it is the import system that opens a file, and for code: not for a table."""
    opener = sys._getframe(3).f_code.co_filename
    return opener == _IMPORTING and path.endswith(_CODE)


def _places_of(path: str) -> tuple[str, str]:
    """Return where a path leads by its letters, and where it leads through its links.

    What the system tells of processes has links to all that there is, ``root`` for one: of a path
    that begins there, the letters say nothing.
    """
    by_letters, real = os.path.abspath(path), os.path.realpath(path)  # noqa: PTH100 - links stay
    return real if by_letters.startswith(_PROCESSES) else by_letters, real


def guard_nodes(watch: Watch, places: Places) -> None:
    """Let pipes and devices be made only in the run's directory; Python announces neither."""
    for name in _NODES:
        make = getattr(os, name, None)
        if make is not None:
            setattr(os, name, _guarded(make, f"os.{name}", watch, places))


def _guarded(
    make: Callable[..., Any], deed: str, watch: Watch, places: Places
) -> Callable[..., Any]:
    """Return a function whose first argument is where something is made, as it may be called."""

    @wraps(make)
    def guarded(path: Any, *args: Any, **kwargs: Any) -> Any:
        if not places.may_write(os.fsdecode(path)):
            watch.refuse(f"{deed} of {os.fsdecode(path)}")
        return make(path, *args, **kwargs)

    return guarded


def checks(watch: Watch, places: Places) -> Mapping[str, Check]:
    """Return what to do at each audit event that touches a file or a folder."""

    def opened(event: str, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if not isinstance(path, (str, bytes)):
            return  # a descriptor: it was looked at when it was opened
        name = os.fsdecode(path)
        if isinstance(flags, int) and flags & _WRITE:
            if not places.may_write(name):
                watch.refuse(f"write to {name}")
        elif _is_import(name):
            if not places.may_import(name):
                watch.refuse(f"read of {name}, which is not declared,")
        elif not places.may_read(name):
            watch.refuse(f"read of {name}, which is not {_WORDS[places.closed]},")
        else:
            places.note(name)

    def listed(event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0]
        if isinstance(path, (str, bytes)) and not places.may_list(os.fsdecode(path)):
            watch.refuse(f"listing of {os.fsdecode(path)}, which is not declared,")

    def changed(event: str, arguments: tuple[Any, ...]) -> None:
        named = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))]
        if not all(places.may_write(name) for name in named):
            watch.refuse(f"{event} of {', '.join(named)}")

    def connected(event: str, arguments: tuple[Any, ...]) -> None:
        name = os.fsdecode(arguments[0])
        if name.startswith("file:"):
            name = unquote(name.removeprefix("file:").partition("?")[0])
            name = f"/{name.lstrip('/')}" if name.startswith("//") else name
        if name not in ("", ":memory:") and not places.may_write(name):
            watch.refuse(f"{event} of {name}")

    return {
        "open": opened,
        **dict.fromkeys(_LISTINGS, listed),
        **dict.fromkeys(_CHANGES, changed),
        "sqlite3.connect": connected,
    }
