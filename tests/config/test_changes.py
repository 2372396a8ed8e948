"""What differs between two configurations, leaf by leaf."""

from __future__ import annotations

import pytest

from repro.config.sealed.changes import changes
from repro.config.sealed.leaf import Leaf, Word, leaves_in, leaves_of
from repro.config.sealed.record import record
from repro.errors import Place

PATH = ("training_config", "splits_config", "splits", "folds")


def leaf(value, *, used=True, component="splits"):
    """Return a leaf that one document set."""
    word = Word("document", value, Place("f.yaml", 1, 1, 2), None)
    return Leaf(PATH, (word,), component, used)


def kinds(a, b):
    """Return the kinds of what differs."""
    left, right = ({} if side is None else {PATH: side} for side in (a, b))
    return [change.kind for change in changes(left, right)]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (7, 8, "changed"),
        (7, "7", "type"),
        (7, None, "type"),
        (1, True, "type"),
        (0, False, "type"),
        (1, 1.5, "changed"),
        ([1], [1, 2], "changed"),
        ([7], ["7"], "changed"),
        ({}, [], "type"),
        ("a", "b", "changed"),
    ],
    ids=str,
)
def test_a_value_that_is_another_is_a_change_of_its_kind(old, new, kind):
    assert kinds(leaf(old), leaf(new)) == [kind]
    assert kinds(leaf(new), leaf(old)) == [kind]


@pytest.mark.parametrize("value", [7, "7", None, [1, "a"], {}, 0.1], ids=str)
def test_the_same_value_is_no_change(value):
    assert kinds(leaf(value), leaf(value)) == []


def test_one_and_one_point_zero_are_one_number():
    assert kinds(leaf(1), leaf(1.0)) == []


def test_a_value_on_one_side_alone_is_added_or_removed():
    assert kinds(None, leaf(7)) == ["added"]
    assert kinds(leaf(7), None) == ["removed"]


def test_a_value_that_one_side_alone_uses_is_told():
    assert kinds(leaf(7), leaf(7, used=False)) == ["use"]


@pytest.mark.parametrize(
    ("used", "component", "moves"),
    [(True, "splits", "splits"), (True, "none", ""), (False, "splits", "")],
)
def test_only_what_is_used_and_identified_moves_something(used, component, moves):
    sides = [{PATH: leaf(n, used=used, component=component)} for n in (1, 2)]
    (change,) = changes(*sides)
    assert (change.used, change.moves) == (used, moves)


def test_a_sealed_configuration_is_the_one_it_was_sealed_from(resolved):
    live = resolved(profile="debug", sets=("folds=3",))
    assert list(changes(leaves_of(live), leaves_in(record(live)))) == []


def test_a_dot_in_a_key_is_no_difference_to_what_was_sealed(resolved, edit):
    edit("data/dataset.yaml", "    Low: float64", "    Low: float64\n    No.1: float64")
    live = resolved()
    assert any(path[-1] == "No.1" for path in live.flat)
    assert list(changes(leaves_of(live), leaves_in(record(live)))) == []


def test_every_layer_shows_as_what_it_changed(resolved):
    a, b = leaves_of(resolved()), leaves_of(resolved(variant="conservative", sets=("folds=3",)))
    found = {change.path[-1]: change for change in changes(a, b)}
    assert {"folds", "learning_rate", "num_leaves", "max_depth"} <= set(found)
    assert found["folds"].moves == "splits"
    assert found["folds"].b.word.layer == "--set"
    assert found["learning_rate"].b.word.layer == "variant conservative"
    assert all(change.used for change in found.values())
