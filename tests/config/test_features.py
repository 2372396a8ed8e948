"""How a feature comes to be known, and that it is said."""

import pytest

from repro.config.resolution.active import activate
from repro.config.resolution.features import feature_of
from repro.config.sealed.request import build

RETURN = {"kind": "return", "column": "Close", "periods": 5}
STATED = {"formula": RETURN, "lookback": 5, "lag": 2, "allowed_horizons": [5], "version": 3}
REGISTRY = "data/feature_registry.yaml"


def test_what_the_registry_states_is_explicit():
    found = feature_of("r", {"r": {"description": "A return.", **STATED}}, ())
    assert found == {**STATED, "resolved": "explicit"}


@pytest.mark.parametrize("missing", ["lookback", "lag", "allowed_horizons", "version"])
def test_what_it_does_not_state_is_inferred(missing):
    stated = {key: value for key, value in STATED.items() if key != missing}
    inferred = {"lookback": 5, "lag": 0, "allowed_horizons": "any", "version": 1}
    found = feature_of("r", {"r": stated}, ())
    assert found == {**stated, missing: inferred[missing], "resolved": "inferred"}


def test_a_column_is_known_by_its_name_alone():
    assert feature_of("Volume", {}, {"Volume": "int64"}) == {
        "formula": {"kind": "column", "column": "Volume"},
        "lookback": 0,
        "lag": 0,
        "allowed_horizons": "any",
        "version": 1,
        "resolved": "names-only",
    }


def test_the_registry_goes_before_a_column_of_the_same_name():
    assert feature_of("Volume", {"Volume": STATED}, {"Volume": "int64"})["formula"] == RETURN


def test_what_is_neither_is_no_feature():
    with pytest.raises(KeyError):
        feature_of("Volumes", {"r": STATED}, {"Volume": "int64"})


def test_the_request_says_of_each_feature_how_it_was_resolved(edit, resolved, families):
    edit(REGISTRY, "    lookback: 14\n", "")
    found = resolved(sets=("selected=[ret_1d, rsi_14d, Volume]",))
    request = build(found, activate(found), families["lightgbm"])
    features = request.decides["features"]
    assert {feature["name"]: feature["resolved"] for feature in features} == {
        "ret_1d": "explicit",
        "rsi_14d": "inferred",
        "Volume": "names-only",
    }
    assert features[1]["lookback"] == 14
