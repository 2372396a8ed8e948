"""``a.b=c`` on the command line: read with places, and found in the tree by any unique suffix."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

from repro.config.documents.catalog import DOCUMENTS, MODELS, Trainer, config_schema
from repro.config.resolution.given import Given
from repro.config.resolution.layers import Path, dotted
from repro.config.resolution.settings import split
from repro.config.spelling.lookalikes import odd_character
from repro.config.spelling.names import nearest, oddity, preferred
from repro.config.text.document import parse
from repro.errors import COMMAND_LINE, Place, Problem, ProblemsError

_KEY = re.compile(r'(?:"[^"]*"|[^="])*')
_PART = re.compile(r'(?:"[^"]*"|[^."])*')
"""Both match anywhere, if only nothing."""

ASIDE = frozenset({"variants", "training_profiles"})
"""Sections that hold layers; a bare key never means a value inside them."""
OPTIONS = frozenset({"target", "experiment", "variant", "profile", "seed"})
"""What a command is told beside its overrides, by names that no value's path ends in."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One override as it was typed."""

    text: str
    """The words that were given."""
    key: Path
    value: Any
    place: Place
    """Where the value stands; the file is ``--set N``, or what else was given, such as ``--level``;
    the words are its only line."""


def parse_assignment(number: int, text: str) -> Assignment:
    """Return the override that ``text`` (``a.b=value``, the value as YAML) means.

    ``number`` is what it is called by, unless other words were given. Raises ProblemsError if it is
    not one.
    """
    file = text.origin if isinstance(text, Given) else f"--set {number}"
    match = _KEY.match(text)
    key = match.group() if match else ""
    equals, value = text[len(key) : len(key) + 1], text[len(key) + 1 :]
    parts, gap = _parts(key)
    if equals != "=" or gap is not None or "\n" in text:
        raise ProblemsError([_malformed(file, text, key, gap)])
    words = text.words if isinstance(text, Given) else text
    begin = len(text.before) if isinstance(text, Given) else len(key) + 1
    try:
        parsed: Any = parse(f"v: {value}", file).value
    except ProblemsError as error:
        offset = begin - len("v: ")
        raise ProblemsError(
            [
                replace(p, place=_shift(p.place, offset), path=_inside(parts, p.path), source=words)
                for p in error.problems
            ]
        ) from error
    rest = words[begin:]
    start = begin + 1 + len(rest) - len(rest.lstrip())
    place = Place(file, 1, start, max(len(words.rstrip()), start) + 1)
    return Assignment(words, parts, parsed["v"], place)


def _parts(key: str) -> tuple[Path, int | None]:
    """Return the names in ``key``, and where one is missing, from 0, or None.

    A name may stand in double quotes, as messages show one that holds a dot.
    """
    parts: list[str] = []
    start = 0
    while True:
        end = start + len(_PART.match(key, start).group())  # type: ignore[union-attr]
        part = key[start:end].strip()
        if not part:
            return tuple(parts), start
        quoted = len(part) > 2 and part[0] == part[-1] == '"'
        parts.append(part[1:-1] if quoted else part)
        if end == len(key):
            return tuple(parts), None
        start = end + 1


def _malformed(file: str, text: str, key: str, gap: int | None) -> Problem:
    """Return what is wrong with an override that is none, at the place where it goes wrong."""
    line = text.partition("\n")[0]
    begin, end, why = 0, len(line), "there is no ="
    if "\n" in text:
        why = "it has more than one line"
    elif text[len(key) : len(key) + 1] == '"':
        begin, why = len(key), "the quote is never closed"
    elif text[len(key) : len(key) + 1] == "=" and gap is not None:
        begin, end = gap, gap + 1
        why = "no key before the =" if not key.strip() else "a name is missing here"
    place = Place(file, 1, begin + 1, max(end, begin) + 1)
    message = f"not of the form key=value: {why}"
    hint = "write it as in learning_rate=0.05"
    return Problem(place, text, message, COMMAND_LINE, hint, text)


