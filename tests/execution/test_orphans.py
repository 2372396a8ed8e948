"""What a command leaves running is found, however its processes follow each other."""

import subprocess
import sys
import time

import pytest

from repro.execution import orphans
from repro.execution.orphans import adopting

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="orphans come to us as Linux has it"
)

HANDING_ON = """
import os, sys, time
print(flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    if os.fork():
        os._exit(0)
os._exit(0)
"""
"""A process that for so long gives way to a child of its own, again and again."""


def handing_on(seconds):
    """Start it; return when."""
    words = [sys.executable, "-I", "-S", "-c", HANDING_ON, str(seconds)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    process.stdout.readline()
    begin = time.monotonic()
    process.wait()
    process.stdout.close()
    return begin


def test_a_process_that_hands_on_to_its_child_is_not_missed_while_it_ends(monkeypatch):
    monkeypatch.setattr(orphans, "STEP", 0)  # looked at as often as can be
    for _ in range(8):  # the moment in which it could be missed is short
        with adopting() as left:
            begin = handing_on(0.25)
            assert left(60) == 0
            assert time.monotonic() - begin >= 0.2


def test_who_does_not_end_in_time_is_counted():
    with adopting() as left:
        begin = handing_on(0.6)
        assert left(0) >= 1
        assert left(60) == 0
        assert time.monotonic() - begin >= 0.55
