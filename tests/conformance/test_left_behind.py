"""A kit that is killed leaves no child behind that goes on training."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes as Linux shows them")


def children(parent):
    """Return the processes whose parent is this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(entry)
    return found


def until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@linux
@pytest.mark.slow
def test_killed_without_a_word_it_takes_its_child_along(tmp_path):
    words = [sys.executable, "-P", "-m", "repro", "trainers", "check", "ridge", "-q"]
    kit = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL)
    until(lambda: children(kit.pid))
    (child, *_) = children(kit.pid)
    kit.kill()
    kit.wait()
    until(lambda: not child.exists() or "Z" in (child / "stat").read_text().rpartition(")")[2][:3])
