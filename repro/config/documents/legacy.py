"""Where documents and keys stood in older layouts, and reading them as if they had been moved.

The table is data (``schemas/legacy.json``). Where old and new both exist, the new one wins. Each
use is told with one warning, and ``repro config migrate`` makes the moves in the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from repro.config.documents.catalog import SCHEMAS
from repro.config.documents.workspace import MARKER
from repro.config.editing.render import identical, value_at, with_value, without
from repro.config.text.document import Document, dotted
from repro.config.text.document import Path as Keys
from repro.errors import Place, Problem

RULE = "legacy"
HINT = "move it with: repro config migrate"
_MODEL = "model:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table."""

    id: str
    kind: str
    """``file`` or ``key``."""
    document: str
    """The kind of document that a key stands in, ``model`` for every family's; of a file empty."""
    old: str
    new: str
    since: str
    note: str
    names: tuple[str, ...] = ()
    """The only words that ``{name}`` in a file's path stands for; any if there are none."""
    values: tuple[tuple[Any, Any], ...] = ()
    """Values of a key that are written otherwise now."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where an old file is read as: its path below ``CONFIG``, and the entry that says so."""

    path: Path
    entry: Entry
    winner: Path | None = None
    """The file that is read in its place, if there is one: the new one, or an earlier old one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One key moved, or dropped because the new one exists."""

    entry: Entry
    old: Keys
    new: Keys
    dropped: bool
    """The new one wins, and this one is not read."""
    emptied: tuple[Keys, ...] = ()
    """Mappings above the old key that hold nothing without it, deepest first."""


@dataclass(frozen=True, slots=True)
class Used:
    """An old place that was met."""

    entry: Entry
    place: Place
    old: str
    new: str
    winner: str | None = None
    """Where the new one stands that wins over it; None if this one is read."""
    source: str | None = None
    """The text of the line."""


@cache
def table() -> tuple[Entry, ...]:
    """Return the entries, in the order in which they hold."""
    text = (Path(str(import_module(SCHEMAS).__file__)).parent / "legacy.json").read_bytes()
    return tuple(
        Entry(
            **{"document": "", **entry}
            | {
                "names": tuple(entry.get("names", ())),
                "values": tuple((v["old"], v["new"]) for v in entry.get("values", ())),
            }
        )
        for entry in json.loads(text)["entries"]
    )


@cache
def _pattern(entry: Entry) -> re.Pattern[str]:
    """Return the pattern of an old file."""
    name = "|".join(entry.names) or "[A-Za-z0-9_]+"
    pattern = re.escape(entry.old).replace(r"\{name\}", f"(?P<name>{name})")
    return re.compile(pattern.replace(r"\{overlay\}", "(?P<overlay>[A-Za-z0-9_]+)"))


@cache
def _files() -> tuple[tuple[str, str, Entry], ...]:
    """Return the entries of old files, with what their paths begin and end with."""
    return tuple(
        (entry.old.partition("{")[0], entry.old.rpartition("}")[2], entry)
        for entry in table()
        if entry.kind == "file"
    )


@cache
def _keys(kind: str) -> tuple[tuple[Entry, Keys, Keys], ...]:
    """Return the entries of a kind of document, with their paths before and now."""
    return tuple(
        (entry, tuple(entry.old.split(".")), tuple(entry.new.split(".")))
        for entry in table()
        if entry.kind == "key" and entry.document == kind
    )


def place_of(relative: Path) -> Moved | None:
    """Return what the file at ``relative`` (to ``CONFIG``) is read as; None if it is no old one."""
    text = relative.as_posix()
    for begin, end, entry in _files():
        if not (text.startswith(begin) and text.endswith(end)):
            continue
        if found := _pattern(entry).fullmatch(text):
            return Moved(Path(entry.new.format(**found.groupdict())), entry)
    return None


def places_of(relatives: Iterable[Path]) -> dict[Path, Moved]:
    """Return each old file among all files of a ``CONFIG`` with what it is read as.

    A new file wins over an old one, and of two old ones that which the table names first.
    """
    present = sorted(set(relatives))
    order = {entry.id: n for n, entry in enumerate(table())}
    found = [(path, moved) for path in present if (moved := place_of(path)) is not None]
    found.sort(key=lambda pair: order[pair[1].entry.id])
    taken = {path: path for path in present}
    placed = {}
    for path, moved in found:
        winner = taken.setdefault(moved.path, path)
        placed[path] = Moved(moved.path, moved.entry, None if winner == path else winner)
    return placed


