"""A point that a worker refuses goes to another; where all refuse, it fails with the reasons."""

from pathlib import Path

import pytest

from repro.errors import InputError, TrainingError
from repro.execution.executor import Failed, Prepared, Task
from repro.execution.session import Job
from repro.facts.trainers import declaration
from repro.sweeping.fitness import SHOWN, Unfit

dask = pytest.importorskip("repro.sweeping.dask", exc_type=ImportError)


class Engine:
    """As much of a client of dask as giving a task asks; it starts nothing."""

    status = "running"

    def __init__(self, *workers):
        self.workers, self.given = dict.fromkeys(workers, 1), []

    def nthreads(self):
        return self.workers

    def submit(self, *_, key, workers, **__):
        self.given.append((key, workers))
        return Future()


class Future:
    def add_done_callback(self, function):
        self.done = function

    def cancel(self, force):
        pass


def task(folder, number=1, family="ridge", digest="a"):
    job = Job({}, {}, declaration(family), {}, "strict", 1, 60)
    return Task(number, job, folder, {"data.csv": digest})


def refusal(place, problem="no room", **otherwise):
    words = {"kind": "InputError", "problem": f"{place}: {problem}", "hint": "make room"}
    return {"message": None, "error": {**words, "unfit": True, "place": place}, "files": {}} | {
        **otherwise
    }


@pytest.fixture
def given(tmp_path):
    """Return an executor with an engine of two workers, that was given a task, and its warnings."""
    warned = []
    executor = dask.DaskExecutor("tcp://127.0.0.1:9", 2, warned.append)
    executor._client = Engine("A", "B")
    executor.submit(task(tmp_path))
    return executor, executor._client, warned


def over(executor, result, number=1):
    """Let the engine be through with a task, and return what is told of it."""
    executor._heard.put(("over", (number, result, executor._sent[number].future)))
    return [*executor.wait(1), *executor.wait(0)]


def test_a_point_is_given_to_a_worker_that_did_not_refuse_and_so_are_those_like_it(given, tmp_path):
    executor, engine, warned = given
    assert over(executor, refusal("A")) == []
    assert warned == ["A: no room: it gets no more points that need the same; hint: make room"]
    executor.submit(task(tmp_path, 2))
    executor.submit(task(tmp_path, 3, family="elasticnet"))
    executor.submit(task(tmp_path, 4, digest="b"))
    assert [workers for _, workers in engine.given] == [None, ["B"], ["B"], None, None]
    assert len({key for key, _ in engine.given}) == 5


def test_a_point_that_all_refuse_fails_with_their_reasons_and_so_do_those_like_it(given, tmp_path):
    executor, engine, _ = given
    over(executor, refusal("A"))
    (failed,) = over(executor, refusal("B", "no data"))
    assert isinstance(failed, Failed)
    assert failed.error.problem == "A: no room; B: no data"
    assert (type(failed.error), failed.error.hint) == (InputError, "make room")
    assert executor.free == 1  # the next is told so at once
    executor.submit(task(tmp_path, 2))
    (second,) = executor.wait(1)
    assert (second.number, second.error.problem) == (2, failed.error.problem)
    engine.workers["C"] = 1
    executor.submit(task(tmp_path, 3))
    assert engine.given[-1][1] == ["C"]


def test_a_worker_that_is_asked_again_and_refuses_again_ends_the_point(given):
    executor, engine, warned = given
    over(executor, refusal("A"))
    (failed,) = over(executor, refusal("A"))  # the engine did not do as it was told
    assert failed.error.problem == "A: no room"
    assert (len(engine.given), len(warned)) == (2, 1)


def test_what_fails_once_it_may_be_planned_is_not_tried_elsewhere(given):
    executor, engine, _ = given
    executor._sent[1].has_prepared = True
    (failed,) = over(executor, refusal("A"))
    assert (failed.error.problem, len(engine.given)) == ("A: no room", 1)


def test_what_comes_of_a_try_before_is_not_of_the_next(given):
    executor, engine, _ = given
    first = executor._sent[1].future
    over(executor, refusal("A"))
    executor._heard.put(("over", (1, refusal("A"), first)))
    assert executor.wait(0.05) == []
    assert len(engine.given) == 2


@pytest.mark.parametrize(
    ("prepared", "left", "says"),
    [
        (False, {"A": 1}, "A: no room"),
        (True, {"A": 1}, "the worker B was lost"),
        (False, {"A": 1, "C": 1}, None),
    ],
)
def test_a_point_whose_only_worker_goes_away_does_not_wait_for_ever(given, prepared, left, says):
    executor, engine, _ = given
    over(executor, refusal("A"))
    sent = executor._sent[1]
    sent.has_prepared, sent.place = prepared, "B"
    engine.workers = left
    told = [*executor.wait(0.01), *executor.wait(0)]
    assert [event.error.problem for event in told] == ([says] if says else [])
    assert [workers for _, workers in engine.given[2:]] == ([] if says else [["C"]])


def test_facts_that_name_no_code_are_left_to_the_coordinator(given):
    executor, _, _ = given
    executor._sent[1].place = "A"
    for environment in ({}, {"code": {1: 2}}, {"code": 1}, None):
        executor._sent[1].has_prepared = False
        message = {"kind": "prepared", "message": {"environment": environment}}
        assert executor._news(1, message) == [Prepared(1, message["message"], "A")]


def test_of_many_that_refuse_the_first_few_are_told():
    unfit, one = Unfit(), task(Path())
    for number in range(SHOWN + 4):
        unfit.add(one, f"w{number}", TrainingError(f"w{number} cannot"))
    told = unfit.why(one).problem
    assert told == "w0 cannot; w1 cannot; w2 cannot; and so on, on 4 more"
