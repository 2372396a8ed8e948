"""The table of traps: what YAML texts mean, or where exactly and in which words they are refused.

Written from YAML 1.2.2 and not from what the reader does; every row is read with both parsers.
"""

from __future__ import annotations

import time
import tracemalloc

import pytest

from repro.config.schema.problem_text import render
from repro.config.text import events as yaml_events
from repro.config.text.document import SIZE_MAX, parse, read
from repro.errors import ProblemsError

LIBYAML = yaml_events.CParser


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def parser(request, monkeypatch):
    if request.param == "pure":
        monkeypatch.setattr(yaml_events, "CParser", None)
    elif LIBYAML is None:
        pytest.skip("PyYAML was built without libyaml")
    return request.param


VALUES = [
    # (text of the value, what it means; its type counts)
    ("no", "no"), ("No", "No"), ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("off", "off"),
    ("y", "y"), ("n", "n"), ("1e-3", 0.001), ("1E-3", 0.001), ("1e3", 1000.0), ("-1e-3", -0.001),
    ("012", 12), ("-012", -12), ("0o14", 12), ("0O14", "0O14"), ("0x1F", 31), ("0X1F", "0X1F"),
    ("0b101", "0b101"), ("1:30", "1:30"), ("1:30:00", "1:30:00"), (".5", 0.5), ("-.5", -0.5),
    ("+.5", 0.5), ("5.", 5.0), ("+1", 1), ("-0", 0), ("-0.0", -0.0), ("+0o14", "+0o14"),
    ("~", None), ("", None), ("null", None), ("Null", None), ("NULL", None), ("nUll", "nUll"),
    ("none", "none"), ("true", True), ("True", True), ("TRUE", True), ("tRue", "tRue"),
    ("false", False), ("2026-01-31", "2026-01-31"),
    ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
    ("1_000", "1_000"), ("1,000", "1,000"), ("1 000", "1 000"), ("1.2.3", "1.2.3"), ("1.10", 1.1),
    ("0.1", 0.1), ("1e", "1e"), ("e1", "e1"), ("--1", "--1"), ("+", "+"),
    (".", "."), ("..", ".."), ("0x", "0x"), ("0o8", "0o8"), ("nan", "nan"), ("NaN", "NaN"),
    ("inf", "inf"), ("Infinity", "Infinity"), ("\u0661\u0662", "\u0661\u0662"),
    ("\uff11", "\uff11"), ("9007199254740993", 9007199254740993), ("1" * 100, int("1" * 100)),
    ("'no'", "no"), ('"1"', "1"), ("'~'", "~"), ('""', ""), ("!!str 012", "012"),
    ("!!str no", "no"), ('!!int "7"', 7), ("!!float 1", 1.0), ("<<", "<<"), ("=", "="),
    ("a:b", "a:b"), ("a#b", "a#b"), ("a #b", "a"), ("c:\\d", "c:\\d"),
    ("k" * 5000, "k" * 5000),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_a_value_means(text, value):
    assert repr(parse(f"k: {text}\n", "f").value["k"]) == repr(value)
    if not set(text) & set(",#"):  # inside brackets the one ends a value, the other the line
        inside = parse(f"k: [x, {{k: {text} }}]\n", "f").value
        assert repr(inside) == repr({"k": ["x", {"k": value}]})


TEXTS = [
    # (whole text, what it means)
    ("\ufeffa: 1\n", {"a": 1}),
    (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
    ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
    ("a: 1\rb: 2\r", {"a": 1, "b": 2}),
    ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
    ("--- # one\na: 1\n...\n", {"a": 1}),
    ("2026-01-31: a\n", {"2026-01-31": "a"}),
    ("no: 1\nyes: 2\n", {"no": 1, "yes": 2}),
    ("'1': a\n'01': b\n", {"1": "a", "01": "b"}),
    ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}),
    ("a: &x\nb: *x\n", {"a": None, "b": None}),
    ("a: |2\n   x\n", {"a": " x\n"}),
    ("a: |1-\n x\n", {"a": "x"}),
    ("a: >+\n  x\n  y\n\n", {"a": "x y\n\n"}),
    ("a: |-\n  no # text\n", {"a": "no # text"}),
    ("k" * 1000 + ": 1\n", {"k" * 1000: 1}),
    ("? " + "k" * 2000 + "\n: 1\n", {"k" * 2000: 1}),
    ("a:\t1\n", {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), TEXTS)
def test_a_text_means(text, value):
    assert repr(parse(text, "f").value) == repr(value)


NUMBER_KEY, MISFIT = "a key must be text, and this is a number", "this fits nothing above it"
NULL_KEY = "a key must be text, and this is null"
FURTHER = "this line is indented further than the one before it"
SPACE = "a key ends in ':' and a space: put a space after the ':'"
TWICE = "duplicate key, given on line {} and again on line {}"
REFUSED = [
    # (whole text, every problem as line:column-end and the beginning of its message)
    ("a: .inf\n", ["1:4-8 .inf is not a finite number"]),
    ("a: -.INF\n", ["1:4-9 -.INF is not a finite number"]),
    ("a: .nan\nb: .NaN\n", ["1:4-8 .nan is not a finite", "2:4-8 .NaN is not a finite"]),
    ("a: 1e400\n", ["1:4-9 1e400 is too large"]),
    ("a: 1e-400\n", ["1:4-10 1e-400 is too small"]),
    ("a: " + "9" * 5000, ["1:4-5004 a number of 5000 digits is too long"]),
    ("a: 1\na: 2\n", [f"2:1-2 {TWICE.format(1, 2)}"]),
    ("a: 1\n\n\"a\": 2\n", [f"3:1-4 {TWICE.format(1, 3)}"]),
    ("b:\n  a: 1\n  'a': 1\n", [f"3:3-6 {TWICE.format(2, 3)}"]),
    ("{a: 1, a: 1}\n", [f"1:8-9 {TWICE.format(1, 1)}"]),
    ("1: a\n", [f"1:1-2 {NUMBER_KEY}"]),
    ("1: a\n'1': b\n", [f"1:1-2 {NUMBER_KEY}", f"2:1-4 {TWICE.format(1, 2)}"]),
    ("'1': a\n1: b\n", [f"2:1-2 {TWICE.format(1, 2)}", f"2:1-2 {NUMBER_KEY}"]),
    ("0x1F: a\n31: b\n", [f"1:1-5 {NUMBER_KEY}", f"2:1-3 {NUMBER_KEY}"]),
    ("~: a\nnull: b\n", [f"1:1-2 {NULL_KEY}", f"2:1-5 {NULL_KEY}"]),
    ("true: 1\n", ["1:1-5 a key must be text, and this is a boolean"]),
    ("? [a]\n: 1\n", ["1:3-4 a key must be text, and this is a list"]),
    ("? {a: 1}\n: 1\n", ["1:3-4 a key must be text, and this is a mapping"]),
    ("a: *b\n", ["1:4-6 no anchor &b above"]),
    ("a: &a [*a]\n", ["1:8-10 *a stands for a value that it is part of"]),
    ("<<: 3\n", ["1:5-6 << takes a mapping or a list of mappings"]),
    ("a: &x {p: 1}\nb: {<<: *x, <<: *x}\n", [f"2:13-15 {TWICE.format(2, 2)}"]),
    ("a:\n\tb: 1\n", ["2:1-2 a tab cannot indent"]),
    ("a: |\n\tx\n", ["2:1-2 a tab cannot indent"]),
    ("a: 1\n\ufeffb: 2\n", ["2:1-2 the character U+FEFF "]),
    ("a: 1\x85b: 2\n", ["1:5-6 the character U+0085 "]),
    ("a: 1\u2028b: 2\n", ["1:5-6 the character U+2028 "]),
    ("a: \x00\n", ["1:4-5 the character U+0000 "]),
    ("a: 1\n".encode("utf-16"), ["1:1-1 the file is UTF-16 text, not UTF-8"]),
    (b"\xfe\xff" + "a: 1\n".encode("utf-16-be"), ["1:1-1 the file is UTF-16 text, not UTF-8"]),
    ("a: 1\n".encode("utf-32"), ["1:1-1 the file is UTF-32 text, not UTF-8"]),
    ("a: 1\n".encode("utf-16-le"), ["1:2-3 the character U+0000 "]),
    (b"a: caf\xe9\n", ["1:7-8 byte 0xe9 is not UTF-8 text"]),
    ("a: 1\n---\nb: 2\n", ["2:1-2 a second document begins here"]),
    ("", ["1:1-1 the document is empty"]),
    ("# only this\n", ["1:1-2 the document is empty"]),
    ("---\n", ["1:1-2 the document is empty"]),
    ("- a\n", ["1:1-4 the top level must be a mapping, not a list"]),
    ("%YAML 1.1\n---\na: 1\n", ["1:1-2 files are read as YAML 1.2"]),
    ("%a: 1\n", ["1:1-2 a line cannot begin with '%'"]),
    ("a: !!python/object/new:os.system [x]\n", ["1:4-5 the tag !!python/object/new:os.system"]),
    ("a: !!python/name:os.system\n", ["1:4-5 the tag !!python/name:os.system "]),
    ("a: !!binary aGk=\n", ["1:4-5 the tag !!binary "]),
    ("a: !!timestamp 2026-01-31\n", ["1:4-5 the tag !!timestamp "]),
    ("a: !x 1\n", ["1:4-5 the tag !x "]),
    ("a: !!int x\n", ['1:10-11 "x" does not fit its tag']),
    ("a: |0\n x\n", ["1:4-5 after '|' or '>' only a comment"]),
    ("a: |3\n  x\n", [f"2:3-4 {MISFIT}"]),
    ("k" * 2000 + ": 1\n", ["1:2001-2002 a key may have no more than 1024 characters"]),
    ("a: " + "x" * 2000 + ": 1\n", ["1:2004-2005 a second ':' cannot stand here"]),
    ("a: b: c\n", ["1:5-6 a second ':' cannot stand here"]),
    ("s:\n  a: x\n   b: 5\n", [f"3:4-5 {FURTHER}"]),
    ("s:\n  a: x # why\n\n  # more\n   b: 5\n", [f"5:4-5 {FURTHER}"]),
    ("a: 'x'\n b: [1]\n", [f"2:2-3 {FURTHER}"]),
    ("a: 1\n  b:\n    c: 1\n", [f"2:3-4 {FURTHER}"]),
    ("- a: 1\n   b: 2\n", [f"2:4-5 {FURTHER}"]),
    ("a: 1\n - b: 2\n", [f"2:2-3 {FURTHER}"]),
    ("a: b:c\n  d: 1\n", [f"2:3-4 {FURTHER}"]),
    ("a: text and\n  more text: 1\n", ["2:12-13 a second ':' cannot stand here"]),
    ("h:\n  a: 1\n  b:96\n  c: 1\n", [f"3:4-5 {SPACE}"]),
    ("h:\n  b:96\n  c: 1\n", [f"2:4-5 {SPACE}"]),
    ("a: 1\n'b':2\n", [f"2:4-5 {SPACE}"]),
    ("a: 1\nb\n", ["2:1-2 a key needs a ':' after it"]),
    ("a:1\n", ["1:1-4 the top level must be a mapping"]),
    ("a: [1, 2\n", ["1:4-5 the '[' is never closed"]),
    ("a: 'x\n", ["1:4-5 the quote is never closed"]),
    ("a: @x\n", ["1:4-5 '@' cannot begin a value"]),
    ("a: `x\n", ["1:4-5 '`' cannot begin a value"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=lambda part: repr(part)[:50])
def test_a_text_is_refused(text, expected):
    with pytest.raises(ProblemsError) as caught:
        parse(text, "f.yaml")
    found = [
        (f"{p.place.line}:{p.place.column}-{p.place.end} {p.message}") for p in refusals(caught)
    ]
    assert len(found) == len(expected), found
    for said, begins in zip(sorted(found), sorted(expected), strict=True):
        assert said.startswith(begins)
    for problem in refusals(caught):
        assert_underlined(problem)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("s:\n  a: x\n   b: 5\n", "begin it in column 3, as a does"),
        ("a:1\n", "put a space after the ':'"),
        ("a: b: c\n", "quote the text that contains it"),
        ("", "write what the document sets, or remove the file"),
    ],
)
def test_a_refusal_says_what_to_do(text, hint):
    with pytest.raises(ProblemsError) as caught:
        parse(text, "f.yaml")
    assert [problem.hint for problem in refusals(caught)] == [hint]


def refusals(caught):
    return caught.value.problems


def assert_underlined(problem):
    """Assert that the carets stand under the columns of the problem's place, if it has a line."""
    place, lines = problem.place, render(problem).splitlines()
    assert lines[0].startswith(f"f.yaml:{place.line}:{place.column}: ")
    if not (problem.source or "").strip() or len(problem.source) > 90:
        return
    shown, carets = lines[1], lines[2]
    assert set(carets) <= set(" |^")
    if problem.source.isascii() and problem.source.isprintable():
        assert shown.endswith(problem.source.rstrip())
        begin = carets.index("^") - carets.index("|") - 1
        assert begin == place.column


BOMBS = {
    "lists": ("a: " + "[" * 100_000, "1:67: nested deeper than 64 levels"),
    "closed lists": ("a: " + "[" * 100_000 + "]" * 100_000, "1:67: nested deeper than 64 levels"),
    "mappings": ("{a: " * 100_000, "1:257: nested deeper than 64 levels"),
    "block": (
        "".join(" " * n + "a:\n" for n in range(2000)), "65:65: nested deeper than 64 levels",
    ),
    "dashes": ("a:\n" + "- " * 50_000 + "1\n", "2:127: nested deeper than 64 levels"),
    "keys": ("? " * 50_000, "1:3: a key must be text, and this is a mapping"),
    "laughs": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)),
        "5:38: more than 100000 values and keys with this copy",
    ),
    "quadratic": (
        "a: &a [" + "x," * 20_000 + "]\nb: [" + "*a," * 20_000 + "]\n",
        "2:14: more than 100000 values and keys with this copy",
    ),
    "merges": (
        "m0: &m0 {" + ",".join(f"k{n}: {n}" for n in range(1000)) + "}\n"
        + "".join(f"m{n}: {{<<: *m0}}\n" for n in range(1, 3000)),
        "50:11: more than 100000 values and keys with this copy",
    ),
    "deep aliases": (
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1000)),
        "64:12: nested deeper than 64 levels with this copy",
    ),
    "text": ("a: " + "x" * SIZE_MAX, "1:1: larger than 8 MiB"),
    "bytes": (b"a:\n" + b"- 1\n" * (SIZE_MAX // 4), "1:1: larger than 8 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(name):
    text, expected = BOMBS[name]
    begin = time.process_time()
    with pytest.raises(ProblemsError) as caught:
        parse(text, "f.yaml")
    assert time.process_time() - begin < 15
    [problem] = refusals(caught)
    assert f"{problem.place.line}:{problem.place.column}: {problem.message}".startswith(expected)
    assert len(render(problem)) < 1000


@pytest.mark.parametrize("name", ["laughs", "merges"])
def test_a_bomb_takes_little_memory(name):
    tracemalloc.start()
    try:
        with pytest.raises(ProblemsError):
            parse(BOMBS[name][0], "f.yaml")
        assert tracemalloc.get_traced_memory()[1] < 120 << 20
    finally:
        tracemalloc.stop()


def test_a_file_is_read_no_further_than_it_may_be_long(tmp_path):
    file = tmp_path / "f.yaml"
    with file.open("wb") as opened:
        opened.truncate(SIZE_MAX * 1000)  # a hole: it takes no room
    with pytest.raises(ProblemsError, match="1 problem") as caught:
        read(file, "f.yaml")
    [problem] = refusals(caught)
    assert problem.message.startswith("larger than 8 MiB")
