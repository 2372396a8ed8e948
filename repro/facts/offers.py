"""What installed distributions offer: their entry points, read without ``importlib.metadata``.

That module brings the parsers of mail, CSV, ZIP and sockets along, which take longer to load than
a whole configuration takes to be checked. It is asked only where the search path holds more than
folders, or something else than the path is searched.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

_INFO = (".dist-info", ".egg-info")
_ABOUT = ("METADATA", "PKG-INFO")


class Offer(NamedTuple):
    """One entry point, and the distribution that brings it (empty if it does not say)."""

    name: str
    value: str
    distribution: str
    version: str


def offers(group: str) -> list[Offer]:
    """Return the entry points of ``group``; of distributions of one name, the first counts."""
    if not _plain():
        return _asked(group)
    return [offer for folder in _folders() for offer in _in(folder, group)]


def _plain() -> bool:
    """Return whether distributions can only be folders beside modules."""
    searched = all(
        finder is PathFinder or not hasattr(finder, "find_distributions")
        for finder in sys.meta_path
    )
    return searched and not any(p.lower().endswith(".egg") or Path(p).is_file() for p in sys.path)


def _asked(group: str) -> list[Offer]:
    from importlib.metadata import entry_points

    return [
        Offer(p.name, p.value, p.dist.name if p.dist else "", p.dist.version if p.dist else "")
        for p in entry_points(group=group)
    ]


def _folders() -> Iterator[str]:
    """Yield the folder of each distribution on the search path, the first of each name."""
    seen: set[str] = set()
    for place in sys.path:
        try:
            # A Path for each would cost as much as all the rest.
            names = sorted(os.listdir(place or "."))  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            if name.lower().endswith(_INFO):
                stem = name.rpartition(".")[0].partition("-")[0]
                known = re.sub("[-_.]+", "_", stem).lower()
                if known not in seen:
                    seen.add(known)
                    yield os.path.join(place, name)  # noqa: PTH118


def _in(folder: str, group: str) -> Iterator[Offer]:
    """Yield what the distribution in ``folder`` offers in ``group``."""
    text = _text(folder, "entry_points.txt")
    if group not in text:
        return
    section = ""
    about: tuple[str, str] | None = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == group and line and not line.startswith("#"):
            about = about or _about(folder)
            name, _, value = line.partition("=")
            yield Offer(name.strip(), value.strip(), *about)


def _about(folder: str) -> tuple[str, str]:
    """Return name and version of the distribution in ``folder``."""
    text = next(filter(None, (_text(folder, file) for file in _ABOUT)), "")
    head = text.partition("\n\n")[0].splitlines()
    said = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head)}
    return said.get("name", ""), said.get("version", "")


def _text(folder: str, file: str) -> str:
    try:
        with open(os.path.join(folder, file), encoding="utf-8") as opened:  # noqa: PTH118, PTH123
            return opened.read()
    except (OSError, UnicodeDecodeError):
        return ""
