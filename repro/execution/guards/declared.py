"""The modules that a declaration reaches: those of its distributions and of what they require."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution

_REQUIRES = "Requires-Dist:"
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?[^;]*;?(.*)")
_SEPARATORS = re.compile(r"[-_.]+")


def reached(names: Iterable[str]) -> frozenset[str]:
    """Return the top-level modules of installed distributions and of all that they require.

    What an extra would add is reached only where a requirement asks for that extra. A distribution
    that is not installed offers nothing.
    """
    modules: set[str] = set()
    for found in _required(names):
        modules |= _modules(found)
    return frozenset(modules)


def _required(names: Iterable[str]) -> list[Distribution]:
    """Return the distributions of ``names``, and those that they require, each once."""
    todo = [(name, frozenset[str]()) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    found: dict[str, Distribution] = {}
    while todo:
        name, extras = todo.pop()
        key = _SEPARATORS.sub("-", name).lower()
        if (key, extras) in seen:
            continue
        seen.add((key, extras))
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            continue
        todo += _requirements(found[key], extras)
    return list(found.values())


def _requirements(of: Distribution, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """Return name and extras of each requirement; those of other platforms too, if installed.

    The metadata are read as text: the parser of the standard library takes ten times as long.
    """
    text = of.read_text("METADATA") or of.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    found = []
    for line in head.splitlines():
        parts = _REQUIREMENT.match(line[len(_REQUIRES) :]) if line.startswith(_REQUIRES) else None
        if parts is None:
            continue
        name, asked, marker = parts.groups()
        quoted = {word.strip("\"'") for word in re.findall(r"\"[^\"]*\"|'[^']*'", marker)}
        if "extra" not in marker or quoted & extras:
            wanted = frozenset(word.strip() for word in (asked or "").split(",") if word.strip())
            found.append((name, wanted))
    return found


def _modules(of: Distribution) -> set[str]:
    """Return the top-level modules that a distribution installed."""
    record = of.read_text("RECORD")
    if record is None:
        listed = of.read_text("top_level.txt") or _SEPARATORS.sub("_", of.name)
        return set(listed.split())
    tops, folder = set(), ","
    for line in record.splitlines():  # thousands, one folder after another
        if not line.startswith(folder):
            top, slash, _ = line.partition(",")[0].partition("/")
            tops.add(top.partition(".")[0])
            folder = f"{top}/" if slash else ","
    return {name for name in tops if name.isidentifier()}
