"""Trainers as they are found: entry points and JSON declarations, read without importing them.

A trainer is a module named by an entry point of the group ``repro.trainers``; its declaration is
the file beside it with the same name and the ending ``.json``. Only the module's *package* is
imported to find that file, so a package that offers a trainer must keep its ``__init__`` light.

What cannot be used is nobody's concern but that of who asks for it: it is left out, and kept with
the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache

from repro.errors import DeclarationError, UsageError
from repro.facts.declaration import Declaration, Rule
from repro.facts.declaration_file import named_in, origin, read
from repro.facts.offers import Offer, offers

__all__ = ["GROUP", "Declaration", "Families", "Rule", "declaration", "declarations"]

GROUP = "repro.trainers"


class Families(dict[str, Declaration]):
    """The declaration of each family that can be used."""

    def __init__(
        self, usable: Mapping[str, Declaration], unusable: Mapping[str, DeclarationError]
    ) -> None:
        """Keep what can be used, and beside it what is offered and cannot, with the reasons."""
        super().__init__(usable)
        self.unusable = unusable


def declarations() -> Families:
    """Return the declaration of each family that installed distributions offer.

    A family whose declaration cannot be used, or that two distributions offer, is not among them.
    """
    return _found()


def times_asked() -> int:
    """Return how often this process has asked for declarations."""
    known = _found.cache_info()
    return known.hits + known.misses


@cache
def _found() -> Families:
    return families_of(offers(GROUP))


def families_of(points: Iterable[Offer]) -> Families:
    """Return the families that entry points offer."""
    usable: dict[str, Declaration] = {}
    unusable: dict[str, DeclarationError] = {}
    by: dict[str, list[Offer]] = {}
    for point in sorted(points):
        try:
            found = read(point)
        except DeclarationError as error:
            names = sorted({point.name, *named_in(error.file)})
            faults = dict.fromkeys(names, error)
        else:
            names = [found.family]
            faults = {}
            usable[found.family] = found
        for name in names:
            by.setdefault(name, []).append(point)
        unusable |= faults
    for name, those in by.items():
        if len(those) > 1:
            unusable[name] = DeclarationError(
                f"trainer {name!r} is offered by: {', '.join(map(origin, those))}",
                "uninstall all but one",
            )
    return Families({n: found for n, found in usable.items() if n not in unusable}, unusable)


def declaration(family: str) -> Declaration:
    """Return the declaration of ``family``.

    Raises UsageError if nobody offers it, DeclarationError if it is offered and cannot be used.
    """
    known = declarations()
    if family in known.unusable:
        raise known.unusable[family]
    if family not in known:
        near = get_close_matches(family, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(
            f"no trainer offers the family {family!r}{meant}",
            f"families offered here: {', '.join(sorted(known)) or 'none'}",
        )
    return known[family]
