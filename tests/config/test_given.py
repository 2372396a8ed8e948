"""Overrides that were given in other words than key=value, and what they are called by."""

from __future__ import annotations

import copy
import pickle

import pytest

from repro.config.checks.overrides import given_twice, unused
from repro.config.resolution.active import overridden
from repro.config.resolution.assignments import parse_assignment
from repro.config.resolution.given import Given, asked_by
from repro.config.resolution.resolve import Selection, resolve
from repro.config.sealed.leaf import leaves_of
from repro.errors import ProblemsError
from repro.verbs.research.choosing import as_argument, as_flag, selection, without
from repro.verbs.training.plan import override

LEVEL = ("training_config", "reproducibility_config", "reproducibility", "level")


def test_it_reads_as_any_other_override_and_knows_its_words() -> None:
    given = Given("a.b=7", "--seed", "--seed ", "7")
    assert given == "a.b=7"
    assert given.words == "--seed 7"
    read = parse_assignment(3, given)
    assert (read.key, read.value, read.text) == (("a", "b"), 7, "--seed 7")
    place = read.place
    assert (place.file, place.line, place.column, place.end) == ("--seed", 1, 8, 9)
    for same in (pickle.loads(pickle.dumps(given)), copy.deepcopy(given)):  # noqa: S301
        assert (same, same.words, same.origin) == (given, given.words, given.origin)


def test_what_yaml_cannot_read_is_placed_in_the_words() -> None:
    with pytest.raises(ProblemsError) as caught:
        parse_assignment(1, Given("a.b=[1", "axis b", "b=", "[1"))
    (problem, *_) = caught.value.problems
    assert (problem.place.file, problem.source) == ("axis b", "b=[1")
    assert 3 <= problem.place.column <= 5


@pytest.mark.parametrize(
    ("spelled", "origin", "words"),
    [
        (as_flag, "--level", "--level portable"),
        (as_argument, "argument level", "level='portable'"),
    ],
)
def test_the_history_of_a_value_has_the_words(spelled, origin, words, shipped, families) -> None:
    asked = selection(spelled=spelled, level="portable", sets=["folds=3"])
    word = leaves_of(resolve(shipped, asked, families))[LEVEL].word
    assert (word.value, word.layer, word.place.file, word.text) == (
        *("portable", "--set"),
        *(origin, words),
    )


def test_a_symbol_that_implies_its_view_is_called_by_the_symbol(shipped, families) -> None:
    asked = selection(spelled=as_flag, symbol="IBM")
    leaves = leaves_of(resolve(shipped, asked, families))
    said = {path[-1]: leaf.word for path, leaf in leaves.items() if "routing" in path}
    assert (said["view"].value, said["view"].text) == ("symbol_specific", "--symbol IBM")
    assert (said["symbol"].value, said["symbol"].text) == ("IBM", "--symbol IBM")


def test_one_that_changes_nothing_and_one_given_twice_are_called_so(shipped, families) -> None:
    idle = Given("model_config.ridge.hyperparameters.alpha=9.0", "axis alpha", "alpha=", "9.0")
    (problem,) = unused(resolve(shipped, Selection(sets=(idle,)), families))
    assert problem.message.startswith("alpha=9.0 changes nothing")
    twice = (*selection(spelled=as_flag, seed=7).sets, "base_seed=7")
    (problem,) = given_twice(resolve(shipped, Selection(sets=twice), families), twice, families)
    assert problem.message == "given twice: --seed sets it already"
    assert (problem.place.file, problem.source) == ("--set 2", "base_seed=7")


def test_the_log_says_which_words_the_user_gave(shipped, families) -> None:
    asked = selection(spelled=as_flag, level="portable", sets=["folds=3"], variant="aggressive")
    resolved = resolve(shipped, asked, families)
    body = override(overridden(resolved), "0" * 12 + "-1", resolved)
    given = {one["path"].rpartition(".")[2]: one.get("given") for one in body["list"]}
    assert (given.pop("level"), given.pop("folds")) == ("--level portable", "folds=3")
    assert given  # what the variant decided nobody typed
    assert set(given.values()) == {None}


def test_what_is_taken_out_leaves_the_others_as_they_were_given() -> None:
    sets = selection(spelled=as_flag, level="portable", seed=7).sets
    (left,) = without(sets, "reproducibility.base_seed")
    assert isinstance(left, Given)
    assert left.words == "--level portable"


def test_what_a_command_asks_of_itself_is_called_by_the_command() -> None:
    asked = asked_by("experiment several", "pipeline.family", "ridge")
    assert asked == 'pipeline.family="ridge"'
    assert parse_assignment(1, asked).place.file == "experiment several pipeline.family"
