"""The quick way over lines that a signed checkpoint covers: raw bytes, many lines at once.

It answers one question, whether everything agrees: framing, ``seq``, ``prev``, the shape of all of
the envelope that stands after the body, the tree, plans and ends. It names no fault. Where it is in
doubt it says so, and the walk starts over, strictly, line by line.

What it does not see is stated in the report: whether a line is in canonical form, and whether
``actor`` and ``body`` are what they should be. The bytes are covered all the same: chain and tree
are over every one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from operator import gt
from types import MappingProxyType
from typing import Final

from blake3 import blake3

from repro.audit_log.errors import RecordError
from repro.audit_log.formats.digests import LINE_CONTEXT
from repro.audit_log.formats.record import MAX_LINE, PLANNED, TYPES, decode
from repro.audit_log.formats.tree import Frontier

from .plans import RUN_TYPES, ids_of, run_of
from .walk import Walk

_STRING: Final = rb'"[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00[01][0-9a-f])[^"\\\x00-\x1f]*)*"'
# What follows the body, split loosely and many lines at once; each part is then held against what
# it must be. No part matches a newline, so no two lines share a match, and a quote that is not
# escaped cannot stand within a string, so that a match is made of members.
_ENDINGS: Final = re.compile(
    rb'\},"nonce":"(.{32})","prev":"(.{64})","seq":([^,\n]{1,16}),"time":"(.{27})"(.*)\n'
).findall
_BEGIN: Final = b'},"nonce":"'
_HEX: Final = b"0123456789abcdef"
_SHAPE: Final = b"0000-00-00T00:00:00.000000Z"
_DIGITS: Final = bytes.maketrans(b"123456789", b"0" * 9)
_MINUTE, _SECOND, _TENS, _HOUR = 14, 17, b"012345", 13
"""Where in a time the tens of minutes and seconds stand, which they are, where the hour ends."""
_REST: Final = re.compile(
    rb',"tool":\{"name":' + _STRING + rb',"version":' + _STRING + rb'\},"type":"([a-z.]+)"\}'
).fullmatch
_FIRST: Final = b"log.created"
_TYPES: Final = frozenset(type_.encode() for type_ in TYPES)
_RUN_TYPES: Final = MappingProxyType({type_.encode(): type_ for type_ in RUN_TYPES})
_PLANNED: Final = frozenset(type_.encode() for type_ in PLANNED)
_HASHER: Final = blake3(derive_key_context=LINE_CONTEXT)
_SLACK: Final = 32
"""By how many bytes an ending may be longer than the first one before more is searched."""


def pass_lines(walk: Walk, lines: list[bytes]) -> bool:
    """Move ``walk`` over ``lines``; False if anything is not as it should be."""
    start, count = walk.size, len(lines)
    if max(map(len, lines)) > MAX_LINE:
        return False
    found = _endings(lines)
    if len(found) != count:
        return False
    nonces, prevs, seqs, times, rests = zip(*found, strict=True)
    kinds = {rest: _type_of(rest) for rest in dict.fromkeys(rests)}
    if None in kinds.values() or b"".join(nonces).translate(None, _HEX) or not _are_times(times):
        return False
    if b" ".join(seqs) != " ".join(map(str, range(start, start + count))).encode():
        return False
    hashes = hash_lines(lines)
    if b"".join(prevs) != (walk.head + b"".join(hashes[:-1]).hex()).encode():
        return False
    if start == 0 and kinds[rests[0]] != _FIRST:
        return False
    walk.head = hashes[-1].hex()
    walk.pass_times(times[0].decode(), sum(map(gt, times, times[1:])), times[-1].decode())
    if not _see(walk, start, lines, rests, kinds):
        return False
    walk.watch(start, lines)
    grow(walk, lines)
    return True


def _endings(lines: list[bytes]) -> list[tuple[bytes, ...]]:
    """Return what stands behind the body of each line, in its parts; fewer where there is a doubt.

    Endings are about as long as the first one, so no more is searched unless that was too little.
    """
    first = lines[0]
    width = len(first) - first.rfind(_BEGIN) + _SLACK
    found = _ENDINGS(b"\n".join([line[-width:] for line in lines]) + b"\n")
    if len(found) != len(lines):
        width = max(len(line) - line.rfind(_BEGIN) for line in lines)
        found = _ENDINGS(b"\n".join([line[-width:] for line in lines]) + b"\n")
    return found


def _are_times(times: Sequence[bytes]) -> bool:
    """Return whether each of ``times``, of 27 bytes, is a moment as records spell it."""
    joined, width = b"".join(times), len(_SHAPE)
    if joined.translate(_DIGITS) != _SHAPE * len(times):
        return False
    if (joined[_MINUTE::width] + joined[_SECOND::width]).translate(None, _TENS):
        return False
    return all(map(_is_hour, {time[:_HOUR] for time in times}))


def hash_lines(lines: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each line, 32 bytes each: what the chain is made of."""
    hasher = _HASHER.copy()  # one, begun again for each line: a copy a line takes half as long more
    update, digest, reset = hasher.update, hasher.digest, hasher.reset
    hashes: list[bytes] = []
    keep = hashes.append
    for line in lines:
        update(line)
        keep(digest())
        reset()
    return hashes


