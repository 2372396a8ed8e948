import json
import subprocess
import sys
from pathlib import Path

import blake3
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from repro.identity.equality import same
from repro.identity.keys import (
    EXACT,
    SIGNATURES,
    exact,
    identify,
    output_digest,
    payload,
    request_digest,
    signature,
)
from repro.identity.payloads import component_payloads, differing_parameters

VECTORS = Path(__file__).parent.parent / "vectors" / "identity"
GOLDEN = json.loads((VECTORS / "keys.json").read_text("utf-8"))


def test_the_golden_vectors_are_what_an_independent_program_makes():
    script = Path(__file__).parent / "make_vectors.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_signatures_and_keys_are_the_golden_ones():
    found = identify(GOLDEN["payloads"], GOLDEN["train_seed"], GOLDEN["execution"])
    assert found.comparison_group() == GOLDEN["comparison_group"]
    assert found.missing == ()


def test_the_comparison_group_has_exactly_the_documented_names():
    found = identify(GOLDEN["payloads"], 42, GOLDEN["execution"])
    assert list(found.comparison_group()) == [
        "dataset_signature",
        "target_signature",
        "feature_signature",
        "hyperparameters_signature",
        "split_signature",
        "routing_signature",
        "train_seed",
        "replicate_key",
        "strict_key",
        "execution_key",
    ]


def test_the_same_payload_has_another_signature_in_each_component():
    one = payload({"a": 1}, {})
    assert len({signature(component, one) for component in SIGNATURES}) == len(SIGNATURES)


@pytest.mark.parametrize("component", sorted(SIGNATURES))
def test_each_component_moves_its_own_signature_and_every_key(component):
    changed = {**GOLDEN["payloads"], component: payload({"other": 1}, {})}
    before = GOLDEN["comparison_group"]
    after = identify(changed, 42, GOLDEN["execution"]).comparison_group()
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {SIGNATURES[component], "replicate_key", "strict_key", "execution_key"}


def test_the_seed_moves_the_strict_key_but_neither_replicate_key_nor_signatures():
    before = GOLDEN["comparison_group"]
    after = identify(GOLDEN["payloads"], 43, GOLDEN["execution"]).comparison_group()
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"train_seed", "strict_key", "execution_key"}


def test_what_else_decides_bits_moves_the_execution_key_alone():
    before = GOLDEN["comparison_group"]
    other = {**GOLDEN["execution"], "threads": 2}
    after = identify(GOLDEN["payloads"], 42, other).comparison_group()
    assert {name for name in before if before[name] != after[name]} == {"execution_key"}


def test_a_component_without_facts_is_missing_and_never_equal_to_a_complete_one():
    payloads = {**GOLDEN["payloads"], "dataset": None}
    found = identify(payloads, 42, GOLDEN["execution"])
    assert found.missing == ("dataset",)
    assert found.comparison_group()["dataset_signature"] is None
    assert found.replicate_key != GOLDEN["comparison_group"]["replicate_key"]


def test_a_component_is_missing_when_the_worker_tells_no_facts_of_it():
    config = {name: {"x": 1} for name in SIGNATURES}
    found = component_payloads(config, {"dataset": {}, "features": {"n": 1}})
    assert found["dataset"] is None
    assert found["splits"] is None
    assert found["features"] is not None
    assert found["routing"] == {"schema": 1, "config": {"x": 1}, "facts": {}}


def test_one_and_one_point_zero_are_the_same_number_but_not_the_same_as_text():
    assert signature("target", {"a": 1}) == signature("target", {"a": 1.0})
    assert signature("target", {"a": 1}) != signature("target", {"a": "1"})
    assert signature("target", {"a": None}) != signature("target", {})


def test_integers_beyond_the_exact_range_travel_as_text():
    assert exact({"a": [EXACT, EXACT + 1, -EXACT - 1, True]}) == {
        "a": [EXACT, str(EXACT + 1), str(-EXACT - 1), True]
    }
    assert exact(1e300) == str(int(1e300))


def test_outputs_are_digested_by_name():
    assert output_digest({"a": "1", "b": "2"}) == output_digest({"b": "2", "a": "1"})
    assert output_digest({"a": "1", "b": "2"}) != output_digest({"a": "2", "b": "1"})


def test_the_request_digest_is_that_of_its_canonical_bytes():
    request = {"b": [1, 2.5], "a": {"x": None}}
    expected = blake3.blake3(
        rfc8785.dumps(request), derive_key_context="repro-audit v1 request"
    ).hexdigest()
    assert request_digest(request) == expected


def test_a_requested_parameter_that_is_not_in_force_is_told_with_both_values():
    asked = {"a": 1, "b": 0.5, "c": "gbdt", "d": True, "e": 3}
    found = {"a": 1, "b": 0.25, "c": "dart", "d": 1}
    assert differing_parameters(asked, found) == {
        "b": (0.5, 0.25),
        "c": ("gbdt", "dart"),
        "e": (3, None),
    }


def test_a_null_is_in_force_if_the_library_says_null_and_not_if_it_says_nothing():
    asked = {"a": None, "b": None, "c": 1, "d": None}
    found = {"a": None, "c": None, "d": "None"}
    assert differing_parameters(asked, found) == {
        "b": (None, None),
        "c": (1, None),
        "d": (None, "None"),
    }


def test_a_parameter_that_the_library_prints_with_six_digits_is_in_force():
    assert differing_parameters({"rate": 0.123456789}, {"rate": 0.123457}) == {}
    assert differing_parameters({"rate": 0.123456789}, {"rate": 0.12345}) != {}


@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, 0), (0, None), (None, "None"), ([1, 2], [1]), ([1, 2], [2, 1]), ([1], 1), (1, [1])],
)
def test_none_and_lists_are_compared_as_what_they_are(asked, found):
    assert differing_parameters({"a": asked}, {"a": found}) == {"a": (asked, found)}
    assert differing_parameters({"a": asked}, {"a": asked}) == {}
    assert differing_parameters({"a": asked}, {}) == {"a": (asked, None)}


def test_the_numbers_of_a_list_are_compared_as_numbers():
    assert differing_parameters({"a": [1, 0.123456789]}, {"a": [1.0, 0.123457]}) == {}


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(scalars, lambda x: st.lists(x) | st.dictionaries(st.text(), x))


@given(trees)
def test_every_value_is_the_same_as_itself(value):
    assert same(value, json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("a", "b"), [(7, "7"), (1, True), (0, False), ([1], [True]), ({"a": 1}, {"a": "1"}), (None, 0)]
)
def test_values_of_different_types_are_never_the_same(a, b):
    assert not same(a, b)
    assert not same(b, a)
