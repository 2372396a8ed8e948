"""Axes as they are typed: what they mean, what is refused, and grids that are never spelled out."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.resolution.assignments import parse_assignment
from repro.errors import ProblemsError, UsageError
from repro.sweeping.axes import name_of, parse_axes, points, size, typed


def values(*texts):
    """Return what each point has, axis by axis."""
    return [tuple(v.value for v in at.values()) for at in points(parse_axes(texts))]


def test_values_are_typed_as_an_override_would_have_them():
    text = "x=1,1.0,\"1\",one,true,null,1e-3,[a, b],{a: [1, 2]},'a,b'"
    found = [value for (value,) in values(text)]
    expected = [1, 1.0, "1", "one", True, None, 0.001, ["a", "b"], {"a": [1, 2]}, "a,b"]
    assert [(type(v), v) for v in found] == [(type(v), v) for v in expected]


def test_the_text_of_each_value_is_an_override_of_that_value():
    for at in points(parse_axes(["x=0.1..0.5..0.1,7,[1, 2]", "seed=1..3", 'a."b.c"=null,"x, y"'])):
        for key, value in at.items():
            assert parse_assignment(1, f"{key}={value.text}").value == value.value


def test_a_grid_is_walked_in_the_order_typed_and_the_last_axis_changes_first():
    assert values("b=2,1", "a=x,y") == [(2, "x"), (2, "y"), (1, "x"), (1, "y")]
    (first, *_) = points(parse_axes(["b=2,1", "a=x,y"]))
    assert name_of(first) == "b=2, a=x"
    assert values() == [()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s=1..5", [1, 2, 3, 4, 5]),
        ("s=5..5", [5]),
        ("s=0..10..5", [0, 5, 10]),
        ("s=0..11..5", [0, 5, 10]),
        ("s=3..1..-1", [3, 2, 1]),
        ("s=-2..2..2", [-2, 0, 2]),
        ("s=0.5..0.9..0.1", [0.5, 0.6, 0.7, 0.8, 0.9]),
        ("s=1..2..0.5", [1.0, 1.5, 2.0]),
        ("s=1e-3..3e-3..1e-3", [0.001, 0.002, 0.003]),
        ("s=1..3,10,20..21", [1, 2, 3, 10, 20, 21]),
        ("s=../a,b/..", ["../a", "b/.."]),
        ('s="1..5"', ["1..5"]),
    ],
)
def test_a_range_has_both_of_its_ends_and_exact_decimals(text, expected):
    found = [value for (value,) in values(text)]
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@given(st.integers(-(10**6), 10**6), st.integers(0, 200), st.integers(1, 9), st.integers(0, 3))
def test_a_range_is_what_fractions_say(first, count, step, places):
    scale = Fraction(1, 10**places)

    def spelled(number):
        exact = number * scale
        return str(exact.numerator) if exact.denominator == 1 else f"{float(exact):.{places}f}"

    last = first + count * step
    text = f"x={spelled(first)}..{spelled(last)}..{spelled(step)}"
    (axis,) = parse_axes([text])
    assert axis.count == count + 1
    assert [v.value for v in axis.values()] == [
        float((first + n * step) * scale) for n in range(count + 1)
    ]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_size_is_the_number_of_points_and_no_two_points_are_one(counts):
    grid = parse_axes([f"k{n}=1..{count}" for n, count in enumerate(counts)])
    found = [name_of(at) for at in points(grid)]
    assert size(grid) == len(found) == len(set(found)) == math.prod(counts)


def test_a_grid_of_any_size_is_counted_and_not_made():
    grid = parse_axes(["a=1..1000000000000", "b=0..1..1e-9", "c=1..5"])
    assert size(grid) == 10**12 * (10**9 + 1) * 5


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a="], "no value"),
        (["a=  "], "no value"),
        (["a"], "not an axis"),
        (["=1"], "not an axis"),
        ([""], "not an axis"),
        (["a=1,,2"], "empty value"),
        (["a=1,"], "empty value"),
        (["a=1,1"], "1 twice"),
        (["a=null,~"], "twice"),
        (["a=1..3,2"], "2 twice"),
        (["a=1..3,2.0"], "2.0 twice"),
        (["a=1..3,3..9"], "3 twice"),
        (["a=1..1000000000000,7"], "7 twice"),
        (["a=1", "b=1", "a=2"], "two axes"),
        (["a=0.1..0.5"], "needs a step"),
        (["a=5..1"], "is empty"),
        (["a=1..5..0"], "has the step 0"),
        (["a=1..5..-1"], "is empty"),
        (["a=x..y"], "no range"),
        (["a=1..many"], "no range"),
        (["a=1..1e999999999..1"], "too large"),
        (["a=0..1..1e-300"], "too large"),
        (["a=0..1..1e-999999999"], "too large"),
        (["target=1,2"], "no name"),
        (['experiment=""'], "no name"),
    ],
)
def test_what_is_no_grid_is_refused_with_what_to_do(texts, said):
    with pytest.raises(UsageError, match=said):
        parse_axes(texts)


def test_values_of_python_are_typed_so_that_they_come_back():
    mine = [1, 1.0, True, None, "1..5", 'a"b,c', "x, y", [1, "2,3"], {"a, b": [None]}, "\\", "~"]
    ((axis,), text) = parse_axes([typed("x", mine)]), typed("x", "1..3,9")
    found = [value.value for value in axis.values()]
    assert [(type(v), v) for v in found] == [(type(v), v) for v in mine]
    assert [value.value for value in parse_axes([text])[0].values()] == [1, 2, 3, 9]


def test_what_yaml_cannot_read_is_told_with_its_place():
    with pytest.raises(ProblemsError) as told:
        parse_axes(["a=[1,2"])
    assert told.value.problems[0].place.column == 3


def test_ranges_that_have_nothing_in_common_are_told_apart_at_once():
    far = "a=1..1000000000000,2000000000000..3000000000000"
    assert parse_axes([far])[0].count == 2 * 10**12 - 10**12 + 1 + 10**12
    odd_and_even = "a=1..99..2,2..100..2"
    found = [value for (value,) in values(odd_and_even)]
    assert sorted(found) == list(range(1, 101))


@given(st.text(alphabet="a=1,.\"'[]{}: -", max_size=14))
def test_nothing_that_can_be_typed_makes_it_fall_over(text):
    try:
        grid = parse_axes([text])
    except (UsageError, ProblemsError):
        return
    for _, at in zip(range(50), points(grid) if size(grid) < 10**4 else (), strict=False):
        assert parse_assignment(1, f"k={next(iter(at.values())).text}")


def test_the_order_of_axes_is_theirs_not_ours():
    axes = ["k3=1,2", "k1=1,2", "k2=1,2"]
    assert [axis.key for axis in parse_axes(axes)] == ["k3", "k1", "k2"]
