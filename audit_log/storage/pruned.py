"""What stays of a segment whose lines were pruned: enough for every proof, and for the chain.

    <first>.leaves    the leaf hash of each record, 32 bytes each: the tree's level 0
    <first>.pruned    canonical JSON: bytes, count, first, kept, last
                      (kept: the lines that stay, by their seq; last: the hash of the last line)

Nothing here has to be believed: the leaves lead to the signed roots, each kept line has its leaf,
the last line is the seal, which is kept, and the record after it names its hash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import CanonicalError, LogCorruptError, RecordError
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.digests import digest_bytes
from repro.audit_log.formats.record import decode, line_hash
from repro.audit_log.formats.tree import HASH_SIZE, leaf_hash

from .layout import SEGMENTS, Descriptor

KEPT: Final = frozenset({"approval", "erasure", "key.rotated", "log.created", "segment.sealed"})
"""The types whose lines are kept, whatever is pruned."""
_LIMIT: Final = 1 << 30
_CHUNK: Final = HASH_SIZE << 13


@dataclass(frozen=True, slots=True)
class Pruned:
    """A segment without its lines."""

    first: int
    count: int
    """How many records it had, the seal included."""
    size: int
    """How many bytes its lines had, newlines included."""
    last: str
    """The hash of its last line: the ``prev`` of the record after it."""
    kept: Mapping[int, bytes]
    """Lines that stay, by ``seq``."""
    leaves_file: Descriptor
    digest: str
    """BLAKE3 of the file that says all this, in hex: what the record of the erasure names."""

    def leaves(self) -> Iterator[bytes]:
        """Yield the leaf hash of each record, in order."""
        offset = 0
        while chunk := os.pread(self.leaves_file.number, _CHUNK, offset):
            offset += len(chunk)
            for start in range(0, len(chunk), HASH_SIZE):
                yield chunk[start : start + HASH_SIZE]

    def leaf(self, seq: int) -> bytes:
        """Return the leaf hash of record ``seq``."""
        return os.pread(self.leaves_file.number, HASH_SIZE, (seq - self.first) * HASH_SIZE)

    def sorted(self) -> list[tuple[int, bytes]]:
        """Return the kept lines in order."""
        return sorted(self.kept.items())


def format_pruned(first: int, count: int, size: int, last: str, kept: Mapping[int, bytes]) -> bytes:
    """Return the bytes of the file ``<first>.pruned``."""
    lines = {str(seq): line.decode() for seq, line in kept.items()}
    return canonical({"bytes": size, "count": count, "first": first, "kept": lines, "last": last})


def read_pruned(path: Path, first: int) -> Pruned:
    """Return what stays of the segment from ``first`` on; `LogCorruptError` if it does not agree.

    `OSError` if it cannot be read. What only the tree can tell is not checked here.
    """
    name = f"{SEGMENTS}/{path.name}"
    leaves = Descriptor(path.with_suffix(".leaves"))
    try:
        data = read_small(path, _LIMIT)
        match parse(data):
            case {
                "bytes": int(size),
                "count": int(count),
                "first": int(said),
                "kept": dict(lines),
                "last": str(last),
            }:
                kept = {int(seq): str(line).encode() for seq, line in lines.items()}
            case _:
                raise LogCorruptError(f"{name} is not what stays of a segment")
    except (CanonicalError, ValueError):
        raise LogCorruptError(f"{name} is not what stays of a segment") from None
    pruned = Pruned(first, count, size, last, kept, leaves, digest_bytes(data).blake3)
    if said != first or os.fstat(leaves.number).st_size != count * HASH_SIZE or size < count:
        raise LogCorruptError(f"{name} and its leaves do not agree")
    seal = kept.get(first + count - 1, b"")
    if line_hash(seal) != last or not _closes(seal, pruned):
        raise LogCorruptError(f"{name} does not hold the seal of its segment")
    for seq, line in kept.items():
        if not first <= seq < first + count or pruned.leaf(seq) != leaf_hash(line):
            raise LogCorruptError(f"{name} holds a line of record {seq} that its leaf is not of")
    return pruned


def _closes(line: bytes, pruned: Pruned) -> bool:
    """Return whether ``line`` is the seal of a segment as long as ``pruned``, from there on."""
    try:
        record = decode(line)
    except RecordError:
        return False
    count, size = pruned.count - 1, pruned.size - len(line) - 1
    match record.body:
        case {"first": pruned.first, "count": int(sealed), "bytes": int(length)}:
            is_last = record.seq == pruned.first + count
            return record.type == "segment.sealed" and is_last and (sealed, length) == (count, size)
    return False
