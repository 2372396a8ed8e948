"""Layers laid over each other; every value remembers each layer that set it, and where.

A configuration is a flat mapping from full paths (name of the document, then keys) to leaves.
Mappings merge key by key because only their leaves are kept; lists and scalars replace. A leaf is
a scalar, a list, an empty mapping, or a value that the schema calls one (a formula).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from repro.errors import Place
from repro.identity.equality import same

Path = tuple[str, ...]
WRITTEN = frozenset({"defaults", "document", "profile default"})
"""The layers that are always in force: what the files say when a command says nothing."""
LEAKAGE = "leakage"
"""The layer of what a run is without because it leaks; nobody asked for it but the policy."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One layer's word on a value: what it said, who it was, and where (of value and of key)."""

    value: Any
    layer: str
    place: Place
    key: Place
    items: tuple[Place, ...] = ()
    """Where each item of a list stands, if it is known."""

    def at(self, item: int | None = None) -> str:
        """Return where it was said, or where an item of it was, in words for a person.

        File and line, ``command line``, or the words that were given instead (an axis of a sweep).
        """
        place = self.place if item is None or not self.items else self.items[item]
        if self.layer != "--set":
            return f"{place.file}:{place.line}"
        return "command line" if place.file.startswith("--set ") else place.file

    def as_of(self, layer: str) -> Setting:
        """Return the same word, spoken by another layer; if it was changed itself, by whom."""
        own = self.layer in WRITTEN
        return replace(self, layer=layer if own else f"{layer}, changed by {self.layer}")


@dataclass(frozen=True, slots=True)
class Value:
    """A resolved leaf with its whole history, oldest first."""

    path: Path
    history: tuple[Setting, ...]

    @property
    def value(self) -> Any:
        """Return the value in force."""
        return self.history[-1].value

    @property
    def setting(self) -> Setting:
        """Return the layer that decided."""
        return self.history[-1]


Flat = Mapping[Path, Value]
Layer = tuple[str, dict[Path, Setting]]
"""The name of a layer and what it sets."""


def leaves(value: Any, path: Path, is_leaf: Callable[[Path], bool]) -> Iterator[tuple[Path, Any]]:
    """Yield each leaf below ``value`` with its path, in the order of the document."""
    if isinstance(value, Mapping) and value and not is_leaf(path):
        for key, child in value.items():
            yield from leaves(child, (*path, key), is_leaf)
    else:
        yield path, value


def lay_documents(base: Flat, settings: Mapping[Path, Setting]) -> dict[Path, Value]:
    """Return ``base`` with the workspace's own documents over it.

    A document decides what it says even where it says what lies beneath it.
    """
    flat = lay(base, settings)
    for path, setting in settings.items():
        if path in base and flat.get(path) == base[path]:
            flat[path] = Value(path, (*base[path].history, setting))
    return flat


def lay_all(base: Flat, layers: Iterable[Layer]) -> Flat:
    """Return ``base`` with all layers laid over it, lowest first."""
    flat = base
    for _, settings in layers:
        flat = lay(flat, settings)
    return flat


def lay(base: Flat, settings: Mapping[Path, Setting]) -> dict[Path, Value]:
    """Return ``base`` with ``settings`` laid over it.

    A setting equal to what is in force counts as not set. A leaf that replaces a mapping removes
    what was below it, and the other way round; the history tells what it was.
    """
    merged = dict(base)
    # Everything that something lies below; it may be too much, where that was replaced since.
    # Most layers say nothing new, and need none of it.
    inside: set[Path] | None = None
    for path, setting in settings.items():
        known = merged.get(path)
        if known is not None:
            if not same(known.value, setting.value):
                merged[path] = Value(path, (*known.history, setting))
            continue
        if inside is None:
            inside = {known[:n] for known in merged for n in range(1, len(known))}
        covered = []
        if path in inside:
            covered = [p for p in merged if len(p) > len(path) and p[: len(path)] == path]
        if setting.value == {} and covered:
            continue
        history: tuple[Setting, ...] = ()
        if covered:
            was = nest({p[len(path) :]: merged[p].value for p in covered})
            history = (replace(merged[covered[0]].setting, value=was, items=()),)
        for above in [path[:n] for n in range(1, len(path)) if path[:n] in merged]:
            history = merged[above].history
            del merged[above]
        for other in covered:
            del merged[other]
        merged[path] = Value(path, (*history, setting))
        inside.update(path[:n] for n in range(1, len(path)))
    return merged


def nest(flat: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the nested mapping that the leaves make."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree


def below(flat: Flat, prefix: Path) -> dict[Path, Value]:
    """Return the leaves below ``prefix``, their paths shortened by it."""
    n = len(prefix)
    return {p[n:]: v for p, v in flat.items() if len(p) > n and p[:n] == prefix}


def dotted(path: Path) -> str:
    """Return a path as people write it."""
    return ".".join(path)
