"""Which runs are alive, and how one whose notary is gone is ended: once."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from repro.audit_log.errors import LogUnusableError
from repro.audit_log.storage import running

from .conftest import Site


def test_a_run_is_running_while_its_lock_is_held(full: Site) -> None:
    with running.hold(full.directory, "r2"):
        assert running.is_running(full.directory, "r2")
        assert running.leftovers(full.directory) == ()
        assert full.open().recover_runs() == ()
    assert not running.is_running(full.directory, "r2")
    assert list((full.directory / "running").iterdir()) == []


def test_a_notary_that_fails_leaves_a_lock_that_says_so(full: Site) -> None:
    log = full.open()

    def fail() -> None:
        with running.hold(full.directory, "r2"):
            log.append("run.planned", {"run": "r2"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert running.leftovers(full.directory) == ("r2",)
    assert log.recover_runs() == ("r2",)
    last = list(log.records())[-1]
    assert last.type == "run.interrupted"
    assert last.body == {"run": "r2", "plan": 4, "reason": running.GONE}
    assert log.recover_runs() == running.leftovers(full.directory) == ()
    log.commit()
    assert full.verify().verdict == "ok"


def test_a_command_is_ended_as_what_it_is(full: Site) -> None:
    log = full.open()
    log.append("command.planned", {"run": "command-2"})
    (full.directory / "running" / "command-2.lock").touch()
    log.append("command.planned", {"run": "command-3"})  # and somebody has removed its lock
    assert log.recover_runs() == ("command-2", "command-3")
    assert [(r.type, r.body) for r in list(log.records())[-2:]] == [
        ("command.interrupted", {"run": run, "plan": plan, "reason": running.GONE})
        for run, plan in (("command-2", 4), ("command-3", 5))
    ]
    log.commit()
    assert full.verify().verdict == "ok"


def test_a_notary_that_was_killed_is_noticed(full: Site) -> None:
    log = full.open()
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with running.hold(full.directory, "r2"):
            log.append("run.planned", {"run": "r2"})
            os.write(tell, b"x")
            signal.pause()
    os.read(ready, 1)
    assert running.is_running(full.directory, "r2")
    assert full.open().recover_runs() == ()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert full.open().recover_runs() == ("r2",)
    for descriptor in (ready, tell):
        os.close(descriptor)


def test_a_leftover_without_a_plan_or_with_an_end_is_only_removed(full: Site) -> None:
    for run in ("r1", "unplanned"):
        (full.directory / "running" / f"{run}.lock").touch()
    log = full.open()
    assert running.leftovers(full.directory) == ("r1", "unplanned")
    assert log.recover_runs() == ()
    assert log.head().size == 4
    assert running.leftovers(full.directory) == ()


def test_a_run_that_others_recover_at_the_same_time_is_ended_once(full: Site) -> None:
    log = full.open()
    for turn in range(10):
        log.append("run.planned", {"run": f"x{turn}"})
        (full.directory / "running" / f"x{turn}.lock").touch()
    found: list[tuple[str, ...]] = []
    logs = [full.open() for _ in range(4)]
    threads = [threading.Thread(target=lambda n=n: found.append(logs[n].recover_runs()))
               for n in range(4)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two may find each other at the same lock; what neither got, the next one gets.
    log.recover_runs()
    ends = [r.body["run"] for r in log.records() if r.type == "run.interrupted"]
    assert sorted(map(str, ends)) == sorted(f"x{turn}" for turn in range(10))
    log.commit()
    assert full.verify().verdict == "ok"


def test_a_lock_is_not_given_twice(full: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE", 0.05)
    with (
        running.hold(full.directory, "r2"),
        pytest.raises(LogUnusableError, match="held by another"),
        running.hold(full.directory, "r2"),
    ):
        pass


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".x", "x" * 129, "a\n", "é"])
def test_what_cannot_be_a_run_is_refused(tmp_path: Path, run: str) -> None:
    with pytest.raises(LogUnusableError, match="not the id"), running.hold(tmp_path, run):
        pass


def test_a_run_is_found_by_its_id_alone(full: Site) -> None:
    log = full.open()
    log.append("incident", {"run": "r2", "text": '"run":"r2"'})
    assert running.find_run(full.directory, "r2") == (None, False)
    log.append("run.planned", {"run": "r2", "of": {"run": "r1"}})
    assert running.find_run(full.directory, "r2") == (5, False)
    assert running.find_run(full.directory, "r1") == (1, True)
