"""A task that the engine starts again elsewhere is let proceed by what its own worker prepared."""

import json
import time
from concurrent.futures import CancelledError

import pytest

from repro.errors import TrainingError
from repro.execution.executor import ExecutorLostError, Prepared, Task

dask = pytest.importorskip("repro.sweeping.dask", exc_type=ImportError)


@pytest.fixture
def hearing():
    """Return an executor that waits for a task, and a way to say something as its worker."""
    executor = dask.DaskExecutor("tcp://127.0.0.1:9", 1)
    executor._sent[1] = dask._Sent(None, None)

    def say(kind, attempt, **more):
        text = json.dumps({"number": 1, "kind": kind, "attempt": attempt, **more})
        executor._heard.put(("said", text))

    return executor, say


def test_what_a_lost_worker_prepared_is_not_told_once_another_has_begun(hearing):
    executor, say = hearing
    say("started", "first", place="A")
    say("prepared", "first", message={"of": "A"})
    say("started", "second", place="B")
    say("prepared", "first", message={"of": "A"})
    say("prepared", "second", message={"of": "B"})
    assert executor.wait(1) == [Prepared(1, {"of": "B"}, "B")]


def test_what_a_worker_prepared_is_told_whatever_others_say(hearing):
    executor, say = hearing
    executor._sent[2] = dask._Sent(None, None)
    say("started", "first", place="A")
    say("prepared", "first", message={"of": "A"})
    say("started", "other", place="B", number=2)
    assert executor.wait(1) == [Prepared(1, {"of": "A"}, "A")]


def test_a_reader_that_fails_ends_the_wait_and_says_why(hearing):
    executor, _ = hearing

    class Running:
        status = "running"

    class Broken:
        def get(self, **_):
            raise ValueError("a message of another version")

    executor._client, executor._events = Running(), Broken()
    executor._listen()
    with pytest.raises(ExecutorLostError, match="ValueError: a message of another version"):
        executor.wait(1)


class Client:
    """As much of a client of the engine as a wait asks."""

    def __init__(self, status="running", **workers):
        self.status, self.workers = status, workers

    def nthreads(self):
        return self.workers


@pytest.mark.parametrize("client", [Client(), Client("connecting"), Client("closed")])
def test_tasks_that_nobody_took_back_are_given_up_with_their_scheduler(hearing, client):
    """Whoever hears of it first: the client, its futures, or who reads what tasks say."""
    executor, _ = hearing
    executor._client = client
    executor._heard.put(("over", (1, CancelledError("scheduler-connection-lost"))))
    with pytest.raises(ExecutorLostError, match=r"the scheduler at tcp://127\.0\.0\.1:9 is gone"):
        executor.wait(1)


def test_a_task_waits_for_a_worker_to_come_back_but_not_for_ever(hearing, monkeypatch):
    executor, _ = hearing
    monkeypatch.setattr(dask, "ALONE", 0.2)
    executor._client = Client()
    assert executor.wait(0.01) == []
    executor._client = Client(one=1)
    time.sleep(0.3)
    assert executor.wait(0.01) == []
    executor._client = Client()
    assert executor.wait(0.01) == []
    time.sleep(0.3)
    with pytest.raises(ExecutorLostError, match="has no workers any more"):
        executor.wait(0.01)


def test_what_a_worker_says_that_nobody_understands_fails_its_point(hearing):
    executor, say = hearing
    executor._client = Client("closed")
    say("started", "first", place="A")
    say("progress", "first", message={"of": "another version"})
    (failed,) = executor.wait(1)
    assert "the worker A says what nobody understands" in failed.error.problem
    assert executor._sent == {}


@pytest.mark.parametrize("result", [None, {}, {"message": 1, "error": None, "files": {}}])
def test_a_result_of_another_version_fails_its_point(hearing, result):
    executor, say = hearing
    say("started", "first", place="A")
    executor._heard.put(("over", (1, result)))
    (failed,) = executor.wait(1)
    assert failed.error.problem == "the worker A brought what is no result of a task"


def test_nothing_is_told_of_a_task_that_was_taken_back_before_it_was_heard_of(tmp_path):
    executor = dask.DaskExecutor("tcp://127.0.0.1:9", 1)
    executor._fails(Task(1, None, tmp_path, {}), TrainingError("no room"))
    executor.cancel(1)
    assert executor._told == []
