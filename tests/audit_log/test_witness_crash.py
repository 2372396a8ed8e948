"""Witnesses that are killed while many ask: nothing that was handed out is ever taken back."""

from __future__ import annotations

import http.client
import random
import signal
import threading
from pathlib import Path

import pytest

from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note
from repro.audit_log.formats.tree import verify_consistency
from repro.audit_log.witness.protocol import format_request
from repro.audit_log.witness.state import Records

from .witnessing import ORIGIN, Foreign, Running, connect

HISTORIES = (Foreign(), Foreign(history="two", forked_at=5), Foreign(history="three", forked_at=9))
LARGEST = 400


class Client(threading.Thread):
    """One who asks again and again, for a random history, from where the witness says it is."""

    def __init__(self, running: Running, url: str, chance: random.Random) -> None:
        super().__init__()
        self.running = running
        self.url = url
        self.chance = chance
        self.cosigned: list[Checkpoint] = []
        self.told: list[int] = []
        self.statuses: set[int] = set()

    def run(self) -> None:
        """Ask until nobody answers."""
        connection = connect(self.url)
        old = 0
        try:
            while True:
                log = self.chance.choice(HISTORIES)
                new = min(LARGEST, old + self.chance.choice((0, 0, 1, 1, 2, 3)))
                connection.request("POST", "/add-checkpoint", log.request(old, new))
                response = connection.getresponse()
                body = response.read()
                self.statuses.add(response.status)
                if response.status == 200:
                    note = open_note(log.note(new) + body, self.running.verifiers)
                    assert len(note.verified) == 2
                    self.cosigned.append(parse_checkpoint(note.text))
                    old = new
                elif response.headers["Content-Type"] == "text/x.tlog.size":
                    old = int(body)
                    self.told.append(old)
        except (OSError, http.client.HTTPException):
            return  # it was killed
        finally:
            connection.close()


def hammer(directory: Path, turns: int, longest: float) -> None:
    """Kill and restart two processes on one directory ``turns`` times while six ask."""
    chance = random.Random(20250131)  # noqa: S311 - no secret
    running = Running.create(directory, HISTORIES[0])
    records = Records(directory / "state")
    roots: dict[int, bytes] = {}
    before, handed_out = 0, 0
    try:
        for turn in range(turns):
            urls = [running.start(), running.start()]
            clients = [
                Client(running, urls[n % 2], random.Random(turn * 100 + n))  # noqa: S311
                for n in range(6)
            ]
            for client in clients:
                client.start()
            threading.Event().wait(chance.uniform(0.05, longest))
            running.stop(signal.SIGKILL)
            for client in clients:
                client.join(30)
                assert not client.is_alive()
            after = records.read(ORIGIN).checkpoint
            assert after.size >= before
            before = after.size
            assert not set().union(*(client.statuses for client in clients)) & {400, 403, 404, 500}
            for client in clients:
                sizes = [checkpoint.size for checkpoint in client.cosigned]
                assert sizes == sorted(sizes)
                for checkpoint in client.cosigned:
                    handed_out += 1
                    assert roots.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
                    assert checkpoint.size <= after.size
                    _assert_extends(checkpoint, after)
                assert all(size <= after.size for size in client.told)
        assert handed_out > turns
    finally:
        running.stop(signal.SIGKILL)


def _assert_extends(old: Checkpoint, new: Checkpoint) -> None:
    (log,) = {log for log in HISTORIES if log.checkpoint(new.size) == new and _first(log, new)}
    proof = log.proof(old.size, new.size) if old.size else ()
    if old.size:
        assert verify_consistency(old.size, old.root, new.size, new.root, proof)


def _first(log: Foreign, head: Checkpoint) -> bool:
    """Return whether ``log`` is the first history with that head: short ones share theirs."""
    return log == next(one for one in HISTORIES if one.checkpoint(head.size) == head)


def test_killed_at_random_moments_a_witness_stands_by_what_it_signed(tmp_path: Path) -> None:
    hammer(tmp_path / "witness", 6, 0.5)


@pytest.mark.soak
def test_killed_a_hundred_times_a_witness_stands_by_what_it_signed(tmp_path: Path) -> None:
    hammer(tmp_path / "witness", 100, 1.0)


def test_a_writer_killed_before_the_rename_leaves_the_old_record(tmp_path: Path) -> None:
    running = Running.create(tmp_path / "witness", HISTORIES[0])
    records = Records(running.directory / "state")
    whole = records.path(ORIGIN).read_bytes()
    left = records.directory / f".{records.path(ORIGIN).name}.4711.tmp"
    left.write_bytes(whole[:40])
    url = running.start()
    connection = connect(url)
    try:
        connection.request("POST", "/add-checkpoint", HISTORIES[0].request(0, 4))
        assert connection.getresponse().read()
        assert records.read(ORIGIN).checkpoint.size == 4
        records.create(ORIGIN)
        assert not left.exists()
        assert records.read(ORIGIN).checkpoint.size == 4
        lied = format_request(0, [], HISTORIES[1].note(9))
        connection.request("POST", "/add-checkpoint", lied)
        assert connection.getresponse().read() == b"4\n"
    finally:
        connection.close()
        running.stop(signal.SIGKILL)
