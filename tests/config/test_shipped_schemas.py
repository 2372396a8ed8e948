"""The configuration that `repro init` writes, and its schemas: all is classified and described."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from repro.config.documents import catalog
from repro.config.resolution.active import COMPONENTS
from repro.config.resolution.layers import leaves
from repro.config.schema.validator import problems
from repro.config.text.document import parse
from repro.facts.trainers import declarations
from repro.verbs.workspace.initialise import initialise

FAMILIES = declarations()
KINDS = sorted(
    {
        *catalog.DOCUMENTS.values(),
        catalog.EXPERIMENT,
        *(f"model:{family}" for family in FAMILIES),
    }
)
TEMPLATE = Path(str(files("repro.template.CONFIG")))
SHIPPED = {path.relative_to(TEMPLATE): path for path in sorted(TEMPLATE.rglob("*.yaml"))}
EDITOR_LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def schema(kind: str) -> Mapping[str, Any]:
    """Return the schema of a kind of document, with what the trainers declare."""
    return catalog.schema_of(kind, FAMILIES)


def schema_at(relative: Path) -> Mapping[str, Any]:
    """Return the schema of a shipped document."""
    slot = catalog.slot_of(relative, FAMILIES)
    assert slot is not None
    return schema(slot.kind)


def child(rule: Mapping[str, Any], key: str) -> Any:
    """Return what a schema says of a key: also one of its alternatives may know it."""
    branches = (rule, *rule.get("anyOf", ()))
    named = [
        branch["properties"][key] for branch in branches if key in branch.get("properties", {})
    ]
    return named[0] if named else rule["additionalProperties"]


def nearest(rule: Mapping[str, Any], path: tuple[str, ...], word: str) -> Any:
    """Return the value of an annotation nearest to a path: it holds for everything below it."""
    found = rule.get(word)
    for key in path:
        rule = child(rule, key)
        found = rule.get(word, found)
    return found


def leaf_properties(
    rule: Mapping[str, Any], path: tuple[str, ...] = (), component: str | None = None
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], str | None]]:
    """Yield path, schema and component of each property that holds no further properties."""
    component = rule.get("x-identity", component)
    below = [(key, value) for key, value in rule.get("properties", {}).items() if value is not True]
    for part in ("additionalProperties", "items"):
        if isinstance(rule.get(part), Mapping):
            below.append((f"<{part}>", rule[part]))
    for branch in (*rule.get("anyOf", ()), *rule.get("allOf", ())):
        yield from leaf_properties(branch.get("then", branch), path, component)
    for key, value in below:
        if not key.startswith("<") and not has_properties(value):
            yield (*path, key), value, value.get("x-identity", component)
        yield from leaf_properties(value, (*path, key), component)
    for name, definition in rule.get("$defs", {}).items():
        # A definition is used where something classifies it, and what is there holds inside.
        (used,) = {component for component in uses(rule, name) if component}
        yield from leaf_properties(definition, (*path, "$defs", name), used)


def has_properties(rule: Mapping[str, Any]) -> bool:
    """Return whether a schema has properties, itself or in a part of it."""
    parts = [*rule.get("anyOf", ()), rule.get("additionalProperties"), rule.get("items")]
    inner = (has_properties(part) for part in parts if isinstance(part, Mapping))
    return "properties" in rule or any(inner)


def uses(rule: Any, name: str) -> Iterator[str | None]:
    """Yield the component of each reference to a definition."""
    if isinstance(rule, list):
        for part in rule:
            yield from uses(part, name)
    elif isinstance(rule, Mapping):
        if rule.get("$ref") == f"#/$defs/{name}":
            yield rule.get("x-identity")
        for part in rule.values():
            yield from uses(part, name)


def annotated(rule: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every part of a schema that names a component."""
    if isinstance(rule, list):
        for part in rule:
            yield from annotated(part)
    elif isinstance(rule, Mapping):
        if "x-identity" in rule:
            yield rule
        for part in rule.values():
            yield from annotated(part)


