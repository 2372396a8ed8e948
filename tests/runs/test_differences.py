from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cli.config.diff import _change
from repro.config.resolution.assignments import parse_assignment
from repro.config.resolution.given import Given, asked_by
from repro.config.sealed.changes import Change
from repro.config.sealed.leaf import Leaf, Word
from repro.identity.equality import same
from repro.runs import differences
from repro.runs.differences import Item, aligned, configuration
from repro.verbs.research.choosing import as_argument, as_flag


def sealed(**values):
    return {
        "target": "t",
        "family": "lightgbm",
        "values": [
            {
                "path": path,
                "value": value,
                "component": "hyperparameters",
                "used": True,
                "history": [
                    {"layer": "document", "file": "f.yaml", "line": 3, "column": 5, "text": "x"}
                ],
            }
            for path, value in values.items()
        ],
    }


def test_equal_configurations_have_no_causes():
    assert list(differences.configuration(sealed(a=1), sealed(a=1.0))) == []


@pytest.mark.parametrize(("old", "new"), [(7, "7"), (1, True), (None, 0), ([1, 2], [2, 1])])
def test_a_change_of_type_or_order_is_a_difference(old, new):
    (cause,) = differences.configuration(sealed(a=old), sealed(a=new))
    assert (cause.subject, cause.old, cause.new) == ("a", old, new)
    assert (cause.a.file, cause.a.line, cause.b.column) == ("f.yaml", 3, 5)


def test_a_value_that_only_one_run_has_is_a_difference():
    (cause,) = differences.configuration(sealed(a=1), sealed(a=1, b=2))
    assert (cause.subject, cause.old, cause.new, cause.a) == ("b", None, 2, None)


def test_a_value_that_no_run_used_is_not_a_difference():
    a, b = sealed(a=1), sealed(a=2)
    for side in (a, b):
        side["values"][0]["used"] = False
    assert list(differences.configuration(a, b)) == []


def test_another_target_or_family_is_told_even_if_no_value_says_so():
    b = {**sealed(a=1), "target": "u", "family": "xgboost"}
    found = list(differences.configuration(sealed(a=1), b))
    assert [(c.subject, c.old, c.new) for c in found] == [
        ("target", "t", "u"),
        ("family", "lightgbm", "xgboost"),
    ]


def test_who_named_a_target_is_told_and_nobody_where_a_run_does_not_say():
    said = {"layer": "--set", "value": "u", "file": "--target", "line": 1, "column": 10}
    named = {**sealed(a=1), "target": "u", "target_from": {**said, "text": "--target u"}}
    (cause,) = differences.configuration(sealed(a=1), named)
    assert cause.a is None
    assert (cause.b.layer, cause.b.text) == ("--set", "--target u")


def test_the_base_seed_is_a_cause_of_its_own_kind():
    name = "training_config.reproducibility_config.reproducibility.base_seed"
    (cause,) = differences.configuration(sealed(**{name: 1}), sealed(**{name: 2}))
    assert cause.kind == "seed"


def test_nested_facts_differ_at_their_leaves():
    a = {"versions": {"numpy": "2.0", "pandas": "3.0"}, "threads": 1}
    b = {"versions": {"numpy": "2.1", "pandas": "3.0", "scipy": "1"}, "threads": 1}
    found = list(differences.mapping("environment", "execution_key", a, b))
    assert [(c.subject, c.old, c.new) for c in found] == [
        ("versions, numpy", "2.0", "2.1"),
        ("versions, scipy", None, "1"),
    ]


def test_files_differ_by_content_and_not_by_order():
    def side(*files):
        return {"files": [{"name": n, "blake3": d} for n, d in files]}

    assert list(differences.files(side(("a", "1"), ("b", "2")), side(("b", "2"), ("a", "1")))) == []
    found = list(differences.files(side(("a", "1")), side(("a", "9"), ("b", "2"))))
    assert [(c.subject, c.old, c.new) for c in found] == [
        ("file a", "blake3:1", "blake3:9"),
        ("file b", None, "blake3:2"),
    ]


def test_a_change_that_neither_run_saw_is_marked():
    told = list(differences.configuration(sealed(a=1, b=1), sealed(a=2, b=2), {"b"}))
    assert [(cause.subject, cause.idle) for cause in told] == [("a", False), ("b", True)]


ITEMS = st.sampled_from([0, 1, 2, 2.5, "1", "a", True, False, None, [1], ["1"], {"k": 1}, [2, "b"]])
LISTS = st.lists(ITEMS, max_size=9)


def applied(old, items):
    """Return a list with what became of it carried out: items taken out, then put where they go."""
    goes = {item.old for item in items if item.old is not None}
    stays = [value for place, value in enumerate(old, 1) if place not in goes]
    comes = {item.new: item.value for item in items if item.new is not None}
    found = []
    for place in range(1, len(stays) + len(comes) + 1):
        found.append(comes[place] if place in comes else stays.pop(0))
    assert stays == []
    return found


def undone(new, items):
    """Return the list that it was before."""
    turned = [replace(item, old=item.new, new=item.old) for item in items]
    return applied(new, turned)


