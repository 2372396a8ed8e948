"""Signed notes, keys as text, checkpoints: published ones, and every way to mangle them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.audit_log.errors import CheckpointError, NoteError
from repro.audit_log.formats import note
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, sign
from repro.audit_log.formats.note_key import Signer, Verifier, format_vkey, parse_vkey, verifier_of

from . import make_vectors

VECTORS = Path(__file__).parents[1] / "vectors" / "audit_log"
NEUMANN = (VECTORS / "neumann.note").read_bytes()
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

ADA = Signer("example.org/ada", b"\x01" * 32)
BOB = Signer("example.org/bob", b"\x02" * 32)
TEXT = "one\n\ntwo\n"
NOTE = sign(TEXT, [ADA, BOB])


def test_a_published_note_is_accepted_with_its_published_key() -> None:
    found = open_note(NEUMANN, [parse_vkey(NEUMANN_KEY)])
    assert found.text.startswith("If you think")
    assert [v.signature.name for v in found.verified] == ["PeterNeumann"]


def test_every_mangled_byte_of_a_published_note_is_refused() -> None:
    key = parse_vkey(NEUMANN_KEY)
    for place in range(len(NEUMANN)):
        for change in (1, 32, 128):
            data = bytearray(NEUMANN)
            data[place] ^= change
            with pytest.raises(NoteError):
                open_note(bytes(data), [key])
    for length in range(len(NEUMANN)):
        with pytest.raises(NoteError):
            open_note(NEUMANN[:length], [key])


def test_the_golden_checkpoint_is_what_we_would_sign() -> None:
    data = (VECTORS / "golden" / "checkpoint").read_bytes()
    signer = Signer(make_vectors.ORIGIN, make_vectors.SEED)
    text = open_note(data, [verifier_of(signer)]).text
    assert sign(format_checkpoint(parse_checkpoint(text)), [signer]) == data
    vkey = (VECTORS / "golden" / "log.vkey").read_text().strip()
    assert format_vkey(verifier_of(signer)) == vkey


def test_a_private_key_is_made_once_and_is_no_part_of_its_signer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[bytes] = []
    make = Ed25519PrivateKey.from_private_bytes

    def counted(seed: bytes) -> Ed25519PrivateKey:
        made.append(seed)
        return make(seed)

    monkeypatch.setattr(Ed25519PrivateKey, "from_private_bytes", counted)
    signer = Signer(ADA.name, ADA.seed)
    assert sign(TEXT, [signer]) == sign(TEXT, [ADA])
    assert verifier_of(signer) == verifier_of(ADA)
    assert made == [signer.seed]
    unused = Signer(ADA.name, ADA.seed)
    assert (signer, hash(signer), repr(signer)) == (unused, hash(unused), repr(unused))


def test_any_key_that_is_known_and_signed_is_enough() -> None:
    for signers, unknown in (([ADA], [BOB]), ([BOB], [ADA]), ([ADA, BOB], [])):
        found = open_note(NOTE, [verifier_of(signer) for signer in signers])
        assert found.text == TEXT
        assert [v.signature.name for v in found.verified] == [s.name for s in signers]
        assert [s.name for s in found.unknown] == [s.name for s in unknown]


def test_a_note_that_no_known_key_has_signed_is_refused() -> None:
    stranger = Signer("example.org/ada", b"\x03" * 32)
    for verifiers in ([], [verifier_of(stranger)]):
        with pytest.raises(NoteError, match="no known key"):
            open_note(NOTE, verifiers)


def test_one_bad_signature_of_a_known_key_refuses_the_note() -> None:
    ada, bob = verifier_of(ADA), verifier_of(BOB)
    forged = note.signature_line(note.Signature(BOB.name, bob.key_id, bytes(64))).encode()
    with pytest.raises(NoteError, match="not valid"):
        open_note(sign(TEXT, [ADA]) + forged, [ada, bob])
    assert open_note(sign(TEXT, [ADA]) + forged, [ada]).text == TEXT


def test_signatures_of_other_kinds_are_ignored() -> None:
    cosignature = note.signature_line(note.Signature("witness", b"abcd", bytes(2428))).encode()
    assert open_note(NOTE + cosignature, [verifier_of(ADA)]).unknown[-1].name == "witness"


def test_a_hundred_signatures_are_accepted_and_no_more() -> None:
    line = note.signature_line(note.Signature("w", b"abcd", b"x")).encode()
    assert len(open_note(sign(TEXT, [ADA]) + line * 99, [verifier_of(ADA)]).unknown) == 99
    with pytest.raises(NoteError, match="more than 100"):
        open_note(sign(TEXT, [ADA]) + line * 100, [verifier_of(ADA)])


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "nul\0\n", "cr\r\n"])
def test_texts_that_no_note_can_hold_are_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign(text, [ADA])


def test_notes_need_a_signer_with_a_proper_name() -> None:
    with pytest.raises(NoteError):
        sign(TEXT, [])
    for name in ("", "a b", "a+b", "a\u00a0b", "a\nb"):
        with pytest.raises(NoteError, match="name"):
            sign(TEXT, [Signer(name, ADA.seed)])


def test_the_secret_is_not_in_the_text_of_a_signer() -> None:
    assert repr(ADA.seed) not in repr(ADA)


def test_every_mangled_key_text_is_refused() -> None:
    for length in range(len(NEUMANN_KEY)):
        with pytest.raises(NoteError):
            parse_vkey(NEUMANN_KEY[:length])
        changed = bytearray(NEUMANN_KEY.encode())
        changed[length] ^= 1
        with pytest.raises(NoteError):
            parse_vkey(changed.decode())
    other = base64.b64encode(b"\x04" + bytes(32)).decode()
    for text in (NEUMANN_KEY + "\n", NEUMANN_KEY.upper(), f"a+00000000+{other}", "a+b+é"):
        with pytest.raises(NoteError):
            parse_vkey(text)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    odd = Verifier(ADA.name, b"\xff" * 32)
    line = note.signature_line(note.Signature(odd.name, odd.key_id, bytes(64))).encode()
    with pytest.raises(NoteError, match="not valid"):
        open_note(TEXT.encode() + b"\n" + line, [odd])


ROOT = base64.b64encode(bytes(range(32))).decode()
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(("size", "root"), [("0", EMPTY), ("1", ROOT), ("9" * 18, ROOT)])
def test_checkpoints_are_read_and_written_as_they_are(size: str, root: str) -> None:
    text = f"example.org/log\n{size}\n{root}\n"
    found = parse_checkpoint(text)
    assert found == Checkpoint("example.org/log", int(size), base64.b64decode(root))
    assert format_checkpoint(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"o\n1\n{ROOT}",
        f"o\n01\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n1 \n{ROOT}\n",
        f"o\n\u0661\n{ROOT}\n",
        f"o\n{'9' * 20}\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"\n1\n{ROOT}\n",
        f"{'o' * 256}\n1\n{ROOT}\n",
        f"o\n0\n{ROOT}\n",
        "o\n1\n\n",
        f"o\n1\n{ROOT[:-4]}\n",
        f"o\n1\n{ROOT[:-2]}9=\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT[:-2]}é=\n",
        f"o\n1\n {ROOT}\n",
    ],
)
def test_texts_that_are_no_checkpoint_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_foreign_bytes_raise_nothing_but_the_notes_error(data: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(data, [verifier_of(ADA)])
    with pytest.raises(NoteError):
        open_note(TEXT.encode() + b"\n" + data + b"\n", [verifier_of(ADA)])
