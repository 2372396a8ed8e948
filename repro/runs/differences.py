"""What differs between two sealed runs: causes by kind, with the places on both sides. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from repro.identity.equality import same
from repro.pipeline.locate import differences as locate


@dataclass(frozen=True, slots=True)
class Side:
    """Where a value of one run was decided."""

    file: str
    line: int
    column: int
    text: str | None
    layer: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs."""

    kind: str
    """configuration, data, features, splits, seed, code, environment."""
    subject: str
    old: Any
    new: Any
    component: str
    """The identity component or key that it moves; empty if none."""
    a: Side | None = None
    b: Side | None = None
    idle: bool = False
    """Whether it is a hyperparameter that has no effect in either run."""
    items: tuple[Item, ...] = ()
    """Of two lists, what was added, removed and moved."""

    retyped: bool = False
    """Whether the two values look alike and are of other types, as ``7`` and ``"7"``."""


@dataclass(frozen=True, slots=True)
class Item:
    """One change of a list, where both sides are aligned: nothing else in it is another."""

    change: str
    """``added``, ``removed`` or ``moved``."""
    value: Any
    old: int | None
    """Its place in the first run, from 1; None where it is not there."""
    new: int | None


SEED = "reproducibility.base_seed"
REGISTRY = "data.feature_registry.registry."
KINDS = {"features": "features", "splits": "splits"}
"""The identity component of a value to the kind of what differs; of others it is configuration."""


def configuration(
    a: Mapping[str, Any], b: Mapping[str, Any], idle: Collection[str] = ()
) -> Iterator[Cause]:
    """Yield the used values that differ, by path; types are kept apart.

    ``idle`` are the paths of those that have no effect in either run.
    """
    old = {leaf["path"]: leaf for leaf in a["values"] if leaf["used"]}
    new = {leaf["path"]: leaf for leaf in b["values"] if leaf["used"]}
    alone = _features(old) ^ _features(new)
    for path in sorted({*old, *new}):
        if _feature(path) in alone:
            continue  # the list of the features says that it came or went
        left, right = old.get(path), new.get(path)
        if left is not None and right is not None and same(left["value"], right["value"]):
            continue
        known = left or right
        component = known["component"] if known else ""
        old_value, new_value = (side["value"] if side else None for side in (left, right))
        yield Cause(
            "seed" if path.endswith(SEED) else KINDS.get(component, "configuration"),
            path,
            old_value,
            new_value,
            "" if component == "none" else component,
            _side(left),
            _side(right),
            path in idle,
            aligned(old_value, new_value),
            _is_retyped(old_value, new_value),
        )
    if a["target"] != b["target"]:
        yield Cause("configuration", "target", a["target"], b["target"], "target")
    if a["family"] != b["family"]:
        yield Cause("configuration", "family", a["family"], b["family"], "hyperparameters")


def _is_retyped(old: Any, new: Any) -> bool:
    return type(old) is not type(new) and str(old).lower() == str(new).lower()


def _feature(path: str) -> str | None:
    """Return the feature whose registry entry a path leads into, if it does."""
    return path.removeprefix(REGISTRY).partition(".")[0] if path.startswith(REGISTRY) else None


def _features(leaves: Iterable[str]) -> set[str | None]:
    return {_feature(path) for path in leaves} - {None}


def aligned(old: Any, new: Any) -> tuple[Item, ...]:
    """Return what became of the items of a list; nothing unless both are lists.

    The longest run of items in the same order stays where it is; of the others, one that is on both
    sides was moved.
    """
    if not isinstance(old, list) or not isinstance(new, list):
        return ()
    texts = [[json.dumps(item, sort_keys=True) for item in side] for side in (old, new)]
    blocks = SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_matching_blocks()
    stays = {(block.a + n, block.b + n) for block in blocks for n in range(block.size)}
    gone = [n for n in range(len(old)) if n not in {a for a, _ in stays}]
    came = [n for n in range(len(new)) if n not in {b for _, b in stays}]
    found = []
    for place in gone:
        to = next((n for n in came if texts[1][n] == texts[0][place]), None)
        if to is None:
            found.append(Item("removed", old[place], place + 1, None))
        else:
            came.remove(to)
            found.append(Item("moved", old[place], place + 1, to + 1))
    found += [Item("added", new[place], None, place + 1) for place in came]
    return tuple(found)


def data(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield which cells of the dataset differ: symbol, column, first and last block of dates."""
    for found in locate(a["locators"], b["locators"]):
        span = found.first if found.first == found.last else f"{found.first} to {found.last}"
        what = found.column or "rows"
        subject = f"{found.symbol or 'table'}, {what}, {span}"
        yield Cause("data", subject, None, found.change, "dataset")


def files(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield the data files whose bytes differ, or that only one run read."""
    old = {file["name"]: file for file in a["files"]}
    new = {file["name"]: file for file in b["files"]}
    for name in sorted({*old, *new}):
        left, right = old.get(name), new.get(name)
        if left is None or right is None or left["blake3"] != right["blake3"]:
            yield Cause("data", f"file {name}", _digest(left), _digest(right), "")


def mapping(kind: str, component: str, a: Any, b: Any, prefix: str = "") -> Iterator[Cause]:
    """Yield each leaf at which two nested facts differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted({*a, *b}):
            yield from mapping(
                kind, component, a.get(key), b.get(key), f"{prefix}, {key}" if prefix else key
            )
    elif not same(a, b):
        yield Cause(kind, prefix, a, b, component)


def _side(leaf: Mapping[str, Any] | None) -> Side | None:
    """Return where a sealed value was decided."""
    if leaf is None:
        return None
    last = leaf["history"][-1]
    return Side(last["file"], last["line"], last["column"], last["text"], last["layer"])


def _digest(file: Mapping[str, Any] | None) -> str | None:
    """Return a file's digest as it is shown."""
    return None if file is None else f"blake3:{file['blake3']}"
