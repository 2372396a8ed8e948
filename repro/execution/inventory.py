"""What a process has loaded, and the installed files that it read: by name, with their digests."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Collection
from pathlib import Path

import blake3

WINDOW = 1 << 18
"""Bytes that are read at a time."""
STANDARD = "python standard library"
_BASE = {"platbase": sys.base_exec_prefix, "installed_platbase": sys.base_exec_prefix}
_STANDARD_FOLDERS = tuple(
    sorted({str(Path(os.__file__).parent), sysconfig.get_path("platstdlib", vars=_BASE)})
)
ADDED_FOLDERS = ("site-packages", "dist-packages")
"""Below those of the standard library, and no part of it."""
Loaded = dict[str, list[tuple[str, str]]]


def loaded(read: Collection[str] = ()) -> Loaded:
    """Return name and file of each module that is loaded, by top-level module.

    ``read`` are installed files that were read: those that are no module of these are listed with
    the package that they lie in, by where they lie in it.

    The standard library is one entry, of what lies in its folders: a package that is worked on
    where its sources lie is none of it. Built-in modules have no file and no entry, and our own
    worker-side modules are digested by the notary.
    """
    files: Loaded = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        top = name.partition(".")[0]
        if not file or name == "__main__" or top == "repro" or top.startswith("__editable__"):
            continue  # ours: see own_code; a mapping of folders computes nothing and holds paths
        files.setdefault(STANDARD if _is_standard(file) else top, []).append((name, file))
    for top, name, file in _beside(files, read):
        files.setdefault(top, []).append((name, file))
    return files


def _beside(files: Loaded, read: Collection[str]) -> list[tuple[str, str, str]]:
    """Return package, place in it and path of each file that was read and is no loaded module."""
    if not read:
        return []  # before all links are followed
    code = files_of(files)
    places = {*sys.path, sysconfig.get_path("purelib"), *_above_packages()} - {""}
    # A library may also look for its files from where links lead.
    folders = sorted({*places, *map(os.path.realpath, sorted(places))}, key=len, reverse=True)
    found = []
    for file in read:
        name = os.path.basename(file)  # noqa: PTH119 - of thousands
        alike = (one for one in code if one.endswith(name))
        if _is_standard(file) or any(_is_same(one, file) for one in alike):
            continue
        folder = next((f for f in folders if _is_below(file, f)), str(Path(file).parent))
        top, _, below = file.removeprefix(folder + os.sep).partition(os.sep)
        found.append((top, below or top, file))
    return sorted(found)


def _above_packages() -> set[str]:
    """Return the folder that holds each package that is loaded, by letters and through links.

    It may lie where no search path leads.
    """
    tops = [module for name, module in sys.modules.items() if "." not in name]
    files = [file for file in (getattr(top, "__file__", None) for top in tops) if file]
    places = [Path(place) for file in files for place in (file, os.path.realpath(file))]
    return {str(place.parents[1]) for place in places if place.stem == "__init__"}


def _is_same(one: str, other: str) -> bool:
    """Return whether two paths lead to one file; not where there is none, or it is in an archive.

    Who looks for a file that is not there has been told so, and that decides too.
    """
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except OSError:
        return False


def _is_standard(file: str) -> bool:
    """Return whether a file lies in a folder of the standard library's own."""
    below = (file.removeprefix(folder) for folder in _STANDARD_FOLDERS if _is_below(file, folder))
    # Asked of a thousand modules, twice in each run: too often to take paths apart.
    return any(not any(f"{os.sep}{added}{os.sep}" in r for added in ADDED_FOLDERS) for r in below)


def _is_below(file: str, folder: str) -> bool:
    return file.startswith(folder + os.sep)


def own_code() -> dict[str, str]:
    """Return the digest of each module of ours that is loaded here, by name."""
    digest = digesting()
    return {name: digest(file) for name, file in sorted(_own())}


def own_files() -> list[str]:
    """Return the file of each module of ours that is loaded here."""
    return [file for _, file in _own()]


def files_of(modules: Loaded) -> list[str]:
    """Return the files of what is ``loaded``, and of our own modules."""
    return [file for entries in modules.values() for _, file in entries] + own_files()


def _own() -> list[tuple[str, str]]:
    modules = ((name, getattr(module, "__file__", None)) for name, module in sys.modules.items())
    return [(name, file) for name, file in modules if file and name.partition(".")[0] == "repro"]


def digest_of(path: str) -> str:
    """Return the BLAKE3 of a file, or of the archive that it lies in, or the word ``unreadable``.

    Of many files see `digesting`.
    """
    return digesting()(path)


def digesting() -> Callable[[str], str]:
    """Return `digest_of` for one thread and many files, which are read into one window.

    Mapping whole libraries would raise the worker's peak memory by a quarter.
    """
    window = memoryview(bytearray(WINDOW))

    def digest(path: str) -> str:
        hasher = blake3.blake3()
        try:
            number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                while size := os.readv(number, [window]):
                    hasher.update(window[:size])
            finally:
                os.close(number)
        except NotADirectoryError:  # a module in an archive: one above it is a file
            return digest(str(Path(path).parent))
        except OSError:
            return "unreadable"
        return hasher.hexdigest()

    return digest


def libraries(files: Loaded, digest: Callable[[str], str] = digest_of) -> dict[str, str]:
    """Return a digest for each top-level module, over all its loaded files.

    ``digest`` is `digest_of`, or one that keeps what it has digested.
    """
    return {top: _digest(entries, digest) for top, entries in sorted(files.items())}


def _digest(entries: list[tuple[str, str]], digest: Callable[[str], str]) -> str:
    """Return one digest over the names and contents of files."""
    hasher = blake3.blake3()
    for name, file in entries:
        hasher.update(f"{name}\0{digest(file)}\n".encode())
    return hasher.hexdigest()
