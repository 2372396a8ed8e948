"""Waivers: what they take away, on which days, and what is said of those that are wrong."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lint.check import check
from repro.lint.rules import RULES, rule_called

END = date(2027, 6, 30)
WAIVED = f"a_seed = 1  # repro: allow hardcoded-seed until {END}: published so\n"


@given(days=st.integers(-3000, 3000))
def test_a_waiver_holds_to_the_end_of_its_last_day(lint, days):
    today = END + timedelta(days)
    found = [problem.rule for problem in lint(WAIVED, today)]
    assert found == ([] if days <= 0 else ["hardcoded-seed", "expired-waiver"])


def test_a_waiver_that_holds_is_told_with_its_reason(names):
    checked = check(WAIVED.encode(), "f.py", names, END)
    (waiver,) = checked.waivers
    assert checked.problems == ()
    told = (waiver.line, waiver.rule, waiver.until, waiver.reason)
    assert told == (1, "hardcoded-seed", END, "published so")


def test_the_place_of_a_wrong_waiver_is_the_comment(lint):
    seed, waiver = lint("a_seed = 1  # noqa  # repro: allow hardcoded-seed\n")
    assert (seed.place.column, waiver.place.column, waiver.place.end) == (10, 21, 50)


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("allow hardcoded-seed", "no end"),
        ("allow hardcoded-seed because: so", "no end"),
        ("allow hardcoded-seed until 2027-06-30", "no reason"),
        ("allow hardcoded-seed until 2027-06-30: ", "no reason"),
        ("allow hardcoded-seed until 2027-06-30: ...", "no reason"),
        ("allow hardcoded-seed until 2027-13-30: so", "2027-13-30 is no day"),
        ("allow hardcoded-seed until 30.6.2027: so", "cannot be understood"),
        ("allow until 2027-06-30: so", "cannot be understood"),
        ("allow hardcoded-sead until 2027-06-30: so", "hardcoded-sead is no rule"),
        ("allow syntax-error until 2027-06-30: so", "syntax-error cannot be waived"),
    ],
)
def test_what_is_wrong_with_a_waiver_is_said(lint, comment, said):
    seed, waiver = lint(f"a_seed = 1  # repro: {comment}\n")
    assert (seed.rule, said in waiver.message) == ("hardcoded-seed", True), waiver.message


def test_a_waiver_above_a_statement_holds_for_its_first_line_alone(lint):
    above = f"# repro: allow hardcoded-seed until {END}: published so\n"
    assert lint(f"{above}f(seed=1)\n") == ()
    found = [p.rule for p in lint(f"{above}f(\n  seed=1)\n")]
    assert found == ["unused-waiver", "hardcoded-seed"]
    inside = f"f(\n  {above}  seed=1)\n"
    assert lint(inside) == ()


def test_one_waiver_is_enough_and_a_second_is_unused(lint):
    both = f"# repro: allow hardcoded-seed until {END}: published so\n{WAIVED}"
    assert [p.rule for p in lint(both)] == ["unused-waiver"]


def test_every_rule_has_a_name_a_code_and_what_to_do():
    codes = [rule.code for rule in RULES.values()]
    assert codes == sorted(set(codes))
    for name, rule in RULES.items():
        assert rule_called(name) is rule_called(rule.code) is rule
        assert all((rule.summary, rule.why, rule.mend))
    assert rule_called("nothing") is None
