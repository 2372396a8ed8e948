"""YAML as people mean it: values, places, and every refusal with line and column."""

from __future__ import annotations

import json
import math
import pathlib
import pickle
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.text import events as yaml_events
from repro.config.text import nodes as yaml_nodes
from repro.config.text.document import _UNSEEN, Document, dotted, parse, read
from repro.errors import InputError, Place, ProblemsError

CASES = pathlib.Path(__file__).parent / "yaml_cases"
LIBYAML = yaml_events.CParser


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def parser(request, monkeypatch):
    """Run every test with both parsers; none may differ."""
    if request.param == "pure":
        monkeypatch.setattr(yaml_events, "CParser", None)
    elif LIBYAML is None:
        pytest.skip("PyYAML was built without libyaml")
    return request.param


def complaints(text: str | bytes) -> list[str]:
    """Return the problems of ``text`` as ``line:column-end: path: message``."""
    with pytest.raises(ProblemsError) as caught:
        parse(text, "f.yaml")
    return [
        f"{p.place.line}:{p.place.column}-{p.place.end}: {p.path}: {p.message}"
        for p in caught.value.problems
    ]


def same(left: object, right: object) -> bool:
    """Return whether the two are equal in value and type, all the way down."""
    return repr(left) == repr(right)


SCALARS = [
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("n", "n"),
    ("Yes", "Yes"),
    ("tRUE", "tRUE"),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("false", False),
    ("False", False),
    ("FALSE", False),
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("nULL", "nULL"),
    ("None", "None"),
    ("0", 0),
    ("-0", 0),
    ("+1", 1),
    ("-7", -7),
    ("012", 12),
    ("-012", -12),
    ("08", 8),
    ("0o14", 12),
    ("0o18", "0o18"),
    ("-0o14", "-0o14"),
    ("0x1F", 31),
    ("0x1f", 31),
    ("0xG", "0xG"),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1,000", "1,000"),
    ("1:30", "1:30"),
    ("190:20:30", "190:20:30"),
    ("2024-01-31", "2024-01-31"),
    ("2024-01-31 10:00:00", "2024-01-31 10:00:00"),
    ("1e-3", 0.001),
    ("1E5", 100000.0),
    ("1e5", 100000.0),
    ("1.", 1.0),
    (".5", 0.5),
    ("-.5", -0.5),
    ("1.5e+3", 1500.0),
    ("-0.0", -0.0),
    ("0e5", 0.0),
    ("5.0", 5.0),
    (".", "."),
    ("+", "+"),
    ("e5", "e5"),
    ("1e", "1e"),
    ("1.2.3", "1.2.3"),
    ("NaN", "NaN"),
    ("nan", "nan"),
    ("inf", "inf"),
    ("Infinity", "Infinity"),
    (".iNf", ".iNf"),
    ("=", "="),
    ("1e-320", 1e-320),
    ("9007199254740993", 9007199254740993),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    ("\u0661", "\u0661"),
    ("a b", "a b"),
    ("a:b", "a:b"),
    ("a#b", "a#b"),
    ("a\tb", "a\tb"),
    ("!!str 5", "5"),
    ("!!str", ""),
    ("!!str null", "null"),
    ('!!int "5"', 5),
    ("!!int 0x10", 16),
    ("!!float 1", 1.0),
    ("!!float 1.5", 1.5),
    ("!!bool true", True),
    ("!!null", None),
    ("!!null ~", None),
    ("!!seq [1]", [1]),
    ("!!map {a: 1}", {"a": 1}),
    ("!<tag:yaml.org,2002:int> 3", 3),
    ("'no'", "no"),
    ('"1"', "1"),
    ("'it''s'", "it's"),
    ('"a\\tb\\u00e9\\U0001F600\\x41\\/"', "a\tbé\U0001f600A/"),
    ('""', ""),
    ("[]", []),
    ("{}", {}),
    ("[1, 2,]", [1, 2]),
    ("[a, 1, 1.0, no, ~]", ["a", 1, 1.0, "no", None]),
    ('{"a":1,"b":[]}', {"a": 1, "b": []}),
    ("{a, b: 1}", {"a": None, "b": 1}),
    ("[a: 1]", [{"a": 1}]),
    ("-1", -1),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_value_is_what_people_mean(text, value):
    assert same(parse(f"key: {text}\n", "f").value, {"key": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: |\n  x\n   y\n", {"a": "x\n y\n"}),
        ("a: |-\n  no\n", {"a": "no"}),
        ("a: |+ # kept\n  x\n\n", {"a": "x\n\n"}),
        ("a: >\n  x\n  y\n\n  z\n", {"a": "x y\nz\n"}),
        ("a: |2\n    x\n", {"a": "  x\n"}),
        ("a: x\n  y\n", {"a": "x y"}),
        ("a: 1\n  2\n", {"a": "1 2"}),
        ('a: "x\n  y"\n', {"a": "x y"}),
        ("a:\n- 1\n- 2\n", {"a": [1, 2]}),
        ("a:\n  - - 1\n    - 2\n  - b: 1\n    c: 2\n", {"a": [[1, 2], {"b": 1, "c": 2}]}),
        ("? a\n: 1\n", {"a": 1}),
        ("--- # comment\na: 1\n...\n", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
        ("a: 1\rb: 2\r", {"a": 1, "b": 2}),
        ("a: 1 # x\n#\tb\n\n", {"a": 1}),
        ("a:\t1\t# tabs before a value hurt nobody\n", {"a": 1}),
        ("{a:\t1,\n\tb: 2}\n", {"a": 1, "b": 2}),
        ("no: 1\non: 2\n", {"no": 1, "on": 2}),
        ("'1': 1\n\"true\": 2\n", {"1": 1, "true": 2}),
        ("!!str 1: a\n", {"1": "a"}),
        ("'': 1\n", {"": 1}),
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 1}),
        ("a: &x [1, {b: 2}]\nc: [*x, *x]\n", {"a": [1, {"b": 2}], "c": [[1, {"b": 2}]] * 2}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("a: &k key\n*k : 1\n", {"a": "key", "key": 1}),
        ("a: &x {p: 1, q: 2}\nb:\n  q: 3\n  <<: *x\n",
         {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}),
        ("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y], r: 3}\n",
         {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"r": 3, "p": 1, "q": 2}}),
        ("<<: {a: 1}\nb: 2\n", {"b": 2, "a": 1}),
        ("a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n",
         {"a": {"p": 1}, "b": {"q": 2, "p": 1}, "c": {"q": 2, "p": 1}}),
        ("'<<': 1\n", {"<<": 1}),
        ("a: <<\n", {"a": "<<"}),
        ("a: b\n \t\n", {"a": "b"}),
    ],
)  # fmt: skip
def test_a_document_is_what_people_mean(text, value):
    assert same(parse(text, "f").value, value)


