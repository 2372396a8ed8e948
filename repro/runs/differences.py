"""What differs between two sealed runs: causes by kind, with the places on both sides. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from repro.audit_log.formats.canonical import canonical
from repro.identity.equality import same
from repro.identity.keys import SIGNATURES, exact
from repro.pipeline.locate import differences as locate

_KEYS = ("replicate_key", "strict_key", "execution_key")
MOVES: Mapping[str, tuple[str, ...]] = {
    "": (),
    **{component: (name, *_KEYS) for component, name in SIGNATURES.items()},
    "seed": ("train_seed", *_KEYS[1:]),
    "execution": _KEYS[2:],
    "execution_key": _KEYS[2:],
}
"""What a cause belongs to, to all that it moves in a ``comparison_group``."""

ASKED = "--set"
"""The layer of all that a command asks for itself, whichever words say it."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where a value of one run was decided."""

    file: str
    line: int
    column: int
    text: str | None
    """The line, if it is at hand; of what a command asked for, the words that were given."""
    layer: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs."""

    kind: str
    """configuration, data, features, splits, seed, code, environment."""
    subject: str
    """What it is that differs, such as the path of a value."""
    old: Any
    """What the first run has of it."""
    new: Any
    """What the second run has of it."""
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
    follows: bool = False
    """Whether it follows from other causes, as folds do that other rows are cut into."""
    package: str = ""
    """The installed package that a shared library is of; empty for anything else, and where a run
    does not say."""
    moves: tuple[str, ...] = field(init=False)
    """The signatures and keys that it moves, by their names in a ``comparison_group``."""

    def __post_init__(self) -> None:
        """Say what is moved; KeyError for a component that there is not."""
        object.__setattr__(self, "moves", MOVES[self.component])


@dataclass(frozen=True, slots=True)
class Item:
    """One change of a list, where both sides are aligned: nothing else in it is another."""

    change: str
    """``added``, ``removed`` or ``moved``."""
    value: Any
    """What is in the list."""
    old: int | None
    """Its place in the first run, from 1; None where it is not there."""
    new: int | None
    """Its place in the second run, from 1; None where it is not there."""


SEED = "reproducibility.base_seed"
REGISTRY = "data.feature_registry.registry."
SELECTED = "data.feature_registry.selected"
FAMILY = "pipeline_config.pipeline.family"
DEFAULT_TARGET = "dataset.default_target"
KINDS = {"features": "features", "splits": "splits"}
"""The identity component of a value to the kind of what differs; of others it is configuration."""


def configuration(
    a: Mapping[str, Any], b: Mapping[str, Any], idle: Collection[str] = ()
) -> Iterator[Cause]:
    """Yield the used values that differ, by path; types are kept apart.

    ``idle`` are the paths of those that have no effect in either run.
    """
    old, new = _leaves(a), _leaves(b)
    alone = _selected(old) ^ _selected(new)
    named = False
    for path, component in sorted({*old, *new}):
        if _feature(path) in alone:
            continue  # the list of the features says that it came or went
        left, right = old.get((path, component)), new.get((path, component))
        if left is not None and right is not None and same(left["value"], right["value"]):
            continue
        old_value, new_value = (side["value"] if side else None for side in (left, right))
        named = named or (path.endswith(FAMILY) and None not in (left, right))
        unmoved = component == "none" or (left and right and _hashed(left) == _hashed(right))
        yield Cause(
            "seed" if path.endswith(SEED) else KINDS.get(component, "configuration"),
            path,
            old_value,
            new_value,
            "" if unmoved else component,
            _side(left),
            _side(right),
            path in idle,
            aligned(old_value, new_value),
            _is_retyped(old_value, new_value),
        )
    if a["target"] != b["target"]:
        sides = target_side(a), target_side(b)
        yield Cause("configuration", "target", a["target"], b["target"], "target", *sides)
    if a["family"] != b["family"] and not named:
        yield Cause("configuration", "family", a["family"], b["family"], "hyperparameters")


def target_side(config: Mapping[str, Any]) -> Side | None:
    """Return where a run's target was decided; older runs know that of the default one alone."""
    if "target_from" in config:
        return _said(config["target_from"])
    leaves = (leaf for leaf in config["values"] if leaf["path"].endswith(DEFAULT_TARGET))
    return next((_side(leaf) for leaf in leaves if leaf["value"] == config["target"]), None)


