"""What the library finds wrong with a document, in our words; loaded only when something is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from repro.config.schema import words
from repro.config.schema.choice import ROOT_RULES, best_branch, mismatches
from repro.config.schema.gate import equal
from repro.config.spelling.lookalikes import odd_character
from repro.config.spelling.names import nearest, preferred, suggestion
from repro.config.text.document import Document, Path, dotted
from repro.errors import Place, Problem

Error: TypeAlias = Any
"""A ``jsonschema.ValidationError``; the library is imported only when something is checked."""


_NEVER: dict[str, object] = {"not": {}}
"""What ``false`` means, spelt so that the library says where."""
_DATA = ("const", "default", "enum", "examples")

_MADE: dict[int, tuple[Mapping[str, object], Any]] = {}
"""Validators by the identity of their schema, which is kept with them so that it stays its own."""
_MADE_MAX = 64


class _Finding(NamedTuple):
    """What one error comes to: at the path's value, or at its key."""

    path: Path
    message: str
    at_key: bool = False


def explained(
    document: Document,
    schema: Mapping[str, object],
    resources: Mapping[str, Mapping[str, object]],
) -> tuple[Problem, ...]:
    """Return all that ``schema`` finds wrong with ``document``, in order of place."""
    validator = _validator(schema, resources)
    found: dict[tuple[Place, str, str, str], Problem] = {}
    for error in validator.iter_errors(document.value):
        for problem in _explained(document, error):
            # What an alias repeats stands in one place, and is mended there.
            last = problem.path.rpartition(".")[2]
            found.setdefault((problem.place, last, problem.message, problem.rule), problem)
    return tuple(sorted(found.values(), key=lambda p: (p.place, p.path, p.message)))


def _validator(schema: Mapping[str, object], resources: Mapping[str, Mapping[str, object]]) -> Any:
    """Return the library's validator of ``schema``; that of the same object is made once."""
    made = _MADE.get(id(schema))
    if made is not None and made[0] is schema and not resources:
        return made[1]
    import jsonschema
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    named: list[tuple[str, Any]] = [
        (name, Resource.from_contents(_spelt(other), default_specification=DRAFT202012))
        for name, other in resources.items()
    ]
    registry: Any = Registry().with_resources(named)
    validator: Any = jsonschema.Draft202012Validator(_spelt(schema), registry=registry)
    if not resources:
        if len(_MADE) == _MADE_MAX:
            _MADE.clear()
        _MADE[id(schema)] = schema, validator
    return validator


