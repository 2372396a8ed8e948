"""Proofs as files: written by a second builder, checked by ours; and every way to break them."""

from __future__ import annotations

import base64

import pytest

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