@given(LISTS, LISTS)
def test_what_became_of_a_list_leads_from_one_side_to_the_other_and_back(old, new):
    items = aligned(old, new)
    assert same(applied(old, items), new)
    assert same(undone(new, items), old)


@given(LISTS, LISTS)
def test_each_item_is_on_the_sides_that_its_change_says(old, new):
    items = aligned(old, new)
    for item in items:
        assert item.old is None or same(old[item.old - 1], item.value)
        assert item.new is None or same(new[item.new - 1], item.value)
        assert (item.old is None, item.new is None) == {
            "added": (True, False), "removed": (False, True), "moved": (False, False),
        }[item.change]  # fmt: skip
    for places in ([i.old for i in items if i.old], [i.new for i in items if i.new]):
        assert len(places) == len(set(places))


@given(LISTS, LISTS)
def test_nothing_is_both_removed_and_added(old, new):
    items = aligned(old, new)
    removed = [item.value for item in items if item.change == "removed"]
    added = [item.value for item in items if item.change == "added"]
    assert not any(same(x, y) for x in removed for y in added)


@given(st.permutations(list(range(8))), st.permutations(list(range(8))))
def test_in_another_order_everything_was_moved_or_stays(old, new):
    items = aligned(old, new)
    assert {item.change for item in items} <= {"moved"}
    assert len(items) < len(old)


def test_one_and_one_point_nought_are_one_item_and_text_is_another():
    assert aligned([1, 2], [1.0, 3]) == (Item("removed", 2, 2, None), Item("added", 3, None, 2))
    assert [item.change for item in aligned([1], ["1"])] == ["removed", "added"]
    assert [item.change for item in aligned([1], [True])] == ["removed", "added"]


@pytest.mark.parametrize(("old", "new"), [([1], None), ("ab", "ba"), (None, [1]), ({}, [])])
def test_only_lists_are_aligned(old, new):
    assert aligned(old, new) == ()


@given(LISTS)
def test_a_list_is_as_itself(one):
    assert aligned(one, list(one)) == ()


def test_a_feature_that_goes_is_one_cause_and_a_type_is_one_too():
    def config(features, folds):
        values = {
            "data.feature_registry.selected": (features, "features"),
            "training_config.splits_config.splits.folds": (folds, "splits"),
        }
        for name in features:
            values[f"data.feature_registry.registry.{name}.lag"] = (0, "features")
        place = {"file": "f", "line": 1, "column": 1, "text": "", "layer": "document"}
        return {
            "target": "t",
            "family": "f",
            "values": [
                {"path": p, "value": v, "component": c, "used": True, "history": [place]}
                for p, (v, c) in values.items()
            ],
        }

    listed, folds = configuration(config(["a", "b", "c"], 5), config(["c", "a"], "5"))
    assert (listed.kind, folds.kind) == ("features", "splits")
    changes = {(item.change, item.value) for item in listed.items}
    assert changes in ({("removed", "b"), ("moved", "c")}, {("removed", "b"), ("moved", "a")})
    assert folds.retyped
    assert not next(configuration(config(["a"], 5), config(["a"], 6))).retyped


def test_a_number_that_is_hashed_as_its_text_moves_nothing():
    (cause,) = configuration(sealed(a=2**53), sealed(a=str(2**53)))
    assert (cause.retyped, cause.moves) == (True, ())


def test_a_cause_names_the_signature_and_every_key_that_it_moves():
    (cause,) = configuration(sealed(a=1), sealed(a=2))
    keys = ("replicate_key", "strict_key", "execution_key")
    assert cause.moves == ("hyperparameters_signature", *keys)
    (code,) = differences.mapping("code", "execution_key", {"x": 1}, {"x": 2})
    assert code.moves == ("execution_key",)
    (git,) = differences.mapping("code", "", {"commit": "a"}, {"commit": "b"})
    assert git.moves == ()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("learning_rate=0.2", "learning_rate=0.2"),
        (as_flag("reproducibility.base_seed=7", "seed", 7), "--seed 7"),
        (as_argument("reproducibility.base_seed=7", "seed", 7), "argument seed=7"),
        (asked_by("--replicates", "a.base_seed", 44), "--replicates a.base_seed=44"),
        (asked_by("experiment few", "a.family", "ridge"), 'experiment few a.family="ridge"'),
        (Given('v.symbol="A"', "axis symbol", "symbol=", "A"), "axis symbol=A"),
        (Given("a b=1", "argument set['a b']", "a b=", "1"), "argument set['a b']: a b=1"),
    ],
)
def test_what_a_command_decided_is_called_by_the_words_that_were_given(override, said, capsys):
    asked = parse_assignment(2, override)
    place, text = asked.place, asked.text
    new = sealed(a=2)
    last = {"layer": "--set", "file": place.file, "line": 1, "column": place.column, "text": text}
    new["values"][0]["history"].append(last)
    (cause,) = configuration(sealed(a=1), new)
    assert (cause.a.text, cause.b.text) == ("x", said)
    sides = [
        Leaf(("d", "a"), (Word("--set", value, place, text),), "hyperparameters", used=True)
        for value in (1, 2)
    ]
    _change(Change(("d", "a"), "changed", *sides))
    assert capsys.readouterr().out.splitlines()[2] == f"    B command line  {said}"
