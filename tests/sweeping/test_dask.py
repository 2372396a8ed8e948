"""Sweeps on a real dask scheduler: its workers, itself and the coordinator are killed."""

import os
import re
import signal
import subprocess
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

from .cluster import Cluster, of_another_version, until
from .workspace import LONG, Away, ended, kinds, once, started

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.stop()


def sweeping(away, cluster, *words):
    """Start a sweep in a process of its own."""
    words = (*words, "--executor", "dask", "--jobs", "2", "--address", cluster.address)
    return started(away, *words)


@pytest.fixture
def away(tmp_path):
    """Return a new workspace."""
    return Away.new(tmp_path)


def test_points_on_workers_have_the_bits_of_this_machine_and_are_trained_once(away, cluster):
    cluster.scheduler()
    cluster.worker()
    cluster.worker()
    words = ("seed=1..4", "--family", "random_forest", "n_estimators=3", "-q", "--executor", "dask")
    first = away.json("sweep", *words, "--jobs", "2", "--address", cluster.address)
    assert [point["state"] for point in first["points"]] == ["sealed"] * 4
    again = away.json("sweep", *words, "--address", cluster.address)
    assert [point["state"] for point in again["points"]] == ["sealed before"] * 4
    once(away, 4)
    here = away.json(
        *("train", "-q", "--family", "random_forest", "--set", "n_estimators=3", "--seed", "1")
    )
    assert here["run"].endswith("-2")
    assert "incident" not in kinds(away)


def installed_otherwise(place):
    """Return an interpreter with all that this one has, and one library of other bytes."""
    venv.create(place, with_pip=False, symlinks=True)
    names = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", names))
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(folder).iterdir():
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    library = site / "threadpoolctl.py"
    text = library.read_text()
    library.unlink()
    library.write_text(text + "\n# patched\n")
    return str(place / "bin" / "python")


def test_a_worker_unlike_the_others_is_told_and_its_runs_have_their_own_keys(
    away, cluster, tmp_path
):
    cluster.scheduler()
    cluster.worker()
    cluster.worker(installed_otherwise(tmp_path / "other"))
    status, said = ended(sweeping(away, cluster, "seed=1..8", "--family", "ridge"), away)
    assert status == 0, said
    assert "libraries, threadpoolctl; its runs have execution keys of their own" in said
    assert said.count("is not like tcp://") == 1
    once(away, 8)


@pytest.fixture
def otherwise():
    """Return the words that start a process whose files are others: a script, then its words."""
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    if subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount here")
    return lambda script: ["unshare", *flags, "sh", "-c", f'{script} && exec "$@"', "sh"]


def test_what_a_worker_lacks_is_said_of_the_worker_and_never_of_here(
    away, cluster, otherwise, tmp_path
):
    empty, other = tmp_path / "empty", tmp_path / "ridge.py"
    empty.mkdir()
    trainer = Path(find_spec("repro.trainers.ridge").origin)
    other.write_text(trainer.read_text() + "\n# other\n")
    library = Path(find_spec("sklearn").origin).parent
    cluster.scheduler()
    room = {"TMPDIR": str(empty)}
    for script, variables, status, says, hint in (
        (f"mount --bind {other} {trainer}", {}, 5, "runs another repro.trainers.ridge", "the same"),
        (f"mount --bind {empty} {library}", {}, 3, "No module named 'sklearn", "install it"),
        (f"mount -t tmpfs -o size=60k none {empty}", room, 3, "No space left on device", "space"),
    ):
        worker = cluster.worker(before=otherwise(script), variables=variables)
        cluster.joined()
        sweep = ("sweep", "seed=1", "--family", "ridge", "--executor", "dask", "-q")
        said = away.run(*sweep, "--address", cluster.address, status=status).stdout
        failed, advice = said.partition("seed=1: ")[2].splitlines()[:2]
        assert re.match(r"(on )?the worker tcp://[0-9.]+:[0-9]+", failed), said
        assert says in failed, said
        assert hint in advice, said
        worker.kill()
        worker.wait()
    assert "run.completed" not in kinds(away)


