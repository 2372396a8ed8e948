"""Workers that die, hang, starve, or have nothing to train with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .installation import interpreter
from .workspace import ENDLESS, PLANNED, QUICK, Done, Workspace, require_gone

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits and processes as Linux has them")
# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = [linux, pytest.mark.slow]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_killed_while_it_trains_is_a_failed_run_that_names_the_signal(
    fresh: Workspace, number: signal.Signals
) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    run = train.wait_for_training()["run"]
    os.kill(train.wait_for_worker(), number)
    train.end().require(6, "the worker was killed by a signal", number.name)
    *_, failed = fresh.require_clean(before, *PLANNED, "run.failed")
    assert failed["body"]["run"] == run
    assert number.name in failed["body"]["reason"]
    assert failed["body"]["exit_status"] == 6


def test_a_worker_killed_before_the_plan_is_a_refused_run(fresh: Workspace) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    os.kill(train.wait_for_worker(), signal.SIGKILL)
    train.end().require(6, "SIGKILL")
    fresh.require_clean(before, "run.refused")


def test_a_worker_that_hangs_is_stopped_at_its_limit_and_the_knob_is_named(
    fresh: Workspace,
) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS, "--set", "time_limit_seconds=8")
    train.wait_for_training()
    worker = train.wait_for_worker()
    os.kill(worker, signal.SIGSTOP)
    train.end().require(6, "limit", "8 seconds", "reproducibility.time_limit_seconds")
    require_gone(worker)
    *_, failed = fresh.require_clean(before, *PLANNED, "run.failed")
    assert "limit" in failed["body"]["reason"]


def test_a_limit_that_ends_before_the_plan_leaves_a_refusal(shared: Workspace) -> None:
    # A stopped worker cannot be faster than its limit, however fast the machine is.
    before = shared.state()
    train = shared.start("train", *ENDLESS, "--set", "time_limit_seconds=1")
    os.kill(train.wait_for_worker(), signal.SIGSTOP)
    train.end().require(6, "limit", "reproducibility.time_limit_seconds")
    shared.require_clean(before, "run.refused")


@pytest.mark.parametrize("megabytes", [120, 150, 170])
def test_too_little_memory_is_called_by_its_name(shared: Workspace, megabytes: int) -> None:
    # The limit is inherited: it lets the notary live and stops the worker, at one place or another.
    before = shared.state()
    limit = ("prlimit", f"--as={megabytes * 1_000_000}")
    done = shared.repro("train", *QUICK, before=limit).require(6, "memory", "repro: hint:")
    assert "pip install" not in done.text
    planned = len(shared.records()) - len(before.records) > 1
    shared.require_clean(before, *((*PLANNED, "run.failed") if planned else ("run.refused",)))


def test_a_file_that_may_not_grow_stops_the_worker_with_a_word_about_space(
    fresh: Workspace,
) -> None:
    before = fresh.state()
    done = fresh.repro("train", *QUICK, before=("prlimit", "--fsize=100000"))
    done.require(3, "predictions.npy could not be written: File too large", "space left for /")
    fresh.require_clean(before, *PLANNED, "run.failed")


def test_a_log_that_may_not_grow_stops_the_run_with_the_log_s_name(fresh: Workspace) -> None:
    fresh.repro("train", *QUICK).require(0)
    before = fresh.state()
    size = fresh.log.stat().st_size
    # Room for a part of the plan, or for all of it and a part of what it had otherwise.
    plan = len(fresh.log.read_bytes().split(b"\n")[1])
    for room in (300, plan + 300):
        done = fresh.repro("train", *QUICK, before=("prlimit", f"--fsize={size + room}"))
        done.require(3, "AUDIT_LOG", "nothing was appended", "a short write", "repro: hint:")
        fresh.require_clean(before)


@pytest.mark.parametrize("kilobytes", [16, 330])
def test_a_full_disk_under_the_results_is_an_error_that_says_so(
    fresh: Workspace, kilobytes: int
) -> None:
    (fresh.root / "RESULTS").mkdir()
    before = fresh.state()
    script = (
        f"mount -t tmpfs -o size={kilobytes}k none RESULTS || exit 99; $REPRO train --profile debug"
        "; status=$?; find RESULTS -type f ! -name .lock ! -path '*/failed/*'; exit $status"
    )
    done = in_private_mounts(fresh, script)
    done.require(3, "No space left on device", "repro: hint:", "space")
    assert done.out == "", f"left behind: {done.out}"
    planned = len(fresh.records()) - len(before.records) > 1
    fresh.require_clean(before, *((*PLANNED, "run.failed") if planned else ("run.refused",)))


def in_private_mounts(workspace: Workspace, script: str) -> Done:
    """Run a script that may mount; skip if this system lets nobody."""
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    trial = ["unshare", *flags, "mount", "-t", "tmpfs", "none", "RESULTS"]
    if subprocess.run(trial, cwd=workspace.root, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a small file system here")
    quoted = script.replace("'", "'\\''")
    return workspace.shell(f"unshare {' '.join(flags)} sh -c '{quoted}'")


@pytest.fixture(scope="module")
def without_lightgbm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter with all that this one has installed, but LightGBM."""
    return interpreter(tmp_path_factory.mktemp("bare") / "venv", without="lightgbm")[0]


def test_a_library_that_is_not_installed_is_named_with_its_extra(
    shared: Workspace, without_lightgbm: Path
) -> None:
    before = shared.state()
    done = shared.repro("train", *QUICK, python=without_lightgbm)
    done.require(3, "lightgbm", "pip install '.[lightgbm]'")
    new = shared.require_clean(before, "run.refused")
    assert "lightgbm" in new[0]["body"]["reason"]


def test_commands_that_train_nothing_need_no_library(
    trained: Workspace, without_lightgbm: Path
) -> None:
    for command in ("validate", "runs list", "runs show @latest", "diff @latest @latest"):
        trained.repro(*command.split(), python=without_lightgbm).require(0)


def test_verify_without_the_library_names_the_extra_and_records_that_it_could_not(
    trained: Workspace, without_lightgbm: Path
) -> None:
    before = trained.state()
    done = trained.repro("verify", "@latest", python=without_lightgbm)
    done.require(3, "pip install '.[lightgbm]'")
    (record,) = trained.require_clean(before, "run.verified")
    assert record["body"]["verdict"] == "failed"
    assert "No module named 'lightgbm'" in record["body"]["failure"]["reason"]


def test_a_small_limit_of_open_files_is_an_error_and_no_bug(fresh: Workspace) -> None:
    ends = {0: [(*PLANNED, "run.completed")], 3: [(), ("run.refused",), (*PLANNED, "run.failed")]}
    ends[6] = ends[3]
    for limit in (10, 16):
        before = fresh.records()
        done = fresh.repro("train", *QUICK, before=("prlimit", f"--nofile={limit}"))
        assert done.status in ends, done.text
        assert "Traceback" not in done.text
        kinds = tuple(record["type"] for record in fresh.records()[len(before) :])
        assert kinds in ends[done.status], done.text
    fresh.repro("audit", "verify").require(0)


def test_prlimit_is_at_hand() -> None:
    assert shutil.which("prlimit"), "util-linux is needed for these tests"
