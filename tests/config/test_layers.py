"""Layers laid over each other: what merges, what replaces, and the history of each value."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.resolution.layers import Setting, below, dotted, lay, leaves, nest
from repro.errors import Place
from repro.identity.equality import same

NOWHERE = Place("f.yaml", 1, 1, 2)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.5])
    | st.sampled_from(["", "7", "true", "null"])
)
LISTS = st.lists(SCALARS, max_size=3)
KEYS = st.sampled_from(["a", "b", "c d"])
TREES = st.recursive(SCALARS | LISTS, lambda t: st.dictionaries(KEYS, t, max_size=3), max_leaves=6)
DOCUMENTS = st.dictionaries(KEYS, TREES, max_size=3)
FRAGMENTS = st.dictionaries(
    st.sampled_from([("a",), ("m", "x"), ("m", "y"), ("m", "n", "z"), ("o", "z")]),
    SCALARS | LISTS,
)
"""Fragments of one shape: what is a leaf in one of them is a mapping in none."""


def layer(document, name="document"):
    """Return a document as a layer."""
    found = leaves(document, (), lambda path: False)
    return {path: Setting(value, name, NOWHERE, NOWHERE) for path, value in found if path}


def fragment(settings, name):
    """Return values by path as a layer."""
    return {path: Setting(value, name, NOWHERE, NOWHERE) for path, value in settings.items()}


def resolved(*documents):
    """Return the documents laid over each other, each as a layer with a number for its name."""
    numbered = enumerate(documents)
    return reduce(lay, (layer(document, str(n)) for n, document in numbered), {})


def values(flat):
    """Return the nested values in force."""
    return nest({path: value.value for path, value in flat.items()})


def merged(base, over):
    """Return what laying ``over`` over ``base`` must come to: the definition, by recursion."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    both = {key: merged(base[key], over[key]) for key in base.keys() & over.keys()}
    return {**base, **over, **both}


def history(flat, *path):
    """Return what each layer said of a value."""
    return [setting.value for setting in flat[path].history]


# --- properties ----------------------------------------------------------------------------------


@given(DOCUMENTS)
def test_a_document_by_itself_is_what_it_says(document):
    assert same(values(resolved(document)), document)


@given(DOCUMENTS)
def test_laying_a_copy_of_a_document_changes_nothing_and_leaves_no_history(document):
    assert lay(resolved(document), layer(document, "copy")) == resolved(document)


@given(DOCUMENTS, DOCUMENTS)
def test_laying_a_layer_twice_is_laying_it_once(base, over):
    assert resolved(base, over, over) == resolved(base, over)


@given(DOCUMENTS, DOCUMENTS)
def test_mappings_merge_key_by_key_and_all_else_replaces(base, over):
    assert same(values(resolved(base, over)), merged(base, over))


@given(st.lists(DOCUMENTS, max_size=4))
def test_layers_are_laid_in_their_order(documents):
    assert same(values(resolved(*documents)), reduce(merged, documents, {}))


@given(FRAGMENTS, FRAGMENTS, FRAGMENTS)
def test_layers_of_one_shape_may_be_laid_over_each_other_in_any_grouping(first, second, third):
    one, two, three = (fragment(f, str(n)) for n, f in enumerate((first, second, third)))
    upper = {path: value.setting for path, value in lay(lay({}, two), three).items()}
    left, right = lay(lay(lay({}, one), two), three), lay(lay({}, one), upper)
    assert same(values(left), values(right))


@given(FRAGMENTS, FRAGMENTS)
def test_layers_that_set_different_values_may_be_laid_in_any_order(first, second):
    one, two = fragment(first, "one"), fragment(second, "two")
    two = {path: setting for path, setting in two.items() if path not in one}
    assert same(values(lay(lay({}, one), two)), values(lay(lay({}, two), one)))


@given(st.lists(FRAGMENTS, max_size=5))
def test_the_history_of_a_value_is_each_change_of_it_oldest_first(fragments):
    numbered = enumerate(fragments)
    flat = reduce(lay, (fragment(settings, str(n)) for n, settings in numbered), {})
    for path, value in flat.items():
        said = [f[path] for f in fragments if path in f]
        changes = [v for n, v in enumerate(said) if n == 0 or not same(said[n - 1], v)]
        assert list(map(repr, history(flat, *path))) == list(map(repr, changes))
        assert [s.layer for s in value.history] == sorted(s.layer for s in value.history)