def _is_retyped(old: Any, new: Any) -> bool:
    return type(old) is not type(new) and str(old).lower() == str(new).lower()


def _leaves(config: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the used leaves by path and component.

    One value may belong to another component in each run, as the parameters of a family that only
    chooses features in one of them: it is then gone from one, and new in the other.
    """
    return {(leaf["path"], leaf["component"]): leaf for leaf in config["values"] if leaf["used"]}


def _hashed(leaf: Mapping[str, Any]) -> bytes:
    """Return the bytes of a value that a signature is made over: they may be of two types."""
    return canonical(exact([leaf["value"]]))


def _feature(path: str) -> str | None:
    """Return the feature whose registry entry a path leads into, if it does."""
    return path.removeprefix(REGISTRY).partition(".")[0] if path.startswith(REGISTRY) else None


def _selected(leaves: Mapping[tuple[str, str], Mapping[str, Any]]) -> set[str | None]:
    return {
        name for (path, _), leaf in leaves.items() if path == SELECTED for name in leaf["value"]
    }


def aligned(old: Any, new: Any) -> tuple[Item, ...]:
    """Return what became of the items of a list; nothing unless both are lists.

    The longest block of items that both have stays where it is, and so on before and after it
    (Ratcliff and Obershelp 1988); of the others, one that is on both sides was moved. Removed and
    moved items come in the order of the first list, then added ones in that of the second.
    """
    if not isinstance(old, list) or not isinstance(new, list):
        return ()
    left, right = ([_text(item) for item in side] for side in (old, new))
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    stays = [{block[side] + n for block in blocks for n in range(block.size)} for side in (0, 1)]
    came: dict[str, list[int]] = defaultdict(list)
    for place in range(len(new) - 1, -1, -1):
        if place not in stays[1]:
            came[right[place]].append(place)  # the first one last, to be taken first
    found = []
    for place in range(len(old)):
        if place in stays[0]:
            continue
        if came[left[place]]:
            to = came[left[place]].pop()
            found.append(Item("moved", old[place], place + 1, to + 1))
        else:
            found.append(Item("removed", old[place], place + 1, None))
    added = sorted(place for places in came.values() for place in places)
    found += [Item("added", new[place], None, place + 1) for place in added]
    return tuple(found)


def _text(value: Any) -> str:
    """Return a text that two values share if they are the same: ``1`` and ``1.0`` are."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


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
        yield Cause(kind, prefix, a, b, component, items=aligned(a, b))


def _side(leaf: Mapping[str, Any] | None) -> Side | None:
    """Return where a sealed value was decided."""
    return None if leaf is None else _said(leaf["history"][-1])


def _said(last: Mapping[str, Any]) -> Side:
    """Return the side of what was said last of a value."""
    text = last["text"]
    if last["layer"] == ASKED and text:
        text = asked_words(last["file"], text)
    return Side(last["file"], last["line"], last["column"], text, last["layer"])


def asked_words(origin: str, text: str) -> str:
    """Return what a command says that decides a value, so that nobody is said to have typed it.

    An override that was typed (``--set 2``) and a flag stand for themselves. What an axis, an
    argument or ``--replicates`` means has that before it: ``axis symbol=AAPL``.
    """
    who, _, key = origin.rpartition(" ")
    if text.startswith(origin) or who == "--set":
        return text
    return f"{who} {text}" if who and text.startswith(key) else f"{origin}: {text}"


def _digest(file: Mapping[str, Any] | None) -> str | None:
    """Return a file's digest as it is shown."""
    return None if file is None else f"blake3:{file['blake3']}"
