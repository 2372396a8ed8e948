import fcntl
import os

import pytest

from repro.errors import InputError
from repro.runs.staging import keep_printed, names_locked, next_name, seal, staging

KEY = "0123456789abcdef" * 4


def test_a_finished_run_appears_whole_under_its_name(tmp_path):
    with staging(tmp_path) as place:
        place.final.mkdir()
        (place.final / "a.txt").write_text("x")
        assert not (tmp_path / "RESULTS" / "runs").exists()
        folder = seal(place, "r-1")
    assert folder == tmp_path / "RESULTS" / "runs" / "r-1"
    assert (folder / "a.txt").read_text() == "x"
    assert list((tmp_path / "RESULTS" / ".staging").iterdir()) == []


def test_a_run_directory_that_exists_is_never_overwritten(tmp_path):
    there = tmp_path / "RESULTS" / "runs" / "r-1"
    there.mkdir(parents=True)
    (there / "mine").write_text("x")
    with staging(tmp_path) as place:
        place.final.mkdir()
        with pytest.raises(InputError, match="RESULTS/runs/r-1 exists already"):
            seal(place, "r-1")
    assert (there / "mine").read_text() == "x"


def test_nothing_is_left_when_a_run_is_given_up(tmp_path):
    def give_up():
        with staging(tmp_path) as place:
            (place.work / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        give_up()
    assert list((tmp_path / "RESULTS" / ".staging").iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_lives_is_not(tmp_path):
    base = tmp_path / "RESULTS" / ".staging"
    for name in ("dead", "alive", "half removed"):
        (base / name / "work").mkdir(parents=True)
        (base / name / ".lock").touch()
    (base / "half removed" / ".lock").unlink()
    holder = os.open(base / "alive" / ".lock", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with staging(tmp_path):
        assert not (base / "dead").exists()
        assert not (base / "half removed").exists()
        assert (base / "alive").exists()
    os.close(holder)


def test_a_name_is_the_prefix_of_the_key_and_the_first_free_attempt(tmp_path):
    with names_locked(tmp_path):
        assert next_name(tmp_path, KEY, lambda _: False) == "0123456789ab-1"
        (tmp_path / "RESULTS" / "runs" / "0123456789ab-1").mkdir(parents=True)
        (tmp_path / "RESULTS" / "failed" / "0123456789ab-2").mkdir(parents=True)
        assert next_name(tmp_path, KEY, lambda n: n.endswith("-3")) == "0123456789ab-4"


def test_what_a_failed_worker_printed_is_kept(tmp_path):
    with staging(tmp_path) as place:
        (place.work / "worker.log").write_text("dying words")
        kept = keep_printed(place, "r-1")
    assert kept == tmp_path / "RESULTS" / "failed" / "r-1"
    assert (kept / "worker.log").read_text() == "dying words"


def test_a_worker_that_printed_nothing_leaves_nothing(tmp_path):
    with staging(tmp_path) as place:
        (place.work / "worker.log").touch()
        assert keep_printed(place, "r-1") is None
    assert not (tmp_path / "RESULTS" / "failed").exists()