@given(DOCUMENTS, DOCUMENTS)
def test_no_leaf_lies_below_another(base, over):
    paths = set(resolved(base, over))
    assert not any(path[:n] in paths for path in paths for n in range(1, len(path)))


@given(DOCUMENTS, DOCUMENTS)
def test_laying_changes_neither_base_nor_layer(base, over):
    flat, settings = resolved(base), layer(over)
    lay(flat, settings)
    assert (flat, settings) == (resolved(base), layer(over))


# --- single facts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "over"),
    [
        (7, "7"),
        (1, True),
        (0, False),
        (None, "null"),
        (None, 0),
        (None, ""),
        (True, "true"),
        ([1], [True]),
        ([7], ["7"]),
        ([], {}),
        ([[0]], [[False]]),
        ([1, 2], [2, 1]),
    ],
)
def test_values_of_different_types_are_different_values(base, over):
    assert history(resolved({"k": base}, {"k": over}), "k") == [base, over]
    assert history(resolved({"k": over}, {"k": base}), "k") == [over, base]


def test_one_and_one_point_zero_are_one_number():
    assert history(resolved({"k": 1}, {"k": 1.0}), "k") == [1]


def test_a_copy_that_changes_one_value_is_a_layer_of_that_one_value():
    document = {"a": {"x": 1, "y": [2]}, "b": None}
    flat = resolved(document, {**document, "b": 3})
    assert {path: history(flat, *path) for path in flat} == {
        ("a", "x"): [1],
        ("a", "y"): [[2]],
        ("b",): [None, 3],
    }


def test_a_value_that_goes_and_comes_back_keeps_all_three_words():
    assert history(resolved({"k": 1}, {"k": 2}, {"k": 1}), "k") == [1, 2, 1]


def test_a_list_replaces_a_list_whole():
    assert values(resolved({"k": [1, 2, 3]}, {"k": [9]})) == {"k": [9]}


def test_an_empty_mapping_over_a_mapping_changes_nothing():
    assert resolved({"k": {"x": 1}}, {"k": {}}) == resolved({"k": {"x": 1}})


def test_a_leaf_that_replaces_a_mapping_removes_what_was_below_it():
    assert values(resolved({"k": {"x": 1, "y": {"z": 2}}}, {"k": None})) == {"k": None}


def test_a_mapping_that_replaces_a_leaf_removes_the_leaf():
    assert values(resolved({"k": None}, {"k": {"x": 1}})) == {"k": {"x": 1}}


def test_a_neighbour_whose_name_begins_alike_is_not_below():
    assert values(resolved({"k": {"x": 1}, "kk": 2}, {"k": 3})) == {"k": 3, "kk": 2}


@pytest.mark.parametrize(
    ("base", "over", "path"),
    [({"k": {"x": 1}}, {"k": None}, ("k",)), ({"k": None}, {"k": {"x": 1}}, ("k", "x"))],
)
def test_a_leaf_in_the_place_of_a_mapping_remembers_what_it_replaced(base, over, path):
    assert len(resolved(base, over)[path].history) == 2


def test_a_value_that_counts_as_one_leaf_is_replaced_whole():
    def formula(path):
        return path[-1:] == ("formula",)

    def whole(document, name):
        found = leaves(document, (), formula)
        return {path: Setting(value, name, NOWHERE, NOWHERE) for path, value in found}

    base = lay({}, whole({"formula": {"kind": "lag", "periods": 3}}, "one"))
    flat = lay(base, whole({"formula": {"kind": "column"}}, "two"))
    assert flat["formula",].value == {"kind": "column"}


def test_leaves_come_in_the_order_of_the_document():
    found = leaves({"b": {"z": 1, "a": {}}, "a": [1]}, (), lambda path: False)
    assert list(found) == [(("b", "z"), 1), (("b", "a"), {}), (("a",), [1])]


def test_below_shortens_the_paths_and_leaves_out_the_prefix_itself():
    flat = resolved({"a": {"x": 1, "y": {"z": 2}}, "ab": 3})
    assert {path: v.value for path, v in below(flat, ("a",)).items()} == {
        ("x",): 1,
        ("y", "z"): 2,
    }
    assert below(flat, ("ab",)) == {}


def test_a_path_is_written_with_dots():
    assert dotted(("dataset", "columns", "Adj Close")) == "dataset.columns.Adj Close"
