"""The quick yes of validation: never where the reference says no, and nearly always where it can.

The reference is ``jsonschema`` itself, asked about the same value and the same schema.
"""

from __future__ import annotations

import copy
import json
import random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.config.documents.catalog import DOCUMENTS, fragment_of, schema_of
from repro.config.schema import gate as schema_gate
from repro.config.schema import validator as schema
from repro.config.schema.gate import LEFT, RULES, surely_fits
from repro.config.text.document import parse

DRAFT = jsonschema.Draft202012Validator


def valid(value, about) -> bool:
    """Return the word of the reference."""
    return bool(DRAFT(about).is_valid(value))


def test_every_keyword_is_read_here_or_left_to_the_library():
    known = set(RULES) | LEFT
    assert set(DRAFT.VALIDATORS) <= known
    assert known - set(DRAFT.VALIDATORS) == {"$id"}
    assert not set(RULES) & LEFT


VALUES = [
    None, True, False, 0, 1, -1, 2, 1.0, 0.0, -0.0, 0.1, 0.3, 1.5, 3, 10**30, -(10**30), 2**53 + 1,
    float(2**53), 1e308, 1e-320, "", "a", "A", "aa", "é", "e\u0301", "\U0001d4b3",
    "\U0001f469\u200d\U0001f467", "1", "true", "null",
    "a\n", "\n", "٣", "2024-01-01", "2024-01-01\n", "\uff12\uff10", [], [1],
    [1, 1.0], [1, True], [0, False],
    [True, True], ["a", "a"], ["a", "b"], [[1], [1.0]], [[1], [True]], [{"a": 1}, {"a": 1.0}],
    [{"a": 1}, {"a": True}], [1, "a", None], [1, 2, 3], [10**30, 1e30], {}, {"": 1}, {"a": 1},
    {"a": 1.0}, {"a": True}, {"a": "x", "b": 2}, {"b": None}, {"a": {"a": {"a": 1}}}, {"é": 1},
    {"a": [1]}, {"kind": "lag", "n": 1}, {"kind": "lag"}, {"kind": "mean", "n": 0},
]  # fmt: skip

