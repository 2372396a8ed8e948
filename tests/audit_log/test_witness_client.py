"""Asking witnesses: what is put into the note, what is said of each, and that nobody hangs."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.errors import LogUnusableError, NoteError, UnknownSignerError
from repro.audit_log.formats.note import (
    MAX_SIGNATURES,
    Verified,
    open_note,
    sign,
    signature_line,
    signature_of,
    split,
)
from repro.audit_log.formats.note_key import Signer, Verifier, verifier_of
from repro.audit_log.witness.client import Collected, WitnessAddress, collect
from repro.audit_log.witness.merge import merge
from repro.audit_log.witness.protocol import MAX_BODY, format_request
from repro.audit_log.witness.state import Records

from .witnessing import ORIGIN, Foreign, Running, post, seed

LOG = Foreign()
FORK = Foreign(history="two", forked_at=3)
W1 = Signer("witness.example/w1", seed("w1"), 0x04)
W1_PQ = Signer("witness.example/w1", seed("w1 pq"), 0x06)
W2 = Signer("witness.example/w2", seed("w2"), 0x04)
SLOW = 1.5
"""Seconds: the time limit where somebody is going to use it up."""


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[list[Running]]:
    """Return three witnesses that know the log; what is started of them is ended."""
    names = [f"witness.example/w{n}" for n in (1, 2, 3)]
    found = [Running.create(tmp_path / f"w{n}", LOG, name=name) for n, name in enumerate(names)]
    yield found
    for running in found:
        running.stop(signal.SIGKILL)


def addresses(running: Sequence[Running]) -> list[WitnessAddress]:
    """Start each witness and return where it is."""
    return [one.address(one.start(), one.verifiers[0].name) for one in running]


def ask(size: int, where: Sequence[WitnessAddress], **more: object) -> Collected:
    """Collect for an honest note of the log."""
    return collect(LOG.note(size), [LOG.verifier], where, LOG.proof, **more)  # type: ignore[arg-type]


def keys(where: Sequence[WitnessAddress]) -> list[Verifier]:
    """Return all keys of all witnesses."""
    return [key for address in where for key in address.verifiers]


def test_three_witnesses_cosign_a_log_that_grows(witnesses: list[Running]) -> None:
    where = addresses(witnesses)
    sizes: dict[str, int] = {}
    for size in (1, 5, 5, 64, 100):
        found = ask(size, where, remembered=sizes)
        assert all(outcome.ok and not outcome.problem for outcome in found.outcomes)
        assert all(abs(time.time() - t) < 60 for o in found.outcomes for t in o.times)
        assert [len(outcome.times) for outcome in found.outcomes] == [2, 2, 2]
        note = open_note(found.note, [LOG.verifier, *keys(where)])
        assert len(note.verified) == 7
        assert not note.unknown
        sizes = found.sizes
        assert sizes == {address.name: size for address in where}


def test_without_a_memory_the_witness_says_where_it_is(witnesses: list[Running]) -> None:
    where = addresses(witnesses[:1])
    asked: list[tuple[int, int]] = []

    def prove(old: int, new: int) -> Sequence[bytes]:
        asked.append((old, new))
        return LOG.proof(old, new)

    for size in (5, 9, 9):
        assert collect(LOG.note(size), [LOG.verifier], where, prove).outcomes[0].ok
    assert asked == [(5, 9)]  # from nothing, and from the same size, there is nothing to prove


def test_a_witness_beyond_us_is_evidence_and_said_loudly(witnesses: list[Running]) -> None:
    where = addresses(witnesses[:2])
    assert post(where[0].url, LOG.request(0, 9))[0] == 200
    for remembered in ({}, {where[0].name: 9}):
        ahead, fine = ask(7, where, remembered=remembered).outcomes
        assert (ahead.ok, ahead.evidence, ahead.size) == (False, True, 9)
        assert "SIZE 9, BEYOND OUR 7" in ahead.problem
        assert (fine.ok, fine.evidence) == (True, False)


def test_a_witness_of_another_history_is_evidence(witnesses: list[Running]) -> None:
    where = addresses(witnesses[:2])
    assert post(where[0].url, FORK.request(0, 7))[0] == 200
    forked, fine = ask(7, where).outcomes
    assert (forked.ok, forked.evidence, fine.ok) == (False, True, True)
    assert "ANOTHER TREE OF SIZE 7" in forked.problem
    forked, fine = ask(9, where).outcomes
    assert (forked.ok, forked.evidence, fine.ok) == (False, True, True)
    assert "ITS TREE OF SIZE 7 IS NOT OURS" in forked.problem


def test_a_witness_that_forgot_is_noticed(witnesses: list[Running]) -> None:
    where = addresses(witnesses[:1])
    assert ask(4, where).outcomes[0].ok
    (outcome,) = ask(9, where, remembered={where[0].name: 7}).outcomes
    assert outcome.ok
    assert "forgotten the size 7" in outcome.problem


def test_only_the_log_s_own_signatures_leave_the_house(witnesses: list[Running]) -> None:
    where = addresses(witnesses)
    first = ask(5, where[:2]).note
    seen: list[bytes] = []
    with talking(lambda request: seen.append(request) or answered(b"")) as url:
        collect(first, [LOG.verifier], [WitnessAddress("w", (), url)], LOG.proof)
    assert seen[0].partition(b"\r\n\r\n")[2] == format_request(0, [], LOG.note(5))


def test_refusals_are_said_in_words(witnesses: list[Running], tmp_path: Path) -> None:
    (address,) = addresses(witnesses[:1])
    stranger = Foreign("example.com/other")
    note = stranger.note(3)
    (outcome,) = collect(note, [stranger.verifier], [address], stranger.proof).outcomes
    assert "does not know this log" in outcome.problem
    other = Foreign(key="other")
    (outcome,) = collect(other.note(3), [other.verifier], [address], LOG.proof).outcomes
    assert "does not accept the log's signature" in outcome.problem
    Records(witnesses[0].directory / "state").path(ORIGIN).unlink()
    assert "problem of its own" in ask(3, [address]).outcomes[0].problem


def test_a_proof_that_cannot_be_had_is_that_witness_problem(witnesses: list[Running]) -> None:
    where = addresses(witnesses[:2])
    assert post(where[0].url, LOG.request(0, 4))[0] == 200

    def prove(old: int, new: int) -> Sequence[bytes]:
        raise LogUnusableError("the tree cannot be read")

    hurt, fine = collect(LOG.note(9), [LOG.verifier], where, prove).outcomes
    assert "no proof from size 4 to 9: the tree cannot be read" in hurt.problem
    assert fine.ok


def test_our_own_note_must_be_ours() -> None:
    with pytest.raises(UnknownSignerError):
        collect(LOG.note(3), [Foreign(key="other").verifier], [], LOG.proof)
    with pytest.raises(NoteError):
        collect(b"nonsense", [LOG.verifier], [], LOG.proof)
    assert collect(LOG.note(3), [LOG.verifier], [], LOG.proof) == Collected(LOG.note(3), ())


# Witnesses that misbehave -----------------------------------------------------------------------

Reaction = Callable[[bytes], bytes | Iterator[bytes] | None]


@contextmanager
def talking(react: Reaction) -> Iterator[str]:
    """Run something that listens, reads a request, and sends what ``react`` makes of it."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(4) as pool:
        listener.settimeout(0.1)

        def one(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(5)
                request = b""
                while b"\r\n\r\n" not in request or len(request) < _length(request):
                    try:
                        part = connection.recv(MAX_BODY)
                    except OSError:
                        return
                    if not part:
                        return
                    request += part
                said = react(request)
                if said is None:
                    done.wait(20)
                    return
                for part in [said] if isinstance(said, bytes) else said:
                    if done.is_set():
                        return
                    try:
                        connection.sendall(part)
                    except OSError:
                        return

        def accept() -> None:
            while not done.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                pool.submit(one, connection)

        accepting = pool.submit(accept)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            accepting.result(20)


def _length(request: bytes) -> int:
    head, _, _ = request.partition(b"\r\n\r\n")
    (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return len(head) + 4 + int(line.partition(b":")[2])


def answered(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def line(signer: Signer, size: int = 5, text: str = "", time: int = 7) -> bytes:
    """Return a cosignature line."""
    text = text or split(LOG.note(size))[0]
    return signature_line(signature_of(text, signer, time)).encode()


def drip(data: bytes) -> Iterator[bytes]:
    """Yield the bytes one by one, slower than anybody wants."""
    for at in range(len(data)):
        time.sleep(0.2)
        yield data[at : at + 1]


def forever(first: bytes, again: bytes) -> Iterator[bytes]:
    """Yield without an end."""
    yield first
    while True:
        yield again


def _reply_409(size: str, kind: str = "text/x.tlog.size") -> bytes:
    return answered(size.encode(), "409 Conflict", f"Content-Type: {kind}\r\n")


GOOD = line(W1)
BAD: dict[str, tuple[Reaction, str]] = {
    "silent": (lambda _: None, "in time"),
    "hangs up": (lambda _: b"", "no answer"),
    "garbage": (lambda _: b"\x00\xff" * 500 + b"\n", "no answer"),
    "long line": (lambda _: b"HTTP/1.1 200 " + b"O" * 100_000 + b"\r\n", "no answer"),
    "headers": (lambda _: forever(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), "no answer"),
    "hundreds": (lambda _: forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "in time"),
    "drips head": (lambda _: drip(answered(GOOD)), "in time"),
    "drips body": (
        lambda _: (p for g in ([answered(b"x" * 999)[:-900]], drip(b"x" * 900)) for p in g),
        "in time",
    ),
    "endless": (
        lambda _: forever(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 60_000),
        "longer than",
    ),
    "too much": (lambda _: answered(b"x" * (MAX_BODY + 1)), "longer than"),
    "cut short": (lambda _: answered(GOOD)[:-9], "early"),
    "redirect": (
        lambda _: answered(b"", "302 Found", "Location: http://169.254.0.1/\r\n"),
        "redirects to 'http://169.254.0.1/'",
    ),
    "empty": (lambda _: answered(b""), "not its cosignature"),
    "not a line": (lambda _: answered(b"hello\n"), "not its cosignature"),
    "no newline": (lambda _: answered(GOOD[:-1]), "not its cosignature"),
    "not UTF-8": (lambda _: answered(b"\xff" + GOOD), "not its cosignature"),
    "of a stranger": (lambda _: answered(line(W2)), "not its cosignature"),
    "of another tree": (lambda _: answered(line(W1, 6)), "not its cosignature"),
    "one good one bad": (lambda _: answered(GOOD + line(W1_PQ, 6)), "not its cosignature"),
    "more text": (lambda _: answered(b"more\n\n" + GOOD), "not its cosignature"),
    "1000 lines": (lambda _: answered(line(W2) * 1000), "not its cosignature"),
    "no such status": (lambda _: answered(b"", "799 What"), "no sense"),
    "teapot": (
        lambda _: answered(b"no \x1b[31mtea", "418 T", "Content-Type: text/plain\r\n"),
        "no  [31mtea",
    ),
    "same size again": (lambda _: _reply_409("0\n"), "again and again"),
    "a size for ever": (lambda _: _reply_409("3\n"), "again and again"),
    "size nonsense": (lambda _: _reply_409("three\n"), "no sense"),
    "size beyond": (lambda _: _reply_409("6\n"), "BEYOND OUR 5"),
    "size beyond reason": (lambda _: _reply_409("9" * 5000 + "\n"), "no sense"),
}


@pytest.mark.parametrize("how", BAD)
def test_a_witness_that_misbehaves_costs_its_own_cosignature_only(how: str) -> None:
    react, words = BAD[how]
    with ExitStack() as stack:
        bad = stack.enter_context(talking(react))
        good = stack.enter_context(talking(lambda _: answered(line(W2) + line(W1))))
        where = [
            WitnessAddress(W1.name, (verifier_of(W1), verifier_of(W1_PQ)), bad),
            WitnessAddress(W2.name, (verifier_of(W2),), good),
        ]
        began = time.monotonic()
        found = ask(5, where, timeout=SLOW)
        assert time.monotonic() - began < SLOW + 1
    first, second = found.outcomes
    assert not first.ok
    assert words in first.problem
    assert first.evidence == ("BEYOND" in words)
    assert second.times == (7,)
    assert not second.problem
    # Nothing but the good line of the second was added; not even the first's, which it sent along.
    assert found.note == LOG.note(5) + line(W2)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://no.such.host.invalid",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:99999999",
        "http://[",
        "http://127.0.0.1/ \r\nX: y",
        "https://127.0.0.1:1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://\u0130\u2026.invalid/",
        "nonsense",
        "",
    ],
)
def test_an_address_that_is_none_is_a_problem_in_words(url: str) -> None:
    (outcome,) = ask(5, [WitnessAddress("w", (verifier_of(W1),), url)], timeout=5).outcomes
    assert not outcome.ok
    assert outcome.problem


def test_plain_http_where_tls_is_expected_is_a_problem_in_words() -> None:
    with talking(lambda _: answered(GOOD)) as url:
        where = WitnessAddress("w", (verifier_of(W1),), url.replace("http:", "https:"))
        (outcome,) = ask(5, [where], timeout=SLOW).outcomes
    assert not outcome.ok


def test_witnesses_are_asked_at_once_and_not_one_after_the_other() -> None:
    with ExitStack() as stack:
        where = [
            WitnessAddress(
                W1.name, (verifier_of(W1),), stack.enter_context(talking(lambda _: None))
            )
            for _ in range(6)
        ]
        began = time.monotonic()
        found = ask(5, where, timeout=1.0)
        assert time.monotonic() - began < 2.5
    assert [outcome.ok for outcome in found.outcomes] == [False] * 6


def test_a_key_that_is_no_cosigner_s_does_not_count() -> None:
    plain = Signer("witness.example/w1", seed("plain"))
    text = split(LOG.note(5))[0]
    body = signature_line(signature_of(text, plain)).encode()
    with talking(lambda _: answered(body)) as url:
        found = ask(5, [WitnessAddress("w", (verifier_of(plain),), url)])
    assert "not its cosignature" in found.outcomes[0].problem
    assert found.note == LOG.note(5)


# Merging ----------------------------------------------------------------------------------------

SIGNERS = (W1, W2, W1_PQ)


def verified(signer: Signer, time: int) -> Verified:
    """Return a good cosignature of size 5."""
    text = split(LOG.note(5))[0]
    return Verified(verifier_of(signer), signature_of(text, signer, time), time)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=8), st.integers(0, 8))
