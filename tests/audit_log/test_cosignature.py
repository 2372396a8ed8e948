"""Cosignatures: published ones by others, and those of a second builder, against ours."""

from __future__ import annotations

import base64
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from repro.audit_log.errors import BadSignatureError, NoteError, UnknownSignerError
from repro.audit_log.formats.checkpoint import parse_checkpoint
from repro.audit_log.formats.cosignature import cosign, cosigned_at
from repro.audit_log.formats.note import MAX_SIGNATURES, open_note, sign, split
from repro.audit_log.formats.note_key import Signer, format_vkey, parse_vkey, verifier_of

from .cosigned import Key, checkpoint, note

PUBLISHED = Path(__file__).parents[1] / "vectors" / "audit_log" / "published"
KEYS = {name: (PUBLISHED / f"{name}.vkeys").read_text().split() for name in
        ("signed-note", "sum.golang.org", "arche2025h1", "coachandhorses2026h1")}  # fmt: skip
ORIGIN = "example.org/log"
TEXT = checkpoint(ORIGIN, [b"a", b"b", b"c"])
LOG = Key(ORIGIN, 1)
LOG_PQ = Key(ORIGIN, 2, 6)
WITNESSES = (Key("witness.example/w", 3, 4), Key("witness.example/w", 4, 6))


def published(name: str) -> bytes:
    return (PUBLISHED / f"{name}.note").read_bytes()


@pytest.mark.parametrize(
    ("name", "keys", "found"),
    [
        ("signed-note", "signed-note", [(1, None)]),
        ("sum.golang.org", "sum.golang.org", [(1, None)]),
        ("sum.golang.org-later", "sum.golang.org", [(1, None)]),
        ("arche2025h1", "arche2025h1", [(1, None), *[(4, 1779573024)] * 4]),
        ("coachandhorses2026h1", "coachandhorses2026h1", [(4, 1785704691), (6, 1785704691)]),
    ],
)
def test_published_notes_are_accepted_with_their_published_keys(
    name: str, keys: str, found: list[tuple[int, int | None]]
) -> None:
    opened = open_note(published(name), [parse_vkey(key) for key in KEYS[keys]])
    assert [(v.verifier.kind, v.time) for v in opened.verified] == found


@pytest.mark.parametrize(
    ("name", "origin", "size"),
    [
        ("behind-the-sofa", "example.com/behind-the-sofa", 20852163),
        ("sum.golang.org", "go.sum database tree", 31700353),
        ("arche2025h1", "arche2025h1.staging.ct.transparency.dev", 1432088532),
        (
            "coachandhorses2026h1",
            "coachandhorses2026h1.staging.certificate.transparency.goog",
            185550722,
        ),
    ],
)
def test_published_checkpoints_are_read(name: str, origin: str, size: int) -> None:
    found = parse_checkpoint(split(published(name))[0])
    assert (found.origin, found.size) == (origin, size)


def test_a_published_note_with_empty_lines_is_split_at_the_last() -> None:
    text, signatures = split(published("quasimodo"))
    assert text.endswith("sole:\n\ned è subito sera.\n")
    assert [(s.name, s.key_id.hex(), len(s.signature)) for s in signatures] == [
        ("quasimodo.example/salvatore", "367ba04b", 64)
    ]


def test_a_published_cosignature_says_its_time() -> None:
    _, (_, witness) = split(published("behind-the-sofa"))
    assert struct.unpack(">Q", witness.signature[:8]) == (1679315147,)


@pytest.mark.parametrize("place", range(4))
def test_a_changed_checkpoint_has_no_published_cosignature(place: int) -> None:
    keys = [parse_vkey(key) for key in KEYS["coachandhorses2026h1"]]
    data = published("coachandhorses2026h1")
    lines = data.split(b"\n")
    # origin, size, root, and the time inside the ML-DSA-44 signature line
    if place < 3:
        lines[place] = {0: lines[0] + b"x", 1: b"185550723", 2: b"A" + lines[2][1:]}[place]
    else:
        head, encoded = lines[6].rsplit(b" ", 1)
        raw = bytearray(base64.b64decode(encoded))
        raw[11] ^= 1
        lines[6] = head + b" " + base64.b64encode(raw)
    for key in keys if place < 3 else keys[1:]:
        with pytest.raises(BadSignatureError):
            open_note(b"\n".join(lines), [key])


@pytest.mark.parametrize("key", [LOG, LOG_PQ, *WITNESSES])
@pytest.mark.parametrize("time", [0, 1, 1679315147, 2**63 - 1])
def test_what_a_second_builder_signs_is_accepted(key: Key, time: int) -> None:
    verifier = parse_vkey(key.vkey())
    assert format_vkey(verifier) == key.vkey()
    opened = open_note(note(TEXT, key, time=time), [verifier])
    assert [v.time for v in opened.verified] == [None if key.kind == 1 else time]


