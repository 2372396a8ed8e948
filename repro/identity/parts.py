"""The parts of a model as they are kept: short digests, to say where two models first differ.

They locate and prove nothing: what two models are compared by is their whole digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DIGITS = 8
"""Hex digits that are kept of each part's digest."""
_NUMBER = re.compile(r"0|[1-9][0-9]*")
Packed = list[dict[str, Any]]


def pack(parts: Sequence[tuple[str, bytes]]) -> Packed:
    """Return the parts of one model in groups of ``name``, ``first`` and ``digests``.

    ``digests`` holds DIGITS hex digits of the SHA-256 of each part. Parts called ``tree 1``,
    ``tree 2``, … are one group called ``tree`` whose ``first`` is 1; any other is a group of its
    own, and has null there.
    """
    groups: Packed = []
    due = ""
    for name, data in parts:
        digest = hashlib.sha256(data).hexdigest()[:DIGITS]
        kind, space, text = name.rpartition(" ")
        number = int(text) if _NUMBER.fullmatch(text) and space else None
        if number is not None and name == due:
            groups[-1]["digests"] += digest
        else:
            known = name if number is None else kind
            groups.append({"name": known, "first": number, "digests": digest})
        due = "" if number is None else f"{kind} {number + 1}"
    return groups


def unpack(groups: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield name and short digest of each part, in order."""
    for group in groups:
        digests, first = group["digests"], group["first"]
        for number in range(len(digests) // DIGITS):
            digest = digests[number * DIGITS : (number + 1) * DIGITS]
            yield (group["name"] if first is None else f"{group['name']} {first + number}"), digest
