import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.identity.run import seeds_of
from repro.identity.seeds import derive_seed

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "identity" / "seeds.json").read_text("utf-8")
)
REQUEST = {
    "target": {"name": "fwd_ret_5d"},
    "routing": {"view": "cross_sectional", "symbol": None},
    "family": "lightgbm",
}


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['base']} {case['purpose']}")
def test_seeds_are_the_golden_ones(case):
    found = derive_seed(case["base"], case["purpose"], case["names"], case["bits"])
    assert str(found) == case["seed"]


@given(st.integers(0, 2**53 - 1), st.text(), st.lists(st.text()), st.integers(1, 64))
def test_a_seed_lies_in_the_range_that_the_library_accepts(base, purpose, names, bits):
    assert 0 <= derive_seed(base, purpose, names, bits) < 2**bits


@pytest.mark.parametrize("bits", [0, 65])
def test_a_seed_of_no_bits_or_too_many_is_our_own_mistake(bits):
    with pytest.raises(AssertionError):
        derive_seed(1, "x", [], bits)


def test_names_do_not_run_into_each_other():
    assert derive_seed(1, "x", ["ab", "c"], 64) != derive_seed(1, "x", ["a", "bc"], 64)


def test_every_stage_and_purpose_of_a_run_has_a_seed_of_its_own():
    seeds = seeds_of(42, ["seed", "bagging_seed"], 31, REQUEST, folds=5)
    assert list(seeds) == ["fold 1", "fold 2", "fold 3", "fold 4", "fold 5", "final"]
    drawn = [value for stage in seeds.values() for value in stage.values()]
    assert len(set(drawn)) == len(drawn) == 6 * 4


def test_seeds_of_the_interpreters_own_generators_have_32_bits_at_most():
    wide, narrow = (seeds_of(42, ["seed"], bits, REQUEST, folds=20) for bits in (53, 8))
    for stage in wide.values():
        assert stage["python"] < 2**32
        assert stage["numpy"] < 2**32
    assert max(stage["seed"] for stage in wide.values()) > 2**32
    assert max(value for stage in narrow.values() for value in stage.values()) < 2**8


def test_another_base_seed_redraws_every_seed():
    one = seeds_of(42, ["seed", "bagging_seed"], 31, REQUEST, folds=5)
    two = seeds_of(43, ["seed", "bagging_seed"], 31, REQUEST, folds=5)
    assert all(one[s][p] != two[s][p] for s in one for p in one[s])


@pytest.mark.parametrize(
    "change",
    [
        {"target": {"name": "fwd_ret_1d"}},
        {"routing": {"view": "symbol_specific", "symbol": "AAPL"}},
        {"family": "xgboost"},
    ],
)
def test_another_target_symbol_or_family_has_other_seeds(change):
    one = seeds_of(42, ["seed"], 31, REQUEST, folds=1)
    two = seeds_of(42, ["seed"], 31, {**REQUEST, **change}, folds=1)
    assert one["fold 1"]["seed"] != two["fold 1"]["seed"]


def test_the_fits_that_choose_features_have_seeds_of_their_own():
    chooser = SimpleNamespace(family="lightgbm", seeds=("seed",), seed_bits=8)
    other = SimpleNamespace(family="ridge", seeds=(), seed_bits=32)
    seeds = seeds_of(42, ["seed"], 31, REQUEST, 1, [chooser, other])
    fits = [stage for stage in seeds if "selection" in stage]
    assert fits == [
        f"{stage}, selection by {family}"
        for family in ("lightgbm", "ridge")
        for stage in ("fold 1", "final")
    ]
    plain = seeds_of(42, ["seed"], 31, REQUEST, 1)
    assert {stage: seeds[stage] for stage in plain} == plain
    assert all(max(seeds[stage].values()) < 2**8 for stage in fits[:2])
    assert all(set(seeds[stage]) == {"python", "numpy"} for stage in fits[2:])
    drawn = [value for stage in plain for value in plain[stage].values()]
    assert not {value for stage in fits for value in seeds[stage].values()} & set(drawn)
