"""Documents against schemas: every problem, at the place a person would point at, in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.schema.problem_text import render as render_text
from repro.config.schema.validator import problems, render
from repro.config.spelling.names import nearest, slips, suggestion
from repro.config.text.document import Document, parse
from repro.errors import Place, Problem


def said(text: str, schema: dict[str, object], **more) -> list[str]:
    """Return the problems of ``text`` as ``line:column-end: path: message``."""
    return [
        f"{p.place.line}:{p.place.column}-{p.place.end}: {p.path}: {p.message}"
        for p in problems(parse(text, "f.yaml"), schema, **more)
    ]


def of(key_schema: object) -> dict[str, object]:
    """Return the schema of a mapping whose ``k`` is of ``key_schema``."""
    return {"type": "object", "properties": {"k": key_schema}}


NUMBER, INTEGER, TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
BOOLEAN, NULL = {"type": "boolean"}, {"type": "null"}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("5.0", INTEGER),
        ("1e3", INTEGER),
        ("5", NUMBER),
        ("no", TEXT),
        ("", NULL),
        ("yes", {"enum": ["yes", "no"]}),
        ("[1, 1.5, true]", {"uniqueItems": True}),
        ("auto", {"anyOf": [{"const": "auto"}, INTEGER]}),
        ("7", {"anyOf": [{"const": "auto"}, INTEGER]}),
        ("{a: 1}", {"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]}),
        ("x", {"default": 1}),
    ],
)
def test_what_fits_gives_no_problem(value, schema):
    assert said(f"k: {value}\n", of(schema)) == []


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("3.0", {"maximum": 1.0}, "4-7: k: 3.0 is above the maximum, 1.0"),
        ("-1", {"minimum": 0}, "4-6: k: -1 is below the minimum, 0"),
        ("1", {"exclusiveMaximum": 1}, "4-5: k: 1 is not below 1"),
        ("0.0", {"exclusiveMinimum": 0}, "4-7: k: 0.0 is not above 0"),
        ("7", {"multipleOf": 5}, "4-5: k: 7 is not a multiple of 5"),
        ("abc", {"maxLength": 2}, '4-7: k: "abc" is longer than 2 characters'),
        ("''", {"minLength": 1}, '4-6: k: "" is shorter than 1 character'),
        ("A b", {"pattern": "^[a-z]+$"}, '4-7: k: "A b" does not match ^[a-z]+$'),
        ("A b", {"pattern": "^[a-z]+$", "x-spelling": "small letters"},
         '4-7: k: "A b" is not small letters'),
        ("[1]", {"minItems": 2}, "4-7: k: found 1 item, expected at least 2"),
        ("[1, 2]", {"maxItems": 1}, "4-10: k: found 2 items, expected at most 1"),
        ("{}", {"minProperties": 1}, "4-6: k: found 0 keys, expected at least 1"),
        ("{a: 1}", {"maxProperties": 0}, "4-10: k: found 1 key, expected at most 0"),
        ("[1, 2, 1.0]", {"uniqueItems": True},
         "11-14: k.2: the same as item 1; each item may be given once"),
        ("[true, 1, 1.0]", {"uniqueItems": True},
         "14-17: k.2: the same as item 2; each item may be given once"),
        ("[{a: [1]}, {a: [1]}]", {"uniqueItems": True},
         "15-23: k.1: the same as item 1; each item may be given once"),
        ("[1]", {"contains": TEXT}, "4-7: k: no item is of the kind that the list must contain"),
        ("[1, 2]", {"prefixItems": [{}], "items": False},
         "4-10: k: the list has more items than are allowed"),
        ("7", {"not": INTEGER}, "4-5: k: 7 is not allowed here"),
        ("7", False, "1-2: k: is not allowed here"),
        ("seven", INTEGER, '4-9: k: found "seven", expected an integer'),
        ("3.5", INTEGER, "4-7: k: found 3.5, expected an integer"),
        ("true", NUMBER, "4-8: k: found true, expected a number"),
        ("1", BOOLEAN, "4-5: k: found 1, expected true or false"),
        ("[1]", NUMBER, "4-7: k: found a list, expected a number"),
        ("{a: 1}", TEXT, "4-10: k: found a mapping, expected text"),
        ("x", {"type": "object"}, '4-5: k: found "x", expected a mapping'),
        ("x", {"type": "array"}, '4-5: k: found "x", expected a list; write [x]'),
        ("x", {"type": ["integer", "number", "null"]},
         '4-5: k: found "x", expected a number or null'),
        ("null", INTEGER, "4-8: k: found null, expected an integer"),
        ("", INTEGER, "3-3: k: the value is missing; expected an integer"),
        ("'7'", INTEGER, '4-7: k: "7" is text; write 7 without quotes'),
        ('"1e-3"', NUMBER, '4-10: k: "1e-3" is text; write 1e-3 without quotes'),
        ('"1.5"', INTEGER, '4-9: k: found "1.5", expected an integer'),
        ("1_000", INTEGER, '4-9: k: "1_000" is text; write 1000'),
        ("'1_000'", INTEGER, '4-11: k: "1_000" is text; write 1000'),
        ("1,000.5", NUMBER, '4-11: k: "1,000.5" is text; write 1000.5'),
        ("!!str 7", INTEGER, '10-11: k: "7" is text; write 7'),
        ("yes", BOOLEAN, '4-7: k: "yes" is text; write true'),
        ("Off", BOOLEAN, '4-7: k: "Off" is text; write false'),
        ("'true'", BOOLEAN, '4-10: k: "true" is text; write true without quotes'),
        ("None", {"type": ["null", "integer"]}, '4-8: k: "None" is text; write null'),
        ("yes", INTEGER, '4-7: k: found "yes", expected an integer'),
        ("1.10", TEXT, '4-8: k: 1.10 is a number; write "1.10" in quotes'),
        ("true", TEXT, '4-8: k: true is a boolean; write "true" in quotes'),
        ("gbtd", {"enum": ["gbdt", "dart", "rf"]},
         '4-8: k: "gbtd" is not one of gbdt, dart, rf; did you mean gbdt?'),
        ("xxxx", {"enum": ["gbdt", "no", "a b", "1", 1, None]},
         '4-8: k: "xxxx" is not one of gbdt, no, "a b", "1", 1, null'),
        ("7", {"enum": ["7", "8"]}, '4-5: k: 7 is a number; write "7" in quotes'),
        ("4", {"enum": list(range(10, 30))},
         "4-5: k: 4 is not one of 10, 11, 12, 13, 14, 15, 16, … (13 more)"),
        ("x", {"const": "strict"}, '4-5: k: "x" is not strict'),
        ("strct", {"const": "strict"}, '4-9: k: "strct" is not strict; did you mean strict?'),
        ("[1]", {"enum": ["a", "b"]}, "4-7: k: found a list, expected a or b"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_at_its_place(value, schema, expected):
    assert said(f"k: {value}\n", of(schema)) == [f"1:{expected}"]


AUTO = {"anyOf": [{"const": "auto"}, INTEGER]}
FORMULA = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": "lag"}, "periods": {"type": "integer", "minimum": 1}},
            "required": ["kind", "periods"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"kind": {"const": "mean"}, "window": INTEGER},
            "required": ["kind", "window"],
            "additionalProperties": False,
        },
    ]
}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("auot", AUTO,
         ['4-8: k: found "auot", expected an integer or auto; did you mean auto?']),
        ("'7'", AUTO, ['4-7: k: "7" is text; write 7 without quotes']),
        ("1.5", AUTO, ["4-7: k: found 1.5, expected an integer or auto"]),
        ("x", {"anyOf": [AUTO, NULL]}, ['4-5: k: found "x", expected an integer, null or auto']),
        ("0", {"anyOf": [NULL, {"type": "integer", "minimum": 1}]},
         ["4-5: k: 0 is below the minimum, 1"]),
        ("[1, x]", {"anyOf": [{"const": "any"}, {"type": "array", "items": INTEGER}]},
         ['8-9: k.1: found "x", expected an integer']),
        ("{kind: lag, periods: 0}", FORMULA, ["25-26: k.periods: 0 is below the minimum, 1"]),
        ("{kind: mean, windw: 5}", FORMULA,
         ["1-2: k: missing key window", "17-22: k.windw: unknown key; did you mean window?"]),
        ("{kind: mean, periods: 3}", FORMULA,
         ["1-2: k: missing key window",
          "17-24: k.periods: unknown key; the keys here are kind, window"]),
        ("{kind: lagg, periods: 1}", FORMULA,
         ['11-15: k.kind: "lagg" is not one of lag, mean; did you mean lag?']),
        ("7", FORMULA, ["4-5: k: found 7, expected a mapping"]),
        ("6", {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]},
         ["4-5: k: 6 fits none, or several, of the alternatives"]),
    ],
)  # fmt: skip
def test_of_alternatives_the_one_that_was_meant_speaks(value, schema, expected):
    assert said(f"k: {value}\n", of(schema)) == [f"1:{line}" for line in expected]


def test_an_unknown_key_is_told_at_the_key_with_the_nearest_name_or_all_names():
    schema = {"properties": {n: {} for n in ("num_leaves", "max_depth", "learning_rate")}}
    text = "a: {num_leavs: 1, Max_Depth: 2, zzz: 3}\n"
    assert said(text, {"additionalProperties": {"additionalProperties": False, **schema}}) == [
        "1:5-14: a.num_leavs: unknown key; did you mean num_leaves?",
        "1:19-28: a.Max_Depth: unknown key; did you mean max_depth?",
        "1:33-36: a.zzz: unknown key; the keys here are learning_rate, max_depth, num_leaves",
    ]


def test_keys_that_a_pattern_allows_are_not_unknown():
    schema = {
        "properties": {"a": {}},
        "patternProperties": {"^x_": {}},
        "additionalProperties": False,
    }
    assert said("a: 1\nx_b: 2\ny: 3\n", schema) == [
        "3:1-2: y: unknown key; the keys here are a",
    ]
    assert said("y: 3\n", {"additionalProperties": False}) == [
        "1:1-2: y: unknown key; no key is allowed here"
    ]


def test_unevaluated_keys_are_told_like_unknown_ones():
    schema = {
        "allOf": [{"properties": {"seed": {}}}],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"properties": {"depth": {}}},
        "properties": {"kind": {}},
        "unevaluatedProperties": False,
    }
    assert said("kind: a\ndepth: 1\nsede: 2\n", schema) == [
        "3:1-5: sede: unknown key; did you mean seed?"
    ]


def test_missing_keys_are_told_once_at_the_key_of_their_mapping():
    schema = {
        "required": ["z"],
        "properties": {
            "a": {"required": ["p", "q", "r"]},
            "b": {"items": {"required": ["p"]}},
        },
    }
    assert said("# c\na:\n  q: 1\nb: [{}]\n", schema) == [
        "2:1-2: a: missing keys p, r",
        "2:1-3: : missing key z",
        "4:5-7: b.0: missing key p",
    ]


def test_a_key_that_needs_others_says_which():
    schema = {"dependentRequired": {"purge": ["embargo", "horizon"], "x": ["y"]}}
    assert said("purge: 1\nhorizon: 2\n", schema) == ["1:1-6: purge: needs embargo beside it"]


def test_a_wrong_key_is_told_at_the_key():
    schema = of({"propertyNames": {"pattern": "^[a-z]+$", "maxLength": 3}})
    assert said("k:\n  ab: 1\n  A1: 2\n  abcd: A1\n", schema) == [
        '3:3-5: k.A1: the key "A1" does not match ^[a-z]+$',
        '4:3-7: k.abcd: the key "abcd" is longer than 3 characters',
    ]


def test_then_speaks_for_if():
    schema = {
        "if": {"properties": {"k": {"const": 1}}},
        "then": {"required": ["m"]},
        "else": {"properties": {"m": False}},
    }
    assert said("k: 1\n", schema) == ["1:1-5: : missing key m"]
    assert said("k: 2\nm: 1\n", schema) == ["2:1-2: m: is not allowed here"]


def test_schemas_refer_to_others_by_id_and_nothing_is_fetched():
    part = {"$id": "repro:part", "$defs": {"rate": {"maximum": 1}}}
    schema = of({"$ref": "repro:part#/$defs/rate"})
    assert said("k: 2\n", schema, resources={"repro:part": part}) == [
        "1:4-5: k: 2 is above the maximum, 1"
    ]
    import referencing.exceptions

    with pytest.raises(referencing.exceptions.Unresolvable):
        said("k: 2\n", schema)


def test_all_problems_come_at_once_in_order_of_place_and_none_twice():
    schema = of(INTEGER) | {
        "allOf": [of(INTEGER), {"properties": {"m": TEXT}}],
        "additionalProperties": False,
    }
    assert said("n: 1\nm: 2\nk: x\n", schema) == [
        "1:1-2: n: unknown key; the keys here are k",
        "2:1-2: m: unknown key; the keys here are k",
        '2:4-5: m: 2 is a number; write "2" in quotes',
        '3:4-5: k: found "x", expected an integer',
    ]  # fmt: skip


def test_a_problem_knows_its_rule_and_its_line():
    [problem] = problems(parse("a: 1\nk: 3.0  # c\n", "f"), of({"maximum": 1}))
    assert problem == Problem(
        Place("f", 2, 4, 7), "k", "3.0 is above the maximum, 1", "maximum", None, "k: 3.0  # c"
    )
    [false] = problems(parse("k: 1\n", "f"), of(False))
    assert false.rule == "false"


def test_a_value_from_an_alias_is_wrong_where_it_is_used_and_what_is_in_it_where_it_is_written():
    text = "base: &b {r: 9}\nk: *b\nm: &n 9\nn: *n\np:\n  <<: *b\n"
    schema = {"properties": {"k": {"properties": {"r": {"maximum": 1}}}, "n": {"maximum": 1},
                             "p": {"additionalProperties": False}}}  # fmt: skip
    assert said(text, schema) == [
        "1:11-12: p.r: unknown key; no key is allowed here",
        "1:14-15: k.r: 9 is above the maximum, 1",
        "4:4-6: n: 9 is above the maximum, 1",
    ]


def test_a_document_put_together_from_several_files_has_places_but_no_lines():
    place = Place("CONFIG/base.yaml", 7, 3, 9)
    document = Document("CONFIG/x.yaml", {"k": "7", "m": {}}, {("k",): place}, {}, ())
    schema = of(INTEGER) | {"properties": {"k": INTEGER, "m": {"required": ["z"]}}}
    [about_m, about_k] = sorted(problems(document, schema), key=lambda p: p.message, reverse=True)
    assert (about_k.place, about_k.message, about_k.source) == (place, '"7" is text; write 7', None)
    assert about_m.place == Place("CONFIG/x.yaml", 1, 1, 1)


@pytest.mark.parametrize(("value", "loaded"), [("7", False), ("0", True)])
def test_the_library_is_imported_only_to_explain(value, loaded):
    code = (
        "import sys\n"
        "from repro.config.text.document import parse\n"
        "from repro.config.schema.validator import problems\n"
        f"found = problems(parse('a: {value}', 'f'), {{'properties': {{'a': {{'minimum': 1}}}}}})\n"
        "print(bool(found), bool({'jsonschema', 'referencing'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{loaded} {loaded}\n"


RENDERED = '''\
CONFIG/lightgbm.yaml:3:1: hyperparameters: missing key seed
    3 | hyperparameters:
      | ^^^^^^^^^^^^^^^
CONFIG/lightgbm.yaml:4:18: hyperparameters.learning_rate: 3.0 is above the maximum, 1.0
    4 |   learning_rate: 3.0   # too fast
      |                  ^^^
CONFIG/lightgbm.yaml:5:3: hyperparameters.num_leavs: unknown key; did you mean num_leaves?
    5 |   num_leavs: 31
      |   ^^^^^^^^^
CONFIG/lightgbm.yaml:6:9: hyperparameters.name: "日本語" is longer than 2 characters
    6 |   name: 日本語
      |         ^^^^^^
'''  # fmt: skip


def test_problems_render_as_place_line_and_caret():
    source = (
        "# model\n\nhyperparameters:\n  learning_rate: 3.0   # too fast\n"
        "  num_leavs: 31\n  name: 日本語\n"
    )
    schema = {
        "properties": {
            "hyperparameters": {
                "properties": {
                    "learning_rate": {"maximum": 1.0},
                    "num_leaves": {},
                    "seed": {},
                    "name": {"maxLength": 2},
                },
                "required": ["seed"],
                "additionalProperties": False,
            }
        }
    }
    found = problems(parse(source, "CONFIG/lightgbm.yaml"), schema)
    assert "".join(render(problem) + "\n" for problem in found) == RENDERED


def problem(source: str | None, column: int, end: int, **more) -> Problem:
    """Return a problem in line 12 of a file."""
    return Problem(Place("f", 12, column, end), **{"path": "a", "message": "m", "rule": "r"} | more,
                   source=source)  # fmt: skip


@pytest.mark.parametrize(
    ("given_problem", "expected"),
    [
        (problem(None, 1, 2), "f:12:1: a: m"),
        (problem("", 1, 1), "f:12:1: a: m"),
        (problem("a: x", 4, 5, path=""), "f:12:4: m\n   12 | a: x\n      |    ^"),
        (problem("a:", 3, 3), "f:12:3: a: m\n   12 | a:\n      |   ^"),
        (problem("a: x   ", 4, 5, hint="h"), "f:12:4: a: m\n   12 | a: x\n      |    ^\n  hint: h"),
        (problem("\ta:\tx", 5, 6), "f:12:5: a: m\n   12 |     a:    x\n      |           ^"),
        (problem("日: 本", 4, 5), "f:12:4: a: m\n   12 | 日: 本\n      |     ^^"),
        (problem("e\u0301: x", 5, 6), "f:12:5: a: m\n   12 | e\u0301: x\n      |    ^"),
        (problem("a: \x1b[31m", 4, 5), "f:12:4: a: m\n   12 | a: \\u001b[31m\n      |    ^^^^^^"),
        (problem(None, 1, 2, path="a\x1b[0m\u202e"), "f:12:1: a\\u001b[0m\\u202e: m"),
        (problem("ab", 9, 12), "f:12:9: a: m\n   12 | ab\n      |   ^"),
    ],
)
def test_the_caret_stands_under_the_fault(given_problem, expected):
    assert render(given_problem) == expected
    assert render is render_text


def test_a_long_line_is_cut_around_the_fault():
    source = "x" * 200 + "FAULT" + "y" * 200
    _, line, carets = render(problem(source, 201, 206)).split("\n")
    assert (line[8], line[-1]) == ("…", "…")
    assert len(line) <= 8 + 102
    start, end = carets.index("^"), len(carets)
    assert line[start:end] == "FAULT"


@given(
    source=st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=300),
    column=st.integers(1, 320),
    length=st.integers(0, 320),
)
def test_whatever_the_line_something_is_underlined_in_it(source, column, length):
    lines = render(problem(source, column, column + length)).split("\n")
    assert all("\x1b" not in line for line in lines)
    if len(lines) > 1:
        _, line, carets = lines
        assert carets.startswith("      | ")
        assert set(carets[8:]) <= {" ", "^"}
        assert "^" in carets
        assert len(line) <= 8 + 102 + 300  # combining characters take no column


NAMES = ["num_leaves", "max_depth", "learning_rate", "seed", "gbdt"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("num_leavs", "num_leaves"),
        ("num-leaves", "num_leaves"),
        ("numLeaves", "num_leaves"),
        ("NUM_LEAVES", "num_leaves"),
        ("gbtd", "gbdt"),
        ("sed", "seed"),
        ("leraning_rate", "learning_rate"),
        ("num_leaves", "num_leaves"),
        ("x", None),
        ("", None),
        ("depth", None),
        ("speed_up", None),
    ],
)
def test_the_nearest_name_is_one_slip_in_three_characters_away(name, meant):
    assert nearest(name, NAMES) == meant
    assert suggestion(name, NAMES) == (f"; did you mean {meant}?" if meant else "")


def test_of_equally_near_names_the_first_in_the_alphabet_is_meant():
    assert nearest("ax", ["az", "ay"]) == nearest("ax", ["ay", "az"]) == "ay"
    assert nearest("a", []) is None


@given(left=st.text(max_size=8), right=st.text(max_size=8))
def test_slips_are_counted_alike_from_both_sides(left, right):
    count = slips(left, right)
    assert count == slips(right, left)
    assert (count == 0) == (left == right)
    assert abs(len(left) - len(right)) <= count <= max(len(left), len(right))


def test_two_neighbours_swapped_are_one_slip():
    assert slips("gbtd", "gbdt") == 1
    assert slips("kitten", "sitting") == 3