def grow(walk: Walk, lines: list[bytes]) -> None:
    """Add ``lines`` to the tree of ``walk``, and take each root that is wanted on the way."""
    leaves = [sha256(b"\0" + line).digest() for line in lines]
    start = walk.frontier.size
    done = 0
    for size in sorted(size for size in walk.sizes if start < size <= start + len(lines)):
        walk.frontier = extended(walk.frontier, leaves[done : size - start])
        walk.roots[size] = walk.frontier.root()
        done = size - start
    walk.frontier = extended(walk.frontier, leaves[done:])


def extended(frontier: Frontier, leaves: list[bytes]) -> Frontier:
    """Return the edge of the tree after ``leaves``: a row of the tree at a time."""
    size, nodes = frontier.size, list(frontier.nodes)
    row, level, edge = leaves, 0, []
    while row or size >> level:
        # A full subtree of this level waits at the edge for its right neighbour.
        if size >> level & 1:
            row = [nodes.pop(), *row]
        if len(row) & 1:
            edge.append(row[-1])
        pairs = iter(row)
        row = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905
        level += 1
    return Frontier(size + len(leaves), reversed(edge))


def _see(
    walk: Walk,
    start: int,
    lines: list[bytes],
    rests: Sequence[bytes],
    kinds: Mapping[bytes, bytes | None],
) -> bool:
    """Show to those who judge many records the lines that they want; False if one is none."""
    strictly = walk.strictly
    wanted = strictly | _RUN_TYPES.keys()
    if wanted.isdisjoint(kinds.values()):
        return True
    see_ids = walk.plans.see_ids
    try:
        for seq, (line, rest) in enumerate(zip(lines, rests, strict=True), start):
            type_ = kinds[rest]
            if type_ is None or type_ not in wanted:
                continue
            if type_ in _RUN_TYPES:
                run, plan = (run_of(line), None) if type_ in _PLANNED else ids_of(line)
                fault = see_ids(seq, _RUN_TYPES[type_], run, plan)
                if fault is not None:
                    walk.fault(fault)
            if type_ in strictly:
                record = decode(line)
                if (record.seq, record.type.encode()) != (seq, type_):
                    return False
                walk.strict += 1
                walk.show(record)
    except (RecordError, ValueError):
        return False
    return not walk.doubted


@lru_cache(maxsize=1024)
def _is_hour(text: bytes) -> bool:
    """Return whether ``text``, in which digits stand where they must, is an hour of a day."""
    try:
        date.fromisoformat(text[:10].decode())
    except ValueError:
        return False
    return text[11:] <= b"23"


@lru_cache(maxsize=256)
def _type_of(rest: bytes) -> bytes | None:
    """Return the type that the end of an envelope names; None if it is not such an end."""
    match = _REST(rest)
    return match[1] if match is not None and match[1] in _TYPES else None