def _inside(key: Path, path: str) -> str:
    """Return the path of a problem inside a value, which was read under the name ``v``."""
    within = path.split(".")[1:]
    return dotted((*key, *within) if len(within) < 8 else key)


def target_path(
    assignment: Assignment,
    known: Collection[Path],
    family: str | None,
    families: Mapping[str, Trainer],
) -> Path:
    """Return the full path that an override means.

    Raises ProblemsError naming the nearest keys if there is none, or all if there are several.
    """
    keys = _spellings(assignment.key, family, families)
    ends = {key[-1] for key in keys}
    near = _candidates((p for p in known if not ends.isdisjoint(p)), family, families)
    matches = [p for p in near if any(p[-len(key) :] == key for key in keys)]
    exact = [p for p in matches if p in keys]
    active = [p for p in matches if not ASIDE & set(p) and _of_family(p, family)]
    own = [p for p in matches if _of_family(p, family)]  # a variant that other families have too
    for candidates in (exact, active, own, matches):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            listed = ", ".join(dotted(p) for p in candidates)
            message = f"ambiguous; it could be {listed}"
            raise _problem(assignment, message, _narrower(candidates, keys, family, families))
    if hint := _option(assignment):
        raise _problem(assignment, "unknown key", hint)
    paths = _candidates(known, family, families)
    message = _unknown(assignment, paths, family, families)
    raise _problem(assignment, message, _new_key(assignment.key, paths))


def _option(assignment: Assignment) -> str | None:
    """Return how to give what is no value, though an axis of a sweep may have its name; or None."""
    if len(assignment.key) != 1 or assignment.key[0] not in OPTIONS:
        return None
    (name,), file = assignment.key, assignment.place.file
    value = "" if assignment.value is None else str(assignment.value)
    if file.startswith("--set "):
        return f"it is an option: --{name} {quote(value)}"
    return f"it is an argument of its own: {name}={assignment.value!r}"


def _candidates(
    known: Iterable[Path], family: str | None, families: Mapping[str, Trainer]
) -> list[Path]:
    """Return every path inside a document, sorted: leaves, what holds them, and what is declared.

    A hyperparameter that its document lacks can be given too.
    """
    paths = {
        path[:n] for path in known for n in range(2 if path[0] in DOCUMENTS else 3, len(path) + 1)
    }
    if family is not None:
        declared = families[family].hyperparameters
        paths |= {(MODELS, family, "hyperparameters", name) for name in declared}
    return sorted(paths)


def _narrower(
    candidates: Iterable[Path],
    keys: Iterable[Path],
    family: str | None,
    families: Mapping[str, Trainer],
) -> str:
    """Return a hint how to mean one of several values, or one of a family that is not chosen."""
    ends = {key[-1] for key in keys}
    having = {name for name in families if ends & families[name].hyperparameters.keys()}
    others = sorted(having - {family})
    first = next(iter(candidates))
    length = max(map(len, keys)) + 1
    while sum(path[-length:] == first[-length:] for path in candidates) > 1:
        length += 1
    hint = f"write more of its path, as in {dotted(first[-length:])}"
    return f"{hint}; or choose a family that has it: {', '.join(others)}" if others else hint


def _spellings(key: Path, family: str | None, families: Mapping[str, Trainer]) -> tuple[Path, ...]:
    """Return the key as typed and with the canonical name of a hyperparameter at its end."""
    if family is None:
        return (key,)
    canonical = families[family].aliases().get(key[-1], key[-1])
    return (key, (*key[:-1], canonical)) if canonical != key[-1] else (key,)


def _of_family(path: Path, family: str | None) -> bool:
    """Return whether a path is outside the model documents, or in the chosen family's."""
    return path[0] != MODELS or len(path) == 1 or path[1] == family


