"""A witness: what it answers, what it keeps, and how it behaves on the wire."""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.errors import LogCorruptError, LogUnusableError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, sign, split
from repro.audit_log.formats.note_key import Signer, format_vkey, verifier_of
from repro.audit_log.formats.tree import EMPTY_ROOT
from repro.audit_log.witness import server
from repro.audit_log.witness.identity import KEY, create_witness, load_signers
from repro.audit_log.witness.logs import add_log, list_logs, remove_log
from repro.audit_log.witness.protocol import (
    MAX_BODY,
    RequestError,
    format_request,
    judge,
    parse_request,
)
from repro.audit_log.witness.service import Witness
from repro.audit_log.witness.state import Records

from .conftest import Site
from .witnessing import NAME, ORIGIN, Foreign, Running, connect, post, seed

EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/\
Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/\
V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()
"""The example request of C2SP tlog-witness."""

LOG = Foreign()
FORK = Foreign(history="two", forked_at=3)
SIZE_TYPE = "text/x.tlog.size"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Return a witness that knows one log; what is started of it is ended."""
    found = Running.create(tmp_path / "witness", LOG)
    yield found
    found.stop(signal.SIGKILL)


def at_work(running: Running) -> Witness:
    """Return the witness in this process."""
    return Witness.open(running.directory, lambda line: None)


# The protocol -----------------------------------------------------------------------------------


def test_the_example_of_the_specification_is_read_and_written_byte_for_byte() -> None:
    request = parse_request(EXAMPLE)
    assert (request.old, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert request.checkpoint.origin == ORIGIN
    assert len(split(request.note)[1]) == 2
    assert format_request(request.old, request.proof, request.note) == EXAMPLE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"old 20852014\n", b"old 020852014\n"),
        (b"old 20852014\n", b"old -1\n"),
        (b"old 20852014\n", b"old  20852014\n"),
        (b"old 20852014\n", b"old 20852014 \n"),
        (b"old 20852014\n", b"old 20852014\r\n"),
        (b"old 20852014\n", b"old \xd9\xa1\n"),
        (b"old 20852014\n", b"Old 20852014\n"),
        (b"old 20852014\n", b"old 9223372036854775808\n"),
        (b"old 20852014\n", b"old\n"),
        (b"old 20852014\n", b""),
        (b"kaw=\n", b"kaw\n"),
        (b"kaw=\n", b"kax=\n"),
        (b"PlRN", b"PlR"),
        (b"j/0=\n\n", b"j/0=\n"),
        (b"j/0=\n\n", b"j/0=\n\n\n"),
        (b"j/0=\n", b"j/0=\n" * 61),
        (b"20852163\n", b"020852163\n"),
        (b"CsUY", b"CsU"),
        (b"v++qbSzm9Q=\n", b"v++qbSzm9Q="),
    ],
)
def test_a_malformed_request_is_refused(old: bytes, new: bytes) -> None:
    assert EXAMPLE.count(old) == 1
    with pytest.raises(RequestError):
        parse_request(EXAMPLE.replace(old, new))


def test_63_hashes_are_taken_and_64_are_not() -> None:
    note = parse_request(EXAMPLE).note
    assert len(parse_request(format_request(1, [bytes(32)] * 63, note)).proof) == 63
    with pytest.raises(RequestError, match="63"):
        parse_request(format_request(1, [bytes(32)] * 64, note))


@given(st.binary() | st.text().map(str.encode), st.integers(0, len(EXAMPLE)), st.integers(0, 60))
def test_no_bytes_make_the_parser_stumble(noise: bytes, at: int, cut: int) -> None:
    for body in (noise, EXAMPLE[:at] + noise + EXAMPLE[at + cut :]):
        try:
            request = parse_request(body)
        except RequestError:
            continue
        assert format_request(request.old, request.proof, request.note) == body


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.booleans(), st.booleans())
def test_only_what_extends_the_latest_tree_is_cosigned(
    latest: int, old: int, new: int, forked: bool, spoiled: bool
) -> None:
    log = FORK if forked else LOG
    proof = list(log.proof(old, new)) if old <= new else []
    if spoiled:
        proof.append(bytes(32))
    answer = judge(parse_request(format_request(old, proof, log.note(new))), LOG.checkpoint(latest))
    extends = old == latest <= new and not spoiled
    extends = extends and log.leaves(new)[:latest] == LOG.leaves(latest)
    assert (answer is None) == extends
    if answer is None:
        return
    if old > new:
        assert answer.status == 400
    elif old != latest:
        assert (answer.status, answer.body, answer.content_type) == (409, f"{latest}\n", SIZE_TYPE)
    elif latest == new and log.checkpoint(new).root != LOG.checkpoint(new).root:
        assert (answer.status, answer.content_type != SIZE_TYPE) == (409, True)
    else:
        assert answer.status == 422


# One request, one answer, over HTTP --------------------------------------------------------------


def test_every_status_of_the_specification(running: Running) -> None:
    url = running.start()
    status, _, body = post(url, LOG.request(0, 5))
    assert status == 200
    found = open_note(LOG.note(5) + body, running.verifiers)
    assert sorted(verified.verifier.kind for verified in found.verified) == [4, 6]
    assert all(abs(time.time() - (verified.time or 0)) < 60 for verified in found.verified)

    def status_of(body: bytes) -> int:
        return post(url, body)[0]

    assert status_of(LOG.request(5, 8)) == 200
    assert status_of(LOG.request(8, 8)) == 200  # a fresh time for the same tree
    assert status_of(b"nonsense") == 400
    assert status_of(format_request(9, [], LOG.note(8))) == 400
    assert status_of(Foreign("example.com/other").request(0, 5)) == 404
    assert status_of(Foreign(key="stranger").request(8, 9)) == 403
    spoiled = LOG.note(9)
    assert status_of(format_request(8, LOG.proof(8, 9), _spoil(spoiled))) == 403
    assert post(url, LOG.request(5, 9)) == (409, SIZE_TYPE, b"8\n")
    assert post(url, LOG.request(0, 9)) == (409, SIZE_TYPE, b"8\n")
    assert post(url, LOG.request(4, 5)) == (409, SIZE_TYPE, b"8\n")
    status, kind, _ = post(url, format_request(8, [], FORK.note(8)))
    assert (status, kind == SIZE_TYPE) == (409, False)
    assert status_of(format_request(8, FORK.proof(8, 9), FORK.note(9))) == 422
    assert status_of(format_request(8, [], LOG.note(9))) == 422
    assert status_of(LOG.request(8, 9)) == 200
    assert running.stop() == [0]


def _spoil(note: bytes) -> bytes:
    """Return the note with its signature, but not its key id, changed."""
    head, _, line = note.rstrip(b"\n").rpartition(b" ")
    raw = bytearray(base64.b64decode(line))
    raw[-1] ^= 1
    return head + b" " + base64.b64encode(raw) + b"\n"


def test_a_proof_from_nothing_is_empty(running: Running) -> None:
    witness = at_work(running)
    assert witness.answer(format_request(0, [bytes(32)], LOG.note(5))).status == 422
    assert witness.answer(format_request(0, [], LOG.note(0))).status == 200
    assert witness.answer(format_request(0, [], LOG.note(5))).status == 200


def test_our_own_log_and_a_foreign_one_with_extensions_are_cosigned(
    running: Running, full: Site
) -> None:
    add_log(running.directory, (full.directory / "log.vkey").read_text().splitlines())
    url = running.start()
    note = full.checkpoint.read_bytes()
    status, _, lines = post(url, format_request(0, [], note))
    assert status == 200
    assert len(open_note(note + lines, running.verifiers).verified) == 2
    extended = LOG.note(4, "more", "and more")
    status, _, lines = post(url, format_request(0, [], extended))
    assert status == 200
    assert len(open_note(extended + lines, running.verifiers).verified) == 2


def test_signatures_of_strangers_are_ignored(running: Running) -> None:
    text = split(LOG.note(5))[0]
    stranger = Signer("example.com/stranger", seed("stranger"))
    alone = format_request(0, [], sign(text, [stranger]))
    both = format_request(0, [], sign(text, [stranger, LOG.signer]))
    witness = at_work(running)
    assert witness.answer(alone).status == 403
    assert witness.answer(both).status == 200
    assert b"stranger" not in Records(running.directory / "state").read(ORIGIN).note


def test_a_log_changes_its_key(running: Running) -> None:
    newer = Foreign(key="newer")
    witness = at_work(running)
    assert witness.answer(LOG.request(0, 3)).status == 200
    assert witness.answer(newer.request(3, 4)).status == 403
    assert len(add_log(running.directory, [newer.vkey]).verifiers) == 2
    assert witness.answer(newer.request(3, 4)).status == 200
    assert witness.answer(LOG.request(4, 5)).status == 200
    remove_log(running.directory, ORIGIN, LOG.vkey)
    assert witness.answer(LOG.request(5, 6)).status == 403
    assert witness.answer(newer.request(5, 6)).status == 200


def test_two_histories_are_kept_as_evidence(running: Running) -> None:
    said: list[str] = []
    witness = Witness.open(running.directory, said.append)
    assert witness.answer(LOG.request(0, 6)).status == 200
    for _ in range(2):
        assert witness.answer(format_request(6, [], FORK.note(6))).status == 409
    (kept,) = (running.directory / "contradictions").iterdir()
    ours, theirs = kept.read_bytes().split(b"\n\xe2\x80\x94")[0], kept.read_bytes()
    assert ours.startswith(ORIGIN.encode())
    for log in (LOG, FORK):
        assert log.note(6) in theirs
        open_note(log.note(6), [LOG.verifier])
    assert "TWO TREES OF SIZE 6" in said[0]


# What it keeps ----------------------------------------------------------------------------------


def test_a_record_that_was_changed_anywhere_is_refused_and_never_size_0(running: Running) -> None:
    assert at_work(running).answer(LOG.request(0, 5)).status == 200
    records = Records(running.directory / "state")
    path = records.path(ORIGIN)
    whole = path.read_bytes()
    assert records.read(ORIGIN).checkpoint == LOG.checkpoint(5)
    for at in range(len(whole)):
        for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            path.write_bytes(data)
            with pytest.raises(LogCorruptError, match="damaged"):
                records.read(ORIGIN)
    path.write_bytes(whole)
    assert records.read(ORIGIN).checkpoint.size == 5


@pytest.mark.parametrize("how", ["empty", "gone", "link", "pipe", "other"])
def test_damage_costs_one_log_its_witness_and_no_other(running: Running, how: str) -> None:
    other = Foreign("example.com/other")
    add_log(running.directory, [other.vkey])
    witness = at_work(running)
    assert witness.answer(LOG.request(0, 5)).status == 200
    assert witness.answer(other.request(0, 2)).status == 200
    records = Records(running.directory / "state")
    path = records.path(ORIGIN)
    path.unlink()
    if how == "empty":
        path.touch()
    elif how == "link":
        path.symlink_to(records.path("example.com/other"))
    elif how == "pipe":
        import os

        os.mkfifo(path)
    elif how == "other":
        shutil.copy(records.path("example.com/other"), path)
    for old in (0, 2, 5):
        assert witness.answer(LOG.request(old, 6)).status == 500
    assert witness.answer(other.request(2, 3)).status == 200
    damaged = {log.origin: log for log in list_logs(running.directory)}[ORIGIN]
    assert damaged.latest is None
    assert damaged.problem


def test_a_log_that_is_forgotten_and_known_again_goes_on_where_it_was(running: Running) -> None:
    witness = at_work(running)
    assert witness.answer(LOG.request(0, 5)).status == 200
    remove_log(running.directory, ORIGIN)
    assert list_logs(running.directory) == ()
    assert witness.answer(LOG.request(5, 6)).status == 404
    with pytest.raises(LogUnusableError):
        remove_log(running.directory, ORIGIN)
    known = add_log(running.directory, [LOG.vkey])
    assert known.latest == LOG.checkpoint(5)
    assert witness.answer(FORK.request(0, 6)).status == 409


@pytest.mark.parametrize(
    "origin",
    ["../../etc/passwd", "a/b", ".", "\u00e9t\u00e9", "A" * 255, "a" * 255, "x\u00e9" * 85],
)
def test_any_origin_has_files_of_its_own(running: Running, origin: str) -> None:
    log = Foreign(origin)
    assert add_log(running.directory, [log.vkey]).latest == Checkpoint(origin, 0, EMPTY_ROOT)
    assert at_work(running).answer(log.request(0, 2)).status == 200
    sizes = {known.origin: known.latest for known in list_logs(running.directory)}
    assert sizes == {ORIGIN: LOG.checkpoint(0), origin: log.checkpoint(2)}
    assert {path.name for path in running.directory.iterdir()} == {
        "logs", "logs.lock", "state", "contradictions", "witness.key", "witness.vkey",
    }  # fmt: skip


def test_keys_that_do_not_belong_together_are_refused(running: Running) -> None:
    for vkeys in ([], ["nonsense"], [LOG.vkey, Foreign("example.com/other").vkey]):
        with pytest.raises(LogUnusableError):
            add_log(running.directory, vkeys)
    with pytest.raises(LogUnusableError):
        add_log(running.directory.parent, [LOG.vkey])


def test_the_keys_of_a_witness_are_its_own(tmp_path: Path) -> None:
    directory = tmp_path / "w"
    verifiers = create_witness(directory, NAME)
    assert [verifier.kind for verifier in verifiers] == [4, 6]
    assert (directory / "witness.vkey").read_text() == "".join(
        f"{format_vkey(verifier)}\n" for verifier in verifiers
    )
    key = directory / KEY
    assert key.stat().st_mode & 0o777 == 0o600
    assert tuple(map(verifier_of, load_signers(directory))) == verifiers
    with pytest.raises(LogUnusableError):
        create_witness(directory, NAME)
    for name in ("", "a b", "a+b", "x" * 256):
        with pytest.raises(LogUnusableError):
            create_witness(tmp_path / "other", name)
    key.chmod(0o644)
    with pytest.raises(LogUnusableError, match="open to others"):
        load_signers(directory)
    key.chmod(0o600)
    text = key.read_bytes()
    for at in range(0, len(text), 7):
        key.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises(LogUnusableError):
            load_signers(directory)


# Many at once -----------------------------------------------------------------------------------


def test_the_race_of_the_specification_rolls_nothing_back(running: Running) -> None:
    urls = [running.start(), running.start()]  # two processes on one directory
    assert post(urls[0], LOG.request(0, 1))[0] == 200
    with ThreadPoolExecutor(8) as pool:
        for size in range(1, 60, 3):
            bodies = [LOG.request(size, size + 1 + k % 3) for k in range(8)]
            answers = list(
                pool.map(lambda item: post(urls[item[0] % 2], item[1]), enumerate(bodies))
            )
            won = {1 + k % 3 for k, answer in enumerate(answers) if answer[0] == 200}
            assert len(won) == 1  # all others started from a tree that was no longer the latest
            (step,) = won
            held = Records(running.directory / "state").read(ORIGIN).checkpoint.size
            assert held == size + step
            if step < 3:
                assert post(urls[0], LOG.request(held, size + 3))[0] == 200
    assert running.stop() == [0, 0]


def test_of_two_histories_only_one_is_ever_cosigned(running: Running) -> None:
    urls = [running.start(), running.start()]
    with ThreadPoolExecutor(8) as pool:
        for start in range(3, 30):
            logs = [Foreign(history=f"h{start}-{k}") for k in range(8)]
            if start == 3:
                bodies = [log.request(0, 7) for log in logs]
                answers = list(
                    pool.map(lambda item: post(urls[item[0] % 2], item[1]), enumerate(bodies))
                )
                assert sum(answer[0] == 200 for answer in answers) == 1
            else:
                bodies = [format_request(7, [], log.note(7)) for log in logs]
                answers = list(
                    pool.map(lambda item: post(urls[item[0] % 2], item[1]), enumerate(bodies))
                )
                assert {answer[0] for answer in answers} == {409}


# On the wire ------------------------------------------------------------------------------------


def test_a_connection_is_kept_for_the_next_request(running: Running) -> None:
    connection = connect(running.start())
    try:
        connection.connect()
        first = connection.sock
        for old, new in ((0, 3), (3, 4), (3, 5), (4, 5)):
            connection.request("POST", "/add-checkpoint", LOG.request(old, new))
            response = connection.getresponse()
            response.read()
            assert response.status == (409 if (old, new) == (3, 5) else 200)
            assert connection.sock is first
    finally:
        connection.close()


def test_other_requests_are_refused_in_plain_words(running: Running) -> None:
    url = running.start()
    body = LOG.request(0, 3)
    assert post(url, body, "/other")[0] == 404
    assert post(url, b"x" * (MAX_BODY + 1))[0] == 413
    for method, path, status in (
        ("GET", "/add-checkpoint", 405),
        ("GET", "/", 404),
        ("PUT", "/add-checkpoint", 501),
    ):
        connection = connect(url)
        connection.request(method, path)
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (
            status,
            "text/plain; charset=utf-8",
        )
        connection.close()
    for raw, status_line in (
        (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", b"HTTP/1.1 411"),
        (
            b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 411",
        ),
        (
            b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            b"HTTP/1.1 411",
        ),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", b"HTTP/1.1 400"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", b""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", b"Bad request"),
        (b"G" * 70_000, b"HTTP/1.1 414"),
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"HTTP/1.1 431"),
    ):
        said = raw_exchange(url, raw)
        assert said.startswith(status_line) if status_line else not said
    assert post(url, body)[0] == 200


def raw_exchange(url: str, data: bytes) -> bytes:
    """Send bytes, end, and return all that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while part := _receive(connection):
            said += part
        return said


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:  # it closed with bytes of ours unread
        return b""


