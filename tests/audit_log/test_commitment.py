"""Commitments: what they are made of, how they are found in a line, and what opens them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.errors import CanonicalError, OpeningError, RecordError
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.commitment import (
    COMMITTED,
    MAX_OPENING,
    Commitment,
    Opening,
    Redactable,
    actor_of,
    commitments_in,
    commitments_of_line,
    conceal,
    format_opening,
    new_opening,
    parse_opening,
)
from repro.audit_log.formats.record import Actor, Letterhead, Record, Tool, decode, encode

from . import reference

SALT = bytes(range(32))
DIGEST = "ab" * 32
TRICKY = st.sampled_from(
    ["{", '{"commitment":"' + DIGEST + '"}', "commitment", DIGEST, '{"', '":"', '"}', "\\", '\\"']
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | TRICKY,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TRICKY | st.text(max_size=3), inner, max_size=3)
        | st.fixed_dictionaries({"commitment": inner | st.just(DIGEST)})
    ),
    max_leaves=12,
)


def record(actor: Actor | Commitment, body: dict[str, object]) -> Record:
    """Return a record by ``actor``."""
    time = "2025-01-31T12:00:00.000000Z"
    return Record(3, time, "incident", actor, Tool("t", "1"), "0" * 32, "1" * 64, body)


@pytest.mark.parametrize(
    ("path", "value"),
    [("actor", {"how": "test", "host": "engine", "user": "ada"}), ("body.reason", "é 😀"),
     ("body.0", None), ("body.x", [1.5, {"b": 1, "a": []}])],
)  # fmt: skip
def test_a_commitment_is_the_digest_that_the_format_says(path: str, value: object) -> None:
    data = SALT + reference.canonical([path, value]).encode()
    expected = blake3(data, derive_key_context="repro-audit v1 commitment").hexdigest()
    assert Opening(path, SALT.hex(), value).commitment() == expected


def test_a_commitment_depends_on_salt_place_and_value() -> None:
    one = Opening("actor", SALT.hex(), "ada")
    others = [Opening("actor", "00" * 32, "ada"), Opening("body.a", SALT.hex(), "ada"),
              Opening("actor", SALT.hex(), "grace")]  # fmt: skip
    assert len({o.commitment() for o in (one, *others)}) == 4
    assert new_opening("actor", "ada").salt != new_opening("actor", "ada").salt


@given(st.text(max_size=20), JSON)
def test_an_opening_is_read_as_it_was_written(path: str, value: object) -> None:
    opening = Opening(path, SALT.hex(), value)
    assert parse_opening(format_opening(opening)) == opening


@given(st.binary(max_size=60) | JSON.map(canonical))
def test_bytes_that_are_no_opening_are_refused(data: bytes) -> None:
    with pytest.raises(OpeningError):
        parse_opening(data)


GOOD: dict[str, object] = {"path": "actor", "salt": SALT.hex(), "value": 1}


@pytest.mark.parametrize(
    "change",
    [{"path": 1}, {"salt": "ab"}, {"salt": SALT.hex().upper().replace("0", "A")}, {"salt": None},
     {"more": 1}, {"salt": "\u0660" * 64}],
)  # fmt: skip
def test_openings_that_break_a_rule_are_refused(change: dict[str, object]) -> None:
    assert parse_opening(canonical(GOOD))
    with pytest.raises(OpeningError):
        parse_opening(canonical(GOOD | change))
    for name in GOOD:
        with pytest.raises(OpeningError):
            parse_opening(canonical({k: v for k, v in GOOD.items() if k != name}))


def test_an_opening_that_is_too_large_is_refused() -> None:
    with pytest.raises(RecordError, match="more than 65535"):
        format_opening(Opening("body.a", SALT.hex(), "x" * MAX_OPENING))
    with pytest.raises(OpeningError):
        parse_opening(canonical(GOOD | {"value": "x" * MAX_OPENING}))


@given(JSON)
def test_the_raw_search_finds_commitments_and_nothing_else(value: object) -> None:
    body = {"a": value}
    expected = [digest for _, digest in commitments_in(body, "body")]
    assert sorted(m.decode() for m in COMMITTED.findall(canonical(body))) == sorted(expected)


@given(JSON)
def test_all_commitments_of_a_line_are_found_with_their_places(value: object) -> None:
    inner = tuple(commitments_in({"a": value}, "body"))
    for actor in (Actor("ada", "engine", '{"commitment":"'), Commitment("cd" * 32)):
        line = encode(record(actor, {"a": value}))
        held = (("actor", "cd" * 32),) if isinstance(actor, Commitment) else ()
        assert sorted(commitments_of_line(line)) == sorted(held + inner)
        assert actor_of(line) == (held[0][1] if held else None)


def test_an_actor_is_the_first_member_of_a_line_and_read_as_written() -> None:
    made = record(Commitment(DIGEST), {})
    line = encode(made)
    assert line.startswith(b'{"actor":{"commitment":"' + DIGEST.encode() + b'"},"body":')
    assert decode(line) == made
    own = Letterhead(made.actor, made.tool).line
    assert own(made.seq, made.time, made.type, made.nonce, made.prev, made.body) == line


@pytest.mark.parametrize(
    "actor",
    [{"commitment": "AB" * 32}, {"commitment": "ab"}, {"commitment": 1}, {"commitment": None},
     {"commitment": DIGEST, "user": "ada"}, {"commitment": DIGEST + "\n"}],
)  # fmt: skip
def test_an_actor_that_is_neither_name_nor_commitment_is_refused(actor: dict[str, object]) -> None:
    value = json.loads(encode(record(Commitment(DIGEST), {})))
    with pytest.raises(RecordError, match="actor"):
        decode(canonical(value | {"actor": actor}))


def revealed(value: Any, made: dict[str, Opening]) -> Any:
    """Return ``value`` with the values of its commitments, as `Redactable`."""
    if isinstance(value, dict):
        if value.keys() == {"commitment"} and value["commitment"] in made:
            return Redactable(made[value["commitment"]].value)
        return {key: revealed(item, made) for key, item in value.items()}
    return [revealed(item, made) for item in value] if isinstance(value, list) else value


@given(
    st.dictionaries(
        st.text(max_size=3),
        st.recursive(
            st.integers(0, 9) | st.integers(0, 9).map(Redactable),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=2), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=3,
    )
)
def test_every_redactable_value_is_replaced_and_nothing_else(body: dict[str, Any]) -> None:
    concealed, made = conceal(body)
    assert revealed(dict(concealed), made) == body
    assert {digest: opening.path for digest, opening in made.items()} == {
        digest: path for path, digest in commitments_in(dict(concealed), "body")
    }
    assert [o.commitment() for o in made.values()] == list(made)


def test_what_cannot_be_committed_to_is_refused() -> None:
    for value in (float("nan"), Redactable("twice"), object()):
        with pytest.raises(CanonicalError):
            conceal({"a": [Redactable(value)]})
