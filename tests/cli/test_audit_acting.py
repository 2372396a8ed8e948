"""``repro audit`` where it acts: keys, witnesses, holds, erasure, retention; as installed."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from repro.audit_log.disk import filesystem
from repro.audit_log.formats.policy_file import parse_policy
from repro.audit_log.formats.record import decode, encode, line_hash
from repro.audit_log.storage.creation import local_actor
from repro.verbs.audit import holds
from repro.verbs.audit.cosigning import addresses, ask_until_standing
from repro.verbs.audit.log import open_log

from .conftest import REPRO, Desk

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = pytest.mark.slow

HEX = "0" * 64


def refused(desk: Desk, status: int, *arguments: str) -> str:
    """Run what must fail with an error and a hint, and change nothing; return what it said."""
    before = state(desk)
    done = desk.run(*arguments, status=status)
    assert done.stdout == ""
    assert "error:" in done.stderr.lower()
    assert state(desk) == before
    return done.stderr


def state(desk: Desk) -> dict[str, bytes]:
    """Return every file of the log and the key store, but locks and what is derived."""
    places = [desk.root / "AUDIT_LOG", desk.keys]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {
        str(p): p.read_bytes() for p in files if "derived" not in p.parts and "lock" not in p.name
    }


def typed(desk: Desk, answers: list[str], *arguments: str, status: int = 0) -> str:
    """Run a command on a terminal and type an answer at each question; return what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(desk.root)
        environment = {**desk.environment, "NO_COLOR": "1"}
        os.execve(REPRO, ["repro", *arguments], environment)  # noqa: S606 - a terminal of its own
    shown, left, until = b"", list(answers), time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        if left and shown.rstrip(b" ").endswith(b":"):
            os.write(terminal, f"{left.pop(0)}\n".encode())
            shown += b"\n"
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status, shown
    return shown.decode()