def test_a_worker_of_another_version_takes_no_points_from_one_that_fits(away, cluster, tmp_path):
    cluster.scheduler()
    other = of_another_version(tmp_path / "site")
    cluster.worker(variables=other)
    cluster.joined()
    on = ("--family", "ridge", "--profile", "debug", "--executor", "dask", "-q", "--jobs", "4")
    on = (*on, "--address", cluster.address)
    alone = away.json("sweep", "alpha=1..3", *on, status=3)
    assert [point["state"] for point in alone["points"]] == ["failed"] * 3
    assert len({point["problem"] for point in alone["points"]}) == 1
    assert "has repro-audit 9.9, this command has" in alone["points"][0]["problem"]
    assert alone["points"][0]["hint"] == "install the same version on every worker"
    cluster.worker(variables=other)
    cluster.worker()
    cluster.joined()
    beside = away.json("sweep", "alpha=1..6", *on)
    assert [point["state"] for point in beside["points"]] == ["sealed"] * 6
    once(away, 6)
    assert kinds(away).count("run.refused") == 3


def test_a_point_goes_from_a_worker_with_other_code_to_one_that_fits(
    away, cluster, otherwise, tmp_path
):
    other, trainer = tmp_path / "ridge.py", Path(find_spec("repro.trainers.ridge").origin)
    other.write_text(trainer.read_text() + "\n# other\n")
    cluster.scheduler()
    cluster.worker(before=otherwise(f"mount --bind {other} {trainer}"))
    cluster.worker()
    cluster.joined()
    status, said = ended(sweeping(away, cluster, "alpha=1..6", "--family", "ridge"), away)
    assert status == 0, said
    assert said.count("runs another repro.trainers.ridge") == 1, said
    assert "gets no more points that need the same; hint: install the same version" in said
    once(away, 6)


def test_a_worker_that_dies_ends_its_point_alone(away, cluster):
    cluster.scheduler()
    doomed, _ = cluster.worker(), cluster.worker()
    going = sweeping(away, cluster, "seed=1..3", *LONG, "--keep-going")
    until(lambda: kinds(away).count("run.planned") >= 2)
    doomed.send_signal(signal.SIGKILL)
    status, said = ended(going, away)
    assert status == 6, said
    assert "lost" in said
    assert kinds(away).count("run.failed") == 1
    assert kinds(away).count("run.completed") == 2
    assert ended(sweeping(away, cluster, "seed=1..3", *LONG), away)[0] == 0
    once(away, 3)


def test_a_scheduler_that_goes_away_is_said_and_the_sweep_goes_on_later(away, cluster):
    scheduler = cluster.scheduler()
    cluster.worker()
    going = sweeping(away, cluster, "seed=1..2", *LONG)
    until(lambda: "run.planned" in kinds(away))
    scheduler.send_signal(signal.SIGKILL)
    status, said = ended(going, away)
    assert status == 3, said
    assert "is gone" in said
    assert all(line.startswith("repro: ") for line in said.splitlines()), said
    assert kinds(away)[-1] == "run.interrupted"
    away.json("sweep", "seed=1..2", *LONG, "-q")
    once(away, 2)


def test_a_coordinator_that_is_killed_leaves_nobody_training(away, cluster):
    cluster.scheduler()
    cluster.worker()
    going = sweeping(away, cluster, "seed=1..2", *LONG)
    until(lambda: "run.planned" in kinds(away))
    going.kill()
    going.wait()
    assert ended(sweeping(away, cluster, "seed=1..2", *LONG), away)[0] == 0
    assert kinds(away).count("run.interrupted") == 1
    once(away, 2)


def test_without_an_address_a_scheduler_or_workers_it_is_said_what_to_do(away, cluster):
    words = ("sweep", "seed=1..2", "--executor", "dask", "--family", "ridge")
    assert "needs the address" in away.run(*words, status=2).stderr
    assert "needs the address" in away.run(*words, "--address", "", status=2).stderr
    unknown = "tcp://nosuchhost.invalid:8786"
    said = away.run(*words, "--address", unknown, status=3).stderr
    assert f"no scheduler answers at {unknown}: " in said
    assert "Timed out" not in said
    said = away.run(*words, "--address", "tcp://127.0.0.1:9", status=3).stderr
    assert "no scheduler answers at tcp://127.0.0.1:9" in said
    cluster.scheduler()
    said = away.run(*words, "--address", cluster.address, status=3).stderr
    assert "has no workers" in said
    assert "run.planned" not in kinds(away)
