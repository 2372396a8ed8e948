"""The sealed configuration: every leaf, who set it where, and the same values again from YAML."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.resolution.active import COMPONENTS, component_of, used
from repro.config.resolution.layers import Setting, Value, dotted, nest
from repro.config.resolution.resolve import Resolved, Selection, base_of, resolve
from repro.config.resolution.settings import split
from repro.config.sealed.record import Leaves, keys_of, record, to_yaml, values
from repro.config.text.document import parse
from repro.errors import Place

OVERLAY = "CONFIG/model_config/lightgbm_custom.yaml"
ASKED = {
    "target": "fwd_up_5d",
    "variant": "conservative",
    "profile": "debug",
    "overlays": ("lightgbm_custom", "dataset_small"),
    "sets": (
        "n_estimators=9",
        "splits={purge: 6, embargo: 2}",
        "selected=[ret_1d]",
        "end=2010-01-01",
    ),
}
TREES = "model_config.lightgbm.hyperparameters.num_iterations"
PLACE = Place("f.yaml", 1, 1, 2)
READABLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"],
                                 exclude_characters="\ufeff\ufffe\uffff"))  # fmt: skip
"""What the reader takes unescaped."""
ESCAPED = "\u0000\t\r\n\x0b\x1f"
"""Characters that JSON escapes."""


@pytest.fixture
def layered(add, resolved):
    """Return a configuration that every kind of layer has a word in."""
    add("model_config/lightgbm_custom.yaml", "hyperparameters: {num_trees: 77, eta: 0.2}\n")
    add("data/dataset_small.yaml", "dataset:\n  max_rows_per_symbol: 200\n")
    return resolved(**ASKED)


def leaf(sealed, path):
    """Return what is sealed of one leaf."""
    (found,) = [entry for entry in sealed["values"] if entry["path"] == path]
    return found


def said(text):
    """Return the values of resolved documents by full path, as the reader sees them."""
    found = parse(text, "config.resolved.yaml").value
    return {tuple(name.split(".")): document for name, document in found.items()}


def one_leaf(path, value, place=PLACE):
    """Return a configuration of one leaf."""
    setting = Setting(value, "document", place, place)
    return Resolved({path: Value(path, (setting,))}, "lightgbm", "t", (), {})


# --- the record ----------------------------------------------------------------------------------


def test_every_entry_of_every_history_points_at_its_line(layered, workspace):
    files = {f"--set {n}": [text] for n, text in enumerate(ASKED["sets"], start=1)}
    for file in (workspace / "CONFIG").rglob("*.yaml"):
        files[file.relative_to(workspace).as_posix()] = file.read_text("utf-8").splitlines()
    seen = set()
    for entry in record(layered)["values"]:
        for word in entry["history"]:
            seen.add(word["layer"])
            assert files[word["file"]][word["line"] - 1] == word["text"]
    assert seen == {"defaults", "document", *layered.layers}


ALONG = (
    {"sets": ("base_seed=1",)},
    {"sets": ("base_seed=2", "purge=6")},  # what was --set 1 is something else now
    {"sets": ("purge=6", "base_seed=2")},
    {"target": "fwd_up_5d", "sets": ("pipeline.family=xgboost",)},
    {"profile": "debug"},
    {"sets": ("selected=[ret_1d]",)},
    {},
)
"""Configurations of one tree, as a sweep has them."""


def test_leaves_that_are_kept_say_what_each_configuration_says_by_itself(shipped, families):
    base, made = base_of(shipped, families), []

    def once(leaf):
        made.append(leaf["path"])
        return dict(leaf)

    leaves, made_of = Leaves(once), []
    for asked in (*ALONG, *ALONG):
        resolved = resolve(shipped, Selection(**asked), families, base)
        before = len(made)
        assert record(resolved, leaves) == record(resolved)
        made_of.append(len(made) - before)
    assert made_of[0] == len(resolved.flat)
    assert made_of[2] < 5  # the two that are set, and nothing else is made anew


def test_every_entry_of_every_history_points_at_its_value(layered):
    entries = {entry["path"]: entry["history"] for entry in record(layered)["values"]}
    for path, value in layered.flat.items():
        for word, setting in zip(entries[dotted(path)], value.history, strict=True):
            text = word["text"][word["column"] - 1 : setting.place.end - 1]
            found = parse(f"v: {text.removeprefix('- ')}", "slice").value["v"]
            if text.startswith("- "):  # a list of several lines begins with its first item
                assert word["value"][0] == found
            elif word["file"] == "--set 2":  # one mapping sets two values
                assert word["value"] == found[path[-1]]
            else:
                assert repr(word["value"]) == repr(found)


def test_the_history_of_a_value_is_all_layers_oldest_first(layered):
    history = leaf(record(layered), TREES)["history"]
    assert [(word["layer"], word["value"]) for word in history] == [
        ("defaults", 100),
        ("document", 200),
        ("variant conservative", 300),
        ("profile debug", 20),
        (f"overlay {OVERLAY}", 77),
        ("--set", 9),
    ]


def test_an_entry_has_file_line_column_and_text(layered):
    history = leaf(record(layered), TREES)["history"]
    assert history[4] == {
        "layer": f"overlay {OVERLAY}",
        "value": 77,
        "file": OVERLAY,
        "line": 1,
        "column": 30,
        "text": "hyperparameters: {num_trees: 77, eta: 0.2}",
    }
    assert (history[5]["file"], history[5]["column"]) == ("--set 1", 14)


def test_every_leaf_is_recorded_once_in_order_of_path(layered):
    entries = record(layered)["values"]
    assert [entry["path"] for entry in entries] == [dotted(path) for path in sorted(layered.flat)]


def test_the_last_entry_of_a_history_is_the_value_in_force(layered):
    for entry in record(layered)["values"]:
        assert repr(entry["history"][-1]["value"]) == repr(entry["value"])


def test_every_leaf_is_recorded_with_its_component_and_whether_it_is_used(layered):
    in_use = {dotted(path) for path in used(layered)}
    by_path = {dotted(path): component_of(path) for path in layered.flat}
    for entry in record(layered)["values"]:
        assert entry["component"] == by_path[entry["path"]]
        assert entry["component"] in (*COMPONENTS, "none")
        assert entry["used"] is (entry["path"] in in_use)


def test_the_record_names_family_target_and_layers(layered):
    sealed = record(layered)
    assert (sealed["family"], sealed["target"]) == ("lightgbm", "fwd_up_5d")
    assert sealed["layers"] == [
        "variant conservative",
        "profile debug",
        f"overlay {OVERLAY}",
        "overlay CONFIG/data/dataset_small.yaml",
        "--set",
    ]


def test_the_record_is_json_and_comes_back_the_same(layered):
    sealed = record(layered)
    assert repr(json.loads(json.dumps(sealed, allow_nan=False))) == repr(sealed)


def test_the_values_of_a_record_are_its_used_leaves_by_path(layered):
    found = values(record(layered))
    assert set(found) == {dotted(path) for path in used(layered)}
    assert found[TREES]["value"] == 9


# --- as YAML -------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{}, {"variant": "aggressive"}])
def test_the_shipped_configuration_comes_back_from_yaml(asked, resolved):
    configuration = resolved(**asked)
    found = said(to_yaml(configuration))
    documents = {}
    for path, value in configuration.flat.items():
        name, inner = split(path)
        documents.setdefault(tuple(name.split(".")), {})[inner] = value.value
    assert found.keys() == documents.keys()
    for name, leaves in documents.items():
        assert found[name] == nest(leaves)
        assert json.dumps(found[name], sort_keys=True) == json.dumps(nest(leaves), sort_keys=True)


def test_a_configuration_of_all_layers_comes_back_from_yaml(layered):
    found = said(to_yaml(layered))
    for path, value in layered.flat.items():
        name, inner = split(path)
        node = found[tuple(name.split("."))]
        for key in inner:
            node = node[key]
        assert repr(node) == repr(value.value)


def test_each_leaf_has_the_place_that_decided_it_beside_it(layered):
    lines = to_yaml(layered).splitlines()
    assert "    num_iterations: 9  # --set 1:1:14" in lines
    assert f"    learning_rate: 0.2  # {OVERLAY}:1:39" in lines


def test_target_family_and_layers_stand_at_the_head(layered):
    assert to_yaml(layered).splitlines()[:6] == [
        "# target fwd_up_5d, family lightgbm",
        "# layer: variant conservative",
        "# layer: profile debug",
        f"# layer: overlay {OVERLAY}",
        "# layer: overlay CONFIG/data/dataset_small.yaml",
        "# layer: --set",
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | READABLE
    | st.text(ESCAPED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(READABLE, inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_every_value_comes_back_from_yaml(value):
    configuration = one_leaf(("data", "targets", "targets", "t", "formula"), value)
    found = said(to_yaml(configuration))["data", "targets"]["targets"]["t"]["formula"]
    assert repr(found) == repr(value)


@given(READABLE | st.text(ESCAPED) | st.sampled_from(["null", "True", "~", "<<", "1", "a: b", "#"]))
def test_every_key_comes_back_from_yaml(key):
    configuration = one_leaf(("data", "dataset", "dataset", "columns", key), "int64")
    found = said(to_yaml(configuration))["data", "dataset"]
    assert found == {"dataset": {"columns": {key: "int64"}}}


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\ufffe"])
def test_a_character_that_must_be_escaped_comes_back_from_yaml(character, edit, resolved):
    escaped = f'"\\u{ord(character):04x}"'
    edit("data/feature_registry.yaml", "Return of one session.", escaped)
    configuration = resolved()
    path = ("data", "feature_registry", "registry", "ret_1d", "description")
    assert configuration.flat[path].value == character
    found = said(to_yaml(configuration))["data", "feature_registry"]
    assert found["registry"]["ret_1d"]["description"] == character


def test_a_path_is_sealed_in_parts_and_read_so_again(layered):
    sealed = record(layered)
    assert [tuple(entry["keys"]) for entry in sealed["values"]] == sorted(layered.flat)
    dot = {"path": "data.dataset.dataset.columns.A.b"}
    parts = ("data", "dataset", "dataset", "columns", "A.b")
    assert keys_of(dot | {"keys": list(parts)}) == parts
    assert keys_of(dot, {dot["path"]: parts}) == parts
    assert keys_of(dot) == (*parts[:-1], "A", "b")