@pytest.mark.parametrize("key", [LOG, LOG_PQ, *WITNESSES])
def test_what_we_sign_is_the_message_of_the_second_builder(key: Key) -> None:
    signer = Signer(key.name, bytes([key.seed]) * 32, key.kind)
    assert format_vkey(verifier_of(signer)) == key.vkey()
    ((_, raw),) = [(s.name, s.signature) for s in split(sign(TEXT, [signer], 7))[1]]
    stamp = b"" if key.kind == 1 else raw[:8]
    assert stamp == (b"" if key.kind == 1 else struct.pack(">Q", 7))
    key.private().public_key().verify(raw[len(stamp) :], key.message(TEXT, 7))


def test_a_time_beyond_63_bits_is_neither_signed_nor_accepted() -> None:
    for key in WITNESSES:
        with pytest.raises(BadSignatureError):
            open_note(note(TEXT, key, time=2**63), [parse_vkey(key.vkey())])
        with pytest.raises(NoteError):
            cosign(Signer(key.name, bytes([key.seed]) * 32, key.kind), TEXT, 2**63)


def test_a_cosignature_is_of_its_own_kind_name_and_checkpoint() -> None:
    for key in WITNESSES:
        (signature,) = split(note(TEXT, key, time=5))[1]
        verifier = parse_vkey(key.vkey())
        assert cosigned_at(verifier, TEXT, signature.signature) == 5
        assert cosigned_at(verifier, TEXT.replace("\n3\n", "\n4\n"), signature.signature) is None
        assert cosigned_at(verifier, "no checkpoint\n", signature.signature) is None
        for length in (0, 7, 8, 9, len(signature.signature) - 1):
            assert cosigned_at(verifier, TEXT, signature.signature[:length]) is None
        assert cosigned_at(verifier, TEXT, signature.signature + b"\0") is None
    other = parse_vkey(Key("witness.example/other", 4, 6).vkey())
    assert cosigned_at(other, TEXT, split(note(TEXT, WITNESSES[1]))[1][0].signature) is None


def test_lines_that_only_an_ml_dsa_key_could_vouch_for_are_refused() -> None:
    longer = TEXT + "an extension\n"
    both = note(longer, LOG, WITNESSES[1])
    assert open_note(both, [parse_vkey(k.vkey()) for k in (LOG, WITNESSES[1])]).text == longer
    assert open_note(note(longer, WITNESSES[0]), [parse_vkey(WITNESSES[0].vkey())]).text == longer
    with pytest.raises(UnknownSignerError, match="lines after the third"):
        open_note(both, [parse_vkey(WITNESSES[1].vkey())])


def test_many_signatures_are_accepted_and_a_thousand_are_refused() -> None:
    keys = [Key(f"witness.example/{n}", n + 1, 4) for n in range(64)]
    data = note(TEXT, *keys, time=9)
    found = open_note(data, [parse_vkey(key.vkey()) for key in keys])
    assert len(found.verified) == 64 <= MAX_SIGNATURES
    with pytest.raises(NoteError, match="more than"):
        open_note(data + keys[0].line(TEXT).encode() * 936, [parse_vkey(keys[0].vkey())])


def test_post_quantum_notes_of_sixteen_signatures_fit() -> None:
    keys = [Key(f"witness.example/{n}", n + 1, 6) for n in range(16)]
    found = open_note(note(TEXT, LOG, *keys), [parse_vkey(key.vkey()) for key in keys])
    assert len(found.verified) == 16


@pytest.mark.parametrize(
    "vkey",
    [
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_published_keys_are_read(vkey: str) -> None:
    assert format_vkey(parse_vkey(vkey)) == vkey


@pytest.mark.parametrize("kind", [0, 2, 3, 5, 250, 255])
def test_keys_of_other_types_are_refused(kind: int) -> None:
    with pytest.raises(NoteError, match="type 0x"):
        parse_vkey(Key("example.org", 1, 1).vkey()[:11] + "+00000000+" + base64.b64encode(
            bytes([kind]) + bytes(32)).decode())  # fmt: skip


def test_any_terminal_can_show_any_note_and_a_closed_one_keeps_the_status(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(note("ed è subito sera\n", LOG))
    bad.write_bytes(good.read_bytes().replace(b"sera", b"Sera"))
    command = [sys.executable, "-P", "-m", "repro.audit_log", "note", "--vkey", LOG.vkey()]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*command, str(good)], capture_output=True, env=ascii_only, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"ed \\xe8 subito sera" in done.stdout
    reading, writing = os.pipe()
    os.close(reading)
    closed = subprocess.run(
        [*command, str(bad)], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (closed.returncode, closed.stderr) == (4, b"")
