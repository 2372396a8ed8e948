"""The Merkle tree against published constants and a slow reference, up to 130 leaves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from repro.audit_log.formats import tree

from . import reference

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "audit_log" / "rfc6962-tree.json").read_text()
)
DATA = [f"leaf {n}".encode() for n in range(130)]
LEAVES = [tree.leaf_hash(data) for data in DATA]
ROOTS = [reference.mth(DATA[:n]) for n in range(131)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_published_test_tree(size: int) -> None:
    leaves = [tree.leaf_hash(bytes.fromhex(data)) for data in VECTORS["leaves"]]
    assert tree.root(leaves[:size]).hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_published_inclusion_proofs_are_made_and_accepted(case: dict[str, object]) -> None:
    leaves = [tree.leaf_hash(bytes.fromhex(data)) for data in VECTORS["leaves"]]
    index, size = int(str(case["index"])), int(str(case["size"]))
    proof = tree.inclusion_proof(leaves[:size], index)
    assert [node.hex() for node in proof] == case["proof"]
    root = bytes.fromhex(VECTORS["roots"][size])
    assert tree.verify_inclusion(leaves[index], index, size, proof, root)


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_published_consistency_proofs_are_made_and_accepted(case: dict[str, object]) -> None:
    leaves = [tree.leaf_hash(bytes.fromhex(data)) for data in VECTORS["leaves"]]
    old, new = int(str(case["old"])), int(str(case["new"]))
    proof = tree.consistency_proof(leaves[:new], old)
    assert [node.hex() for node in proof] == case["proof"]
    roots = [bytes.fromhex(root) for root in VECTORS["roots"]]
    assert tree.verify_consistency(old, roots[old], new, roots[new], proof)


def test_frontiers_have_the_roots_of_the_reference() -> None:
    frontier = tree.Frontier()
    for size in range(131):
        assert frontier.root() == ROOTS[size]
        resumed = tree.Frontier(size, frontier.nodes)
        assert resumed.root() == ROOTS[size]
        if size < 130:
            frontier.append(LEAVES[size])
    assert resumed.copy().root() == tree.root(LEAVES)


def test_a_frontier_of_the_wrong_shape_is_refused() -> None:
    for size, nodes in [(1, []), (2, [b"x" * 32] * 2), (1, [b"x" * 31])]:
        with pytest.raises(ValueError, match="cannot be the edge"):
            tree.Frontier(size, nodes)


def test_all_inclusion_proofs_up_to_130_leaves_are_those_of_the_reference() -> None:
    ours, theirs = hashlib.sha256(), hashlib.sha256()
    for size in [*range(1, 34), 63, 64, 65, 127, 128, 129, 130]:
        for index in range(size):
            proof = tree.inclusion_proof(LEAVES[:size], index)
            ours.update(b"".join(proof))
            theirs.update(b"".join(reference.path(index, DATA[:size])))
            assert tree.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
    assert ours.digest() == theirs.digest()


def test_all_consistency_proofs_up_to_130_leaves_are_those_of_the_reference() -> None:
    ours, theirs = hashlib.sha256(), hashlib.sha256()
    for new in [*range(1, 34), 63, 64, 65, 127, 128, 129, 130]:
        for old in range(1, new + 1):
            proof = tree.consistency_proof(LEAVES[:new], old)
            ours.update(b"".join(proof))
            theirs.update(b"".join(reference.proof(old, DATA[:new])))
            assert tree.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)
    assert ours.digest() == theirs.digest()


@pytest.mark.parametrize("size", range(1, 20))
def test_inclusion_proofs_that_are_changed_are_refused(size: int) -> None:
    for index in range(size):
        proof = list(tree.inclusion_proof(LEAVES[:size], index))
        good = (LEAVES[index], index, size, proof, ROOTS[size])
        assert tree.verify_inclusion(*good)
        bad = [[*proof, LEAVES[0]], *([*proof[:n], *proof[n + 1 :]] for n in range(len(proof)))]
        bad += [[*proof[:n], bytes(32), *proof[n + 1 :]] for n in range(len(proof))]
        bad += [[*proof[:n], proof[n][:31], *proof[n + 1 :]] for n in range(len(proof))]
        for other in bad:
            assert not tree.verify_inclusion(LEAVES[index], index, size, other, ROOTS[size])
        for wrong in set(range(-1, size + 2)) - {index}:
            assert not tree.verify_inclusion(LEAVES[index], wrong, size, proof, ROOTS[size])
        assert not tree.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size + 1])
        assert not tree.verify_inclusion(LEAVES[index][:31], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("new", range(1, 16))
def test_consistency_proofs_that_are_changed_are_refused(new: int) -> None:
    for old in range(1, new + 1):
        proof = list(tree.consistency_proof(LEAVES[:new], old))
        bad = [[*proof, LEAVES[0]], *([*proof[:n], *proof[n + 1 :]] for n in range(len(proof)))]
        bad += [[*proof[:n], bytes(32), *proof[n + 1 :]] for n in range(len(proof))]
        for other in bad:
            assert not tree.verify_consistency(old, ROOTS[old], new, ROOTS[new], other)
        for wrong in set(range(1, new + 1)) - {old}:
            assert not tree.verify_consistency(wrong, ROOTS[wrong], new, ROOTS[new], proof)
            assert not tree.verify_consistency(old, ROOTS[wrong], new, ROOTS[new], proof)
    assert not tree.verify_consistency(new + 1, ROOTS[new + 1], new, ROOTS[new], [])


def test_every_tree_extends_the_empty_one_without_proof() -> None:
    assert tree.verify_consistency(0, ROOTS[0], 0, ROOTS[0], [])
    assert tree.verify_consistency(0, ROOTS[0], 7, ROOTS[7], [])
    assert not tree.verify_consistency(0, ROOTS[1], 7, ROOTS[7], [])
    assert not tree.verify_consistency(0, ROOTS[0], 0, ROOTS[1], [])
    assert not tree.verify_consistency(0, ROOTS[0], 7, ROOTS[7], [ROOTS[1]])
