"""A process that is about to end: waited for to the moment, and no longer than it may take."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from repro.execution.waiting import status_of


def child(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-S", "-c", code])


def test_a_process_that_ends_is_waited_for() -> None:
    assert status_of(child("import time; time.sleep(0.05); raise SystemExit(7)"), 30.0) == 7


def test_one_that_was_killed_has_the_number_of_the_signal() -> None:
    process = child("input()")
    process.kill()
    assert status_of(process, 30.0) == -9


def test_one_that_was_waited_for_already_keeps_its_status() -> None:
    process = child("raise SystemExit(3)")
    process.wait()
    assert status_of(process, 30.0) == 3


def test_one_that_does_not_end_in_time_is_told_of() -> None:
    process = child("import time; time.sleep(60)")
    try:
        begin = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            status_of(process, 0.1)
        assert time.monotonic() - begin < 30
    finally:
        process.kill()
        process.wait()
