"""Causes of a comparison as people read them: many that are alike are said in one line. Pure.

Two runs of other families differ in a hundred and sixty libraries, and in each hyperparameter of
both. That is one thing, or a few, and the list of it hides what else there is. So causes that only
one run has, of one place of the configuration or of one part of the environment, are one entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Cause = Mapping[str, Any]
"""A cause as it stands in the JSON of ``repro diff``."""
LEAST: Final = 3
"""So many that are alike are one entry."""
NAMED: Final = 40
"""So many names of an entry are said; of more, the first few and how many there are."""
FEW: Final = 5
ONLY: Final = {"A": "only in A", "B": "only in B", "": "other in each"}
"""On which side something is, in words."""
_OBJECTS: Final = "shared objects"
_PARTS: Final = {
    "libraries": "libraries",
    "mapped": f"{_OBJECTS} in the process",
    "startup": "files read at start-up",
    "versions": "distributions that compute",
    "settings": "variables",
}
"""Parts of an environment to what their entries are called."""
_DIGESTS: Final = frozenset({"libraries", "mapped"})
"""Parts of which nobody can read what is other where both sides have one."""
_OURS: Final = "modules of repro and its trainers"
_FIRST: Final = ("target", "family", "training_config.pipeline_config.pipeline.family")
"""Subjects from which many others follow."""
_VERSIONS: Final = "versions, "
"""What subjects begin with that say more to people than the digests beside them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One cause, or several that are alike."""

    causes: tuple[Cause, ...]
    title: str = ""
    """How many there are, of what, and on which side; empty for one."""
    side: str = ""
    """``A`` or ``B`` if they are only there."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each of several causes, with a value that people can read."""
        return tuple(_name(cause) for cause in self.causes)

    @property
    def said(self) -> tuple[str, ...]:
        """Return ``names``, or of very many the first ones and how many more there are."""
        names = self.names
        if len(names) <= NAMED:
            return names
        return (*names[:FEW], f"and {len(names) - FEW} more")

    @property
    def files(self) -> tuple[str, ...]:
        """Return the files that decided several causes, each once."""
        sides = [cause[self.side.lower()] for cause in self.causes] if self.side else []
        return tuple(dict.fromkeys(side["file"] for side in sides if side is not None))


def entries(causes: Iterable[Cause], *, full: bool = False) -> tuple[Entry, ...]:
    """Return causes of one kind as entries: those first that move something, and decide others.

    ``full`` leaves each cause to itself.
    """
    causes = sorted(causes, key=_order)
    groups: dict[tuple[str, ...], list[Cause]] = {}
    for number, cause in enumerate(causes):
        key = (str(number),) if full else _key(cause) or (str(number),)
        groups.setdefault(key, []).append(cause)
    return tuple(entry for key, group in groups.items() for entry in _entries(key, group))


def is_absent(cause: Cause, side: str) -> bool:
    """Return whether a side (``a`` or ``b``) does not have at all what a cause is about.

    A value of the configuration may be null and there.
    """
    if cause["a"] is None and cause["b"] is None:
        return bool(cause["old" if side == "a" else "new"] is None)
    return cause[side] is None and cause["old" if side == "a" else "new"] is None


def short(value: Any) -> Any:
    """Return a digest as its first digits, where people are to tell it from another; else itself.

    That of a file keeps the name of its hash function.
    """
    name, colon, digits = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    is_digest = len(digits) == 64 and not set(digits) - set("0123456789abcdef")
    return f"{name}{colon}{digits[:12]}…" if is_digest else value


def _order(cause: Cause) -> tuple[bool, bool]:
    """Return what sorts causes of one kind, those of equal rank as they come."""
    subject = cause["subject"]
    return not cause["component"], subject not in _FIRST and not subject.startswith(_VERSIONS)


def _key(cause: Cause) -> tuple[str, ...] | None:
    """Return what the causes of an entry share; None of one that stands by itself.

    It is the title before and after their number, the side that they are on, and what they move.
    """
    if cause["items"] or cause["retyped"]:
        return None
    side = "A" if is_absent(cause, "b") else "B" if is_absent(cause, "a") else ""
    rest = (side, cause["component"], str(cause["idle"]))
    subject, kind = cause["subject"], cause["kind"]
    if kind == "data":
        return _cells(cause)
    part, comma, _ = subject.partition(", ")
    if kind == "environment":
        is_alike = comma and part in _PARTS and (side or part in _DIGESTS)
        named = f"{_OBJECTS} of {cause['package']}" if cause["package"] else _PARTS.get(part, "")
        return ("", f" {named}, {ONLY[side]}", *rest) if is_alike else None
    if kind == "code":
        return None if comma else ("", f" {_OURS}, {ONLY[side]}", *rest)
    parent = subject.rpartition(".")[0]
    if not (parent and side and cause[side.lower()] is not None):
        return None
    return ("", f" values of {parent}, {ONLY[side]}", *rest)


def _cells(cause: Cause) -> tuple[str, ...] | None:
    """Return what the same change of several symbols shares: column, dates and what it is."""
    _, *place = cause["subject"].rsplit(", ", 2)
    if cause["old"] is not None or len(place) != 2 or not isinstance(cause["new"], str):
        return None
    return (f"{', '.join(place)}: {cause['new']} in ", " symbols", "", cause["component"], "")


def _entries(key: Sequence[str], group: Sequence[Cause]) -> Iterable[Entry]:
    if len(group) < LEAST:
        return [Entry((cause,)) for cause in group]
    before, after, side, *_ = key
    return [Entry(tuple(group), f"{before}{len(group)}{after}", side)]


def _name(cause: Cause) -> str:
    """Return what one of several causes is called, with its value unless that is a digest."""
    if cause["kind"] == "data":
        return str(cause["subject"].rsplit(", ", 2)[0])
    if cause["kind"] in ("environment", "code"):
        name = cause["subject"].partition(", ")[2] or cause["subject"]
    else:
        name = cause["subject"].rpartition(".")[2]
    gone, new = is_absent(cause, "b"), is_absent(cause, "a")
    value = cause["old"] if gone else cause["new"]
    if not (gone or new) or short(value) != value:
        return str(name)
    is_version = cause["kind"] == "environment" and isinstance(value, str)
    return f"{name} {value if is_version else json.dumps(value, ensure_ascii=False)}"
