"""Overrides that nobody typed as ``key=value``, and the words that were given instead."""

from __future__ import annotations

import json


class Given(str):
    """An override as any other, ``key=value``, that knows by which words it was asked for.

    A flag means one (``--level strict``), and so does an axis of a sweep or an argument in Python.
    Whatever is said of it names these words; what reads overrides need not know that there are two
    kinds of them.
    """

    __slots__ = ("before", "origin", "shown")

    origin: str
    """What stands where a file's name would: ``--level``."""
    before: str
    """The words up to the value: ``--level `` with its space."""
    shown: str
    """The value as it was given."""

    def __new__(cls, text: str, origin: str, before: str, shown: str) -> Given:
        """Keep the override's ``text`` and how it was asked for."""
        made = super().__new__(cls, text)
        made.origin, made.before, made.shown = origin, before, shown
        return made

    def __reduce__(self) -> tuple[type[Given], tuple[str, str, str, str]]:
        """Return what a copy is made of."""
        return Given, (str(self), self.origin, self.before, self.shown)

    @property
    def words(self) -> str:
        """Return the words that were given."""
        return self.before + self.shown


def asked_by(who: str, key: str, value: object) -> Given:
    """Return an override that a command makes of itself; ``value`` is one that JSON has."""
    shown = json.dumps(value, ensure_ascii=False)
    return Given(f"{key}={shown}", f"{who} {key}", f"{key}=", shown)
