"""``repro config explain``: why a value is what it is, what it means, and what it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.config.documents.catalog import MODELS
from repro.config.resolution.layers import Path
from repro.config.resolution.meaning import Meaning, meaning
from repro.config.sealed.leaf import Leaf
from repro.errors import COMMAND_LINE, Place, Problem, ProblemsError
from repro.facts.trainers import Declaration, Rule
from repro.verbs.configuring.configuration import Configuration, find_key, shortest


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one value, or of a section of values."""

    path: Path
    leaf: Leaf | None
    """None for a section, and for a value that no layer sets."""
    section: tuple[Leaf, ...]
    """The values inside it, if it is a section."""
    meaning: Meaning | None
    component: str | None
    """The identity component, ``none``, or None if nothing says."""
    aliases: tuple[str, ...]
    """Other names of the same value."""
    rules: tuple[Rule, ...]
    """What a level forces the value to, and why."""
    short: str
    """The shortest key that means it."""

    @property
    def kind(self) -> str:
        """Return what is explained: value, section, unset, or forced."""
        if self.section:
            return "section"
        if self.leaf is not None:
            return "value"
        return "forced" if self.rules else "unset"


def explain(
    configuration: Configuration, families: Mapping[str, Declaration], key: str
) -> Explanation:
    """Return the explanation of the value that ``key`` means.

    Raises ProblemsError, exit status 2, for a key that nothing or several values have.
    """
    leaves, family = configuration.leaves, configuration.family

    def find_it(text: str) -> Path:
        return find_key(text, leaves, family, families)

    try:
        path = find_it(key)
    except ProblemsError:
        forced = _rules(key.split(".")[-1], family, families)
        if not forced:
            raise
        path = (MODELS, family, "hyperparameters", forced[0].parameter)
        return Explanation(path, None, (), None, "hyperparameters", (), forced, path[-1])
    leaf = leaves.get(path)
    section = tuple(x for p, x in leaves.items() if p[: len(path)] == path and leaf is None)
    whole = len(path) > 1 and _is_inside(path, families)
    said = meaning(path, families) if whole else None
    if leaf is None and not section and said is None:
        place = Place("KEY", 1, 1, len(key) + 1)
        raise ProblemsError([Problem(place, key, "unknown key", COMMAND_LINE, source=key)])
    component = leaf.component if leaf else _one_component(section)
    if leaf is None and not section:
        component = "hyperparameters"
    aliases: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    if path[0] == MODELS and path[1] in families and path[2:3] == ("hyperparameters",):
        name = path[-1]
        aliases = tuple(a for a, c in families[path[1]].aliases().items() if c == name and a != c)
        rules = _rules(name, path[1], families)
    return Explanation(
        path, leaf, section, said, component, aliases, rules, shortest(path, find_it)
    )


def _is_inside(path: Path, families: Mapping[str, Declaration]) -> bool:
    """Return whether a path lies in (or is) a document that has a schema here."""
    from repro.config.documents.catalog import DOCUMENTS

    if path[0] == MODELS:
        return path[1] in families
    return path[0] in DOCUMENTS or ".".join(path[:2]) in DOCUMENTS


def _rules(name: str, family: str, families: Mapping[str, Declaration]) -> tuple[Rule, ...]:
    """Return what the family's rulebook says of a parameter, under any of its names."""
    if family not in families:
        return ()
    return tuple(rule for rule in families[family].rulebook if rule.parameter == name)


def _one_component(section: tuple[Leaf, ...]) -> str | None:
    """Return the component that all values of a section belong to, or None."""
    found = {leaf.component for leaf in section}
    return found.pop() if len(found) == 1 else None