MISFIT = "this fits nothing above it; check the indentation and the quotes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1-1: : the document is empty"]),
        ("# only this\n\n", ["1:1-2: : the document is empty"]),
        ("---\n", ["1:1-2: : the document is empty"]),
        ("---", ["1:1-2: : the document is empty"]),
        ("~\n", ["1:1-2: : the top level must be a mapping, not null"]),
        ("- 1\n", ["1:1-4: : the top level must be a mapping, not a list"]),
        ("text", ["1:1-5: : the top level must be a mapping, not text"]),
        ("7", ["1:1-2: : the top level must be a mapping, not a number"]),
        ("true", ["1:1-5: : the top level must be a mapping, not a boolean"]),
        ("a: 1\nb: 2\n'a': 3\n", ["3:1-4: a: duplicate key, given on line 1 and again on line 3"]),
        ("x:\n  a: 1\n  a: 1\n",
         ["3:3-4: x.a: duplicate key, given on line 2 and again on line 3"]),
        ("{a: 1, a: 2, a: 3}", ["1:8-9: a: duplicate key, given on line 1 and again on line 1",
                                "1:14-15: a: duplicate key, given on line 1 and again on line 1"]),
        ("a: &x {}\nb:\n  <<: *x\n  <<: *x\n",
         ["4:3-5: b.<<: duplicate key, given on line 3 and again on line 4"]),
        ("1: a\n", ["1:1-2: : a key must be text, and this is a number"]),
        ('1: a\n"1": b\n', ["1:1-2: : a key must be text, and this is a number",
                            "2:1-4: 1: duplicate key, given on line 1 and again on line 2"]),
        ("a:\n  true: 1\n", ["2:3-7: a: a key must be text, and this is a boolean"]),
        ("~: 1\n", ["1:1-2: : a key must be text, and this is null"]),
        (": 1\n", [f"1:1-2: : {MISFIT}"]),
        ("1.5: 1\n", ["1:1-4: : a key must be text, and this is a number"]),
        ("? [a]\n: 1\n", ["1:3-4: : a key must be text, and this is a list"]),
        ("{{a: 1}: 2}\n", ["1:2-3: : a key must be text, and this is a mapping"]),
        ("a: &x 1\n*x : 2\n", ["2:1-3: : a key must be text, and *x is not"]),
        ("a: .inf\nb: -.INF\nc: .nan\n",
         ["1:4-8: a: .inf is not a finite number; NaN and infinity are refused",
          "2:4-9: b: -.INF is not a finite number; NaN and infinity are refused",
          "3:4-8: c: .nan is not a finite number; NaN and infinity are refused"]),
        ("a: 1e400\n", ["1:4-9: a: 1e400 is too large for a number"]),
        ("a: 1e-400\n", ["1:4-10: a: 1e-400 is too small for a number: it would become 0"]),
        ("a: " + "9" * 4301, ["1:4-4305: a: a number of 4301 digits is too long to be meant"]),
        ("a: !!int x\n", ['1:10-11: a: "x" does not fit its tag, !!int']),
        ("a: !!int 1.5\n", ['1:10-13: a: "1.5" does not fit its tag, !!int']),
        ("a: !!int true\n", ['1:10-14: a: "true" does not fit its tag, !!int']),
        ("a: !!float x\n", ['1:12-13: a: "x" does not fit its tag, !!float']),
        ("a: !!bool yes\n", ['1:11-14: a: "yes" does not fit its tag, !!bool']),
        ("a: !!null x\n", ['1:11-12: a: "x" does not fit its tag, !!null']),
        ("a: !!float .nan\n",
         ["1:12-16: a: .nan is not a finite number; NaN and infinity are refused"]),
        ("a: !!map [1]\n", ["1:4-5: a: the tag !!map does not fit this value"]),
        ("a: !!int [1]\n", ["1:4-5: a: the tag !!int does not fit this value"]),
        ("a: !!seq x\n", ["1:4-5: a: the tag !!seq does not fit this value"]),
        ("a: !!binary aGk=\n", ["1:4-5: a: the tag !!binary is not known here"]),
        ("a: !!timestamp 2024-01-01\n", ["1:4-5: a: the tag !!timestamp is not known here"]),
        ("a: !env HOME\n", ["1:4-5: a: the tag !env is not known here"]),
        ("a: !!python/object:os.system x\n",
         ["1:4-5: a: the tag !!python/object:os.system is not known here"]),
        ("a: ! 5\n", ["1:4-5: a: the tag ! is not known here"]),
        ("a: ! [5]\nb: ! {}\nc: !\n",
         [f"{n}:4-5: {key}: the tag ! is not known here" for n, key in enumerate("abc", 1)]),
        ("a: !!int\t5\n", ["1:4-5: : the tag is not understood"]),
        ("a: 1\n---\nb: 1\n", ["2:1-2: : a second document begins here; a file holds one"]),
        ("%YAML 1.1\n---\na: 1\n",
         ["1:1-2: : files are read as YAML 1.2; this one says it is another"]),
        ("a: *x\n", ["1:4-6: a: no anchor &x above"]),
        ("base: &base 1\na: *bsae\n",
         ["2:4-9: a: no anchor &bsae above; did you mean base?"]),
        ("a: &x [*x]\n", ["1:8-10: a.0: *x stands for a value that it is part of"]),
        ("a: &x {b: {<<: *x}}\n",
         ["1:16-18: a.b.<<: *x stands for a value that it is part of"]),
        ("a: &x 1\nb: {<<: *x}\n",
         ["2:9-11: b: << takes a mapping or a list of mappings; quote it if it is a name"]),
        ("a: {<<: [{b: 1}, 2]}\n",
         ["1:18-19: a: << takes a mapping or a list of mappings; quote it if it is a name"]),
        ("a:\n\tb: 1\n", ["2:1-2: : a tab cannot indent; use spaces"]),
        ("a: 1\n\tb: 2\n", ["2:1-2: : a tab cannot indent; use spaces"]),
        ("a:\n  b: 1\n\tc: 1\n", ["3:1-2: : a tab cannot indent; use spaces"]),
        ("a: b\n  \tc\n", ["2:3-4: : a tab cannot indent; use spaces"]),
        ("a: |\n\n  \tx\n", ["3:3-4: : a tab cannot indent; use spaces"]),
        ("a: [", ["1:5-5: : a value was expected here"]),
        ("a: 'x\n", ["1:4-5: : the quote is never closed"]),
        ('a: "x\nb: 1\n', ["1:4-5: : the quote is never closed"]),
        ('a: "x\n---\n', ["1:4-5: : the quote is never closed"]),
        ('a: "C:\\dir"\n', ["1:7-8: : unknown escape"]),
        ('a: "\\ud83d\\ude00"\n', ["1:4-5: : an escape here is not a character"]),
        ('a: "\\U00110000"\n', ["1:4-5: : an escape here is not a character"]),
        ('a: "\\xZZ"\n', ["1:7-8: : the escape needs more hexadecimal digits"]),
        ("a: [1, 2\nb: 3\n", ["1:4-5: : the '[' is never closed, or a ',' is missing"]),
        ("a: {b: 1\n", ["1:4-5: : the '{' is never closed, or a ',' is missing"]),
        ("a: {b: 1, c: [1}\n", ["1:14-15: : the '[' is never closed, or a ',' is missing"]),
        ("a: b: c\n", ["1:5-6: : a second ':' cannot stand here"]),
        ("a: - 1\n", ["1:4-5: : a list item cannot stand here"]),
        ("a: 1\nb\nc: 1\n", ["2:1-2: : a key needs a ':' after it"]),
        ("a: 1\n b: 2\n", ["2:2-3: : this line is indented further than the one before it"]),
        ("a:\n    b: 1\n  c: 1\n", [f"3:3-4: : {MISFIT}"]),
        ("a:\n  - 1\n  b: 1\n", [f"3:3-4: : {MISFIT}"]),
        ("a: 'x' y\n", [f"1:8-9: : {MISFIT}"]),
        ("a: 1\n}\n", [f"2:1-2: : {MISFIT}"]),
        ("a: @x\n", ["1:4-5: : '@' cannot begin a value"]),
        ("a: `x`\n", ["1:4-5: : '`' cannot begin a value"]),
        ("a: %x\n", ["1:4-5: : '%' cannot begin a value"]),
        ("a: *.csv\n", ["1:4-5: : an alias or anchor needs a name"]),
        ("a: |x\n  b\n", ["1:4-5: : after '|' or '>' only a comment may stand on the line"]),
        ("a: |#\n  b\n", ["1:4-5: : after '|' or '>' only a comment may stand on the line"]),
    ],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused_with_its_place(text, expected):
    assert complaints(text) == expected


