"""The names whose values belong in configuration, and the kinds of value that each can have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from repro.lint.literals import Literal
from repro.lint.rules import HYPERPARAMETER, SEED, THRESHOLD

SEEDS = ("seed", "random_state", "random_seed")
_EVERYWHERE = frozenset({"batch_size", "max_depth", "max_iter", "min_data", "n_iter"})
"""Names of hyperparameters that loops, buffers and recursions of all sorts have too."""
_NAMED = 3
"""Families that a message names; of more it names none, since no few of them are special."""
_KINDS = {"integer": "number"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name means."""

    rule: str
    titles: Mapping[str, str]
    """As it is called where it belongs, by family; a threshold has no family, nor has a seed."""
    kinds: frozenset[str]
    """Of ``number``, ``string``, ``boolean`` and ``array``; others are not its values."""
    words: frozenset[str] | None = None
    """The only strings that are its values; None if any is."""
    generic: bool = False
    """Whether it counts only where parameters of a model are meant."""
    several: bool = False
    """Whether only a list of values is one: ``seeds = 5`` is a number of seeds."""

    def title(self, families: Collection[str]) -> str:
        """Return what is meant, for the message, if the library used is that of ``families``."""
        near = [family for family in self.titles if family in families] or list(self.titles)
        if len(near) > _NAMED:
            return f"of {len(near)} families"
        return " or ".join(self.titles[family] for family in near)

    def admits(self, literal: Literal, as_text: bool) -> bool:
        """Return whether a literal is a value of this; ``as_text`` if numbers come as text."""
        if literal.is_list:
            return "array" in self.kinds or literal.kind in self.kinds
        if self.several:
            return False
        if literal.kind != "string":
            return literal.kind in self.kinds
        text = str(literal.value)
        if "string" in self.kinds and (self.words is None or text in self.words):
            return True
        return as_text and "number" in self.kinds and _is_number(text)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name that is looked for."""

    names: Mapping[str, Meaning]
    libraries: Mapping[str, tuple[str, ...]]
    """Modules whose callables take hyperparameters, each with the families that are trained by it:
    not all of ``sklearn`` takes those, though several of its modules do."""
    _known: dict[str, Meaning | None] = field(default_factory=dict)
    """What was asked before; of no meaning of its own."""

    def meaning(self, written: str) -> Meaning | None:
        """Return what a name means, written as ``--learning-rate`` or ``DEFAULT_LEARNING_RATE``."""
        if written not in self._known:
            self._known[written] = self._look_up(written)
        return self._known[written]

    def families_of(self, called: str) -> tuple[str, ...]:
        """Return the families that a callable of this dotted name trains, or may train.

        One that is called like a family (``RandomForestRegressor``) is of that one alone.
        """
        found = [
            family
            for module, families in self.libraries.items()
            if called == module or called.startswith(f"{module}.")
            for family in families
        ]
        last = called.rpartition(".")[2].lower()
        return tuple(f for f in found if last.startswith(f.replace("_", ""))) or tuple(found)

    def _look_up(self, written: str) -> Meaning | None:
        name = written.rpartition(".")[2].replace("-", "_").strip("_").lower()
        name = name.removeprefix("default_")
        if name in self.names:
            return self.names[name]
        bound = self.names.get(name.removesuffix("_threshold"))
        if bound is not None and bound.rule == THRESHOLD:
            return bound
        if name in SEEDS or name.endswith(("_seed", "_random_state")):
            return Meaning(SEED, {}, frozenset({"number"}))
        if name == "seeds" or name.endswith("_seeds"):
            return Meaning(SEED, {}, frozenset({"number"}), several=True)
        return None


def vocabulary(
    hyperparameters: Mapping[str, Mapping[str, Mapping[str, Any]]],
    seeds: Iterable[str],
    thresholds: Iterable[str],
    libraries: Mapping[str, Iterable[str]],
) -> Vocabulary:
    """Return the names to look for.

    ``hyperparameters``: family to canonical name to JSON Schema with the list ``aliases``;
    ``seeds``: the families' own; ``thresholds``: those of the safety document; ``libraries``:
    family to the modules that its trainer imports.
    """
    names: dict[str, Meaning] = {}
    for threshold in thresholds:
        numbers = frozenset({"number"})
        names[threshold.lower()] = Meaning(THRESHOLD, {}, numbers, generic="_" not in threshold)
    for family, declared in hyperparameters.items():
        for canonical, schema in declared.items():
            kinds, words = _values(schema)
            for name in (canonical, *schema["aliases"]):
                key = name.lower()
                generic = "_" not in key.strip("_") or key in _EVERYWHERE
                title = {family: f"{canonical} of {family}"}
                meaning = Meaning(HYPERPARAMETER, title, kinds, words, generic)
                names[key] = _merged(names.get(key), meaning)
    for seed in seeds:
        names[seed.lower()] = Meaning(SEED, {}, frozenset({"number"}))
    used: dict[str, tuple[str, ...]] = {}
    for family, modules in libraries.items():
        for module in modules:
            used[module] = (*used.get(module, ()), family)
    return Vocabulary(names, used)


def _merged(one: Meaning | None, other: Meaning) -> Meaning:
    """Return what a name means that two families have: values of both, under both their names."""
    if one is None or one.rule != other.rule:
        return other
    words = None
    if one.words is not None and other.words is not None:
        words = one.words | other.words
    return Meaning(
        one.rule, {**one.titles, **other.titles}, one.kinds | other.kinds, words, one.generic
    )


def _values(schema: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str] | None]:
    """Return the kinds of value that a schema admits, and its strings if they are counted."""
    kinds: set[str] = set()
    words: set[str] = set()
    listed = True
    for branch in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types = branch.get("type", ())
        own = {types} if isinstance(types, str) else set(types)
        values = branch.get("enum", [branch["const"]] if "const" in branch else None)
        if values is not None:
            words.update(value for value in values if isinstance(value, str))
            own |= {_kind(value) for value in values}
        elif "string" in own:
            listed = False
        kinds |= {_KINDS.get(kind, kind) for kind in own}
    return frozenset(kinds - {"null"}), frozenset(words) if listed else None


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "null"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