# --- the schemas ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind):
    Draft202012Validator.check_schema(schema(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_leaf_property_is_described(kind):
    found = list(leaf_properties(schema(kind)))
    assert found
    assert [path for path, rule, _ in found if not rule.get("description", "").endswith(".")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_leaf_property_is_classified(kind):
    found = list(leaf_properties(schema(kind)))
    assert [path for path, _, c in found if c not in (*COMPONENTS, "none")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_part_of_an_identity_says_why_and_nothing_else_does(kind):
    for rule in annotated(schema(kind)):
        assert (rule["x-identity"] == "none") == bool(rule.get("x-identity-reason")), rule


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_is_closed(kind):
    def look(rule: Any) -> None:
        if isinstance(rule, Mapping):
            if rule.get("type") == "object" and "allOf" not in rule:
                assert "additionalProperties" in rule, rule
            for part in rule.values():
                look(part)

    look(schema(kind))


# --- the documents -------------------------------------------------------------------------------


def unbounded(rule: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every described number without a bound, every whole one without two, every free text.

    A whole number is as long as somebody types it, a real one ends where a double does.
    """
    if isinstance(rule, list):
        for part in rule:
            yield from unbounded(part, path)
    if not isinstance(rule, Mapping):
        return
    types = rule.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    least, greatest = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    forms = {"pattern", "minLength", "enum", "const"}
    given = [bool(words & set(rule)) for words in (least, greatest)]
    if types & {"integer", "number"} and not {"enum", "const"} & set(rule):
        enough = all(given) if "integer" in types else any(given)
        if not enough:
            yield path
    if "description" in rule and "string" in types and not forms & set(rule):
        yield path
    for word, below in rule.items():
        inside = below.items() if word in ("properties", "$defs") else [("", below)]
        for key, part in inside:
            yield from unbounded(part, (*path, key) if key else path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_and_text_is_bounded(kind):
    assert list(unbounded(schema(kind))) == []


def test_a_document_of_every_kind_is_shipped():
    slots = [catalog.slot_of(relative, FAMILIES) for relative in SHIPPED]
    assert sorted({slot.kind for slot in slots if slot}) == KINDS
    assert not any(slot is None or slot.overlay for slot in slots)


@pytest.mark.parametrize("relative", SHIPPED, ids=str)
def test_a_shipped_document_is_valid(relative):
    document = parse(SHIPPED[relative].read_text("utf-8"), str(relative))
    assert problems(document, schema_at(relative)) == ()


@pytest.mark.parametrize("relative", SHIPPED, ids=str)
def test_every_leaf_of_a_shipped_document_is_classified_and_described(relative):
    rule = schema_at(relative)
    value = parse(SHIPPED[relative].read_text("utf-8"), str(relative)).value
    found = list(leaves(value, (), lambda path: catalog.is_atomic(rule, path)))
    assert found
    for path, _ in found:
        if path[0] == "overrides":
            continue  # values of other documents, which may name what these do not have yet
        if path[-1] == "default" and relative.stem == "optimizer_config":
            continue  # the empty profile: nothing to classify
        component = nearest(rule, path, "x-identity")
        assert component in (*COMPONENTS, "none"), path
        assert component == catalog.component_of(rule, path), path
        assert component != "none" or nearest(rule, path, "x-identity-reason"), path
        assert nearest(rule, path, "description") != rule["description"], path


def test_the_line_for_editors_names_a_schema_that_init_writes(tmp_path):
    added = initialise(tmp_path / "workspace").added
    for relative, path in SHIPPED.items():
        line = EDITOR_LINE.match(path.read_text("utf-8"))
        assert line, relative
        named = posixpath.normpath(f"CONFIG/{relative.parent.as_posix()}/{line[1]}")
        assert named in added
        written = json.loads((tmp_path / "workspace" / named).read_text("utf-8"))
        whole = relative.parts[0] == catalog.EXPERIMENTS
        rule = schema_at(relative)  # what a document leaves out may be read beneath it
        assert written == (rule if whole else catalog.fragment_of(rule))


def patterned(rule: Any) -> Iterator[Mapping[str, Any]]:
    """Yield each schema within one that holds a pattern."""
    if isinstance(rule, Mapping):
        if isinstance(rule.get("pattern"), str):
            yield rule
        for value in rule.values():
            yield from patterned(value)
    elif isinstance(rule, list):
        for value in rule:
            yield from patterned(value)


def test_every_pattern_is_said_in_words_with_an_example_that_fits() -> None:
    found = [rule for kind in KINDS for rule in patterned(schema(kind))]
    assert len(found) > 5
    for rule in found:
        _, _, example = rule["x-spelling"].partition("such as ")
        assert not example or re.search(rule["pattern"], example), rule