@pytest.mark.parametrize(
    ("text", "where", "character"),
    [
        ("a: \x07\n", "1:4", "U+0007"),
        ("a: 1\nb: '\x00'\n", "2:5", "U+0000"),
        ("a: x\u2028y\n", "1:5", "U+2028"),
        ("a: x\x85y\n", "1:5", "U+0085"),
        ("a: x\ufeff\n", "1:5", "U+FEFF"),
        ("\ufeffa: \x1b[31m\n", "1:4", "U+001B"),
        ("a: \ud800\n", "1:4", "U+D800"),
        ("a: \uffff\n", "1:4", "U+FFFF"),
    ],
)
def test_a_character_that_nobody_sees_is_refused(text, where, character):
    [complaint] = complaints(text)
    assert complaint.startswith(f"{where}-")
    assert f"the character {character} " in complaint


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: \xff\n", "2:4-5: : byte 0xff is not UTF-8 text"),
        (b"\xef\xbb\xbf\xc3\xa9: \xc3\n", "1:4-5: : byte 0xc3 is not UTF-8 text"),
        (b"\xff\xfea\x00", "1:1-1: : the file is UTF-16 text, not UTF-8"),
    ],
)
def test_bytes_that_are_not_utf_8_are_a_problem_at_the_first_of_them(content, expected):
    assert complaints(content) == [expected]


