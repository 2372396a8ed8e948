"""A kit that is killed leaves no child behind, not even one whose trainer never comes back."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from .planting import House, plant

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes as Linux shows them")
FOR_EVER = ("    settings = _settings(job)\n", "    while True: pass\n")


def state(process):
    """Return parent, state and processor time of a process; None if it is gone."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0], int(fields[11])


def working(parent):
    """Return the children of a process that have computed for two seconds."""
    found = [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    states = [(entry, state(entry)) for entry in found]
    return [entry for entry, about in states if about and about[0] == parent and about[2] > 200]


def until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@linux
@pytest.mark.slow
def test_killed_without_a_word_it_takes_its_child_along(tmp_path):
    house = House(tmp_path / "house")
    plant(house, {"endless": FOR_EVER})
    words = [house.python, "-P", "-m", "repro", "trainers", "check", "endless", "-q"]
    kit = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL)
    until(lambda: working(kit.pid))
    (child, *_) = working(kit.pid)
    kit.kill()
    kit.wait()
    until(lambda: state(child) is None or state(child)[1] == "Z")
