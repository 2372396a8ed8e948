"""Every kind of violation, planted, is found: exactly those, on exactly those lines."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from repro.lint.rules import RULES

CANARIES = sorted(Path(__file__).parent.joinpath("canary").glob("*.py"))
EXPECT = re.compile(r"\s*# expect: ([\w, -]+)$")
NOT_PLANTED = {"syntax-error", "unreadable-file"}
"""Of these a file that Python reads has none; other tests plant them."""


def planted(text):
    """Return the text without its markers, and what it is expected to have, by line and rule."""
    expected = Counter()
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        marker = EXPECT.search(line)
        if marker:
            expected.update((number, rule.strip()) for rule in marker[1].split(","))
        lines.append(EXPECT.sub("", line))
    return "\n".join(lines), expected


@pytest.mark.parametrize("canary", CANARIES, ids=lambda path: path.stem)
def test_what_is_planted_is_found_and_nothing_else(canary, lint):
    text, expected = planted(canary.read_text("utf-8"))
    found = Counter((problem.place.line, problem.rule) for problem in lint(text))
    assert len(expected) >= 7
    assert sorted((found - expected).elements()) == [], "found, and not planted"
    assert sorted((expected - found).elements()) == [], "planted, and not found"


def test_every_rule_has_a_canary():
    expected = Counter()
    for canary in CANARIES:
        expected += planted(canary.read_text("utf-8"))[1]
    assert {rule for _, rule in expected} == RULES.keys() - NOT_PLANTED


@pytest.mark.parametrize("canary", CANARIES, ids=lambda path: path.stem)
def test_a_finding_points_at_what_is_written(canary, lint):
    text, _ = planted(canary.read_text("utf-8"))
    lines = text.split("\n")
    for problem in lint(text):
        place = problem.place
        assert problem.source == lines[place.line - 1]
        assert 1 <= place.column < place.end <= len(problem.source) + 1
        assert problem.hint == RULES[problem.rule].mend
        if problem.rule.startswith("hardcoded"):
            ast.parse(problem.source[place.column - 1 : place.end - 1], mode="eval")