def test_all_problems_before_a_syntax_error_are_reported_with_it():
    text = "a: .nan\na: 1\n2: x\nb: [\n"
    assert [complaint.split(":")[0] for complaint in complaints(text)] == ["1", "2", "3", "5"]


def test_a_problem_carries_the_line_and_a_hint():
    with pytest.raises(ProblemsError) as caught:
        parse("a: 1\npath: *.csv  # all\n", "CONFIG/x.yaml")
    [problem] = caught.value.problems
    assert problem.place == Place("CONFIG/x.yaml", 2, 7, 8)
    assert problem.source == "path: *.csv  # all"
    assert problem.hint == "quote text like '*.csv'"
    assert problem.rule == "syntax"


def test_a_problem_at_the_end_of_the_file_shows_its_last_line():
    with pytest.raises(ProblemsError) as caught:
        parse("b: 1\na: [", "f")
    assert [(p.place.line, p.source) for p in caught.value.problems] == [(2, "a: [")]


def nested(depth: int) -> str:
    return "a: " + "[" * (depth - 1) + "]" * (depth - 1)


def test_nesting_is_bounded_also_through_aliases():
    parse(nested(yaml_nodes.DEPTH_MAX), "f")
    path = "a" + ".0" * 63
    too_deep = complaints(nested(yaml_nodes.DEPTH_MAX + 1))
    assert too_deep == [f"1:67-68: {path}: nested deeper than 64 levels"]
    half = "a: &x " + "[" * 32 + "]" * 32 + "\n"
    parse(half + "b: " + "[" * 31 + "*x" + "]" * 31, "f")
    [complaint] = complaints(half + "b: " + "[" * 32 + "*x" + "]" * 32)
    assert complaint.endswith("nested deeper than 64 levels with this copy")
    chain = half + "b: &y [*x]\n" + "c: " + "[" * 31 + "*y" + "]" * 31
    assert complaints(chain)[0].endswith("nested deeper than 64 levels with this copy")
    assert complaints("a: " + "[" * 200_000)[0].endswith("nested deeper than 64 levels")


