"""Any bytes whatever: a value, a verdict, or the declared error; never another exception."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from repro.audit_log.__main__ import main
from repro.audit_log.errors import (
    BundleError,
    CheckpointError,
    NoteError,
    PolicyError,
    ProofError,
    QuorumError,
)
from repro.audit_log.formats.bundle import parse_bundle
from repro.audit_log.formats.bundle_report import verify_bundle
from repro.audit_log.formats.checkpoint import format_checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note
from repro.audit_log.formats.note_key import format_vkey, parse_vkey
from repro.audit_log.formats.policy import policy_of_keys
from repro.audit_log.formats.policy_file import parse_policy
from repro.audit_log.formats.proof import (
    check_proof,
    format_consistency,
    format_proof,
    parse_consistency,
    parse_proof,
    relation,
)
from repro.audit_log.formats.tree import leaf_hash

from . import test_bundle, test_policy
from .cosigned import Key, checkpoint, consistency, note, proof

LOG, LOG_PQ, WITNESS = Key("example.org/log", 1), Key("example.org/log", 2, 6), Key("w", 3, 4)
DATA = [f"entry {n}".encode() for n in range(13)]
KEYS = [parse_vkey(key.vkey()) for key in (LOG, LOG_PQ, WITNESS, test_bundle.NEW)]
POLICY = policy_of_keys(KEYS)
SIGNED = note(checkpoint(LOG.name, DATA), LOG, WITNESS, time=5)
OLD = parse_checkpoint(checkpoint(LOG.name, DATA[:7]))
NEW = parse_checkpoint(checkpoint(LOG.name, DATA))
LEAF = leaf_hash(DATA[3])

SEEDS = {
    "note": SIGNED,
    "vkey": LOG.vkey().encode(),
    "checkpoint": checkpoint(LOG.name, DATA).encode(),
    "policy": test_policy.SPEC,
    "proof": proof(3, DATA, SIGNED, b"extra"),
    "consistency": consistency(7, DATA),
    "bundle": test_bundle.bundle(),
}


def read_note(data: bytes) -> None:
    with contextlib.suppress(NoteError):
        assert open_note(data, KEYS).verified


def read_vkey(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(NoteError):
        assert format_vkey(parse_vkey(text)) == text


def read_checkpoint(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(CheckpointError):
        assert format_checkpoint(parse_checkpoint(text)) == text


def read_policy(data: bytes) -> None:
    with contextlib.suppress(PolicyError):
        policy = parse_policy(data)
        with contextlib.suppress(NoteError):
            policy.judge(SIGNED)


def read_proof(data: bytes) -> None:
    with contextlib.suppress(ProofError, NoteError, CheckpointError, QuorumError):
        found = parse_proof(data)
        assert format_proof(found) == data
        check_proof(found, POLICY, LEAF)


def read_consistency(data: bytes) -> None:
    with contextlib.suppress(ProofError):
        found = parse_consistency(data)
        assert format_consistency(found) == data
        # Trees that agree are never said to fork, whatever the hashes are.
        assert relation(OLD, NEW, found) in ("extends", "unjoined")


def read_bundle(data: bytes) -> None:
    report = verify_bundle(data, POLICY)
    assert (report.verdict == "ok") == (report.exit_status == 0) == (report.problem == "")
    with contextlib.suppress(BundleError):
        parse_bundle(data)


READERS: dict[str, Callable[[bytes], None]] = {
    "note": read_note,
    "vkey": read_vkey,
    "checkpoint": read_checkpoint,
    "policy": read_policy,
    "proof": read_proof,
    "consistency": read_consistency,
    "bundle": read_bundle,
}
NAMES = sorted(READERS)

WORDS = (
    b"\n", b"\n\n", b" ", b"\t", b"\0", b"\xff", b"\xe2\x80\x94 ", b"=", b"+", b"-1", b"01",
    b"9" * 25, b"9" * 5000, b"1e999", b"[" * 200, b"{\"a\":", b"none", b"any", b"quorum none\n",
    b"\\ud800", b"NaN", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\r\n", b"#",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """Return a valid text after some changes: bytes, lines, words, repetitions."""
    data = seed
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        end = min(len(data), place + draw(st.integers(0, 80)))
        lines = data.split(b"\n")
        line = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 6)):
            case 0:
                data = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
            case 1:
                data = data[:place] + data[end:]
            case 2:
                data = data[:end] + data[place:]
            case 3:
                data = data[:place] + draw(st.sampled_from(WORDS)) + data[end:]
            case 4:
                data = b"\n".join([*lines[:line], *lines[line + 1 :]])
            case 5:
                count = draw(st.sampled_from([1, 2, 64, 1000]))
                data = b"\n".join([*lines[:line], *[lines[line][:3000]] * count, *lines[line:]])
            case _:
                other = draw(st.integers(0, len(lines) - 1))
                lines[line], lines[other] = lines[other], lines[line]
                data = b"\n".join(lines)
    return data


COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", NAMES)
def test_the_seeds_are_good(name: str) -> None:
    READERS[name](SEEDS[name])
    if name == "bundle":
        assert verify_bundle(SEEDS[name], POLICY).verdict == "ok"
    if name == "proof":
        assert check_proof(parse_proof(SEEDS[name]), POLICY, LEAF).met


@pytest.mark.parametrize("name", NAMES)
@settings(COMMON, max_examples=150)
@given(data=st.binary(max_size=300))
@example(data=b"")
@example(data=b"[" * 100_000)
@example(data=b"9" * 10_000)
@example(data=b'{"a":' * 1000 + b"\n")
def test_arbitrary_bytes(name: str, data: bytes) -> None:
    READERS[name](data)


@pytest.mark.parametrize("name", NAMES)
@settings(COMMON, max_examples=150)
@given(data=st.data())
def test_mutated_texts(name: str, data: st.DataObject) -> None:
    READERS[name](data.draw(mutated(SEEDS[name])))


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
@settings(COMMON, max_examples=20_000)
@given(data=st.data())
def test_mutated_texts_at_length(name: str, data: st.DataObject) -> None:
    READERS[name](data.draw(mutated(SEEDS[name])))


QUESTIONS = {
    "note": ["note", "note", "--vkey", LOG.vkey()],
    "policy": ["proof", "proof", "--policy", "policy", "--leaf", LEAF.hex()],
    "proof": ["proof", "proof", "--vkey", LOG.vkey(), "--leaf", LEAF.hex()],
    "consistency": ["consistency", "old", "note", "--proof", "consistency", "--vkey", LOG.vkey()],
    "bundle": ["bundle", "bundle", "--vkey", test_bundle.NEW.vkey()],
    "vkey": ["note", "note", "--vkey", "vkey"],
}


@pytest.mark.parametrize("name", sorted(QUESTIONS))
@settings(COMMON, max_examples=40)
@given(data=st.data())
def test_the_command_ends_in_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    directory = tmp_path_factory.getbasetemp() / f"fuzz-{name}"
    directory.mkdir(exist_ok=True)
    seed = data.draw(st.one_of(mutated(SEEDS[name]), st.binary(max_size=100)))
    for other, content in SEEDS.items():
        (directory / other).write_bytes(seed if other == name else content)
    (directory / "old").write_bytes(note(checkpoint(LOG.name, DATA[:7]), LOG))
    with contextlib.chdir(directory):
        text, as_json = _output([*QUESTIONS[name]]), _output([*QUESTIONS[name], "--format", "json"])
    assert text[0] == as_json[0]
    if text[0] == 2:
        assert text[1] == as_json[1] == ""
        return
    found = json.loads(as_json[1])
    assert found["exit_status"] == text[0] in (0, 3, 4)
    verdict = text[1].split(":")[0]
    assert verdict == found["verdict"]
    assert {"ok": 0, "unverifiable": 3, "tampered": 4, "forked": 4}[verdict] == text[0]
    assert not set(text[1]) & {chr(n) for n in range(32) if n != 10}


def _output(arguments: list[str]) -> tuple[int, str]:
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = main(arguments)
    return status, out.getvalue()


def test_inputs_are_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("no endless file here")
    (tmp_path / "proof").write_bytes(SEEDS["proof"])
    (tmp_path / "note").write_bytes(SEEDS["note"])
    good, key = str(tmp_path / "proof"), ["--vkey", LOG.vkey()]
    leaf = ["--leaf", LEAF.hex()]
    signed = str(tmp_path / "note")
    for arguments, status in (
        (["note", str(endless), *key], 3),
        (["proof", str(endless), *key, *leaf], 3),
        (["proof", good, "--policy", str(endless), *leaf], 2),
        (["proof", good, "--vkey", str(endless), *leaf], 2),
        (["proof", good, *key, "--entry", str(endless)], 2),
        (["consistency", signed, signed, "--proof", str(endless), *key], 3),
        (["bundle", str(endless), *key], 3),
    ):
        assert main(arguments) == status, arguments
    capsys.readouterr()