def _unknown(
    assignment: Assignment,
    paths: Iterable[Path],
    family: str | None,
    families: Mapping[str, Trainer],
) -> str:
    """Return what to say of a key that nothing has."""
    name = assignment.key[-1]
    if family is not None:
        forced = families[family].forced("strict")
        if name in forced:
            value = json.dumps(forced[name])
            return f"not a value of the configuration: strict mode forces it to {value}"
    active = [p for p in paths if not ASIDE & set(p) and _of_family(p, family)]
    for n in range(len(assignment.key) - 1, 0, -1):
        above = [p for p in active if p[-n:] == assignment.key[:n]]
        if len(above) == 1 and above[0][-1] == "formula":
            return f"a part of {dotted(above[0])}, which is set whole"
    names: dict[str, Path] = {}
    for path in active:
        known = names.get(path[-1])
        if known is None or _shared(path, assignment.key) > _shared(known, assignment.key):
            names[path[-1]] = path
    if family is not None:
        names |= {alias: (alias,) for alias in families[family].aliases()}
    close = nearest(name, names)
    if close is not None and family is not None:
        canonical = families[family].aliases().get(close, close)
        close = preferred(name, close, [canonical] if canonical in names else [])
    odd = oddity(".".join(assignment.key), close)
    if close is None:
        return f"unknown key{odd}"
    meant, within = names[close][-2:], assignment.key[:-1]
    if within and len(meant) == 1 and name in names:  # a name of the family's, in a wrong place
        return f"unknown key: {dotted(within)} has no {name}{odd}"
    return f"unknown key; did you mean {dotted(meant)}?{odd}"


def _new_key(key: Path, paths: Iterable[Path]) -> str | None:
    """Return a hint for who wants to add a key to a mapping that may have any."""
    above = [p for p in paths if key[:-1] and p[-len(key) + 1 :] == key[:-1] and _is_open(p)]
    if len(above) != 1:
        return None
    document, inner = split(above[0])
    return (
        f"--set changes values that are there and adds none: write {key[-1]} under"
        f" {dotted(inner)} in CONFIG/{document.replace('.', '/')}.yaml"
    )


def _is_open(path: Path) -> bool:
    """Return whether a full path is a mapping whose keys a user chooses."""
    document, inner = split(path)
    if document not in DOCUMENTS or not inner:
        return False
    node: Any = config_schema(DOCUMENTS[document])
    for key in inner:
        node = node.get("properties", {}).get(key, node.get("additionalProperties"))
        if not isinstance(node, Mapping):
            return False
    return isinstance(node.get("additionalProperties"), Mapping)


def _shared(path: Path, key: Path) -> int:
    """Return how many keys before the last one a path has in common with what was typed."""
    count = 0
    for a, b in zip(reversed(path[:-1]), reversed(key[:-1]), strict=False):
        if a != b:
            break
        count += 1
    return count


def said_twice(assignment: Assignment, leaf: Path) -> Problem:
    """Return the problem of an override whose mapping gives one value under two of its names."""
    message = f"{leaf[-1]} is given under two of its names"
    return _problem(assignment, message).problems[0]


def other_name(assignment: Assignment, earlier: Assignment, leaf: Path) -> Problem:
    """Return the problem of an override that gives a value under another of its names."""
    message = f"another name of {earlier.key[-1]}, which {earlier.place.file} sets already"
    return _problem(assignment, message).problems[0]


def _problem(assignment: Assignment, message: str, hint: str | None = None) -> ProblemsError:
    """Return the error for an override whose key is at fault."""
    place = Place(assignment.place.file, 1, 1, assignment.place.column - 1)
    odd = odd_character(assignment.text[: place.end - 1])
    if odd is not None and odd.words in message:
        place = replace(place, column=odd.at + 1, end=odd.at + 2)
    name = dotted(assignment.key)
    problem = Problem(place, name, message, COMMAND_LINE, hint, assignment.text)
    return ProblemsError([problem])


def _shift(place: Place, offset: int) -> Place:
    """Return ``place`` moved along its line, never before its start."""
    return replace(place, column=max(1, place.column + offset), end=max(2, place.end + offset))