def test_an_alias_bomb_is_refused_before_it_goes_off():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 10):
        bomb += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"
    [complaint] = complaints(bomb)
    assert complaint.endswith("more than 100000 values and keys with this copy")
    merged = "a0: &a0 {k: v}\n"
    for n in range(1, 30):
        merged += f"a{n}: &a{n} {{p: *a{n - 1}, <<: *a{n - 1}}}\n"
    assert complaints(merged)[0].endswith("more than 100000 values and keys with this copy")


def test_the_number_of_values_is_bounded_without_aliases(monkeypatch):
    monkeypatch.setattr(yaml_nodes, "NODES_MAX", 6)
    parse("a: [1, 2, 3]\n", "f")
    assert complaints("a: [1, 2, 3, 4]\n") == ["1:14-15: a.3: more than 6 values and keys"]
    assert complaints("a: [[], [], [], []]\n") == ["1:17-18: a.3: more than 6 values and keys"]


def test_copies_share_nothing():
    value = parse("a: &x {p: [1]}\nb: *x\nc: {<<: *x}\n", "f").value
    value["a"]["p"].append(2)
    assert value == {"a": {"p": [1, 2]}, "b": {"p": [1]}, "c": {"p": [1]}}


TEXT = """\
# the knobs
hyperparameters:
  learning_rate: 3.0   # why
  "num leaves": 'x y'
  日本: [é, {k: v}]
  text: |
    a
  long: a
    b
  none:
  tagged: &n !!int 12
  copy: *n
  absent: !!null # nothing
  below: &b # here

    !!map
    q: [&e , !!str x]
base: &base
  p: 1
derived:
  <<: *base
"""