def test_the_latest_of_each_key_stays_however_they_come(
    given: list[tuple[int, int]], cut: int
) -> None:
    lines = [verified(SIGNERS[n], time) for n, time in given]
    note = merge(merge(LOG.note(5), lines[:cut]), lines[cut:])
    assert note == merge(note, lines) == merge(note, [])
    assert note.startswith(LOG.note(5))
    every = [LOG.verifier, *map(verifier_of, SIGNERS)]
    times = {v.verifier: v.time for v in open_note(note, every).verified if v.time is not None}
    latest: dict[Verifier, int] = {}
    for line in lines:
        latest[line.verifier] = max(latest.get(line.verifier, 0), line.time or 0)
    assert times == latest
    assert len(split(note)[1]) == 1 + len(latest)


def test_a_line_that_the_key_never_made_gives_way() -> None:
    forged = signature_line(signature_of(split(LOG.note(6))[0], W1, 2**62)).encode()
    unknown = signature_line(signature_of(split(LOG.note(6))[0], W2, 1)).encode()
    note = merge(LOG.note(5) + forged + unknown, [verified(W1, 3)])
    assert note == LOG.note(5) + line(W1, time=3) + unknown


def test_a_full_note_takes_no_more_and_nothing_is_lost() -> None:
    text = split(LOG.note(5))[0]
    strangers = [Signer(f"s{n}", seed(str(n))) for n in range(MAX_SIGNATURES - 1)]
    full = sign(text, [LOG.signer, *strangers])
    with pytest.raises(NoteError, match="no room"):
        merge(full, [verified(W1, 1)])
    with talking(lambda _: answered(GOOD)) as url:
        where = [WitnessAddress(W1.name, (verifier_of(W1),), url)]
        found = collect(full, [LOG.verifier], where, LOG.proof)
    assert found.note == full
    assert "no room" in found.outcomes[0].problem
