"""Cosignatures into the checkpoint that stands: nothing of the log's own changes, none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from repro.audit_log.errors import LogCorruptError, LogUnusableError
from repro.audit_log.formats.note import (
    Signature,
    open_note,
    signature_line,
    signature_of,
    split,
)
from repro.audit_log.formats.note_key import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Signer,
    verifier_of,
)
from repro.audit_log.storage.cosigning import with_cosignatures
from repro.audit_log.storage.layout import CHECKPOINT, MAX_CHECKPOINT
from repro.audit_log.storage.store import Log

from .conftest import Site


def witness(number: int, kind: int = ED25519_COSIGNATURE) -> Signer:
    """Return the key of a witness."""
    return Signer(f"witness.example/w{number}", bytes([number]) * 32, kind)


def cosigned(note: bytes, *lines: tuple[Signer, int]) -> bytes:
    """Return ``note`` with cosignatures of witnesses at times."""
    text, _ = split(note)
    return note + b"".join(signature_line(signature_of(text, s, t)).encode() for s, t in lines)


def standing(log: Log) -> bytes:
    """Return the checkpoint file."""
    return (log.directory / CHECKPOINT).read_bytes()


def test_cosignatures_stand_beside_the_log_s_own_and_the_log_goes_on(site: Site) -> None:
    log = site.create()
    before = standing(log)
    assert log.add_cosignatures(cosigned(before, (witness(1), 7)))
    assert standing(log) == cosigned(before, (witness(1), 7))
    log.commit()  # nothing new: what was cosigned stays
    assert standing(log) == cosigned(before, (witness(1), 7))
    log.append("approval", {"subject": "x"})
    log.commit()
    assert b"witness.example" not in standing(log)
    assert not log.add_cosignatures(cosigned(before, (witness(1), 8)))
    assert b"witness.example" not in standing(log)


def test_the_later_of_two_counts_and_none_is_lost(site: Site) -> None:
    log = site.create()
    note = standing(log)
    log.add_cosignatures(cosigned(note, (witness(1), 7)))
    log.add_cosignatures(cosigned(note, (witness(2), 5)))
    log.add_cosignatures(cosigned(note, (witness(2), 4), (witness(1), 9)))
    keys = [verifier_of(witness(n)) for n in (1, 2)]
    found = {v.verifier.name: v.time for v in open_note(standing(log), keys).verified}
    assert found == {"witness.example/w1": 9, "witness.example/w2": 5}
    assert standing(log).startswith(note)


def test_a_note_that_changes_what_the_log_signed_is_refused(site: Site) -> None:
    log = site.create()
    note = standing(log)
    text, lines = split(note)
    own = [signature_line(line) for line in lines]
    key_id = lines[0].key_id
    forged = signature_line(Signature(log.origin, key_id, bytes(64)))
    more = signature_line(Signature(log.origin, b"four", bytes(64)))
    for block in (own[:1], own[::-1], [forged, *own[1:]], [*own, more], [*own, own[0]]):
        with pytest.raises(LogCorruptError):
            log.add_cosignatures(f"{text}\n{''.join(block)}".encode())
        assert standing(log) == note
    for bad in (b"", b"nonsense\n", note[:-1], note + b"\n"):
        with pytest.raises(LogUnusableError):
            log.add_cosignatures(bad)
    other = text.replace("\n1\n", "\n2\n")
    assert not log.add_cosignatures(f"{other}\n{''.join(own)}".encode())
    assert standing(log) == note


def test_what_could_not_be_read_again_is_not_written(site: Site) -> None:
    log = site.create()
    note = standing(log)
    many = [(witness(n, MLDSA44_COSIGNATURE), 1) for n in range(1, 100)]
    assert log.add_cosignatures(cosigned(note, *many[:90]))
    full = standing(log)
    with pytest.raises(LogUnusableError, match="no room"):
        log.add_cosignatures(cosigned(note, *many[90:]))
    assert standing(log) == full
    assert len(standing(log)) <= MAX_CHECKPOINT
    log.append("approval", {"subject": "x"})
    log.commit()


def test_a_missing_or_damaged_checkpoint_is_said(site: Site) -> None:
    log = site.create()
    note = standing(log)
    (log.directory / CHECKPOINT).write_bytes(b"nonsense")
    with pytest.raises(LogCorruptError):
        log.add_cosignatures(note)
    (log.directory / CHECKPOINT).unlink()
    with pytest.raises(LogUnusableError):
        log.add_cosignatures(note)
    assert not (log.directory / CHECKPOINT).exists()


def test_of_another_text_there_is_nothing_to_add() -> None:
    assert (
        with_cosignatures(b"a\n\n\xe2\x80\x94 a AAAAAAA=\n", b"b\n\n\xe2\x80\x94 a AAAAAAA=\n", "a")
        is None
    )


def test_many_who_add_at_once_lose_nothing(site: Site) -> None:
    note = standing(site.create())

    def add(number: int) -> bool:  # each with a lock of its own, as another process has
        return site.open().add_cosignatures(cosigned(note, (witness(number), number)))

    with ThreadPoolExecutor(8) as several:
        assert all(several.map(add, range(1, 17)))
    keys = [verifier_of(witness(n)) for n in range(1, 17)]
    assert len(open_note((site.directory / CHECKPOINT).read_bytes(), keys).verified) == 16