@pytest.mark.parametrize(
    ("path", "place", "key"),
    [
        ((), (2, 1, 17), None),
        (("hyperparameters",), (3, 3, 29), (2, 1, 16)),
        (("hyperparameters", "learning_rate"), (3, 18, 21), (3, 3, 16)),
        (("hyperparameters", "num leaves"), (4, 17, 22), (4, 3, 15)),
        (("hyperparameters", "日本"), (5, 7, 18), (5, 3, 5)),
        (("hyperparameters", "日本", 0), (5, 8, 9), None),
        (("hyperparameters", "日本", 1), (5, 11, 17), None),
        (("hyperparameters", "日本", 1, "k"), (5, 15, 16), (5, 12, 13)),
        (("hyperparameters", "text"), (6, 9, 10), (6, 3, 7)),
        (("hyperparameters", "long"), (8, 9, 10), (8, 3, 7)),
        (("hyperparameters", "none"), (10, 8, 8), (10, 3, 7)),
        (("hyperparameters", "tagged"), (11, 20, 22), (11, 3, 9)),
        (("hyperparameters", "copy"), (12, 9, 11), (12, 3, 7)),
        (("hyperparameters", "absent"), (13, 17, 17), (13, 3, 9)),
        (("hyperparameters", "below"), (17, 5, 22), (14, 3, 8)),
        (("hyperparameters", "below", "q", 0), (17, 11, 11), None),
        (("hyperparameters", "below", "q", 1), (17, 20, 21), None),
        (("base",), (19, 3, 7), (18, 1, 5)),
        (("derived", "p"), (19, 6, 7), (19, 3, 4)),
    ],
)
def test_places_are_where_a_person_points(path, place, key):
    document = parse(TEXT, "f.yaml")
    assert document.places[path] == Place("f.yaml", *place)
    assert document.keys.get(path) == (Place("f.yaml", *key) if key else None)


@pytest.mark.parametrize("prefix", ["\ufeff", "\r\n", "# c\r", "---\n", "--- # c\n"])
def test_what_stands_before_moves_lines_only(prefix):
    lines = prefix.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert parse(prefix + "k: v\n", "f").places["k",] == Place("f", 1 + lines, 4, 5)


@pytest.mark.parametrize("text", ["a:", "a: ", "? a", "? a   ", "a: !!null   # c", "{a: }"])
def test_the_place_of_what_is_left_out_is_a_point_in_the_text(text):
    document = parse(text, "f")
    place = document.places["a",]
    assert document.value == {"a": None}
    assert place.column == place.end
    assert len("a:") < place.column <= len(document.source(place)) + 1


def test_a_space_that_is_no_blank_belongs_to_the_text():
    document = parse("a: x\u00a0\n", "f")
    assert (document.value, document.places["a",].end) == ({"a": "x\u00a0"}, 6)


def test_the_nearest_ancestor_stands_in_for_a_path_without_a_place():
    document = parse("a:\n  b: 1\n", "f")
    assert document.place(("a", "b", "c", 3)) == document.places["a", "b"]
    assert document.place(("x", "y")) == document.places[()]
    assert Document("f", {}, {}, {}, ()).place(("x",)) == Place("f", 1, 1, 1)


def test_the_source_of_a_place_is_its_line():
    document = parse("a: 1\r\nb: 2 # two\r\n", "f")
    assert document.source(document.places["b",]) == "b: 2 # two"
    assert document.source(Place("f", 9, 1, 1)) == ""
    assert document.source(Place("other", 1, 1, 1)) == ""


def test_places_are_mappings_that_survive_pickling():
    document = parse(TEXT, "f")
    again = pickle.loads(pickle.dumps(document))  # noqa: S301 (our own bytes)
    assert again == document
    assert len(document.keys) == sum(isinstance(path[-1], str) for path in document.places if path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", "b_c", 0), "a.b_c.0"),
        (("a.b", ""), '"a.b".""'),
        (("a b", "日"), '"a b".日'),
        (('say "x"',), '"say \\"x\\""'),
    ],
)
def test_a_dotted_path_is_what_users_write(path, text):
    assert dotted(path) == text


def test_a_file_is_read_under_the_name_that_is_shown(tmp_path):
    (tmp_path / "x.yaml").write_bytes("\ufeffé: 1\r\n".encode())
    document = read(tmp_path / "x.yaml", "CONFIG/x.yaml")
    assert (document.file, document.value) == ("CONFIG/x.yaml", {"é": 1})


