"""Files as a stranger's repository has them: nothing makes the lint fall over, or say "clean"."""

from __future__ import annotations

import sys
import sysconfig
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lint.check import check
from repro.lint.vocabulary import vocabulary
from repro.verbs.configuring.linting import known_names, lint

TODAY = date(2026, 11, 24)
NOTHING = vocabulary({}, [], [], {})


def rules(problems):
    """Return line, column and rule of each problem."""
    return [(p.place.line, p.place.column, p.rule) for p in problems]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (b"x = (1\n", (1, 5)),
        (b"ok = 1\nx = = 2\n", (2, 5)),
        (b"print 1\n", (1, 1)),
        (b"if x:\n", (1, 6)),
        (b"\tx = 1\n        y = 2\n", (1, 1)),
        (b"x = 1\x00\n", (1, 1)),
        (b"x = '\xff'\n", (1, 6)),
        (b"ok = 1\nx = '\xc3\xa4\xff'\n", (2, 7)),
        (b"# coding: klingon\n", (1, 1)),
        (b"# coding: rot13\nk = 1\n", (1, 1)),
        (b"# coding: undefined\n", (1, 1)),
        (b"\xef\xbb\xbf# coding: latin-1\n", (1, 1)),
        (b"# coding: unicode_escape\nx = '\\ud800'\n", (1, 1)),
        (b"x = " + b"(" * 500 + b")" * 500, (1, 205)),
        (b"x = " + b"-" * 200_000 + b"1", (1, 1)),
        (b"x = " + b"1 + " * 50_000 + b"1", (1, 1)),
        (b"\xff\xfex\x00", (1, 1)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_not_python_is_a_finding_with_its_place(lint, source, place):
    assert [(p.rule, p.place.line, p.place.column) for p in lint(source)] == [
        ("syntax-error", *place)
    ]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n",
        b"# only a comment",
        b"\xef\xbb\xbfseed = 1\n",
        b"# -*- coding: latin-1 -*-\nname = '\xe4'; seed = 1\n",
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nname = '\x80'; seed = 1\n",
        b"x = 1\r\nseed = 1\r\n",
        b"x = 1\rseed = 1\r",
        b"x = '\\d'\nseed = 1\n",
        b"x = 1\x0c\nseed = 1",
    ],
)
def test_every_encoding_and_line_end_of_python_is_read(lint, source):
    found = rules(lint(source))
    assert [rule for _, _, rule in found] == ["hardcoded-seed"] * source.count(b"seed")


def test_columns_are_characters_and_ends_are_those_of_the_line(lint):
    (problem,) = lint("größe = f('ä', seed=12)\n")
    assert (problem.place.column, problem.place.end) == (21, 23)
    (problem,) = lint("learning_rate = [\n  0.1,\n]\n")
    assert (problem.place.line, problem.place.column, problem.place.end) == (1, 17, 18)


@pytest.mark.parametrize(
    "source",
    [
        "for x in " + " | ".join(["set(a)"] * 600) + ": pass",
        "for x in set(a)" + ".union(b)" * 600 + ": pass",
        "seed = " + " or ".join(["a"] * 600) + " or 1",
        "seed = a" + ".b" * 600,
        "sha256()" + ".update(b'a')" * 300,
        "h = sha256()\nh = h.update(h)\nh.update(h)",
        "def f():\n  x = y\n  y = x\n  digest(x, y)",
        "x = " + "[" * 90 + "{1}" + "]" * 90,
        "\n".join(f"{' ' * n}def f{n}(seed=1):" for n in range(90)) + "\n" + " " * 90 + "pass",
        "seed: int",
        "lambda *a, k=1, **m: [*a]",
        "def f(*, seed, rate=1): global seed2",
        "x = f'{set(a)!r:>{seed}}'",
        "match x:\n  case {'seed': 1, **rest}: pass\n  case [*_, 2]: pass",
        "match x:\n  case True | None: pass",
        "async def f():\n  async for x in {a}: pass\n  return [y async for y in {b}]",
        "del seed\nassert seed\nraise seed",
        "class A[T]: pass" if sys.version_info >= (3, 12) else "class A: pass",
        "try: pass\nexcept* E as e: pass",
        "with a as (b, *c), d as e.f: pass",
        "getattr()\ngetattr(a)\nx.get()\nx.pop(*a)\nsum()\nsorted()\nset(*a)\nf(**k)",
        "print(*[])\nrandom()\nDEFINE_x('seed')\nos.environ.get()",
    ],
    ids=lambda value: value[:20],
)
def test_no_shape_of_code_is_too_much(lint, source):
    assert "syntax-error" not in [rule for _, _, rule in rules(lint(source))]


@given(st.binary(max_size=60))
def test_any_bytes_end_in_findings(data):
    check(data, "f.py", NOTHING, TODAY)


