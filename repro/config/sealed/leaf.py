"""A value of a configuration with its history: of one resolved now, or of one that a run sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.config.checks.composed import source
from repro.config.resolution.active import component_of, used
from repro.config.resolution.layers import Path
from repro.config.resolution.resolve import Resolved
from repro.config.sealed.record import keys_of
from repro.errors import Place

WRITTEN = frozenset({"document", "defaults"})
"""Layers that are documents of their own: what they say is not laid over anything by a choice."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one layer says of a value, and where; ``text`` is the line, if it is at hand."""

    layer: str
    value: Any
    """What it says."""
    place: Place
    text: str | None
    """The line, if it is at hand."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value: its full path, every layer's word (oldest first), and what it means to the run."""

    path: Path
    history: tuple[Word, ...]
    component: str
    """The identity component, or ``none``."""
    used: bool
    """Whether the run that the configuration was resolved for uses it."""

    @property
    def word(self) -> Word:
        """Return the word of the layer that decided."""
        return self.history[-1]

    @property
    def value(self) -> Any:
        """Return the value in force."""
        return self.history[-1].value


def leaves_of(resolved: Resolved) -> dict[Path, Leaf]:
    """Return every leaf of a resolved configuration, by full path, sorted."""
    in_use = used(resolved)
    return {
        path: Leaf(
            path,
            tuple(
                Word(s.layer, s.value, s.place, source(resolved, s.place)) for s in value.history
            ),
            component_of(path),
            path in in_use,
        )
        for path, value in sorted(resolved.flat.items())
    }


def leaves_in(sealed: Mapping[str, Any]) -> dict[Path, Leaf]:
    """Return every leaf of the configuration that a run sealed (its ``config.json``)."""
    found = {}
    for leaf in sealed["values"]:
        path = keys_of(leaf)
        words = tuple(
            Word(
                w["layer"],
                w["value"],
                Place(w["file"], w["line"], w["column"], w["column"] + 1),
                w["text"],
            )
            for w in leaf["history"]
        )
        found[path] = Leaf(path, words, leaf["component"], leaf["used"])
    return dict(sorted(found.items()))


def as_json(leaf: Leaf) -> dict[str, Any]:
    """Return a leaf as the commands' JSON has it."""
    return {
        "path": ".".join(leaf.path),
        "value": leaf.value,
        "component": leaf.component,
        "used": leaf.used,
        "history": [
            {
                "layer": word.layer,
                "value": word.value,
                "file": word.place.file,
                "line": word.place.line,
                "column": word.place.column,
                "text": word.text,
            }
            for word in leaf.history
        ],
    }
