"""The resolved configuration as it is sealed into a run: every leaf, and who set it where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from repro.config.checks.composed import source
from repro.config.resolution.active import component_in, used
from repro.config.resolution.layers import Path, Setting, Value, dotted
from repro.config.resolution.resolve import Resolved
from repro.config.resolution.settings import split

SCHEMA = 1
NOTHING: Mapping[str, Path] = MappingProxyType({})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_WORDS = frozenset({"null", "true", "false"})
_spelled = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make one for each value


@dataclass(slots=True)
class Leaves:
    """The leaves of a configuration as they are sealed, kept for the next one.

    Many configurations of one tree have most of their leaves in common: one whose history is the
    very same was set by nothing but the tree's documents, and is made once.
    """

    made: Callable[[dict[str, Any]], Any]
    """What becomes of a leaf."""
    _kept: dict[Path, tuple[Value, bool, str, Any]] = field(default_factory=dict)

    def of(self, resolved: Resolved) -> list[Any]:
        """Return every leaf, sorted by its path."""
        in_use, kept = used(resolved), {}
        for path, value in sorted(resolved.flat.items()):
            is_used, component = path in in_use, component_in(resolved, path)
            known = self._kept.get(path)
            if known is None or known[0] is not value or known[1:3] != (is_used, component):
                leaf = _leaf(resolved, value, component, is_used=is_used)
                known = (value, is_used, component, self.made(leaf))
            kept[path] = known
        self._kept = kept
        return [made for *_, made in kept.values()]


def record(resolved: Resolved, leaves: Leaves | None = None) -> dict[str, Any]:
    """Return every leaf as JSON: path, value, identity component, whether used, full history.

    ``keys`` is the path in parts: a key may hold a dot, as the name of a column does. Of ``leaves``
    it has what these make of each. ``target_from`` is there if somebody named the target, and it is
    known where.
    """
    by = resolved.target_from
    return {
        "schema": SCHEMA,
        "family": resolved.family,
        "target": resolved.target,
        **({} if by is None else {"target_from": _setting(resolved, by)}),
        "layers": list(resolved.layers),
        "values": (leaves or Leaves(lambda leaf: leaf)).of(resolved),
    }


def _leaf(resolved: Resolved, value: Value, component: str, *, is_used: bool) -> dict[str, Any]:
    """Return one leaf as JSON."""
    return {
        "path": dotted(value.path),
        "keys": list(value.path),
        "value": value.value,
        "component": component,
        "used": is_used,
        "history": [_setting(resolved, setting) for setting in value.history],
    }


def _setting(resolved: Resolved, setting: Setting) -> dict[str, Any]:
    """Return who set a value, and where, as JSON."""
    return {
        "layer": setting.layer,
        "value": setting.value,
        "file": setting.place.file,
        "line": setting.place.line,
        "column": setting.place.column,
        "text": source(resolved, setting.place),
    }


def to_yaml(resolved: Resolved) -> str:
    """Return the resolved documents as YAML, each leaf with the place that decided it.

    Values are written as JSON, which YAML 1.2 reads the same.
    """
    lines = [f"# target {resolved.target}, family {resolved.family}"]
    lines += [f"# layer: {name}" for name in resolved.layers]
    documents: dict[str, list[tuple[tuple[str, ...], Any, str]]] = {}
    for path, value in sorted(resolved.flat.items()):
        name, inner = split(path)
        place = value.setting.place
        told = f"{place.file}:{place.line}:{place.column}"
        documents.setdefault(name, []).append((inner, value.value, told))
    for name, leaves in documents.items():
        lines += ["", f"{_quoted(name)}:", *("  " + line for line in yaml_lines(leaves))]
    return "\n".join(lines) + "\n"


def yaml_lines(leaves: Iterable[tuple[tuple[str, ...], Any, str]]) -> Iterator[str]:
    """Yield the lines of the tree that leaves make: path, value, and a comment beside it.

    Leaves come sorted by path. Values are written as JSON, which YAML 1.2 reads the same; a leaf
    with no path is written alone.
    """
    before: tuple[str, ...] = ()
    for path, value, comment in leaves:
        shared = 0
        while shared < len(path) - 1 and before[: shared + 1] == path[: shared + 1]:
            shared += 1
        for depth in range(shared, len(path) - 1):
            yield "  " * depth + f"{_key(path[depth])}:"
        key = "  " * (len(path) - 1) + f"{_key(path[-1])}: " if path else ""
        beside = _quoted(comment)[1:-1].replace('\\"', '"')  # a quote needs no escape there
        yield f"{key}{_quoted(value)}{'  # ' + beside if comment else ''}"
        before = path


def _key(name: str) -> str:
    """Return a key as YAML writes it."""
    plain = _PLAIN.match(name) and name.lower() not in _WORDS
    return name if plain else _quoted(name)


def _quoted(value: Any) -> str:
    """Return a value as JSON that YAML reads the same: what YAML calls unprintable is escaped."""
    text = _spelled(value)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def keys_of(leaf: Mapping[str, Any], known: Mapping[str, Path] = NOTHING) -> Path:
    """Return the path of a sealed leaf in parts.

    Older runs have it with dots alone. It is then the one of ``known``, by their paths with dots,
    or else it is taken that no key holds a dot.
    """
    if "keys" in leaf:
        return tuple(leaf["keys"])
    return known[leaf["path"]] if leaf["path"] in known else tuple(leaf["path"].split("."))


def values(sealed: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the used leaves of a sealed record by path."""
    return {leaf["path"]: leaf for leaf in sealed["values"] if leaf["used"]}