def _spelt(schema: Any) -> Any:
    """Return ``schema`` with ``false`` for a key spelt out: of that the library gives no path."""
    if isinstance(schema, list):
        return [_spelt(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        rule: {key: _NEVER if part is False else _spelt(part) for key, part in below.items()}
        if rule in ("properties", "patternProperties") and isinstance(below, Mapping)
        else below
        if rule in _DATA
        else _spelt(below)
        for rule, below in schema.items()
    }


def _explained(document: Document, error: Error) -> Iterator[Problem]:
    """Yield the problems that ``error`` stands for; of alternatives, those of the best one."""
    chosen = best_branch(error) if error.validator in ("anyOf", "oneOf") else []
    if len(chosen) > 1 and all(inner.validator in ROOT_RULES for inner in chosen):
        path = tuple(chosen[0].absolute_path)
        message = _mismatch(document, path, chosen[0].instance, chosen)
        yield _problem(document, _Finding(path, message), chosen[0].validator)
        return
    for inner in chosen:
        yield from _explained(document, inner)
    if not chosen:
        for finding in _findings(document, error):
            yield _problem(
                document, finding, "false" if error.validator_value == {} else error.validator
            )


def _findings(document: Document, error: Error) -> Iterable[_Finding]:
    path = tuple(error.absolute_path)
    if error.validator in _MEMBERS:
        return _MEMBERS[error.validator](error, path)
    said = _said(document, error)
    if "propertyNames" in error.absolute_schema_path and _is_key(document, path, error.instance):
        return [_Finding((*path, error.instance), f"the key {said.message}", at_key=True)]
    return [said]


def _problem(document: Document, finding: _Finding, rule: str) -> Problem:
    place = document.place(finding.path)
    if finding.at_key:
        place = document.keys.get(finding.path, place)
        place = _narrowed(place, finding, document.source(place))
    source = document.source(place) or None
    return Problem(place, dotted(finding.path), finding.message, rule, None, source)


def _narrowed(place: Place, finding: _Finding, source: str) -> Place:
    """Return the place of the character that passes for another, if the message tells of one."""
    key = finding.path[-1] if finding.path else ""
    if not isinstance(key, str):
        return place
    odd = odd_character(key)
    if odd is None or odd.words not in finding.message:
        return place
    start = source.find(key, place.column - 1, place.end - 1)
    column = start + odd.at + 1
    return replace(place, column=column, end=column + 1) if start >= 0 else place


def _is_key(document: Document, path: Path, name: object) -> bool:
    """Return whether ``name`` is a key of the mapping at ``path``."""
    value: Any = document.value
    for step in path:
        value = value[step]
    return isinstance(value, dict) and isinstance(name, str) and name in value


def _said(document: Document, error: Error) -> _Finding:
    """Return what is to say about the value itself."""
    path = tuple(error.absolute_path)
    value, limit = error.instance, error.validator_value
    if error.validator in ROOT_RULES:
        return _Finding(path, _mismatch(document, path, value, [error]))
    if error.validator in ("anyOf", "oneOf"):
        wanted = mismatches(error)
        if not wanted:
            return _Finding(
                path, f"{words.shown(value)} fits none, or several, of the alternatives"
            )
        return _Finding(path, _mismatch(document, path, value, wanted))
    if error.validator == "uniqueItems":
        first, second = _twins(value)
        message = f"the same as item {first + 1}; each item may be given once"
        return _Finding((*path, second), message)
    if error.validator in (None, "not") and limit in (None, _NEVER["not"]):
        return _Finding(path, "is not allowed here", at_key=True)
    if error.validator == "pattern" and words.SPELLING in error.schema:
        return _Finding(path, words.misspelled(value, error.schema[words.SPELLING]))
    return _Finding(path, words.broken(error.validator, value, limit))


def _mismatch(document: Document, path: Path, value: Any, errors: Iterable[Error]) -> str:
    """Return what was found and what would do, from errors of type, enum and const."""
    types: list[str] = []
    among: list[Any] = []
    for error in errors:
        limit = error.validator_value
        if error.validator == "type":
            types += [limit] if isinstance(limit, str) else limit
        elif error.validator == "enum":
            among += limit
        elif error.validator == "const":
            among.append(limit)
    among = list({words.shown(item): item for item in among}.values())
    place = document.place(path)
    source = document.source(place)[place.column - 1 : place.end - 1]
    as_text = ["string"] if words.shown(value) in among and not isinstance(value, str) else []
    if respelt := words.requoted(value, [*types, *as_text], source):
        return respelt
    near = ""
    if isinstance(value, str):
        near = suggestion(value, [item for item in among if isinstance(item, str)])
    if value is None and not source:
        return f"the value is missing; expected {words.expected(types, among)}"
    if among and not types and not isinstance(value, dict | list):
        if len(among) == 1:
            return f"{words.shown(value)} is not {words.values(among)}{near}"
        return f"{words.shown(value)} is not one of {words.values(among)}{near}"
    if types == ["array"] and not isinstance(value, dict | list | None):
        near = f"; write [{source or words.shown(value)}]"
    return f"found {words.shown(value)}, expected {words.expected(types, among)}{near}"


def _twins(items: list[Any]) -> tuple[int, int]:
    """Return the first two items that JSON Schema calls equal."""
    for second in range(len(items)):
        for first in range(second):
            if equal(items[first], items[second]):
                return first, second
    raise AssertionError(items)


def _unknown(error: Error, path: Path) -> list[_Finding]:
    """Return a finding for each key that the mapping may not have."""
    closed = error.validator == "additionalProperties"
    known = sorted(_named(error.schema) if closed else _declared(error.schema))
    patterns = error.schema.get("patternProperties", {})
    extra = [
        key
        for key in error.instance
        if key not in error.schema.get("properties", {})
        and not any(re.search(pattern, key) for pattern in patterns)
        and (closed or repr(key) in error.message)
    ]
    keys = f"; the keys here are {words.listing(known)}" if known else "; no key is allowed here"
    return [
        _Finding((*path, key), f"unknown key{_meant(error.schema, key, known) or keys}", True)
        for key in extra
    ]


def _meant(schema: Any, key: str, known: list[str]) -> str:
    """Return what is suggested for an unknown key, of a hyperparameter its first name if close.

    The names of one hyperparameter have one schema, the canonical name first.
    """
    properties = schema.get("properties", {})
    found = nearest(key, known)
    if found is None or properties.get(found, {}).get("x-identity") != "hyperparameters":
        return suggestion(key, known)
    first = next(name for name in properties if properties[name] == properties[found])
    return suggestion(key, [preferred(key, found, [first])])


def _named(schema: Any) -> set[str]:
    return {key for key, below in schema.get("properties", {}).items() if below != _NEVER}


def _declared(schema: Any) -> set[str]:
    """Return the keys that ``schema`` itself names, in whatever branch of it."""
    if not isinstance(schema, dict):
        return set()
    found = _named(schema)
    for rule in ("allOf", "anyOf", "oneOf"):
        found |= {key for branch in schema.get(rule, ()) for key in _declared(branch)}
    return found.union(*(_declared(schema.get(rule)) for rule in ("if", "then", "else")))


def _missing(error: Error, path: Path) -> list[_Finding]:
    """Return one finding for all keys that the mapping lacks."""
    keys = [key for key in error.validator_value if key not in error.instance]
    word = "key" if len(keys) == 1 else "keys"
    return [_Finding(path, f"missing {word} {words.listing(keys)}", at_key=True)]


def _companions(error: Error, path: Path) -> list[_Finding]:
    """Return a finding for each key that must not stand without certain others."""
    return [
        _Finding((*path, key), f"needs {words.listing(absent)} beside it", at_key=True)
        for key, wanted in error.validator_value.items()
        if key in error.instance and (absent := [w for w in wanted if w not in error.instance])
    ]


_MEMBERS: dict[str, Callable[[Error, Path], list[_Finding]]] = {
    "additionalProperties": _unknown,
    "dependentRequired": _companions,
    "required": _missing,
    "unevaluatedProperties": _unknown,
}
