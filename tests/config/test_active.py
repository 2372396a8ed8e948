"""What a run uses, by identity component: every leaf in one or none, and nothing that is idle."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from repro.config.documents.catalog import DOCUMENTS
from repro.config.resolution.active import COMPONENTS, activate, component_of, components, used
from repro.config.resolution.layers import dotted
from repro.config.resolution.resolve import Selection, resolve
from repro.config.resolution.settings import split

MODEL = "model_config.lightgbm"
PROFILES = "training_config.optimizer_config"
REGISTRY = "data/feature_registry.yaml"


def schema_of(kind):
    """Return a shipped schema as it lies in its file."""
    return json.loads(files("repro.schemas").joinpath("config", f"{kind}.schema.json").read_text())


def named(path):
    """Return the component that the schema names for a value: the annotation nearest to it."""
    document, inner = split(path)
    if path[0] == "model_config" or document == PROFILES:
        return "hyperparameters"
    node, found = schema_of(DOCUMENTS[document]), None
    for key in inner:
        node = node.get("properties", {}).get(key, node.get("additionalProperties", {}))
        found = node.get("x-identity", found)
    return found


def moved(before, after):
    """Return the components that differ."""
    return {name for name in COMPONENTS if repr(before[name]) != repr(after[name])}


# --- classification ------------------------------------------------------------------------------


def test_every_shipped_leaf_is_of_the_component_that_its_schema_names(shipped, families):
    flat = resolve(shipped, Selection(), families).flat
    assert {path: component_of(path) for path in flat} == {path: named(path) for path in flat}
    assert {component_of(path) for path in flat} == {*COMPONENTS, "none"}


@pytest.mark.parametrize("target", ["fwd_ret_5d", "fwd_up_5d"])
def test_every_used_leaf_is_in_exactly_one_component_or_in_none(target, shipped, families):
    resolved = resolve(shipped, Selection(target=target), families)
    groups = components(resolved)
    for path, value in used(resolved).items():
        inner = dotted(split(path)[1])
        holding = [name for name, leaves in groups.items() if inner in leaves]
        assert holding == [name for name in [named(path)] if name != "none"]
        assert all(groups[name][inner] == value.value for name in holding)


def test_components_hold_nothing_but_used_leaves(shipped, families):
    resolved = resolve(shipped, Selection(), families)
    held = [inner for leaves in components(resolved).values() for inner in leaves]
    assert len(held) == len(set(held))
    assert set(held) <= {dotted(split(path)[1]) for path in used(resolved)}


def test_a_leaf_that_no_schema_classifies_is_our_own_bug():
    with pytest.raises(AssertionError, match="has no identity component in its schema"):
        component_of(("data", "targets", "targets"))


# --- what is idle --------------------------------------------------------------------------------


def test_of_the_targets_only_the_chosen_one_is_used(shipped, families):
    in_use = used(resolve(shipped, Selection(target="fwd_up_5d"), families))
    assert {path[3] for path in in_use if path[1] == "targets"} == {"fwd_up_5d"}


def test_of_the_features_only_the_selected_ones_are_used(shipped, families):
    in_use = used(resolve(shipped, Selection(sets=("selected=[vol_20d, ret_1d]",)), families))
    assert {path[3] for path in in_use if path[2:3] == ("registry",)} == {"vol_20d", "ret_1d"}


def test_no_variant_and_no_profile_is_used_itself(shipped, families):
    in_use = used(resolve(shipped, Selection(variant="aggressive", profile="debug"), families))
    assert not [path for path in in_use if "variants" in path or "training_profiles" in path]


@pytest.mark.parametrize(
    ("relative", "old", "new"),
    [
        ("data/targets.yaml", "threshold: 0.0", "threshold: 0.5"),
        ("data/targets.yaml", "  fwd_up_5d:", "  renamed:"),
        ("model_config/lightgbm.yaml", "learning_rate: 0.005", "learning_rate: 0.006"),
        ("model_config/lightgbm.yaml", "  aggressive:", "  bold:"),
        ("model_config/lightgbm.yaml", "variants:", "variants:\n  new: {num_leaves: 2}"),
        ("training_config/optimizer_config.yaml", "max_bin: 63", "max_bin: 64"),
        ("training_config/optimizer_config.yaml", "  debug:\n", "  new: {}\n  debug:\n"),
        (REGISTRY, "formula: {kind: return, column: Adj Close, periods: 60}\n    lookback: 60",
         "formula: {kind: return, column: Adj Close, periods: 61}\n    lookback: 61"),
        (REGISTRY, "  ret_60d:", "  ret_61d:"),
        (REGISTRY, "description: Return of one session.", "description: R."),
        ("data/targets.yaml", "Return of the adjusted close over the next", "Over"),
        (REGISTRY, "  Adj Close: It", "  Close: It"),
    ],
    ids=[
        "another target's formula", "another target's name", "a variant's value",
        "a variant's name", "a new variant", "a profile's value", "a new profile",
        "an unselected feature's formula", "an unselected feature's name",
        "a feature's description", "the target's description", "a forbidden level",
    ],
)  # fmt: skip
def test_what_a_run_does_not_use_does_not_enter(relative, old, new, edit, resolved):
    edit(REGISTRY, "  - ret_60d\n", "")
    before = components(resolved())
    edit(relative, old, new)
    assert moved(before, components(resolved())) == set()


def test_the_order_of_keys_in_a_file_does_not_enter(edit, resolved):
    before = activate(resolved())
    edit("training_config/splits_config.yaml", "  embargo: 1 ", "  # ")
    edit("training_config/splits_config.yaml", "  folds: 5", "  embargo: 1\n  folds: 5")
    after = activate(resolved())
    assert (after.splits, after.components) == (before.splits, before.components)


def test_the_order_of_the_selected_features_enters(edit, resolved):
    before = components(resolved())
    edit(REGISTRY, "  - ret_1d\n  - ret_5d\n", "  - ret_5d\n  - ret_1d\n")
    assert moved(before, components(resolved())) == {"features"}


def test_another_target_moves_the_target_alone(resolved):
    assert moved(components(resolved()), components(resolved(target="fwd_ret_1d"))) == {"target"}


def test_a_layer_that_sets_what_is_set_moves_nothing(resolved):
    asked = {"profile": "default", "sets": ("purge=5", "level=strict")}
    assert moved(components(resolved()), components(resolved(**asked))) == set()


# --- what the run is -----------------------------------------------------------------------------


def test_a_run_has_its_features_in_the_order_of_the_list(resolved):
    active = activate(resolved(sets=("selected=[vol_20d, ret_1d]",)))
    assert [feature["name"] for feature in active.features] == ["vol_20d", "ret_1d"]


def test_the_sentences_for_people_are_in_no_declaration(resolved):
    active = activate(resolved())
    assert not any("description" in said for said in (active.target, *active.features))


def test_a_run_has_its_hyperparameters_by_their_one_name(resolved, families):
    active = activate(resolved(variant="conservative"))
    assert set(active.hyperparameters) == set(families["lightgbm"].hyperparameters)
    assert active.hyperparameters["num_iterations"] == 300


def test_a_run_has_the_values_that_the_layers_decided(resolved):
    active = activate(resolved(target="fwd_up_5d", sets=("base_seed=7", "threads=3", "purge=9")))
    assert (active.target["name"], active.base_seed, active.threads) == ("fwd_up_5d", 7, 3)
    assert active.splits["purge"] == 9


# --- what a change moves (of every leaf: tests/every_leaf) ----------------------------------------


def test_a_component_moves_by_the_leaf_that_was_changed_and_no_other(resolved):
    before = components(resolved())
    after = components(resolved(sets=("max_bin=31",)))
    assert {
        inner
        for name in COMPONENTS
        for inner in before[name].keys() | after[name].keys()
        if before[name].get(inner) != after[name].get(inner)
    } == {"hyperparameters.max_bin"}


def test_another_default_target_moves_the_target_only_where_none_is_named(edit, resolved):
    before = components(resolved())
    edit("data/dataset.yaml", "default_target: fwd_ret_5d", "default_target: fwd_ret_1d")
    assert moved(before, components(resolved())) == {"target"}
    assert moved(before, components(resolved(target="fwd_ret_5d"))) == set()
