"""What differs between two configurations, leaf by leaf. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repro.config.resolution.layers import Path, dotted
from repro.config.sealed.leaf import Leaf
from repro.identity.equality import same

KINDS = ("changed", "type", "added", "removed", "use")


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf that is not the same on both sides."""

    path: Path
    kind: str
    """changed; type (of another type too); added; removed; use (one side alone uses it)."""
    a: Leaf | None
    b: Leaf | None

    @property
    def used(self) -> bool:
        """Return whether a run of either side uses the value."""
        return any(leaf is not None and leaf.used for leaf in (self.a, self.b))

    @property
    def component(self) -> str:
        """Return the identity component that the value belongs to, or ``none``."""
        leaf = self.b or self.a
        return leaf.component if leaf else "none"

    @property
    def moves(self) -> str:
        """Return the identity component that the change moves; empty if none."""
        return self.component if self.used and self.component != "none" else ""


def changes(a: Mapping[Path, Leaf], b: Mapping[Path, Leaf]) -> Iterator[Change]:
    """Yield what differs, by path; types are kept apart, but 1 and 1.0 are one number.

    A path counts as it is written with dots: older runs sealed no more of it.
    """
    left, right = ({dotted(path): leaf for path, leaf in side.items()} for side in (a, b))
    for name in sorted({*left, *right}):
        old, new = left.get(name), right.get(name)
        kind = _kind(old, new)
        known = old or new
        if kind and known is not None:
            yield Change(known.path, kind, old, new)


def _kind(old: Leaf | None, new: Leaf | None) -> str:
    """Return the kind of a change; empty if both sides are the same."""
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if not same(old.value, new.value):
        names = {type_name(old.value), type_name(new.value)}
        return "changed" if len(names) == 1 or names == {"integer", "number"} else "type"
    return "use" if old.used != new.used else ""


def type_name(value: Any) -> str:
    """Return what JSON Schema calls the type of a value."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "list"}
    return "null" if value is None else names.get(type(value), "mapping")
