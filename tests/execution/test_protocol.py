import contextlib
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.execution.protocol import Channel, ProtocolError


@pytest.fixture
def pair():
    a, b = os.pipe(), os.pipe()
    one, two = Channel(a[0], b[1]), Channel(b[0], a[1])
    yield one, two
    for channel in (one, two):
        with contextlib.suppress(OSError):  # a test may have closed it
            channel.close()


def test_messages_arrive_in_order_and_whole(pair):
    one, two = pair
    one.send("a", text="ü\n", number=0.1)
    one.send("b")
    assert two.receive() == {"kind": "a", "text": "ü\n", "number": 0.1}
    assert two.receive() == {"kind": "b"}


def test_a_message_larger_than_the_pipe_arrives_whole(pair):
    one, two = pair
    text = "x" * 3_000_000
    sender = threading.Thread(target=one.send, args=("big",), kwargs={"text": text})
    sender.start()
    assert two.receive()["text"] == text
    sender.join()


def test_silence_past_the_deadline_is_a_timeout(pair):
    one, _ = pair
    with pytest.raises(TimeoutError):
        one.receive(time.monotonic() + 0.05)


def test_a_closed_pipe_is_not_a_message(pair):
    one, two = pair
    two.close()
    with pytest.raises(ProtocolError, match="closed"):
        one.receive()
    with pytest.raises(ProtocolError, match="gone"):
        one.send("a")


@pytest.mark.parametrize("line", [b"nonsense\n", b"[1]\n", b'{"kind": 1}\n', b"{}\n", b"\xff\n"])
def test_what_is_no_message_is_refused(line):
    reading, writing = os.pipe()
    os.write(writing, line)
    channel = Channel(reading, writing)
    with pytest.raises(ProtocolError, match="not a message"):
        channel.receive()
    channel.close()


def test_nan_cannot_be_sent(pair):
    with pytest.raises(ValueError, match=r"Out of range|not JSON"):
        pair[0].send("a", value=float("nan"))


@given(st.lists(st.integers(1, 9), max_size=30))
def test_messages_do_not_depend_on_how_the_bytes_arrive(cuts):
    reading, writing = os.pipe()
    channel = Channel(reading, writing)
    data = b'{"kind": "a", "n": 1}\n{"kind": "b"}\n'
    received = []

    def feed():
        place = 0
        for cut in [*cuts, len(data)]:
            os.write(writing, data[place : place + cut])
            place += cut

    feeder = threading.Thread(target=feed)
    feeder.start()
    received = [channel.receive()["kind"], channel.receive()["kind"]]
    feeder.join()
    channel.close()
    assert received == ["a", "b"]