def test_one_who_drips_is_cut_off_and_holds_up_nobody(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 1.0)
    stop, ready, urls = threading.Event(), threading.Event(), list[str]()

    def up(url: str) -> None:
        urls.append(url)
        ready.set()

    thread = threading.Thread(
        target=server.serve, args=(running.directory,), kwargs={"ready": up, "stop": stop}
    )
    thread.start()
    try:
        assert ready.wait(20)
        parts = urlsplit(urls[0])
        slow = [
            socket.create_connection((parts.hostname or "", parts.port or 0), 20)
            for _ in range(server.MAX_CONNECTIONS)
        ]
        began = time.monotonic()
        answered = 0
        ended: set[int] = set()
        while len(ended) < len(slow) and time.monotonic() < began + 20:
            for number, connection in enumerate(slow):
                try:
                    connection.send(b"P")
                except OSError:
                    ended.add(number)
            time.sleep(0.05)
            if time.monotonic() > began + 2 and not answered:
                answered = post(urls[0], LOG.request(0, 3))[0]
        assert len(ended) == len(slow)
        assert answered in (0, 200)
        assert post(urls[0], LOG.request(0 if not answered else 3, 3))[0] == 200
        for connection in slow:
            connection.close()
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_even_with_idle_connections(
    running: Running, number: signal.Signals
) -> None:
    url = running.start()
    idle = connect(url)
    idle.request("POST", "/add-checkpoint", LOG.request(0, 3))
    idle.getresponse().read()
    began = time.monotonic()
    assert running.stop(number) == [0]
    assert time.monotonic() - began < 5
    idle.close()


