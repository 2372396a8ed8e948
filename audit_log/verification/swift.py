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
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from operator import gt
from typing import Final

from blake3 import blake3

from repro.audit_log.errors import RecordError
from repro.audit_log.formats.digests import LINE_CONTEXT
from repro.audit_log.formats.record import MAX_LINE, TYPES, decode
from repro.audit_log.formats.tree import Frontier

from .plans import RUN_TYPES, ids_of
from .walk import Walk

_STRING: Final = rb'"[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00[01][0-9a-f])[^"\\\x00-\x1f]*)*"'
# What follows the body, split loosely and many lines at once; each part is then held against what
# it must be. No part matches a newline, so no two lines share a match, and a quote that is not
# escaped cannot stand within a string, so that a match is made of members.
_ENDINGS: Final = re.compile(
    rb'\},"nonce":"(.{32})","prev":"(.{64})","seq":(.{1,16}?),"time":"(.{27})"(.*)\n'
).findall
_NONCES: Final = re.compile(rb"[0-9a-f]*").fullmatch
_TIMES: Final = re.compile(
    rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z)*"
).fullmatch
_REST: Final = re.compile(
    rb',"tool":\{"name":' + _STRING + rb',"version":' + _STRING + rb'\},"type":"([a-z.]+)"\}'
).fullmatch
_FIRST: Final = b"log.created"
_TYPES: Final = frozenset(type_.encode() for type_ in TYPES)
_RUN_TYPES: Final = frozenset(type_.encode() for type_ in RUN_TYPES)
_HASHER: Final = blake3(derive_key_context=LINE_CONTEXT)
_LONG: Final = 1500
_WINDOW: Final = 384
"""Of long lines so many bytes at the end are searched; an ending that is longer is a doubt."""


def pass_lines(walk: Walk, lines: list[bytes]) -> bool:
    """Move ``walk`` over ``lines``; False if anything is not as it should be."""
    start, count = walk.size, len(lines)
    longest = max(map(len, lines))
    if longest > MAX_LINE:
        return False
    found = _ENDINGS(
        b"\n".join([line[-_WINDOW:] for line in lines] if longest > _LONG else lines) + b"\n"
    )
    if len(found) != count:
        return False
    nonces, prevs, seqs, times, rests = zip(*found, strict=True)
    kinds = {rest: _type_of(rest) for rest in set(rests)}
    if None in kinds.values() or not (_NONCES(b"".join(nonces)) and _TIMES(b"".join(times))):
        return False
    hashes = hash_lines(lines)
    if b"".join(prevs) != (walk.head + "".join(hashes[:-1])).encode():
        return False
    if b" ".join(seqs) != " ".join(map(str, range(start, start + count))).encode():
        return False
    if not all(map(_is_date, {time[:10] for time in times})):
        return False
    types = [kinds[rest] for rest in rests]
    if start == 0 and types[0] != _FIRST:
        return False
    walk.head = hashes[-1]
    walk.pass_times(times[0].decode(), sum(map(gt, times, times[1:])), times[-1].decode())
    if not _see(walk, start, lines, types):
        return False
    walk.watch(start, lines)
    grow(walk, lines)
    return True


def hash_lines(lines: Iterable[bytes]) -> list[str]:
    """Return the hash of each line, in hex: what the chain is made of."""
    copy = _HASHER.copy
    return [copy().update(line).hexdigest() for line in lines]


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


def _see(walk: Walk, start: int, lines: list[bytes], types: Sequence[bytes | None]) -> bool:
    """Show to those who judge many records the lines that they want; False if one is none."""
    wanted = walk.wanted
    if wanted.isdisjoint(types):
        return True
    for seq, (line, type_) in enumerate(zip(lines, types, strict=True), start):
        if type_ is None or type_ not in wanted:
            continue
        try:
            if type_ in _RUN_TYPES:
                walk.show_ids(seq, type_.decode(), *ids_of(line))
            if type_ in walk.strictly:
                record = decode(line)
                if (record.seq, record.type.encode()) != (seq, type_):
                    return False
                walk.strict += 1
                walk.show(record)
        except (RecordError, ValueError):
            return False
    return not walk.doubted


@lru_cache(maxsize=8)
def _is_date(text: bytes) -> bool:
    try:
        date.fromisoformat(text.decode())
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _type_of(rest: bytes) -> bytes | None:
    """Return the type that the end of an envelope names; None if it is not such an end."""
    match = _REST(rest)
    return match[1] if match is not None and match[1] in _TYPES else None
