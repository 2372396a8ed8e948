"""Reads only of what is declared or installed, writes only in the run's directory."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from typing import Any

from repro.execution.guards.calls import Check
from repro.execution.guards.violation import Watch

_CHANGES = (
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link"),
    *("os.symlink", "os.chmod", "os.chown", "os.utime", "shutil.rmtree", "sqlite3.connect"),
)
_LISTINGS = ("os.listdir", "os.scandir")
_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM = (
    *("/proc/self", "/sys/fs/cgroup", "/sys/devices/system/cpu"),
    *("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"),
    *("/usr/share/locale", "/usr/lib/locale"),
)
"""What pandas, dateutil and threadpoolctl read of the system: seen with every family."""
_SYSTEM_FILES = (os.devnull, "/etc/localtime")


class Places:
    """Where a worker may read, and the one folder where it may write."""

    def __init__(self, directory: str, inputs: Iterable[str]) -> None:
        """Let ``directory`` be written, and ``inputs`` and the installation be read."""
        self._inside = os.path.realpath(directory) + os.sep
        self._files: set[str] = {*_SYSTEM_FILES, *sys.path}
        self._folders: tuple[str, ...] = ()
        self.allow_files(inputs)
        paths = sysconfig.get_paths()
        kinds = ("stdlib", "platstdlib", "purelib", "platlib")
        self.allow_folders([*_SYSTEM, *(paths[kind] for kind in kinds), *sys.path])

    def allow_files(self, files: Iterable[str]) -> None:
        """Let each of these files be read."""
        for file in files:
            self._files.update((file, os.path.realpath(file)))

    def allow_folders(self, folders: Iterable[str]) -> None:
        """Let everything below these folders be read."""
        absolute = [path for path in folders if path.startswith(os.sep)]
        found = {f"{path}{os.sep}" for p in absolute for path in (p, os.path.realpath(p))}
        self._folders = tuple(sorted({*self._folders, *found} - {os.sep}))

    def may_read(self, path: str) -> bool:
        """Return whether a file or folder is declared, installed, the run's, or the system's.

        A path that leads there by its letters is not followed: an import asks a thousand times.
        """
        direct = f"{path}{os.sep}"
        if direct.startswith(self._folders) and "/../" not in direct:
            return True
        if path in self._files:
            return True
        real = os.path.realpath(path)
        return real in self._files or f"{real}{os.sep}".startswith((self._inside, *self._folders))

    def may_write(self, path: str) -> bool:
        """Return whether a path lies in the run's directory, or is the null device."""
        return path == os.devnull or f"{os.path.realpath(path)}{os.sep}".startswith(self._inside)


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
        elif not places.may_read(name):
            watch.refuse(f"read of {name}, which is not declared,")

    def listed(event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0]
        if isinstance(path, (str, bytes)) and not places.may_read(os.fsdecode(path)):
            watch.refuse(f"listing of {os.fsdecode(path)}, which is not declared,")

    def changed(event: str, arguments: tuple[Any, ...]) -> None:
        named = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes))]
        if not all(places.may_write(name) for name in named):
            watch.refuse(f"{event} of {', '.join(named)}")

    return {
        "open": opened,
        **dict.fromkeys(_LISTINGS, listed),
        **dict.fromkeys(_CHANGES, changed),
    }