def test_an_address_that_is_taken_is_an_error_in_words(running: Running) -> None:
    port = urlsplit(running.start()).port or 0
    for host, wanted in (("127.0.0.1", port), ("127.0.0.1", 70_000), ("no.such.host.invalid", 0)):
        with pytest.raises(LogUnusableError, match="cannot listen"):
            server.serve(running.directory, host, wanted, stop=threading.Event())
    with pytest.raises(LogUnusableError, match="no witness"):
        server.serve(running.directory.parent)


def test_a_disk_that_is_full_gives_no_cosignature(running: Running) -> None:
    witness = at_work(running)
    assert witness.answer(LOG.request(0, 3)).status == 200
    state = running.directory / "state"
    path = Records(state).path(ORIGIN)
    kept = path.read_bytes()
    # A directory where the new file would go: nothing can be written there, not even by root.
    import os

    (state / f".{path.name}.{os.getpid()}.tmp").mkdir()
    answer = witness.answer(LOG.request(3, 4))
    assert (answer.status, "\u2014" in answer.body) == (500, False)
    assert path.read_bytes() == kept


@given(st.binary(max_size=300), st.integers(0, 700), st.integers(0, 40))
def test_no_request_makes_the_witness_stumble(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, cut: int
) -> None:
    global _SHARED
    if _SHARED is None:
        directory = tmp_path_factory.mktemp("fuzz") / "witness"
        _SHARED = at_work(Running.create(directory, LOG))
        assert _SHARED.answer(LOG.request(0, 5)).status == 200
    honest = LOG.request(5, 6)
    body = honest[:at] + noise + honest[at + cut :]
    if body != honest:
        answer = _SHARED.answer(body)
        same = answer.status == 200 and parse_request(body).checkpoint == LOG.checkpoint(6)
        assert answer.status in (400, 403, 404, 409, 422) or same


_SHARED: Witness | None = None


def test_the_text_that_is_kept_is_the_checkpoint(running: Running) -> None:
    assert at_work(running).answer(LOG.request(0, 9)).status == 200
    note = Records(running.directory / "state").read(ORIGIN).note
    assert parse_checkpoint(open_note(note, [LOG.verifier]).text) == LOG.checkpoint(9)
    assert note.startswith(format_checkpoint(LOG.checkpoint(9)).encode())