@pytest.mark.parametrize(("name", "reason"), [("absent.yaml", "no such file"), (".", "director")])
def test_a_file_that_cannot_be_read_is_an_input_error_with_a_hint(tmp_path, name, reason):
    with pytest.raises(InputError) as caught:
        read(tmp_path / name, "CONFIG/x.yaml")
    assert caught.value.problem.startswith("cannot read CONFIG/x.yaml: ")
    assert reason in caught.value.problem
    assert "CONFIG/x.yaml" in (caught.value.hint or "")


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_file_of_many_constructs_reads_as_its_json(case):
    document = read(case, case.name)
    assert same(document.value, json.loads(case.with_suffix(".json").read_text("utf-8")))


def test_reading_imports_only_yaml_and_the_standard_library():
    code = (
        "import sys; before = set(sys.modules); import repro.config.text.document;"
        "print(*{m.partition('.')[0] for m in set(sys.modules) - before})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    foreign = set(ran.stdout.split()) - set(sys.stdlib_module_names) - {"repro", "yaml", "_yaml"}
    assert {name for name in foreign if "cython" not in name and "editable" not in name} == set()


# Properties. The parser fixture is function-scoped, so these switch the parser themselves.

CHARACTERS = st.characters(
    codec="utf-8",
    exclude_categories=("Cc", "Cs"),
    exclude_characters="\u2028\u2029\ufeff\ufffe\uffff",
)
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(CHARACTERS, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(CHARACTERS, max_size=8), TREES, max_size=5)
PIECES = st.sampled_from(
    ["a", "b: ", "- ", "\n", "\n  ", "\n    ", " ", "\t", ": ", "#", "'", '"', "[", "]", "{", "}",
     ",", "? ", "&x ", "*x", "<<: ", "!!str ", "!!int ", "! ", "!t ", "|\n", ">-\n", "---", "%",
     "...", "1", "0x1F", ".inf", "\\", "\\u0041", "~", "é", "日", "\r\n", "\r", "@", "k: v\n"]
)  # fmt: skip


def outcome(text: str | bytes) -> tuple[object, ...]:
    """Return what is read, or that there are problems; let any other exception through."""
    try:
        document = parse(text, "f")
    except ProblemsError as error:
        return "refused", bool(error.problems)
    return "read", repr(document.value), dict(document.keys)


@pytest.mark.parametrize("indent", [None, 2])
@given(tree=DOCUMENTS)
def test_json_reads_as_the_value_it_was_written_from(indent, tree):
    text = json.dumps(tree, ensure_ascii=False, indent=indent)
    assert same(parse(text, "f").value, tree)


@given(tree=DOCUMENTS)
def test_every_place_holds_the_text_of_its_value(tree):
    document = parse(json.dumps(tree, ensure_ascii=False, indent=1), "f")
    for path, place in document.places.items():
        value = tree
        for step in path:
            value = value[step]
        text = document.source(place)[place.column - 1 : place.end - 1]
        if isinstance(value, dict | list) and value:
            assert text in ("{", "[")
        else:
            assert text == json.dumps(value, ensure_ascii=False)
        if path and isinstance(path[-1], str):
            key = document.keys[path]
            text = document.source(key)[key.column - 1 : key.end - 1]
            assert text == json.dumps(path[-1], ensure_ascii=False)


@given(content=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_the_bytes_are_they_are_read_or_refused(content):
    assert outcome(content) != ("refused", False)


@given(text=st.lists(PIECES, max_size=12).map(lambda pieces: "k: " + "".join(pieces)))
def test_both_parsers_read_the_same_and_refuse_the_same(text):
    assert LIBYAML is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_events, "CParser", LIBYAML)
        fast = outcome(text)
        patch.setattr(yaml_events, "CParser", None)
        pure = outcome(text)
    assert fast == pure


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_python_writes_it(number):
    [value] = parse(f"a: {number!r}\n", "f").value.values()
    assert value == number
    assert math.copysign(1, value) == math.copysign(1, number)


def test_no_character_that_is_refused_passes_the_quick_look_for_one():
    refused = re.findall(f"[{_UNSEEN}]", "".join(map(chr, range(0x80, sys.maxunicode + 1))))
    assert len(refused) > 2000
    assert not any(character.isprintable() for character in refused)
