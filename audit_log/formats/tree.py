"""The Merkle tree of RFC 6962 §2.1 with SHA-256: roots, and proofs both made and checked.

Pure: values in, values out. Leaves are given as *leaf hashes*. Checkers return a bool for bad
input and raise nothing; makers assert that they are asked for something that exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append and to know the root.

    Mutable, owned by one holder; `copy` before handing it on. Memory is one hash for each set bit
    of the size.
    """

    __slots__ = ("_nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """Resume at ``size`` leaves with ``nodes``, the full subtrees from large to small."""
        self.size = size
        self._nodes = list(nodes)
        if len(self._nodes) != size.bit_count() or any(len(n) != HASH_SIZE for n in self._nodes):
            raise ValueError(f"{len(self._nodes)} nodes cannot be the edge of {size} leaves")

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, from large to small."""
        return tuple(self._nodes)

    def copy(self) -> Frontier:
        """Return an independent frontier of the same tree."""
        return Frontier(self.size, self._nodes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        node, rest = leaf, self.size
        while rest & 1:
            node = sha256(b"\x01" + self._nodes.pop() + node).digest()
            rest >>= 1
        self._nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the leaves so far."""
        if not self._nodes:
            return EMPTY_ROOT
        node = self._nodes[-1]
        for left in reversed(self._nodes[:-1]):
            node = node_hash(left, node)
        return node


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over ``leaves`` (RFC 6962 §2.1: MTH)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the path from leaf ``index`` to the root (RFC 6962 §2.1.1: PATH)."""
    if not 0 <= index < len(leaves):
        raise AssertionError(f"no leaf {index} among {len(leaves)}")
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(root(leaves[middle:high]))
            high = middle
        else:
            path.append(root(leaves[low:middle]))
            low = middle
    return tuple(reversed(path))


def consistency_proof(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """Return the proof that the first ``old`` leaves are a prefix (RFC 6962 §2.1.2: PROOF)."""
    if not 0 <= old <= len(leaves):
        raise AssertionError(f"no tree of {old} among {len(leaves)} leaves")
    if old in (0, len(leaves)):
        return ()
    path: list[bytes] = []
    low, high, whole = 0, len(leaves), True
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(root(leaves[middle:high]))
            high = middle
        else:
            path.append(root(leaves[low:middle]))
            low, whole = middle, False
    if not whole:  # the old root itself is known to whoever checks
        path.append(root(leaves[low:high]))
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes
) -> bool:
    """Return whether ``proof`` shows ``leaf`` at ``index`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root_hash, *proof):
        return False
    node, position, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and node == root_hash


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether ``proof`` shows that the new tree extends the old (RFC 9162 §2.1.4.2)."""
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size in (0, new_size):
        expected = EMPTY_ROOT if old_size == 0 else new_root
        return not proof and old_root == expected and (new_size > 0 or new_root == EMPTY_ROOT)
    # A proof leaves out the root of the old tree where that is a node of the new one.
    nodes = [old_root, *proof] if old_size.bit_count() == 1 else proof
    return implied_roots(old_size, new_size, nodes) == (old_root, new_root)


def implied_roots(
    old_size: int, new_size: int, nodes: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Return the roots of both trees that ``nodes`` stand for; None if they are too few or many.

    ``nodes`` are a consistency proof (RFC 9162 §2.1.4.1), which begins with the old root also
    where that is a node of the new tree (a power of two). If the second root is the one that was
    signed, then the first is that of *its* first ``old_size`` leaves: another signed root of that
    size contradicts it.
    """
    if not 0 < old_size < new_size or not nodes or not _are_hashes(*nodes):
        return None
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_node = new_node = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new_node = node_hash(new_node, sibling)
        position >>= 1
        last >>= 1
    return (old_node, new_node) if last == 0 else None


def inclusion_length(index: int, size: int) -> int:
    """Return how many hashes lead from leaf ``index`` to the root of ``size`` leaves."""
    if not 0 <= index < size:
        raise AssertionError(f"no leaf {index} among {size}")
    # Below the point where the ways to this leaf and to the last one part, each level has a
    # sibling; above it only those to the left of the way have one.
    shared = (index ^ (size - 1)).bit_length()
    return shared + (index >> shared).bit_count()


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