PIECES = ["seed", "=", "1", "(", ")", ":", "\n", " ", "set", "for", "in", "[", "]", "{", "}", ","]
PIECES += ["*", "lambda", "# repro: allow", "until", "'", '"', "\\", "def f", "sorted", ".", "x"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_any_tokens_end_in_findings(source):
    check(source.encode(), "f.py", NOTHING, TODAY)


# What a planted expression is put into, the inner part in place of the %s.
AROUND = [
    "f(%s)",
    "[%s, 1]",
    "{'k': %s}",
    "(lambda: %s)()",
    "(a if b else %s)",
    "x[%s]",
    "[y for y in g(%s)]",
    "f(*[%s])",
    "f(**{'k': %s})",
    "f'{%s}'",
    "not (%s)",
    "(a and (%s))",
    "-(%s)",
    "(%s).b",
    "(%s) + 1",
    "(z := %s)",
]
WITHIN = [
    "%s",
    "def f():\n    return %s",
    "class A:\n    def f(self, a=%s): pass",
    "class A(B, k=%s): pass",
    "@decorated(%s)\ndef f(): pass",
    "@decorated(%s)\nclass A: pass",
    "def f(*, a=%s): pass",
    "lambda *, a=%s: a",
    "async def f():\n    await (%s)",
    "try:\n    pass\nexcept E:\n    %s\nelse:\n    pass",
    "while a:\n    %s",
    "with a(%s) as b:\n    pass",
    "if a:\n    pass\nelif %s:\n    pass",
    "match %s:\n    case 1: pass",
    "def f():\n    yield %s",
    "def f():\n    def g():\n        for i in a:\n            b = %s\n    return g",
    "assert a, %s",
    "raise E(%s)",
    "x: int = %s",
    "x += %s",
]
PLANTED = {
    "h(seed=12)": "hardcoded-seed",
    "h(learning_rate=0.1)": "hardcoded-hyperparameter",
    "{'cv_score': 0.99}": "hardcoded-threshold",
    "c.get('learning_rate', 0.1)": "hardcoded-hyperparameter",
    "np.random.rand(3)": "global-randomness",
    "np.random.default_rng()": "unseeded-generator",
    "enumerate({'a', 'b'})": "set-order",
    "enumerate(os.listdir())": "unsorted-listing",
    "sha256(time.time())": "unstable-digest",
}
IMPORTS = "import os, time\nimport numpy as np\nfrom hashlib import sha256\n"


@pytest.mark.parametrize("expression", PLANTED)
@given(around=st.lists(st.sampled_from(AROUND), max_size=6), within=st.sampled_from(WITHIN))
def test_a_violation_is_found_however_deep_it_lies(lint, expression, around, within):
    nested = expression
    for part in around:
        if "f'" in part and ("'" in nested or '"' in nested or "{" in nested or "\\" in nested):
            continue  # no quote may return in an f-string before 3.12
        nested = part.replace("%s", nested)
    if ":=" in nested and ("class A" in within or "x: int" in within or "x +=" in within):
        nested = f"({nested})"
    source = IMPORTS + within.replace("%s", nested)
    found = [rule for _, _, rule in rules(lint(source))]
    assert PLANTED[expression] in found, source


def test_the_order_of_findings_is_that_of_the_places(lint):
    found = lint("f(seed=1)\nx = [seed for seed in {'a'}]\nf(seed=2, learning_rate=0.1)\n")
    assert [p.place for p in found] == sorted(p.place for p in found)
    assert len(found) == 4


@pytest.mark.slow
def test_the_standard_library_is_read_without_a_fall():
    done = lint([sysconfig.get_path("stdlib")], ["site-packages"], TODAY)
    assert done.files > 1000
    assert done.exit_status == 1
    assert done.size > 10_000_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sklearn", "lightgbm"])
def test_libraries_are_read_without_a_fall(name):
    folder = Path(sysconfig.get_path("purelib"), name)
    if not folder.is_dir():
        pytest.skip(f"{name} is not installed")
    done = lint([str(folder)], [], TODAY)
    found = {problem.rule for problem in done.problems}
    assert found >= {"hardcoded-hyperparameter", "hardcoded-seed"}
    assert "syntax-error" not in found


def test_every_installed_family_is_known():
    from repro.facts.trainers import declarations

    names = known_names()
    families = declarations()
    assert families
    for family in families.values():
        for name in family.aliases():
            meaning = names.meaning(name)
            assert meaning is not None, name
        for seed in family.seeds:
            assert names.meaning(seed).rule == "hardcoded-seed"
    assert names.meaning("cv_score").rule == "hardcoded-threshold"
    assert names.meaning("training_accuracy").rule == "hardcoded-threshold"