@dataclass
class House:
    """A witness made and served by the installed command."""

    desk: Desk
    directory: Path
    name: str
    url: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self, port: int = 0) -> None:
        """Serve it."""
        command = [
            str(REPRO),
            "audit",
            "witness",
            "serve",
            str(self.directory),
            "--port",
            f"{port}",
        ]
        self.process = subprocess.Popen(
            command, env=self.desk.environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:")
        vkeys = [self.process.stdout.readline().strip() for _ in range(2)]
        assert vkeys == (self.directory / "witness.vkey").read_text().split()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; return its exit status."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        status = self.process.wait(20)
        self.process.stdout.close()
        self.process = None
        return status

    @property
    def size(self) -> int:
        """How many records it has cosigned."""
        (log,) = self.desk.json("audit", "witness", "logs", str(self.directory))["logs"]
        size: int = log["size"]
        return size


@pytest.fixture
def houses(desk: Desk, tmp_path: Path) -> Iterator[Callable[[str], House]]:
    """Return a maker of witnesses that run, trust the desk's log, and are asked by it."""
    made: list[House] = []

    def make(name: str) -> House:
        house = House(desk, tmp_path / name, name)
        made.append(house)
        desk.run("audit", "witness", "new", str(house.directory), f"witness.example/{name}")
        desk.run("audit", "witness", "trust", str(house.directory), "AUDIT_LOG/log.vkey")
        house.start()
        vkeys = str(house.directory / "witness.vkey")
        desk.run("audit", "witness", "add", name, vkeys, house.url)
        return house

    yield make
    for house in made:
        if house.process is not None:
            house.stop()


def policy(desk: Desk) -> Path:
    """Return the operator's policy."""
    return Path(desk.json("audit", "witness", "list")["policy"])


def level(desk: Desk) -> str:
    """Return what an auditor with the operator's policy is told."""
    done = subprocess.run(
        [str(REPRO.with_name("repro-verify")), "log", "AUDIT_LOG", "--policy", str(policy(desk))],
        cwd=desk.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (found,) = re.findall(r"^level: (L\d)", done.stdout, re.MULTILINE)
    return str(found)


# --- witnesses -----------------------------------------------------------------------------------


def test_training_before_two_witnesses_is_witnessed_and_one_that_stops_costs_a_level(
    desk: Desk, houses: Callable[[str], House]
) -> None:
    one, two = houses("w1"), houses("w2")
    desk.run("audit", "witness", "quorum", "2")
    done = desk.run("train", "--quiet", "--profile", "debug")
    assert done.stderr == ""
    assert (one.size, two.size) == (4, 4)
    assert level(desk) == "L4"
    assert two.stop(signal.SIGINT) == 0
    done = desk.run("train", "--quiet", "--profile", "debug")
    assert done.stderr.count("warning") == 1
    assert "'w2' has not cosigned: no answer" in done.stderr
    assert (one.size, level(desk)) == (7, "L1")
    two.start(int(two.url.rpartition(":")[2]))
    asked = desk.json("audit", "witness", "ask")
    assert [w["cosigned"] for w in asked["witnesses"]] == [True, True]
    assert (asked["size"], two.size, level(desk)) == (7, 7, "L4")
    assert one.stop() == 0


def test_a_witness_has_seen_the_plan_before_training(
    desk: Desk, houses: Callable[[str], House]
) -> None:
    house = houses("w1")
    command = [str(REPRO), "train", "--set", "n_estimators=1000000"]
    with subprocess.Popen(
        command, cwd=desk.root, env=desk.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            while not process.stderr.readline().startswith("repro: training"):
                assert process.poll() is None
            seen = house.size
        finally:
            process.send_signal(signal.SIGINT)
            process.stderr.read()
    # What the run had otherwise than the documents say is seen with the plan, not with the outcome.
    kinds = [record["type"] for record in desk.records()]
    assert kinds == ["log.created", "run.planned", "config.override", "run.interrupted"]
    assert seen == 3
    assert process.returncode == 130
    assert house.size == 4


def test_every_command_that_commits_asks(desk: Desk, houses: Callable[[str], House]) -> None:
    house = houses("w1")
    run = desk.train()["run"]
    assert house.size == 4
    desk.run("verify", run, "-q")
    assert house.size == 5
    desk.run("audit", "hold", "place", "case", "--reason", "court")
    assert house.size == 6
    desk.run("audit", "hold", "lift", "case", "--reason", "closed")
    assert house.size == 7
    desk.run("audit", "seal", "--keep-until", "2020-01-31", "--policy", "short")
    assert house.size == 8
    desk.run("audit", "erase", "--user", local_actor().user, "--reason", "asked", "--yes")
    assert house.size == 9
    desk.run("audit", "retain", "0", "--keep-until", "2021-01-31", "--policy", "longer")
    assert house.size == 10
    desk.run("audit", "prune", "0", "--reason", "over", "--yes")
    assert house.size == 11
    assert level(desk) == "L4"
    data = desk.root / "data" / "stocks.csv.gz"
    data.rename(data.with_suffix(".away"))
    desk.run("train", "--profile", "debug", status=3)
    assert house.size == 12
    assert desk.records()[-1]["type"] == "run.refused"


def test_a_witness_that_never_answers_costs_three_seconds_once(desk: Desk) -> None:
    vkeys = witness_vkeys(desk)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        desk.run("audit", "witness", "add", "w1", *vkeys, url)
        began = time.monotonic()
        done = desk.run("audit", "hold", "place", "a", "--reason", "b")
        assert 2.5 < time.monotonic() - began < 8
        assert done.stderr.count("'w1' has not cosigned: no answer in time") == 1


def test_a_log_put_back_with_its_keys_is_convicted_loudly(
    desk: Desk, houses: Callable[[str], House], tmp_path: Path
) -> None:
    house = houses("w1")
    for place in (desk.root / "AUDIT_LOG", desk.keys):
        shutil.copytree(place, tmp_path / "copy" / place.name)
    for number in range(4):
        desk.run("audit", "hold", "place", f"case {number}", "--reason", "court")
    assert house.size == 5
    for place in (desk.root / "AUDIT_LOG", desk.keys):
        shutil.rmtree(place)
        shutil.copytree(tmp_path / "copy" / place.name, place)
    done = desk.run("train", "--quiet", "--profile", "debug")
    assert "WITNESS 'w1' CONTRADICTS THIS LOG: IT HOLDS SIZE 5, BEYOND OUR 3" in done.stderr
    assert "put back from an older copy" in done.stderr
    assert done.stderr.count("CONTRADICTS") == 1
    asked = desk.json("audit", "witness", "ask", status=4)
    assert [(w["evidence"], w["size"]) for w in asked["witnesses"]] == [(True, 5)]
    # As long as what the witness has seen, then longer: another tree, and no proof leads there.
    done = desk.run("audit", "hold", "place", "other", "--reason", "court")
    assert "IT HAS COSIGNED ANOTHER TREE OF SIZE 5" in done.stderr
    done = desk.run("audit", "hold", "lift", "other", "--reason", "court")
    assert "ITS TREE OF SIZE 5 IS NOT OURS" in done.stderr
    assert house.size == 5


def test_two_who_train_at_once_do_not_take_each_other_for_a_fork(
    desk: Desk, houses: Callable[[str], House]
) -> None:
    house = houses("w1")
    command = [str(REPRO), "audit", "hold", "place"]
    several = [
        subprocess.Popen(
            [*command, f"case {n}", "--reason", "court"],
            cwd=desk.root,
            env=desk.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(6)
    ]
    for process in several:
        _, err = process.communicate()
        assert (process.returncode, "CONTRADICTS" in err) == (0, False), err
    asked = desk.json("audit", "witness", "ask")
    assert (asked["size"], house.size, level(desk)) == (7, 7, "L4")


def test_a_log_that_grew_while_it_was_asked_for_is_no_evidence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[bytes] = []

    class Hasty(BaseHTTPRequestHandler):
        """A witness that another process asks at the same moment, with one record more."""

        def do_POST(self) -> None:
            requests.append(self.rfile.read(int(self.headers["Content-Length"])))
            first = len(requests) == 1
            if first:
                desk.run("audit", "hold", "place", "meanwhile", "--reason", "x")
            self.send_response(409 if first else 404)
            self.send_header("Content-Type", "text/x.tlog.size" if first else "text/plain")
            self.end_headers()
            self.wfile.write(b"2\n" if first else b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    monkeypatch.setenv("REPRO_KEYS", str(desk.keys))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hasty) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        desk.run("audit", "witness", "add", "w1", *witness_vkeys(desk), url)
        file = policy(desk)
        aside = file.rename(file.with_name("aside"))  # the hold below asks nobody
        log = open_log(desk.root)
        (witness,) = addresses(parse_policy(aside.read_bytes()))
        asked = ask_until_standing(log, [witness], 20)
        server.shutdown()
    assert len(requests) == 2
    assert [(o.evidence, "does not know this log" in o.problem) for o in asked.outcomes] == [
        (False, True)
    ]
    assert asked.size == 2


def test_a_rotated_log_says_what_its_witness_lacks(
    desk: Desk, houses: Callable[[str], House]
) -> None:
    house = houses("w1")
    before = desk.json("audit", "key", "show")
    done = desk.run("audit", "key", "rotate")
    assert "'w1' has not cosigned: it does not accept the log's signature" in done.stderr
    after = desk.json("audit", "key", "show")
    assert after["rotations"] == [1]
    assert {k["vkey"] for k in before["keys"]}.isdisjoint(k["vkey"] for k in after["keys"])
    assert all(f"log {k['vkey']}\n" in policy(desk).read_text() for k in after["keys"])
    desk.run("audit", "witness", "trust", str(house.directory), "AUDIT_LOG/log.vkey")
    desk.run("audit", "witness", "ask")
    assert house.size == 2
    desk.run("audit", "verify")


def test_without_a_witness_nothing_of_witnesses_is_loaded(desk: Desk) -> None:
    code = (
        "import sys; from repro.cli.boundary import run\n"
        "run(['audit', 'hold', 'place', 'a', '--reason', 'b'])\n"
        "heavy = ('repro.verbs.audit.cosigning', 'repro.verbs.audit.arrangement',\n"
        " 'repro.audit_log.witness',\n"
        " 'repro.audit_log.formats.policy_file', 'http.client', 'pandas', 'numpy')\n"
        "sys.exit(', '.join(h for h in heavy if h in sys.modules) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=desk.root,
        env=desk.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def witness_vkeys(desk: Desk, name: str = "w1") -> list[str]:
    """Return the public keys of a new witness that nobody serves."""
    directory = desk.root.parent / f"witness {name}"
    vkeys = desk.json("audit", "witness", "new", str(directory), f"witness.example/{name}")["vkeys"]
    return list(vkeys)


def test_witnesses_are_added_counted_once_and_removed(desk: Desk) -> None:
    for name in ("w1", "w2", "w3"):
        desk.run("audit", "witness", "add", name, *witness_vkeys(desk, name), f"http://{name}:1")
    assert desk.json("audit", "witness", "list")["quorum"] == "all"
    assert "group quorum all w1 w2 w3\n" in policy(desk).read_text()
    assert policy(desk).stat().st_mode & 0o777 == 0o600
    desk.run("audit", "witness", "quorum", "2")
    assert "group w1 any w1-0x04 w1-0x06\n" in policy(desk).read_text()
    desk.run("audit", "witness", "remove", "w3")
    assert "which needs" in refused(desk, 2, "audit", "witness", "remove", "w1")
    desk.run("audit", "witness", "quorum", "w1")
    assert "which needs" in refused(desk, 2, "audit", "witness", "remove", "w1")
    assert [w["name"] for w in desk.json("audit", "witness", "remove", "w2")["witnesses"]] == ["w1"]
    desk.run("audit", "witness", "quorum", "none")
    assert policy(desk).read_text().endswith("\nquorum none\n")
    file = policy(desk)
    desk.run("audit", "witness", "remove", "w1")
    assert not file.exists()
    assert "no witness that can be asked" in refused(desk, 3, "audit", "witness", "ask")


def test_a_policy_written_by_hand_is_used_and_not_changed(
    desk: Desk, houses: Callable[[str], House]
) -> None:
    house = houses("w1")
    file = policy(desk)
    file.write_text("# by hand\n" + file.read_text())
    vkeys = witness_vkeys(desk, "w2")
    more = refused(desk, 3, "audit", "witness", "add", "w2", *vkeys, "http://b:1")
    assert "written by hand" in more
    desk.run("audit", "hold", "place", "a", "--reason", "b")
    assert house.size == 2
    file.write_text("quorum nobody\n")
    for command in (("audit", "witness", "list"), ("train",), ("audit", "witness", "ask")):
        assert "'nobody' is not defined" in refused(desk, 3, *command)


def test_bad_witnesses_are_refused(desk: Desk) -> None:
    (first, second), other = witness_vkeys(desk), witness_vkeys(desk, "w2")
    own = (desk.root / "AUDIT_LOG" / "log.vkey").read_text().splitlines()[0]
    add = ("audit", "witness", "add")
    cases: list[tuple[tuple[str, ...], str]] = [
        ((*add, "w1", first[:-4], "http://a:1"), "not a public key"),
        ((*add, "w1", own, "http://a:1"), "does not cosign with a key of type 0x01"),
        ((*add, "w1", first, other[1], "http://a:1"), "one name"),
        ((*add, "w1", first, first, "http://a:1"), "two keys of one type"),
        ((*add, "w1", first, "witness.example.com"), "not a URL"),
        ((*add, "w1", first, "ftp://a"), "not a URL"),
        ((*add, "w1", first, "http://a:99999"), "not a URL"),
        ((*add, "w1", first, "http://a/?b"), "not the prefix of a URL"),
        ((*add, "any", first, "http://a:1"), "not a name for a witness"),
        ((*add, "w 1", first, "http://a:1"), "not a name for a witness"),
        (("audit", "witness", "quorum", "all"), "has no witness"),
        (("audit", "witness", "remove", "w9"), "no witness is called 'w9'"),
        ((*add, "w1", first), "Missing"),
    ]
    for arguments, words in cases:
        assert words in refused(desk, 2, *arguments), arguments
    assert "neither a public key nor a file" in refused(desk, 2, *add, "w1", "nokey", "http://a:1")
    desk.run(*add, "w1", first, second, "http://a:1")
    assert "a witness 'w1' already" in refused(desk, 2, *add, "w1", other[0], "http://b:1")
    assert "already" in refused(desk, 2, *add, "w2", first, "http://b:1")
    for rule in ("0", "2", "01", "w9", "none at all"):
        refused(desk, 2, "audit", "witness", "quorum", rule)


def test_a_witness_that_is_none_and_a_port_that_is_taken(desk: Desk, tmp_path: Path) -> None:
    own = "AUDIT_LOG/log.vkey"
    for words in (("trust", own), ("forget", "x"), ("logs",), ("serve",)):
        arguments = ("audit", "witness", words[0], str(tmp_path), *words[1:])
        assert "no witness in" in refused(desk, 3, *arguments)
    there = tmp_path / "w"
    (vkey, _) = desk.json("audit", "witness", "new", str(there), "witness.example/w")["vkeys"]
    refused(desk, 3, "audit", "witness", "new", str(there), "witness.example/w")
    refused(desk, 3, "audit", "witness", "new", str(tmp_path / "v"), "a name")
    assert not (tmp_path / "v").exists()
    trust = ("audit", "witness", "trust", str(there))
    assert "does not sign with a key of type 0x04" in refused(desk, 2, *trust, vkey)
    assert "not a public key" in refused(desk, 2, *trust, "a+b+c")
    assert "knows no log" in refused(desk, 2, "audit", "witness", "forget", str(there), "x")
    desk.run(*trust, own)
    (known,) = desk.json("audit", "witness", "logs", str(there))["logs"]
    assert desk.json("audit", "witness", "forget", str(there), known["origin"])["logs"] == []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        serve = ("audit", "witness", "serve", str(there), "--port")
        assert "cannot listen" in refused(desk, 3, *serve, port)
        refused(desk, 2, *serve, "65536")
        refused(desk, 3, *serve, "0", "--host", "no.such.host.invalid")


# --- keys ----------------------------------------------------------------------------------------


def with_passphrase(desk: Desk, text: str) -> Desk:
    """Return the desk of somebody who has set the passphrase."""

    class Opened(Desk):
        @property
        def environment(self) -> dict[str, str]:
            return {**super().environment, "REPRO_KEY_PASSPHRASE": text}

    return Opened(desk.root, desk.keys)


def test_a_key_is_put_under_a_passphrase_changed_and_taken_out(desk: Desk, tmp_path: Path) -> None:
    file, other = tmp_path / "one", tmp_path / "two"
    file.write_text("correct horse\n")
    other.write_text("battery staple\n")
    key = ("audit", "key")
    assert desk.json(*key, "show")["encrypted"] is False
    assert "is not under a passphrase" in refused(desk, 3, *key, "decrypt")
    assert "nobody can be asked" in refused(desk, 2, *key, "encrypt")
    assert "No such file" in refused(desk, 3, *key, "encrypt", "--new-passphrase-file", "nowhere")
    given = ("--new-passphrase-file", str(file))
    assert desk.json(*key, "encrypt", *given)["encrypted"] is True
    assert "already" in refused(desk, 3, *key, "encrypt", *given)
    for command in (("train",), ("audit", "hold", "place", "a", "--reason", "b")):
        assert "REPRO_KEY_PASSPHRASE" in refused(desk, 3, *command)
    assert not list((desk.root / "RESULTS").rglob("*.json"))
    refused(with_passphrase(desk, "wrong"), 3, "train")
    opened = with_passphrase(desk, "correct horse")
    opened.train()
    refused(desk, 3, *key, "change", "--new-passphrase-file", str(other))
    opened.run(*key, "change", "--new-passphrase-file", str(other))
    refused(opened, 3, *key, "decrypt")
    opened = with_passphrase(desk, "battery staple")
    opened.run(*key, "rotate")
    assert desk.json(*key, "show")["encrypted"] is True
    assert opened.json(*key, "decrypt")["encrypted"] is False
    desk.run("audit", "hold", "place", "a", "--reason", "b")
    desk.run("audit", "verify")


def test_a_passphrase_is_asked_for_twice_on_a_terminal(desk: Desk) -> None:
    command = ("audit", "key", "encrypt")
    before = state(desk)
    shown = typed(desk, ["correct horse", "another"], *command, status=2)
    assert "differ" in shown
    assert "correct horse" not in shown
    assert "protects nothing" in typed(desk, ["", ""], *command, status=2)
    assert state(desk) == before
    assert "under a passphrase" in typed(desk, ["correct horse", "correct horse"], *command)
    with_passphrase(desk, "correct horse").run("audit", "hold", "place", "a", "--reason", "b")


def test_init_can_encrypt_the_key_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    desk = Desk(tmp_path / "workspace", tmp_path / "keys")
    refused(desk, 2, "init", "--encrypt-key")
    assert list(desk.root.iterdir()) == []
    file = tmp_path / "pass"
    file.write_text("correct horse\n")
    refused(desk, 2, "init", "--new-passphrase-file", str(file))
    file.write_text("\n")
    refused(desk, 2, "init", "--encrypt-key", "--new-passphrase-file", str(file))
    file.write_text("correct horse\n")
    desk.run("init", "--encrypt-key", "--new-passphrase-file", str(file))
    assert desk.json("audit", "key", "show")["encrypted"] is True
    refused(desk, 3, "train")
    with_passphrase(desk, "correct horse").train()
    again = ("init", "--add-missing", "--encrypt-key", "--new-passphrase-file", str(file))
    assert "has a log already" in refused(desk, 2, *again)


def test_init_takes_the_passphrase_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    desk = with_passphrase(Desk(tmp_path / "workspace", tmp_path / "keys"), "correct horse")
    desk.run("init", "--encrypt-key")
    shown = desk.json("audit", "key", "show")
    assert (shown["encrypted"], shown["rotations"]) == (True, [])
    assert shown["pins"] == [str((desk.root / "AUDIT_LOG").resolve())]


def test_the_keys_to_trust_are_written_as_a_file_from_beside_the_private_key(desk: Desk) -> None:
    (desk.root / "AUDIT_LOG" / "log.vkey").write_text("what somebody says of himself\n")
    said = desk.run("audit", "key", "show", "-o", "trusted.vkey").stdout
    assert "public keys, one a line: trusted.vkey" in said
    shown = desk.json("audit", "key", "show")
    trusted = desk.root / "trusted.vkey"
    assert trusted.read_text().splitlines() == [key["vkey"] for key in shown["keys"]]
    assert (len(shown["keys"]), shown["file"]) == (2, None)
    assert "trusted.vkey exists" in refused(desk, 2, "audit", "key", "show", "-o", "trusted.vkey")
    (desk.root / "AUDIT_LOG" / "log.vkey").write_bytes(trusted.read_bytes())
    assert desk.run("audit", "verify", "--vkey", "trusted.vkey").stdout.startswith("ok: ")


def test_a_key_that_is_elsewhere(desk: Desk) -> None:
    desk.keys.rename(desk.keys.with_name("away"))
    shown = desk.json("audit", "key", "show")
    assert (shown["keys"], shown["private_key"], shown["encrypted"]) == ([], None, None)
    for command in (
        ("key", "rotate"),
        ("key", "decrypt"),
        ("key", "show", "-o", "trusted.vkey"),
        ("witness", "remove", "w1"),
        ("seal",),
    ):
        assert "REPRO_KEYS" in refused(desk, 3, "audit", *command)


# --- holds, erasure, retention -------------------------------------------------------------------


def test_a_hold_refuses_erasure_and_pruning_and_names_its_record(desk: Desk) -> None:
    desk.run("audit", "seal", "--keep-until", "2020-01-31", "--policy", "short")
    placed = desk.json("audit", "hold", "place", "case 7", "--reason", "court")
    assert placed["holds"] == [{"hold": "case 7", "record": 2, "reason": "court"}]
    user = local_actor().user
    for command in (("erase", "--user", user), ("prune", "0")):
        words = refused(desk, 3, "audit", *command, "--reason", "x", "--yes")
        assert "'case 7' of record 2" in words
    assert "in force already" in refused(
        desk, 2, "audit", "hold", "place", "case 7", "--reason", "x"
    )
    assert "in force: 'case 7'" in refused(
        desk, 2, "audit", "hold", "lift", "case 8", "--reason", "x"
    )
    assert "reason is empty" in refused(desk, 2, "audit", "hold", "lift", "case 7", "--reason", " ")
    refused(desk, 2, "audit", "hold", "place", "x" * 2001, "--reason", "x")
    refused(desk, 2, "audit", "hold", "place", "\udcff", "--reason", "x")
    assert desk.json("audit", "hold", "lift", "case 7", "--reason", "closed")["holds"] == []
    desk.run("audit", "prune", "0", "--reason", "over", "--yes")
    desk.run("audit", "erase", "--user", user, "--reason", "asked", "--yes")
    desk.run("audit", "verify")


def test_erasing_shows_asks_and_says_what_is_left(desk: Desk, tmp_path: Path) -> None:
    user, log = local_actor().user, desk.root / "AUDIT_LOG"
    (opening,) = (log / "openings").iterdir()
    shutil.copy(opening, tmp_path / "copy.json")
    (tmp_path / "notes.txt").write_text(f"about it: {opening.read_text()}")
    erase = ("audit", "erase", "--user", user, "--reason", "asked", "--also", str(tmp_path))
    words = refused(desk, 2, *erase)
    assert "add --yes" in words
    assert f"{opening.stem}, in 1 record: actor = " in words
    assert user in words
    before = state(desk)
    assert "not confirmed" in typed(desk, ["n"], *erase, status=2)
    assert state(desk) == before
    shown = typed(desk, ["y"], *erase)
    assert f"removed: {tmp_path / 'copy.json'}" in shown
    assert f"LEFT: {tmp_path / 'notes.txt'}" in shown
    assert "not reached: copies that somebody else has kept" in shown
    assert "not reached: record 1 of this erasure: who erased has a new opening there" in shown
    assert [path for path in (log / "openings").iterdir() if user in path.read_text()]
    assert "host.node" not in shown  # there are no runs
    assert not opening.exists()
    done = desk.json("audit", "erase", "--commitment", opening.stem, "--reason", "x", "--yes")
    assert (done["records"], done["commitments"]) == ([], [opening.stem])
    assert not any("of this erasure" in text for text in done["beyond"])


def test_an_erasure_says_that_runs_name_their_host(with_run: tuple[Desk, Any]) -> None:
    desk, run = with_run
    environment = Path(run["folder"]) / "environment.json"
    assert json.loads(environment.read_text())["environment"]["host"]["node"]
    place = ("--record", "0", "--path", "actor")
    done = desk.json("audit", "erase", *place, "--reason", "asked", "--yes")
    assert any("environment.json" in text and "host.node" in text for text in done["beyond"])
    desk.run("audit", "verify")


def test_one_value_of_a_record_is_erased(desk: Desk) -> None:
    place = ("--record", "0", "--path", "actor")
    done = desk.json("audit", "erase", *place, "--reason", "asked", "--yes")
    assert (done["records"], len(done["removed"])) == ([1], 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "in one way"),
        (("--user", "ada", "--record", "0"), "in one way"),
        (("--path", "actor"), "in one way"),
        (("--record", "0"), "--record needs --path"),
        (("--user", "nobody at all"), "no opening that is here names"),
        (("--record", "7", "--path", "actor"), "record 7 has no commitment"),
        (("--record", "0", "--path", "body"), "has no commitment at 'body'"),
        (("--commitment", "abc"), "not a commitment"),
        (("--commitment", HEX), "no record holds"),
        (("--record", "0", "--path", "actor", "--also", "nowhere"), "not a directory"),
        (("--record", "x"), "not a whole number"),
    ],
)
def test_an_erasure_of_nothing_is_refused(
    untouched: Desk, arguments: tuple[str, ...], words: str
) -> None:
    line = ("audit", "erase", *arguments, "--reason", "asked", "--yes")
    assert words in refused(untouched, 2, *line)


@pytest.fixture(scope="module")
def untouched(make_desk: Callable[[], Desk]) -> Desk:
    """Return a workspace of which every command must keep off."""
    return make_desk()


def test_a_segment_is_sealed_kept_and_pruned_in_its_time(desk: Desk) -> None:
    day = ("--keep-until", "2999-12-31", "--policy", "ten years")
    assert "no sealed segment 0" in refused(
        desk, 3, "audit", "prune", "0", "--reason", "x", "--yes"
    )
    assert "no sealed segment 0" in refused(desk, 3, "audit", "retain", "0", *day)
    for wrong in ("2026-02-30", "tomorrow", "20260101", "2026-W01-1", ""):
        for command in (("seal",), ("retain", "0")):
            line = ("audit", *command, "--keep-until", wrong, "--policy", "x")
            assert "not a date" in refused(desk, 2, *line)
    refused(desk, 2, "audit", "seal", "--keep-until", "2036-01-31")
    refused(desk, 2, "audit", "seal", "--policy", "x")
    sealed = desk.json("audit", "seal")
    found = [sealed[name] for name in ("segment", "first", "count", "record", "keep_until")]
    assert found == [0, 0, 2, 1, None]
    assert "nothing to seal" in refused(desk, 3, "audit", "seal")
    prune = ("audit", "prune", "0", "--reason", "over")
    assert "repro audit retain 0" in refused(desk, 3, *prune, "--yes")
    assert desk.json("audit", "retain", "0", *day)["record"] == 2
    assert "kept until 2999-12-31" in refused(desk, 3, *prune, "--yes")
    desk.run("audit", "retain", "0", "--keep-until", "2020-01-31", "--policy", "shorter")
    assert "add --yes" in refused(desk, 2, *prune)
    done = desk.json(*prune, "--yes")
    assert [done[name] for name in ("first", "count", "record")] == [0, 2, 4]
    assert "pruned already" in refused(desk, 3, *prune, "--yes")
    assert not (desk.root / "AUDIT_LOG" / "segments" / "000000000000.jsonl").exists()
    desk.run("audit", "verify")


def test_acting_on_a_log_that_was_changed_is_refused(desk: Desk) -> None:
    desk.run("audit", "hold", "place", "a", "--reason", "b")
    log = desk.root / "AUDIT_LOG" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"reason":"b"', b'"reason":"c"'))
    shutil.rmtree(desk.root / "AUDIT_LOG" / "derived")
    for command in (("seal",), ("key", "rotate"), ("hold", "lift", "a", "--reason", "x")):
        refused(desk, 4, "audit", *command)


def test_where_there_is_no_log_everything_says_so(desk: Desk) -> None:
    (desk.root / "AUDIT_LOG").rename(desk.root.parent / "away")
    commands: list[tuple[str, ...]] = [
        ("key", "show"),
        ("key", "rotate"),
        ("witness", "list"),
        ("witness", "ask"),
        ("hold", "list"),
        ("hold", "place", "a", "--reason", "b"),
        ("erase", "--user", "a", "--reason", "b", "--yes"),
        ("seal",),
        ("prune", "0", "--reason", "b"),
        ("retain", "0", "--keep-until", "2036-01-31", "--policy", "x"),
    ]
    for command in commands:
        assert "no log" in refused(desk, 3, "audit", *command)


def test_a_log_on_a_network_file_system_is_said_where_it_is_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:21 / / rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(filesystem, "_MOUNTS", mounts)
    monkeypatch.setenv("REPRO_KEYS", str(desk.keys))
    heard: list[Any] = []
    holds.place(desk.root, "a", "b", heard.append)
    assert [text for text in heard if "network file system (nfs4)" in text] == heard != []


def test_a_line_that_somebody_else_appended_is_not_signed_and_can_be_set_aside(
    make_desk: Callable[[], Desk],
) -> None:
    desk = make_desk()
    lines = desk.root / "AUDIT_LOG" / "log.jsonl"
    first = lines.read_bytes().splitlines()[0]
    record = decode(first)
    again = encode(replace(record, seq=1, prev=line_hash(first), nonce="1" * 32))
    with lines.open("ab") as file:
        file.write(again + b"\n")
    refused = desk.run("audit", "checkpoint", "--sign", status=4)
    assert "record 1" in refused.stderr
    assert "repro audit set-aside 1" in refused.stderr
    desk.run("audit", "set-aside", "1", "--reason", "not ours", status=2)
    assert (
        "none of them signed"
        in desk.run("audit", "set-aside", "1", "--reason", "not ours", "--yes").stderr
    )
    desk.run("audit", "set-aside", "0", "--reason", "all of it", "--yes", status=2)
    desk.run("audit", "set-aside", "1", "--reason", "signed by now", "--yes", status=3)
    assert desk.json("audit", "verify")["verdict"] == "ok"
    (kept,) = (desk.root / "AUDIT_LOG" / "torn").glob("*.bin")
    assert kept.read_bytes() == again + b"\n"
