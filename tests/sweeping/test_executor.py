"""What every executor must do, whatever it runs workers on: each that is offered is held to it."""

import os
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import repro
from repro.audit_log.formats.digests import digest_file
from repro.config.resolution.resolve import Selection
from repro.execution.executor import Failed, Finished, Prepared, Progressed, Setup, Task
from repro.identity.run import seeds_of
from repro.sweeping.axes import parse_axes
from repro.sweeping.executors import names, opened
from repro.sweeping.points import Documents

from .cluster import Cluster, RayCluster, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]
PATIENCE = 120.0
"""Seconds that anything may take on a busy machine."""


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Return two points of a workspace, ready to be started."""
    base = tmp_path_factory.mktemp("executed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_KEYS", str(base / "keys"))
        root = repro.init(base / "workspace").root
    documents = Documents.read(root)
    chosen = Selection(sets=("pipeline.family=ridge",), profile="debug")
    return [documents.ready(p) for p in documents.spelled(chosen, parse_axes(["seed=1,2"]))]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return a dask scheduler with two workers."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    found.scheduler()
    found.worker()
    found.worker()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def ray_cluster():
    """Return a Ray cluster of one node with two processors."""
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        found = RayCluster(Path(folder))
        try:
            found.head()
            yield found
        finally:
            found.stop()


@pytest.fixture(params=["local", "dask", "ray"])
def executor(request):
    """Give an executor with two places."""
    engine = {"dask": "cluster", "ray": "ray_cluster"}.get(request.param)
    address = None if engine is None else request.getfixturevalue(engine).address
    with opened(request.param, Setup(jobs=2, address=address)) as found:
        until(lambda: found.free == 2)
        yield found


def task(number, ready, base, **changes):
    folder = base / str(number)
    folder.mkdir()
    job = replace(ready.job, **changes)
    return Task(number, job, folder, digests(job))


def digests(job):
    return {name: digest_file(path).blake3 for name, path in job.files.items()}


def seeds(ready, facts):
    job, trainer = ready.job, ready.trainer
    folds = len(facts["facts"]["splits"]["folds"])
    bits = trainer.seed_bits
    return seeds_of(ready.active.base_seed, trainer.seeds, bits, job.decides, folds)


def heard(executor, *kinds, count=1):
    """Return the events of some kinds, once there are so many; nothing else but progress comes."""
    found, end = [], time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < end, f"only {found}"
        for event in executor.wait(1.0):
            assert isinstance(event, (*kinds, Progressed)), event
            found += [event] if isinstance(event, kinds) else []
    return found


def alive():
    """Return the child processes of this one."""
    found = []
    for file in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        found += file.read_text().split()
    return found


def test_two_tasks_are_prepared_trained_and_leave_their_files(executor, ready, tmp_path):
    assert executor.free == 2
    for number, each in enumerate(ready, start=1):
        executor.submit(task(number, each, tmp_path))
    assert executor.free == 0
    prepared = heard(executor, Prepared, count=2)
    assert {event.number for event in prepared} == {1, 2}
    for event in prepared:
        assert event.facts["facts"]["dataset"]
        executor.proceed(event.number, seeds(ready[event.number - 1], event.facts))
    finished = heard(executor, Finished, count=2)
    for event in finished:
        for name in event.message["files"]:
            assert (tmp_path / str(event.number) / name).is_file()
    assert executor.free == 2
    assert executor.wait(0.05) == []


def test_a_task_that_is_cancelled_says_nothing_more_and_frees_its_place(executor, ready, tmp_path):
    executor.submit(task(1, ready[0], tmp_path))
    heard(executor, Prepared)
    executor.submit(task(2, ready[1], tmp_path))
    executor.cancel(1)
    assert executor.free == 1
    assert [event.number for event in heard(executor, Prepared)] == [2]
    executor.cancel(2)
    assert executor.free == 2
    assert executor.wait(0.05) == []


def test_what_a_worker_refuses_is_told_and_frees_its_place(executor, ready, tmp_path):
    bad = tmp_path / "bad.csv.gz"
    bad.write_bytes(b"not compressed")
    files = dict.fromkeys(ready[0].job.files, bad)
    executor.submit(task(1, ready[0], tmp_path, files=files))
    (failed,) = heard(executor, Failed)
    assert (failed.number, failed.error.exit_status) == (1, 3)
    assert executor.free == 2


def test_a_task_that_is_too_slow_is_ended_with_the_setting_that_says_so(executor, ready, tmp_path):
    executor.submit(task(1, ready[0], tmp_path, seconds=0))
    (failed,) = heard(executor, Failed)
    assert failed.error.exit_status == 6
    assert "time_limit_seconds" in failed.error.hint
    assert executor.free == 2


def test_a_task_that_cannot_be_started_is_a_failure_not_an_error(executor, ready, tmp_path):
    executor.submit(Task(1, ready[0].job, tmp_path / "is not there", digests(ready[0].job)))
    (failed,) = heard(executor, Failed)
    assert failed.number == 1
    assert executor.free == 2


def test_nothing_is_left_behind_when_it_ends(ready, tmp_path):
    before = alive()
    with opened("local", Setup(jobs=1)) as found:
        found.submit(task(1, ready[0], tmp_path))
        assert len(alive()) == len(before) + 1
    assert alive() == before


def test_the_executor_of_this_machine_is_offered_and_others_are_named():
    assert "local" in names()
    with pytest.raises(repro.UsageError, match="did you mean local"):
        opened("locale", Setup(jobs=1))
    with pytest.raises(repro.UsageError, match="has no address"):
        opened("local", Setup(jobs=1, address="tcp://127.0.0.1:8786"))
