"""What comes home from an engine is taken alike, whichever it is."""

import asyncio
from importlib import import_module
from types import SimpleNamespace

import pytest

from repro.errors import InputError, TrainingError
from repro.execution.executor import Failed, Finished, Task
from repro.execution.session import Job
from repro.facts.trainers import declaration


@pytest.fixture(params=["dask", "ray"])
def executor(request, tmp_path):
    """Return an executor that is connected to nobody, with one task, and the task's folder."""
    pytest.importorskip({"dask": "distributed"}.get(request.param, request.param))
    module = import_module(f"repro.sweeping.{request.param}")
    kind = getattr(module, f"{request.param.capitalize()}Executor")
    found, folder = kind("127.0.0.1:9", 1), tmp_path / "work"
    folder.mkdir()
    found._sent[1] = module._Sent(Task(1, None, folder, {}), None, "A")
    return found, folder


def result(message=None, error=None, **files):
    return {"message": message, "error": error, "files": files}


def test_a_task_that_finished_leaves_its_files(executor):
    executor, folder = executor
    (told,) = executor._home(1, result({"files": ["model"]}, model=b"1"))
    assert told == Finished(1, {"files": ["model"]})
    assert (folder / "model").read_bytes() == b"1"
    assert executor._sent == {}


@pytest.mark.parametrize("name", ["../out", "/out", "..", "a/b", ""])
def test_what_would_lie_elsewhere_is_not_written(executor, name):
    executor, folder = executor
    (told,) = executor._home(1, result({"files": []}, model=b"1") | {"files": {name: b"2"}})
    assert isinstance(told, Failed)
    assert "the worker A sent a file under the name" in told.error.problem
    assert sorted(folder.parent.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


def test_what_cannot_be_kept_is_said_and_is_no_end_of_the_sweep(executor):
    executor, folder = executor
    (folder / "model").mkdir()
    (told,) = executor._home(1, result({"files": ["model"]}, model=b"1"))
    assert isinstance(told.error, InputError)
    assert "what the worker A brought cannot be kept: Is a directory" in told.error.problem


@pytest.mark.parametrize(
    ("brought", "kind", "says"),
    [
        (result(), TrainingError, "the worker A dropped it"),
        (result(error={}), TrainingError, "did not say why"),
        (result(error={"kind": "InputError", "problem": "no"}), InputError, "no"),
        (result(error={"kind": "open", "problem": "no", "hint": 1}), TrainingError, "no"),
        (result({"files": []}, model="text"), TrainingError, "no result of a task"),
        ([1], TrainingError, "no result of a task"),
    ],
)
def test_what_came_to_nothing_fails_with_what_it_tells(executor, brought, kind, says):
    executor, _ = executor
    (told,) = executor._home(1, brought)
    assert (type(told.error), told.number) == (kind, 1)
    assert says in told.error.problem


def test_a_task_that_waits_for_room_which_no_node_has_any_more_fails(tmp_path, monkeypatch):
    module = pytest.importorskip("repro.sweeping.ray", exc_type=ImportError)
    mailbox = pytest.importorskip("repro.sweeping.mailbox", exc_type=ImportError)
    lost = {"NodeID": "1", "Alive": False, "Resources": {"CPU": 4}}
    head = {"NodeID": "2", "Alive": True, "Resources": {"CPU": 1}}
    monkeypatch.setattr(module.ENGINE, "nodes", lambda: [lost, head])
    executor = module.RayExecutor("127.0.0.1:9", 2)
    executor._head = "127.0.0.1:9"
    executor._box = SimpleNamespace(cpus=SimpleNamespace(remote=mailbox.Mailbox().cpus))
    monkeypatch.setattr(module.ENGINE, "get", lambda asked, timeout: asyncio.run(asked))
    job = Job({}, {}, declaration("ridge"), {}, "strict", 2, 60)
    for number, place in ((1, ""), (2, "A")):  # the second was started: its node is told of
        executor._sent[number] = module._Sent(Task(number, job, tmp_path, {}), None, place)
    (failed,) = executor._stranded()
    assert (failed.number, list(executor._sent)) == (1, [2])
    assert "has 2 CPUs, as many as the run has threads; the largest has 1" in failed.error.problem
