"""Sweeps on a real Ray cluster: its tasks, its head node and the coordinator are killed."""

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .cluster import RayCluster, of_another_version, processes, title, until
from .workspace import LONG, Away, ended, kinds, once, started

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]
ON = ("--executor", "ray")


@pytest.fixture
def cluster():
    """Return a cluster that was not started yet."""
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        found = RayCluster(Path(folder) / "ray")
        found.folder.mkdir()
        yield found
        found.stop()


@pytest.fixture
def away(tmp_path):
    """Return a new workspace."""
    return Away.new(tmp_path)


def sweeping(away, cluster, *words, jobs=2, **more):
    return started(away, *words, *ON, "--jobs", str(jobs), "--address", cluster.address, **more)


def trains(away, cluster, count):
    """Wait until so many points train."""
    until(lambda: kinds(away).count("run.planned") >= count)
    until(lambda: len(cluster.training()) >= count)


def cpus(cluster):
    """Return how many processors the nodes that are there have."""
    script = f"import ray; ray.init({cluster.address!r}); print(ray.cluster_resources())"
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout).get("CPU", 0)


def test_points_on_a_cluster_have_the_bits_of_this_machine_and_are_trained_once(away, cluster):
    cluster.head()
    words = ("seed=1..4", "--family", "random_forest", "n_estimators=3", *ON)
    words = (*words, "--jobs", "2", "--address", cluster.address)
    first = away.run("sweep", *words, "-q", "--format", "json")
    assert first.stderr == ""  # the engine says nothing of its own
    again = away.json("sweep", *words, "-q")
    assert [point["state"] for point in again["points"]] == ["sealed before"] * 4
    once(away, 4)
    here = away.json(
        *("train", "-q", "--family", "random_forest", "--set", "n_estimators=3", "--seed", "1")
    )
    assert here["run"].endswith("-2")
    assert "incident" not in kinds(away)


def test_a_node_of_another_version_takes_no_points_from_one_that_fits(away, cluster, tmp_path):
    cluster.head(cpus=1)
    cluster.node(cpus=2, variables=of_another_version(tmp_path / "site"))
    until(lambda: cpus(cluster) == 3)
    words = ("alpha=1..6", "--family", "ridge", "--profile", "debug")
    status, said = ended(sweeping(away, cluster, *words, jobs=3), away)
    assert status == 0, said
    assert "has repro-audit 9.9, this command has" in said
    assert said.count("gets no more points that need the same") == 1, said
    once(away, 6)


def test_a_process_that_dies_ends_its_point_alone(away, cluster):
    cluster.head()
    going = sweeping(away, cluster, "seed=1..3", *LONG, "--keep-going")
    trains(away, cluster, 2)
    os.kill(cluster.tasks()[0], signal.SIGKILL)
    status, said = ended(going, away)
    assert status == 6, said
    assert "lost on " in said
    assert kinds(away).count("run.failed") == 1
    assert kinds(away).count("run.completed") == 2
    assert ended(sweeping(away, cluster, "seed=1..3", *LONG), away)[0] == 0
    once(away, 3)


def test_a_head_node_that_goes_away_is_said_and_the_sweep_goes_on_later(away, cluster):
    head = cluster.head()
    going = sweeping(away, cluster, "seed=1..2", *LONG, jobs=1)
    trains(away, cluster, 1)
    left = {*cluster.tasks(), *cluster.training()}
    cluster.kill(head)
    status, said = ended(going, away)
    assert status == 3, said
    assert f"the Ray cluster at {cluster.address} is gone" in said
    assert kinds(away)[-1] == "run.interrupted"
    until(lambda: not left.intersection(processes()))
    cluster.head()
    assert ended(sweeping(away, cluster, "seed=1..2", *LONG), away)[0] == 0
    once(away, 2)


def test_a_head_node_that_hangs_is_said_before_the_engine_ends_the_process(away, cluster):
    (server,) = (pid for pid in cluster.of(cluster.head()) if "gcs_server" in title(pid))
    going = sweeping(away, cluster, "seed=1..9", *LONG, jobs=1)
    trains(away, cluster, 1)
    os.kill(server, signal.SIGSTOP)
    try:
        status, said = ended(going, away)
    finally:
        os.kill(server, signal.SIGCONT)
    assert status == 3, said
    assert f"the Ray cluster at {cluster.address} is gone, or busy" in said
    assert kinds(away)[-1] == "run.interrupted"
    assert away.run("audit", "verify").returncode == 0


def test_a_node_that_is_lost_ends_its_point_alone_and_the_others_go_on(away, cluster):
    head = cluster.head(cpus=1)
    node = cluster.node()
    until(lambda: cpus(cluster) == 2)
    axes = ("n_estimators=2000,20", "seed=1,2", *LONG[:2], LONG[3])
    going = sweeping(away, cluster, *axes, "--format", "json", answer="answer.json")
    trains(away, cluster, 2)
    (here,), (there,) = cluster.tasks(head), cluster.tasks(node)
    cluster.kill(node)
    until(lambda: there not in processes())
    assert here in processes()
    status, said = ended(going, away)
    assert status == 6, said
    found = json.loads((away.root.parent / "answer.json").read_text())  # and nothing else is there
    assert sorted(point["state"] for point in found["points"]) == ["failed", *["sealed"] * 3]
    (problem,) = (point["problem"] for point in found["points"] if point["problem"])
    assert "lost on " in problem
    assert kinds(away).count("run.failed") == 1
    away.environment["RAY_TMPDIR"] = str(cluster.folder.parent)
    words = (*axes, *ON, "--jobs", "2", "--address", "auto")
    status, said = ended(started(away, *words), away)
    assert status == 0, said
    once(away, 4)


def test_a_coordinator_that_is_killed_leaves_nobody_training(away, cluster):
    cluster.head()
    going = sweeping(away, cluster, "seed=1..2", *LONG)
    trains(away, cluster, 2)
    left = {*cluster.tasks(), *cluster.training()}
    assert len(left) >= 4
    going.kill()
    going.wait()
    until(lambda: not left.intersection(processes()))
    assert ended(sweeping(away, cluster, "seed=1..2", *LONG), away)[0] == 0
    assert kinds(away).count("run.interrupted") == 2
    once(away, 2)


def test_a_sweep_that_is_stopped_takes_its_points_back(away, cluster):
    cluster.head()
    going = sweeping(away, cluster, "seed=1..4", *LONG)
    trains(away, cluster, 2)
    going.send_signal(signal.SIGTERM)
    status, said = ended(going, away)
    assert status == 130, said
    assert "the sweep was stopped: 0 of 4 points" in said
    assert kinds(away).count("run.interrupted") == 2
    assert cluster.training() == []


def test_without_an_address_or_a_cluster_or_room_it_is_said_what_to_do(away, cluster):
    words = ("sweep", "seed=1..2", *ON, "--family", "ridge")
    assert "needs the address of a cluster" in away.run(*words, status=2).stderr
    for wrong in ("ray://127.0.0.1:10001", "127.0.0.1", ":6379"):
        said = away.run(*words, "--address", wrong, status=2).stderr
        assert f"{wrong} is no address of a Ray cluster" in said
    said = away.run(*words, "--address", "127.0.0.1:9", status=3).stderr
    assert "no Ray cluster answers at 127.0.0.1:9" in said
    cluster.head(cpus=0)
    said = away.run(*words, "--address", cluster.address, status=3).stderr
    assert "has a CPU to compute with" in said
    assert "run.planned" not in kinds(away)