def used_file(relative: Path, moved: Moved) -> Used:
    """Return the use of an old file, for its warning."""
    shown = f"{MARKER}/{relative.as_posix()}"
    winner = None if moved.winner is None else f"{MARKER}/{moved.winner.as_posix()}"
    new = f"{MARKER}/{moved.path.as_posix()}"
    return Used(moved.entry, Place(shown, 1, 1, 1), shown, new, winner)


def steps(value: Any, kind: str) -> tuple[Any, tuple[Step, ...]]:
    """Return a document of ``kind`` under the names of now, and the moves that lead there.

    Mappings that stand under both names become one, key by key.
    """
    name = "model" if kind.startswith(_MODEL) else kind
    made: list[Step] = []
    for entry, old, new in _keys(name):
        value = _step(value, entry, old, new, made)
    return value, tuple(made)


def _step(value: Any, entry: Entry, old: Keys, new: Keys, made: list[Step]) -> Any:
    """Return ``value`` after one entry; add to ``made`` what was done."""
    found = _at(value, old)
    if found is None:
        return value
    known = _at(value, new)
    if known is None:
        if not _fits(value, new):
            return value
        told = found[0]
        for before, now in entry.values:
            told = now if identical(before, told) else told
        value, emptied = _pruned(without(with_value(value, new, told), old), old)
        made.append(Step(entry, old, new, dropped=False, emptied=emptied))
        return value
    if found[0] and isinstance(found[0], dict) and isinstance(known[0], dict):
        for key in found[0]:
            value = _step(value, entry, (*old, key), (*new, key), made)
        return value
    value, emptied = _pruned(without(value, old), old)
    made.append(Step(entry, old, new, dropped=True, emptied=emptied))
    return value


def _at(value: Any, path: Keys) -> tuple[Any] | None:
    """Return what is at ``path``, wrapped because it may be null; None if nothing is."""
    try:
        return (value_at(value, path),)
    except KeyError:
        return None


def _fits(value: Any, path: Keys) -> bool:
    """Return whether a key can be added at ``path``: nothing but mappings stands above it."""
    above = [found for n in range(len(path)) if (found := _at(value, path[:n])) is not None]
    return all(isinstance(found[0], dict) for found in above)


def _pruned(value: Any, path: Keys) -> tuple[Any, tuple[Keys, ...]]:
    """Return ``value`` without the mappings above ``path`` that are empty now, and these."""
    gone = []
    for n in range(len(path) - 1, 0, -1):
        if _at(value, path[:n]) != ({},):
            break
        value = without(value, path[:n])
        gone.append(path[:n])
    return value, tuple(gone)


def renamed(document: Document, kind: str) -> tuple[Document, tuple[Used, ...]]:
    """Return the document as if it had been written under the names of now, and what was not."""
    value, made = steps(document.value, kind)
    if not made:
        return document, ()
    places, keys = dict(document.places), dict(document.keys)
    used = []
    for step in made:
        key = keys[step.old]
        winner = keys[step.new] if step.dropped else None
        used.append(
            Used(
                step.entry,
                key,
                dotted(step.old),
                dotted(step.new),
                None if winner is None else f"{winner.file}:{winner.line}",
                document.source(key),
            )
        )
        for mapping in (places, keys):
            _shift(mapping, step, key)
    return Document(document.file, value, places, keys, document.lines), tuple(used)


def _shift(places: dict[Keys, Place], step: Step, key: Place) -> None:
    """Move the places of one key and of all below it; give the mappings above it its own."""
    n = len(step.old)
    for path in [path for path in places if path[:n] == step.old]:
        place = places.pop(path)
        if not step.dropped:
            places[step.new + path[n:]] = place
    for path in step.emptied:
        places.pop(path, None)
    for depth in range(1, len(step.new)):
        places.setdefault(step.new[:depth], key)


def warning(used: Used) -> Problem:
    """Return what is told of an old place: where it was, where it is now, what moves it."""
    if used.winner is not None:
        message = f"an older place of {used.new}, not read: {used.winner} has it already"
    else:
        message = f"an older place; it is {used.new} now"
    return Problem(used.place, used.old, message, RULE, HINT, used.source, "warning")


def ids(used: Iterable[Used]) -> list[str]:
    """Return the entries that were used, each once, as a run records them."""
    return sorted({found.entry.id for found in used})
