"""A task that the engine starts again elsewhere is let proceed by what its own worker prepared."""

import json

import pytest

from repro.execution.executor import ExecutorLostError, Prepared

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
