"""What leaks is left out above everything that asks for it, and the history says who did so."""

import pytest

from repro.config.documents.tree import load
from repro.config.resolution.active import overridden
from repro.config.resolution.resolve import Selection, resolve
from repro.config.resolution.without import FEATURES
from repro.facts.trainers import declarations

from .conftest import copied


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    """Return what resolves a selection of the shipped configuration."""
    families = declarations()
    tree, _ = load(copied(tmp_path_factory.mktemp("shipped")), families)
    return lambda **asked: resolve(tree, Selection(**asked), families)


def test_it_lies_above_the_command_line_and_leaves_its_word_in_the_history(resolved):
    asked = ("selected=[canary_low_lag1, canary_high, ret_1d_lag1]",)
    found = resolved(experiment="leakage_canary", sets=asked, without=("canary_high",))
    history = found.flat[FEATURES].history
    assert [setting.layer for setting in history[-2:]] == ["--set", "leakage"]
    assert history[-1].value == ["canary_low_lag1", "ret_1d_lag1"]
    assert history[-2].value == ["canary_low_lag1", "canary_high", "ret_1d_lag1"]
    place = history[-1].place
    assert found.sources[place.file][place.line - 1] == "without canary_high"
    assert found.layers[-1] == "leakage"
    assert overridden(found)[FEATURES].setting.layer == "leakage"


def test_each_feature_that_is_left_stays_where_it_was_written(resolved):
    whole = resolved(experiment="leakage_canary").flat[FEATURES].setting
    left = resolved(experiment="leakage_canary", without=("canary_low_lag1",)).flat[FEATURES]
    places = dict(zip(whole.value, whole.items, strict=True))
    assert left.setting.items == tuple(places[name] for name in left.value)


def test_nothing_is_laid_where_nothing_leaks(resolved):
    assert resolved(experiment="leakage_canary").layers == ("experiment leakage_canary",)
