"""Two notes that contradict each other, as a file: it proves a fork to whoever has the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.audit_log.errors import LogUnusableError, NoteError
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint
from repro.audit_log.formats.note import sign
from repro.audit_log.formats.note_key import ED25519_COSIGNATURE, Signer, parse_vkey, verifier_of
from repro.audit_log.formats.tree import leaf_hash
from repro.audit_log.verification.faults import Report
from repro.audit_log.verification.forks import (
    check_evidence,
    make_evidence,
    make_evidence_of_equals,
    write_evidence,
)

from . import reference
from .conftest import Site
from .test_verify import forget, lines_of, rewrite, write

KEY = Signer("repro.log/forked", b"\x01" * 32)
VERIFIERS = [verifier_of(KEY)]
HONEST = [b"%d" % n for n in range(70)]
OTHER = [b"other", *HONEST[1:]]


def note(lines: list[bytes], key: Signer = KEY, origin: str = KEY.name) -> bytes:
    """Return a signed checkpoint over ``lines``."""
    return sign(format_checkpoint(Checkpoint(origin, len(lines), reference.mth(lines))), [key], 1)


def forked(site: Site) -> Report:
    """Rewrite a log behind the back of somebody who kept a checkpoint; return what is found."""
    kept = site.checkpoint.read_bytes()
    log = site.open()
    log.append_many([("incident", {"n": n}) for n in range(9)])
    log.commit()
    rewrite(site, lines_of(site), forget)
    return site.verify(old_checkpoint=kept)


def leaves(lines: list[bytes]) -> list[bytes]:
    """Return the leaf hashes of ``lines``."""
    return [leaf_hash(line) for line in lines]


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 9, 33, 64, 70])
def test_every_two_trees_that_disagree_can_be_shown_to(new: int) -> None:
    for old in range(1, new):
        data = make_evidence(note(HONEST[:old]), note(OTHER[:new]), (old, new), leaves(OTHER))
        fork = check_evidence(data, VERIFIERS)
        assert (fork.older.size, fork.newer.size) == (old, new)
        assert fork.root == reference.mth(OTHER[:old])
        proof = [bytes.fromhex(node) for node in json.loads(data)["proof"]]
        assert proof == reference.proof(old, OTHER[:new])


def test_two_roots_of_one_size_are_proof_by_themselves() -> None:
    data = make_evidence_of_equals(note(HONEST), note(OTHER), reference.mth(OTHER))
    assert check_evidence(data, VERIFIERS).newer.size == 70


def test_an_honest_log_can_not_be_framed() -> None:
    """Of two checkpoints of one history no evidence can be made that holds."""
    for old, new in ((3, 7), (7, 7), (64, 70)):
        data = make_evidence(note(HONEST[:old]), note(HONEST[:new]), (old, new), leaves(HONEST))
        with pytest.raises(NoteError, match="do not contradict"):
            check_evidence(data, VERIFIERS)
        value = json.loads(data)
        value["root"] = "11" * 32
        with pytest.raises(NoteError, match="do not lead"):
            check_evidence(canonical(value), VERIFIERS)
        other = make_evidence(note(HONEST[:old]), note(HONEST[:new]), (old, new), leaves(OTHER))
        with pytest.raises(NoteError):
            check_evidence(other, VERIFIERS)


@given(st.integers(1, 40), st.integers(0, 29), st.data())
@settings(max_examples=60, deadline=None)
def test_evidence_with_a_changed_byte_proves_nothing_else(
    old: int, more: int, data: st.DataObject
) -> None:
    new = old + more
    whole = make_evidence(note(HONEST[:old]), note(OTHER[:new]), (old, new), leaves(OTHER))
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NoteError):
        check_evidence(bytes(changed), VERIFIERS)


def test_evidence_needs_two_notes_signed_by_the_log_itself() -> None:
    witness = Signer("witness", b"\x02" * 32, ED25519_COSIGNATURE)
    thief = Signer(KEY.name, b"\x02" * 32)
    everybody = [*VERIFIERS, verifier_of(witness)]
    for key in (witness, thief):
        data = make_evidence(note(HONEST[:3], key), note(OTHER[:9]), (3, 9), leaves(OTHER))
        with pytest.raises(NoteError):
            check_evidence(data, everybody)
    two = make_evidence(
        note(HONEST[:3], Signer("b", b"\x02" * 32), "b"),
        note(OTHER[:9]),
        (3, 9),
        leaves(OTHER),
    )
    with pytest.raises(NoteError, match="two logs"):
        check_evidence(two, [*VERIFIERS, verifier_of(Signer("b", b"\x02" * 32))])
    turned = json.loads(make_evidence(note(HONEST[:3]), note(OTHER[:9]), (3, 9), leaves(OTHER)))
    turned["older"], turned["newer"] = turned["newer"], turned["older"]
    with pytest.raises(NoteError, match="more records than the newer"):
        check_evidence(canonical(turned), VERIFIERS)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 10**5, b"x" * (1 << 23)]
)
def test_what_is_no_evidence_is_refused(data: bytes) -> None:
    with pytest.raises(NoteError):
        check_evidence(data, VERIFIERS)


def test_verification_makes_evidence_that_another_can_check(full: Site, tmp_path: Path) -> None:
    report = forked(full)
    assert (report.verdict, len(report.evidence)) == ("forked", 2)
    (tmp_path / "evidence").mkdir()
    path = write_evidence(report, tmp_path / "evidence")
    assert path is not None
    assert write_evidence(report, tmp_path / "evidence") == path
    [found] = (tmp_path / "evidence").iterdir()
    key = parse_vkey(full.vkey)
    fork = check_evidence(found.read_bytes(), [key])
    assert (fork.older.size, fork.newer.size) == (4, 13)
    assert check_evidence(found.read_bytes(), [*VERIFIERS, key]) == fork
    with pytest.raises(NoteError):
        check_evidence(found.read_bytes(), VERIFIERS)


def test_two_checkpoints_of_one_size_are_proof_even_if_the_lines_are_damaged(full: Site) -> None:
    kept = full.checkpoint.read_bytes()
    rewrite(full, lines_of(full), forget)
    lines = lines_of(full)
    write(full, [lines[0].replace(b'"tests"', b'"toads"'), *lines[1:]])
    report = full.verify(old_checkpoint=kept)
    assert (report.verdict, len(report.evidence)) == ("forked", 2)
    assert check_evidence(report.fork.encode(), [parse_vkey(full.vkey)]).older.size == 4


def test_damage_and_forked_lines_are_not_made_into_proof(full: Site) -> None:
    kept = full.checkpoint.read_bytes()
    lines = lines_of(full)
    write(full, [lines[0].replace(b'"tests"', b'"toads"'), *lines[1:]])
    report = full.verify(old_checkpoint=kept)
    assert (report.verdict, report.evidence, report.fork) == ("tampered", (), "")
    twin = full.copy("twin")
    write(full, lines)
    write(twin, lines)
    for site in (full, twin):
        site.open().append("incident", {"in": site.root.name})
    write(full, [*lines_of(full), lines_of(twin)[-1]])
    report = full.verify(old_checkpoint=kept)
    assert (report.verdict, report.evidence, report.fork) == ("forked", (), "")
    assert "evidence of a fork, not proof" in report.faults[0].message


def test_without_evidence_nothing_is_written_and_a_bad_place_is_an_error(
    full: Site, tmp_path: Path
) -> None:
    (tmp_path / "evidence").mkdir()
    assert write_evidence(full.verify(), tmp_path / "evidence") is None
    assert list((tmp_path / "evidence").iterdir()) == []
    with pytest.raises(LogUnusableError):
        write_evidence(forked(full), tmp_path / "nowhere")
