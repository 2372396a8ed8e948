"""What a declaration says of threads and levels: read strictly, and unknown is never a promise."""

from dataclasses import replace

import pytest

from repro.facts.limits import UNKNOWN, Limit, levels, read_limits, read_threads
from repro.facts.trainers import declaration

WORDS = {"reason": "it races", "evidence": "seen"}
SAID = {"timing": False, "count": True, "beside": 1, **WORDS}
NAMES, TASKS = ("updater", "alpha"), ("regression", "binary")


def test_what_strict_forces_portable_forces_too():
    assert levels(["strict"]) == ("strict", "portable")
    assert levels(["best-effort", "strict"]) == ("strict", "portable", "best-effort")
    assert levels(["portable"]) == ("portable",)
    assert levels(["best-effort"]) == ("best-effort",)


@pytest.mark.parametrize("names", [[], ["Strict"], ["strict", "bitwise"]])
def test_a_name_that_is_no_level_is_refused(names):
    with pytest.raises(ValueError, match="levels are"):
        levels(names)


def test_threads_are_read_as_they_are_said():
    found = read_threads(SAID)
    assert (found.timing, found.count, found.beside) == (False, True, 1)


@pytest.mark.parametrize(
    "entry",
    [{}, {**SAID, "more": 1}, {**SAID, "timing": 0}, {**SAID, "beside": True}, {"timing": False}],
)
def test_threads_that_are_said_otherwise_are_refused(entry):
    with pytest.raises(ValueError, match="threads says"):
        read_threads(entry)


def test_who_says_nothing_of_threads_is_promised_at_one_alone():
    silent = replace(declaration("ridge"), threads=read_threads(None))
    assert silent.threads is UNKNOWN
    assert silent.beyond("strict", 1, {}, "regression") == ()
    (limit,) = silent.beyond("strict", 2, {}, "regression")
    assert limit.several
    assert "does not say" in limit.reason
    assert silent.beyond("best-effort", 2, {}, "regression") == ()


def limit(**more):
    (found,) = read_limits([{"levels": ["portable"], **WORDS, **more}], NAMES, TASKS)
    return found


@pytest.mark.parametrize(
    ("found", "holding", "not_holding"),
    [
        (limit(), ("portable", 1, {}, "binary"), ("strict", 1, {}, "binary")),
        (limit(several=True), ("portable", 2, {}, "binary"), ("portable", 1, {}, "binary")),
        (limit(task="binary"), ("portable", 1, {}, "binary"), ("portable", 1, {}, "regression")),
        (
            limit(when={"updater": ["shotgun"]}),
            ("portable", 1, {"updater": "shotgun"}, "binary"),
            ("portable", 1, {"updater": "coord_descent"}, "binary"),
        ),
        (
            limit(when={"updater": ["shotgun"]}),
            ("portable", 1, {"updater": "shotgun", "alpha": 1.0}, "binary"),
            ("portable", 1, {"alpha": 1.0}, "binary"),
        ),
    ],
)
def test_a_limit_holds_where_it_says_and_nowhere_else(found, holding, not_holding):
    assert isinstance(found, Limit)
    assert found.holds(*holding)
    assert not found.holds(*not_holding)


@pytest.mark.parametrize(
    "entry",
    [
        {"levels": ["portable"]},
        {"levels": [], **WORDS},
        {"levels": ["best-effort"], **WORDS},
        {"levels": ["portable"], **WORDS, "when": {"unknown": [1]}},
        {"levels": ["portable"], **WORDS, "task": "ranking"},
        {"levels": ["portable"], **WORDS, "because": "x"},
    ],
)
def test_a_limit_that_is_said_otherwise_is_refused(entry):
    with pytest.raises(ValueError, match="a limit"):
        read_limits([entry], NAMES, TASKS)
