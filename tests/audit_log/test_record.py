"""Records: the golden log line by line, and every way to break the envelope."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from repro.audit_log.errors import RecordError
from repro.audit_log.formats import digests, record
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.record import (
    Actor,
    Letterhead,
    Record,
    Tool,
    decode,
    encode,
    line_hash,
)

from . import make_vectors, reference

GOLDEN = Path(__file__).parents[1] / "vectors" / "audit_log" / "golden"
LINES = (GOLDEN / "log.jsonl").read_bytes().split(b"\n")[:-1]


def test_the_golden_files_are_what_their_generator_writes() -> None:
    for name, data in make_vectors.files().items():
        assert (GOLDEN / name).read_bytes() == data, "run make_vectors.py"


@pytest.mark.parametrize("seq", range(len(LINES)))
def test_golden_lines_are_read_and_written_as_they_are(seq: int) -> None:
    found = decode(LINES[seq])
    assert found.seq == seq
    assert encode(found) == LINES[seq]
    own = Letterhead(found.actor, found.tool).line
    assert own(seq, found.time, found.type, found.nonce, found.prev, found.body) == LINES[seq]
    assert found.prev == (line_hash(LINES[seq - 1]) if seq else "0" * 64)
    assert line_hash(LINES[seq]) == reference.line_hash(LINES[seq])


GOOD = json.loads(LINES[1])


@pytest.mark.parametrize(
    "change",
    [
        {"seq": -1},
        {"seq": True},
        {"seq": "1"},
        {"seq": 1.5},
        {"type": "run.unheard"},
        {"type": 1},
        {"type": ["run.planned"]},
        {"body": []},
        {"body": None},
        {"nonce": "0" * 31},
        {"nonce": "A" * 32},
        {"nonce": "g" * 32},
        {"nonce": None},
        {"prev": "0" * 63 + "\n"},
        {"prev": "\u0660" * 64},
        {"time": "2025-02-30T12:00:00.000000Z"},
        {"time": "2025-01-31T24:00:00.000000Z"},
        {"time": "2025-01-31T12:00:60.000000Z"},
        {"time": "2025-01-31T12:00:00Z"},
        {"time": "2025-01-31T12:00:00.000000+00:00"},
        {"time": "2025-01-31 12:00:00.000000Z"},
        {"time": 0},
        {"actor": "ada"},
        {"actor": {"user": "ada", "host": "engine"}},
        {"actor": {"user": "ada", "host": "engine", "how": 1}},
        {"actor": {"user": "ada", "host": "engine", "how": "x", "more": "y"}},
        {"tool": {"name": "x"}},
        {"tool": None},
        {"extra": 1},
    ],
)
def test_envelopes_that_break_a_rule_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        decode(canonical({**GOOD, **change}))


@pytest.mark.parametrize("name", sorted(GOOD))
def test_envelopes_that_lack_a_member_are_refused(name: str) -> None:
    with pytest.raises(RecordError, match=name):
        decode(canonical({key: value for key, value in GOOD.items() if key != name}))


@pytest.mark.parametrize("line", [b"", b"[]", b"1", b"null", b"{}", LINES[1] + b" ", LINES[1][:-1]])
def test_lines_that_are_no_record_are_refused(line: bytes) -> None:
    with pytest.raises(RecordError):
        decode(line)


def sized(extra: int) -> Record:
    """Return a record whose line is ``extra`` bytes longer than the limit."""
    base = Record(0, GOOD["time"], "incident", Actor("a", "b", "c"), Tool("t", "1"), "0" * 32,
                  "0" * 64, {"text": ""})  # fmt: skip
    room = record.MAX_LINE - len(encode(base)) + extra
    return Record(base.seq, base.time, base.type, base.actor, base.tool, base.nonce, base.prev,
                  {"text": "x" * room})  # fmt: skip


def test_a_line_may_be_as_long_as_the_limit_and_no_longer() -> None:
    line = encode(sized(0))
    assert len(line) == 65_535
    assert decode(line).body["text"]
    with pytest.raises(RecordError, match="longer than 65535"):
        encode(sized(1))
    with pytest.raises(RecordError, match="longer than 65535"):
        decode(line[:-3] + b'x"}}')


def test_times_are_written_in_full() -> None:
    assert record.format_time(datetime(2025, 1, 2, tzinfo=UTC)) == "2025-01-02T00:00:00.000000Z"
    zone = timezone(timedelta(hours=1))
    for moment in (datetime(2025, 1, 2), datetime(2025, 1, 2, tzinfo=zone)):
        with pytest.raises(AssertionError):
            record.format_time(moment)


def test_digests_are_those_of_the_reference_tools(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "file").write_bytes(data)
    found = digests.digest_file(tmp_path / "file")
    assert found == digests.digest_bytes(data)
    assert found.size == len(data)
    assert found.blake3 == blake3(data).hexdigest()
    empty = digests.digest_bytes(b"")
    expected: dict[str, Any] = make_vectors.DIGEST
    assert (empty.blake3, empty.sha256, empty.size) == tuple(expected.values())


def test_derived_digests_depend_on_context_and_bytes_alone() -> None:
    one = digests.derive("context", b"ab", b"c")
    assert one == digests.derive("context", b"abc")
    assert one == blake3(b"abc", derive_key_context="context").hexdigest()
    assert one != digests.derive("other", b"abc")
    assert digests.payload_digest("context", {"b": 1, "a": 2}) == digests.derive(
        "context", b'{"a":2,"b":1}'
    )