SCHEMAS = [
    True, False, {},
    *({"type": kind} for kind in
      ("array", "boolean", "integer", "null", "number", "object", "string")),
    {"type": ["integer", "null"]}, {"type": ["string", "object"]}, {"type": []},
    *({word: limit} for word in
      ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
      for limit in (0, 1, 1.0, 0.3, -1, 10**30, 1e30, 2**53, 1e-320)),
    *({word: limit} for limit in (0, 1, 2, 1.0) for word in
      ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")),
    *({"pattern": text} for text in
      ("", "a", "^a$", r"^\d+$", r"^\d{4}-\d\d-\d\d$", r"^\w$", r"\bA", "^.$", r"^a\Z", "(?i)^A$",
       "^[A-Za-z][A-Za-z0-9_]*$", "(a)\\1", "(?<=a)a", "é")),
    *({"const": v} for v in (0, 1, 1.0, True, False, None, "a", [], [1], [True], {"a": 1}, {})),
    {"enum": []}, {"enum": [1, "a", None]}, {"enum": [True, [0], {"a": 1.0}]},
    {"uniqueItems": True}, {"uniqueItems": False},
    {"required": ["a"]}, {"required": ["a", "b"]}, {"required": [""]}, {"required": []},
    {"properties": {"a": {"type": "integer"}}}, {"properties": {"a": False}},
    {"properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"additionalProperties": False}, {"additionalProperties": True},
    {"additionalProperties": {"type": "integer"}},
    {"properties": {"a": {}}, "additionalProperties": {"minimum": 2}},
    {"propertyNames": {"pattern": "^[a-z]+$"}}, {"propertyNames": False},
    {"propertyNames": {"minLength": 1}}, {"dependentRequired": {"a": ["b"]}},
    {"items": {"type": "integer"}}, {"items": False}, {"items": {"const": 1}},
    {"allOf": [{"type": "number"}, {"minimum": 1}]}, {"allOf": [{}, False]},
    {"anyOf": [{"type": "null"}, {"type": "object"}]}, {"anyOf": [False, {"minLength": 1}]},
    {"oneOf": [{"type": "number"}, {"minimum": 1}]}, {"oneOf": [{}, {}]}, {"oneOf": [{}]},
    {"not": {"type": "string"}}, {"not": {}}, {"not": {"not": {"minimum": 1}}},
    {"if": {"type": "integer"}, "then": {"minimum": 1}, "else": {"type": "string"}},
    {"if": {"required": ["kind"], "properties": {"kind": {"const": "lag"}}},
     "then": {"required": ["n"]}},
    {"then": False}, {"else": False}, {"if": False, "else": False},
    {"format": "date"}, {"x-identity": "none", "title": 1, "minContains": 3},
    {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}},
    {"$defs": {"t": {"properties": {"a": {"$ref": "#/$defs/t"}}, "type": ["object", "integer"]}},
     "$ref": "#/$defs/t"},
    {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 1},
    {"$id": "https://example.org/s", "$defs": {"n": {"$id": "n", "$ref": "#/$defs/n",
     "$defs": {"n": False}}}, "$ref": "#/$defs/n"},
    {"not": {"uniqueItems": True}}, {"not": {"contains": {"const": 1}}},
    {"contains": {"const": 1}}, {"multipleOf": 0.1}, {"multipleOf": 3},
    {"patternProperties": {"^a": False}}, {"prefixItems": [{"type": "string"}]},
    {"properties": {"a": {}}, "unevaluatedProperties": False},
    {"dependentSchemas": {"a": False}}, {"unevaluatedItems": False},
]  # fmt: skip


@pytest.mark.parametrize("about", SCHEMAS, ids=json.dumps)
def test_a_yes_is_never_where_the_reference_says_no(about):
    whole = about if isinstance(about, dict) else {"allOf": [about]}
    left = set(whole) & LEFT - {"$id"} or {"uniqueItems", "contains"} & set(whole.get("not", ()))
    for value in VALUES:
        said = surely_fits(value, whole)
        if said or not left:
            mixed = isinstance(value, list) and "uniqueItems" in json.dumps(whole)
            assert said == valid(value, whole) or (mixed and not said), value


@pytest.mark.parametrize(
    "about",
    [{"type": "text"}, {"minimum": "1"}, {"pattern": "("}, {"required": 3}, {"properties": [1]},
     {"$ref": "#/$defs/none"}, {"$ref": "other.json"}, {"enum": 3}, {"items": 3}, {"allOf": {}},
     {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, {"maxItems": None}],
    ids=json.dumps,
)  # fmt: skip
def test_a_schema_that_is_itself_broken_gets_no_quick_yes_where_it_matters(about):
    for value in (5, "a", [1], {"a": 1}):
        if surely_fits(value, about):
            assert valid(value, about)


def shipped(families) -> list[tuple[str, dict]]:
    """Return every kind of document with its schema, whole and as for an overlay."""
    kinds = [*sorted(set(DOCUMENTS.values())), *(f"model:{family}" for family in sorted(families))]
    whole = [(kind, schema_of(kind, families)) for kind in kinds]
    return [*whole, *((kind, fragment_of(about)) for kind, about in whole)]


def test_no_shipped_schema_needs_the_library_to_say_yes(families, shipped_values):
    for kind, about in shipped(families):
        assert surely_fits(shipped_values[kind], about), kind


@pytest.fixture(scope="session")
def shipped_values(request, families) -> dict[str, object]:
    """Return the value of each shipped document, by its kind."""
    tree = request.getfixturevalue("shipped")
    return {
        DOCUMENTS.get(name) or "model:" + name.rpartition(".")[2]: document.value
        for name, document in tree.documents.items()
    }


def paths(value, at=()):
    """Yield the path of everything inside ``value``."""
    yield at
    items = value.items() if isinstance(value, dict) else []
    if isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield from paths(item, (*at, key))


ODD = [*VALUES, "close", "lightgbm", "strict", 5, 0.5, "2020-01-01"]


def mutated(value, dice: random.Random):
    """Return ``value`` with one or two things in it changed, added or taken away."""
    value = copy.deepcopy(value)
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.choice(list(paths(value)))
        if not at:
            continue
        above = value
        for key in at[:-1]:
            above = above[key]
        match dice.randrange(4):
            case 0:
                del above[at[-1]]
            case 1 if isinstance(above, dict):
                above[dice.choice(["extra", "", "é", "num_leavs"])] = dice.choice(ODD)
            case 2 if isinstance(above, list):
                above.append(copy.deepcopy(above[at[-1]]))
            case _:
                above[at[-1]] = copy.deepcopy(dice.choice(ODD))
    return value


def test_of_mutated_documents_gate_and_reference_say_the_same(families, shipped_values):
    dice = random.Random(4)  # noqa: S311
    said = {True: 0, False: 0}
    for kind, about in shipped(families):
        reference = DRAFT(about)
        for _ in range(60):
            value = mutated(shipped_values[kind], dice)
            verdict = reference.is_valid(value)
            assert surely_fits(value, about) == verdict, (kind, value)
            said[verdict] += 1
    assert min(said.values()) > 120, said  # both sides were put to the test


LEAVES = st.sampled_from(VALUES)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "kind", "n", "", "é"]), inner, max_size=3)
    ),
    max_leaves=8,
)
SMALL = [about for about in SCHEMAS if isinstance(about, bool) or "$ref" not in json.dumps(about)]
NESTED = st.recursive(
    st.sampled_from(SMALL),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "kind"]), inner, max_size=2).map(
            lambda below: {"properties": below}
        ),
        st.lists(inner, min_size=1, max_size=3).flatmap(
            lambda parts: st.sampled_from(["allOf", "anyOf", "oneOf"]).map(lambda w: {w: parts})
        ),
        inner.flatmap(
            lambda about: st.sampled_from(
                ["not", "items", "additionalProperties", "propertyNames"]
            ).map(lambda word: {word: about})
        ),
        st.tuples(inner, inner, inner).map(
            lambda three: dict(zip(("if", "then", "else"), three, strict=True))
        ),
        st.tuples(inner, inner).map(
            lambda two: (
                {**(two[0] or {}), **(two[1] or {})}
                if all(isinstance(part, dict) for part in two)
                else {"allOf": list(two)}
            )
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=500, deadline=None)
@given(NESTED, TREES)
def test_whatever_the_schema_a_yes_is_one_of_the_reference(about, value):
    whole = about if isinstance(about, dict) else {"allOf": [about]}
    if surely_fits(value, whole):
        assert valid(value, whole)


def test_a_schema_is_compiled_once_for_all_the_documents_it_explains(monkeypatch):
    from repro.config.schema import explained as schema_explained

    made = []
    spelt = schema_explained._spelt
    monkeypatch.setattr(
        schema_explained, "_spelt", lambda about: (made.append(about), spelt(about))[1]
    )
    about = {"properties": {"a": {"minimum": 1}}}
    for number in range(3):
        assert len(schema.problems(parse(f"a: {-number}", "f"), about)) == 1
    assert made.count(about) == 1
    other = copy.deepcopy(about)
    assert len(schema.problems(parse("a: 0", "f"), other)) == 1
    assert made.count(about) == 2


def test_many_schemas_do_not_pile_up():
    from repro.config.schema import explained as schema_explained

    for number in range(200):
        schema.problems(parse("a: 0", "f"), {"properties": {"a": {"minimum": number + 1}}})
    assert len(schema_explained._MADE) <= schema_explained._MADE_MAX


def test_a_no_of_the_gate_is_no_verdict(monkeypatch):
    monkeypatch.setattr(schema_gate, "_fits", lambda *_: False)
    assert schema.problems(parse("a: 1", "f"), {"type": "object"}) == ()
