"""Proofs as files: written by a second builder, checked by ours; and every way to break them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from repro.audit_log.__main__ import main
from repro.audit_log.errors import (
    BadSignatureError,
    NotIncludedError,
    ProofError,
    QuorumError,
    UnknownSignerError,
)
from repro.audit_log.formats import tree
from repro.audit_log.formats.checkpoint import parse_checkpoint
from repro.audit_log.formats.note_key import parse_vkey
from repro.audit_log.formats.policy import policy_of_keys
from repro.audit_log.formats.policy_file import parse_policy
from repro.audit_log.formats.proof import (
    MAX_EXTRA,
    MAX_HASHES,
    TlogProof,
    check_proof,
    format_consistency,
    format_proof,
    parse_consistency,
    parse_proof,
    proof_size,
    relation,
)

from . import reference
from .cosigned import Key, checkpoint, consistency, note, proof

ORIGIN = "example.org/log"
LOG, WITNESS = Key(ORIGIN, 1), Key("w.example", 2, 4)
DATA = [f"entry {n}".encode() for n in range(20)]
OTHER = [*DATA[:5], b"another", *DATA[6:]]
SIGNED = note(checkpoint(ORIGIN, DATA), LOG)
KEYS = policy_of_keys([parse_vkey(LOG.vkey())])
HASH = base64.b64encode(bytes(range(32))).decode()

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 20])
def test_proofs_of_every_entry_are_read_written_and_checked(size: int) -> None:
    signed = note(checkpoint(ORIGIN, DATA[:size]), LOG)
    for index in range(size):
        data = proof(index, DATA[:size], signed, b"x" if index % 2 else None)
        found = parse_proof(data)
        assert found == TlogProof(
            index, tuple(reference.path(index, DATA[:size])), signed, b"x" if index % 2 else None
        )
        assert format_proof(found) == data
        assert proof_size(index, size, len(signed), 1 if index % 2 else None) == len(data)
        judged = check_proof(found, KEYS, tree.leaf_hash(DATA[index]))
        assert (judged.checkpoint.size, judged.checkpoint.origin) == (size, ORIGIN)
        for other in range(size):
            if other != index:
                with pytest.raises(NotIncludedError):
                    check_proof(found, KEYS, tree.leaf_hash(DATA[other]))


def test_the_length_of_a_path_is_known_without_the_tree() -> None:
    for size in range(1, 70):
        leaves = [bytes([n]) * 32 for n in range(size)]
        for index in range(size):
            found = tree.inclusion_length(index, size)
            assert found == len(reference.path(index, leaves))
    assert proof_size(0, 10**9, 200) == len("c2sp.org/tlog-proof@v1 index 0 ") + 30 * 45 + 1 + 200


def test_an_index_beyond_the_checkpoint_is_not_included() -> None:
    found = TlogProof(20, (), SIGNED)
    with pytest.raises(NotIncludedError, match="entry 20, the checkpoint of 20"):
        check_proof(found, KEYS, tree.leaf_hash(b""))


def test_who_signed_is_judged_before_anything_is_said() -> None:
    leaf = tree.leaf_hash(DATA[0])
    good = parse_proof(proof(0, DATA, SIGNED))
    with pytest.raises(UnknownSignerError):
        check_proof(good, policy_of_keys([parse_vkey(WITNESS.vkey())]), leaf)
    demanding = parse_policy(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n".encode())
    with pytest.raises(QuorumError, match="'w' has not cosigned"):
        check_proof(good, demanding, leaf)
    cosigned = parse_proof(proof(0, DATA, SIGNED + WITNESS.line(checkpoint(ORIGIN, DATA)).encode()))
    assert check_proof(cosigned, demanding, leaf).met
    forged = parse_proof(proof(0, OTHER, SIGNED.replace(b"\n20\n", b"\n19\n")))
    with pytest.raises(BadSignatureError):
        check_proof(forged, KEYS, leaf)


def test_every_changed_byte_of_a_proof_is_noticed() -> None:
    data = proof(3, DATA, SIGNED)
    leaf = tree.leaf_hash(DATA[3])
    for place in range(len(data)):
        for change in (1, 32, 128):
            mangled = bytearray(data)
            mangled[place] ^= change
            with pytest.raises(ValueError, match=r".+"):
                check_proof(parse_proof(bytes(mangled)), KEYS, leaf)
        with pytest.raises(ValueError, match=r".+"):
            check_proof(parse_proof(data[:place]), KEYS, leaf)


HEAD = "c2sp.org/tlog-proof@v1\n"
MALFORMED = [
    ("empty", ""),
    ("header", "c2sp.org/tlog-proof@v2\nindex 0\n\nx"),
    ("crlf", "c2sp.org/tlog-proof@v1\r\nindex 0\n\nx"),
    ("no-index", f"{HEAD}\nx"),
    ("no-number", f"{HEAD}index\n\nx"),
    ("word", f"{HEAD}index one\n\nx"),
    ("negative", f"{HEAD}index -5\n\nx"),
    ("plus", f"{HEAD}index +5\n\nx"),
    ("zero", f"{HEAD}index 05\n\nx"),
    ("space", f"{HEAD}index  5\n\nx"),
    ("trailing", f"{HEAD}index 5 \n\nx"),
    ("arabic", f"{HEAD}index \u0661\n\nx"),
    ("underscore", f"{HEAD}index 1_0\n\nx"),
    ("huge", f"{HEAD}index {'9' * 5000}\n\nx"),
    ("2^63", f"{HEAD}index {2**63}\n\nx"),
    ("extra-empty", f"{HEAD}extra \nindex 0\n\nx"),
    ("extra-odd", f"{HEAD}extra eA\nindex 0\n\nx"),
    ("extra-bits", f"{HEAD}extra eB==\nindex 0\n\nx"),
    ("extra-twice", f"{HEAD}extra eA==\nextra eA==\nindex 0\n\nx"),
    ("extra-late", f"{HEAD}index 0\nextra eA==\n\nx"),
    ("extra-long", f"{HEAD}extra {base64.b64encode(bytes(MAX_EXTRA + 1)).decode()}\nindex 0\n\nx"),
    ("index-twice", f"{HEAD}index 0\nindex 0\n\nx"),
    ("hash-short", f"{HEAD}index 0\n{HASH[:-4]}\n\nx"),
    ("hash-long", f"{HEAD}index 0\n{HASH[:-4]}AAAA{HASH[-4:]}\n\nx"),
    ("hash-bits", f"{HEAD}index 0\n{HASH[:-2]}9=\n\nx"),
    ("hash-space", f"{HEAD}index 0\n {HASH}\n\nx"),
    ("hashes", f"{HEAD}index 0\n" + f"{HASH}\n" * 64 + "\nx"),
    ("thousand", f"{HEAD}index 0\n" + f"{HASH}\n" * 1000 + "\nx"),
    ("no-checkpoint", f"{HEAD}index 0\n{HASH}\n"),
]


@pytest.mark.parametrize("text", [m[1] for m in MALFORMED], ids=[m[0] for m in MALFORMED])
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        parse_proof(text.encode())


def test_as_many_hashes_as_the_highest_tree_has_are_read() -> None:
    hashes = f"{HASH}\n" * MAX_HASHES
    found = parse_proof(f"{HEAD}index 0\n{hashes}\nx".encode())
    assert len(found.hashes) == MAX_HASHES


def test_what_could_not_be_read_is_not_written() -> None:
    for bad in (
        TlogProof(-1, (), b"x"),
        TlogProof(2**63, (), b"x"),
        TlogProof(0, (b"short",), b"x"),
        TlogProof(0, (bytes(32),) * 64, b"x"),
        TlogProof(0, (), b"x", b""),
        TlogProof(0, (), bytes(2_000_000)),
    ):
        with pytest.raises(ProofError):
            format_proof(bad)


def test_consistency_is_shown_for_all_pairs_of_sizes() -> None:
    heads = [parse_checkpoint(checkpoint(ORIGIN, DATA[:n])) for n in range(21)]
    for new in range(21):
        for old in range(new + 1):
            data = consistency(old, DATA[:new])
            nodes = parse_consistency(data)
            assert format_consistency(nodes) == data
            assert relation(heads[old], heads[new], nodes) == "extends"
            assert relation(heads[old], heads[new], (*nodes, bytes(32))) == "unjoined"
            if nodes:
                assert relation(heads[old], heads[new], nodes[:-1]) == "unjoined"


def test_a_fork_is_proven_by_hashes_that_lead_to_another_old_root() -> None:
    old = parse_checkpoint(checkpoint(ORIGIN, DATA[:7]))
    forked = [parse_checkpoint(checkpoint(ORIGIN, OTHER[:n])) for n in range(21)]
    for new in range(8, 21):
        nodes = tuple(reference.proof(7, OTHER[:new]))
        assert relation(old, forked[new], nodes) == "forked"
        assert relation(old, forked[new], tuple(reference.proof(7, DATA[:new]))) == "unjoined"
    assert relation(old, forked[7], ()) == "forked"
    assert relation(old, old, ()) == "extends"


def test_hashes_of_another_number_than_the_sizes_take_stand_for_no_roots() -> None:
    for new in range(2, 21):
        for old in range(1, new):
            nodes = reference.proof(old, DATA[:new])
            if old & (old - 1) == 0:
                nodes = [reference.mth(DATA[:old]), *nodes]
            roots = (reference.mth(DATA[:old]), reference.mth(DATA[:new]))
            assert tree.implied_roots(old, new, nodes) == roots
            for count in range(len(nodes)):
                assert tree.implied_roots(old, new, nodes[:count]) is None
            assert tree.implied_roots(old, new, [*nodes, bytes(32)]) is None
            assert tree.implied_roots(old, new, [*nodes[:-1], b"short"]) is None
    for old, new in ((0, 3), (3, 3), (4, 3), (-1, 3)):
        assert tree.implied_roots(old, new, [bytes(32)]) is None


def test_a_fork_after_a_power_of_two_needs_the_root_that_proofs_leave_out() -> None:
    old = parse_checkpoint(checkpoint(ORIGIN, DATA[:8]))
    new = parse_checkpoint(checkpoint(ORIGIN, OTHER[:13]))
    nodes = tuple(reference.proof(8, OTHER[:13]))
    assert relation(old, new, nodes) == "unjoined"
    assert relation(old, new, (reference.mth(OTHER[:8]), *nodes)) == "forked"
    # The same spelling is no proof that two trees agree.
    good = parse_checkpoint(checkpoint(ORIGIN, DATA[:13]))
    assert relation(old, good, (old.root, *reference.proof(8, DATA[:13]))) == "unjoined"


@pytest.mark.parametrize(
    "data", [HASH.encode(), b"\n", HASH.encode() + b"\r\n", b"x\n", f"{HASH}\n".encode() * 64]
)
def test_what_is_no_consistency_proof_is_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        parse_consistency(data)


def ask(capsys: Capture, *arguments: object) -> tuple[int, str]:
    """Return exit status and first line of an answer; its JSON must say the same."""
    given = [str(argument) for argument in arguments]
    status = main(given)
    first = capsys.readouterr().out.split("\n")[0]
    assert main([*given, "--format", "json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert found["exit_status"] == status
    assert first == f"{found['verdict']}: {found['summary']}"
    return status, first


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a proof, its entry, checkpoints and policies; go there."""
    monkeypatch.chdir(tmp_path)
    Path("p").write_bytes(proof(3, DATA, SIGNED, b"more"))
    Path("entry").write_bytes(DATA[3])
    Path("policy").write_text(f"log {LOG.vkey()}\nquorum none\n")
    Path("strict").write_text(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n")
    Path("new").write_bytes(SIGNED)
    Path("other").write_bytes(note(checkpoint(ORIGIN, OTHER), LOG))
    for size in (7, 8):
        Path(f"old{size}").write_bytes(note(checkpoint(ORIGIN, DATA[:size]), LOG))
        Path(f"c{size}").write_bytes(consistency(size, DATA))
        Path(f"f{size}").write_bytes(consistency(size, OTHER))
    return tmp_path


@pytest.mark.usefixtures("there")
def test_the_command_answers_about_proofs(capsys: Capture) -> None:
    ok = (0, "ok: entry 3 of the first 20 of example.org/log")
    leaf = tree.leaf_hash(DATA[3]).hex()
    key = ("--vkey", LOG.vkey())
    assert ask(capsys, "proof", "p", "--policy", "policy", "--entry", "entry") == ok
    assert ask(capsys, "proof", "p", *key, "--leaf", leaf) == ok
    main(["proof", "p", *key, "--leaf", leaf])
    out = capsys.readouterr().out
    assert "not proven: the extra data (4 bytes)" in out
    assert "no witness has cosigned" in out
    status, line = ask(capsys, "proof", "p", "--policy", "strict", "--leaf", leaf)
    assert (status, line) == (3, "unverifiable: the checkpoint: witness 'w' has not cosigned")
    assert ask(capsys, "proof", "p", "--leaf", leaf)[0] == 3
    assert ask(capsys, "proof", "p", "--vkey", WITNESS.vkey(), "--leaf", leaf)[0] == 3
    Path("entry").write_bytes(DATA[3] + b"\n")
    status, line = ask(capsys, "proof", "p", *key, "--entry", "entry")
    assert status == 4
    assert line.startswith("tampered: the hashes do not lead from this entry at 3")
    assert line.endswith("(it ends in a newline: a record's line is logged without)")
    Path("p").write_bytes(SIGNED)
    status, line = ask(capsys, "proof", "p", *key, "--entry", "entry")
    assert (status, line.split(": ")[:2]) == (3, ["unverifiable", "not a proof"])


@pytest.mark.usefixtures("there")
def test_the_command_answers_about_consistency(capsys: Capture) -> None:
    key = ("--vkey", LOG.vkey())
    for size in (7, 8):
        status, line = ask(capsys, "consistency", f"old{size}", "new", "--proof", f"c{size}", *key)
        assert (status, line) == (0, f"ok: the first 20 of {ORIGIN} begin with the first {size}")
    forked = f"forked: {ORIGIN} signed old7 and other, which contradict each other"
    assert ask(capsys, "consistency", "old7", "other", "--proof", "f7", *key) == (4, forked)
    unjoined = (3, "unverifiable: the proof does not join them")
    for arguments in (
        ("old7", "new", "--proof", "c8"),
        ("old7", "other", "--proof", "c7"),
        ("old8", "other", "--proof", "f8"),
    ):
        assert ask(capsys, "consistency", *arguments, *key) == unjoined
    assert ask(capsys, "consistency", "other", "new", "--proof", "entry", *key)[0] == 4
    assert ask(capsys, "consistency", "old7", "new", "--proof", "entry", *key)[0] == 3
    assert ask(capsys, "consistency", "new", "old7", "--proof", "c7", *key)[0] == 3
    assert ask(capsys, "consistency", "old7", "new", "--proof", "c7")[0] == 3
    given = ("--proof", "c7", "--policy", "strict")
    status, line = ask(capsys, "consistency", "old7", "new", *given)
    assert (status, line) == (3, "unverifiable: old7: witness 'w' has not cosigned")
    status, line = ask(capsys, "consistency", "old7", "other", "--proof", "f7", *given[2:])
    assert status == 4  # a contradiction needs no witness
    Path("old7").write_bytes(Path("old7").read_bytes().replace(b"\n7\n", b"\n6\n"))
    status, line = ask(capsys, "consistency", "old7", "new", "--proof", "c7", *key)
    assert (status, line.split(":")[:2]) == (4, ["tampered", " old7"])


@pytest.mark.usefixtures("there")
def test_two_logs_are_not_one(capsys: Capture) -> None:
    second = Key("example.org/second", 7)
    Path("old7").write_bytes(note(checkpoint(second.name, DATA[:7]), second))
    keys = ("--vkey", LOG.vkey(), "--vkey", second.vkey())
    status, line = ask(capsys, "consistency", "old7", "new", "--proof", "c7", *keys)
    assert (status, line.split(":")[1]) == (3, " two logs")


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    "arguments",
    [
        ["proof", "nowhere", "--policy", "policy", "--leaf", "0" * 64],
        ["proof", "p", "--policy", "nowhere", "--leaf", "0" * 64],
        ["proof", "p", "--policy", "p", "--leaf", "0" * 64],
        ["proof", "p", "--policy", "policy", "--leaf", "0" * 63],
        ["proof", "p", "--policy", "policy", "--leaf", "\u0660" * 64],
        ["proof", "p", "--policy", "policy", "--entry", "."],
        ["proof", "p", "--vkey", "a+b+c", "--leaf", "0" * 64],
        ["proof", "p", "--vkey", "a+b+" + "c" * 9999, "--leaf", "0" * 64],
        ["note", "p", "--vkey", "a+b+c"],
        ["note", "a\0b", "--vkey", LOG.vkey()],
    ],
)
def test_what_the_auditor_gave_wrongly_is_a_usage_error(
    capsys: Capture, arguments: list[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("repro-verify: error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["proof", "p", "--vkey", "k"],
        ["proof", "p", "--vkey", "k", "--leaf", "0", "--entry", "e"],
        ["proof", "p", "--vkey", "k", "--policy", "f", "--leaf", "0"],
        ["proof", "p", "--policy", "k", "--policy", "f", "--leaf", "0"],
        ["consistency", "a", "b", "--vkey", "k"],
        ["bundle"],
    ],
)
def test_questions_that_are_not_whole_are_usage_errors(
    capsys: Capture, arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""
