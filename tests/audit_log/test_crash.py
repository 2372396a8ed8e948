"""Writers that are killed, and many at once: nothing acknowledged is lost, nothing is accused."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from repro.audit_log.formats.record import line_hash

from .conftest import Site

WRITER = Path(__file__).parent / "writer.py"


def start(site: Site, name: str, count: int) -> subprocess.Popen[bytes]:
    """Start a writer."""
    command = [sys.executable, "-P", str(WRITER), str(site.directory), str(site.keys.root)]
    return subprocess.Popen([*command, name, str(count)], stdout=subprocess.PIPE)


def check(site: Site, outputs: list[bytes]) -> int:
    """Compare the log with all that was acknowledged; return how much that was."""
    hashes = [line_hash(line) for line in site.lines.read_bytes().split(b"\n")[:-1]]
    size = site.verify().committed
    count = 0
    for output in outputs:
        for line in output.decode().split("\n")[:-1]:
            word, value = line.split()
            if word == "committed":
                assert int(value) <= size
            else:
                assert hashes[int(word)] == value
                count += 1
    return count


def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged(full: Site) -> None:
    chance = random.Random(20250131)  # noqa: S311 - no secret
    outputs = []
    for turn in range(8):
        writer = start(full, f"w{turn}", 100_000)
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it is at work now
        time.sleep(chance.uniform(0, 0.12))
        writer.kill()
        outputs.append(first + writer.stdout.read())
        writer.stdout.close()
        writer.wait()
        report = full.verify()
        assert report.verdict in ("ok", "torn"), report
        full.open()
        assert full.verify().verdict == "ok"
    assert check(full, outputs) > 8
    full.open().commit()
    assert full.verify().verdict == "ok"


def test_many_processes_append_and_commit_at_once(full: Site) -> None:
    writers = [start(full, f"w{n}", 60) for n in range(4)]
    while any(writer.poll() is None for writer in writers):
        assert full.verify().verdict == "ok"
        time.sleep(0.05)
    outputs = []
    for writer in writers:
        assert writer.stdout is not None
        outputs.append(writer.stdout.read())
        writer.stdout.close()
        assert writer.returncode == 0
    assert check(full, outputs) == 4 * 60 * 2
    report = full.verify()
    assert (report.verdict, report.size) == ("ok", 4 + 480)


def test_one_of_many_writers_is_killed_and_the_others_go_on(full: Site) -> None:
    writers = [start(full, f"w{n}", 60) for n in range(3)]
    victim = start(full, "victim", 100_000)
    assert victim.stdout is not None
    said = victim.stdout.readline()
    time.sleep(0.1)
    victim.kill()
    outputs = [said + victim.stdout.read()]
    victim.stdout.close()
    victim.wait()
    for writer in writers:
        assert writer.stdout is not None
        outputs.append(writer.stdout.read())
        writer.stdout.close()
        assert writer.wait() == 0
    full.open().commit()
    assert full.verify().verdict == "ok"
    assert check(full, outputs) >= 3 * 60 * 2
