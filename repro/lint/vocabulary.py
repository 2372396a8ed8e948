"""The names whose values belong in configuration, and the kinds of value that each can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from repro.lint.literals import Literal
from repro.lint.rules import HYPERPARAMETER, SEED, THRESHOLD

SEEDS = ("seed", "random_state", "random_seed")
_EVERYWHERE = frozenset({"batch_size", "max_depth", "max_iter", "min_data", "n_iter"})
"""Names of hyperparameters that loops, buffers and recursions of all sorts have too."""
_MORE = ", and of others"
_KINDS = {"integer": "number"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name means."""

    rule: str
    title: str
    """As it is called where it belongs, for the message."""
    kinds: frozenset[str]
    """Of ``number``, ``string``, ``boolean`` and ``array``; others are not its values."""
    words: frozenset[str] | None = None
    """The only strings that are its values; None if any is."""
    generic: bool = False
    """Whether it counts only where parameters of a model are meant."""
    several: bool = False
    """Whether only a list of values is one: ``seeds = 5`` is a number of seeds."""

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
    libraries: frozenset[str]
    """Top-level packages whose callables take hyperparameters."""
    _known: dict[str, Meaning | None] = field(default_factory=dict)
    """What was asked before; of no meaning of its own."""

    def meaning(self, written: str) -> Meaning | None:
        """Return what a name means, written as ``--learning-rate`` or ``DEFAULT_LEARNING_RATE``."""
        if written not in self._known:
            self._known[written] = self._look_up(written)
        return self._known[written]

    def _look_up(self, written: str) -> Meaning | None:
        name = written.rpartition(".")[2].replace("-", "_").strip("_").lower()
        name = name.removeprefix("default_")
        if name in self.names:
            return self.names[name]
        if name in SEEDS or name.endswith(("_seed", "_random_state")):
            return Meaning(SEED, "seed", frozenset({"number"}))
        if name == "seeds" or name.endswith("_seeds"):
            return Meaning(SEED, "seeds", frozenset({"number"}), several=True)
        return None


def vocabulary(
    hyperparameters: Mapping[str, Mapping[str, Mapping[str, Any]]],
    seeds: Iterable[str],
    thresholds: Iterable[str],
    libraries: Iterable[str],
) -> Vocabulary:
    """Return the names to look for.

    ``hyperparameters``: family to canonical name to JSON Schema with the list ``aliases``;
    ``seeds``: the families' own; ``thresholds``: those of the safety document; ``libraries``:
    modules that the trainers import.
    """
    names: dict[str, Meaning] = {}
    for threshold in thresholds:
        numbers = frozenset({"number"})
        names[threshold.lower()] = Meaning(
            THRESHOLD, threshold, numbers, generic="_" not in threshold
        )
    for family, declared in hyperparameters.items():
        for canonical, schema in declared.items():
            kinds, words = _values(schema)
            for name in (canonical, *schema["aliases"]):
                key = name.lower()
                generic = "_" not in key.strip("_") or key in _EVERYWHERE
                meaning = Meaning(HYPERPARAMETER, f"{canonical} of {family}", kinds, words, generic)
                names[key] = _merged(names.get(key), meaning)
    for seed in seeds:
        names[seed.lower()] = Meaning(SEED, "seed", frozenset({"number"}))
    tops = frozenset(module.partition(".")[0] for module in libraries)
    return Vocabulary(names, tops)


def _merged(one: Meaning | None, other: Meaning) -> Meaning:
    """Return what a name means that two families have: named by the first, with values of both."""
    if one is None or one.rule != other.rule:
        return other
    words = None
    if one.words is not None and other.words is not None:
        words = one.words | other.words
    title = one.title if one.title.endswith(_MORE) else one.title + _MORE
    return Meaning(one.rule, title, one.kinds | other.kinds, words, one.generic)


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
