"""The parts of a model, by name: where two models first differ can be said by them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .array_file import Array

Parts = Sequence[tuple[str, bytes]]
"""Name and bytes of each part, in order. Two models that are not one differ in a part."""


def cut(data: bytes, mark: bytes, kind: str) -> Parts:
    """Return ``data`` cut before each ``mark``: what lies before the first, then each by number.

    The parts together are ``data``.
    """
    places = []
    at = data.find(mark)
    while at >= 0:
        places.append(at)
        at = data.find(mark, at + len(mark))
    first = places[0] if places else len(data)
    ends = [*places[1:], len(data)]
    pieces = [data[start:end] for start, end in zip(places, ends, strict=True)]
    return [("head", data[:first]), *numbered(kind, pieces)]


def numbered(kind: str, pieces: Sequence[bytes]) -> Parts:
    """Return pieces of one kind with their numbers, from 1."""
    return [(f"{kind} {number}", piece) for number, piece in enumerate(pieces, 1)]


def rows(name: str, array: Array, labels: Sequence[str] = ()) -> Parts:
    """Return each row of an array, or each number of one that has one dimension.

    By label where there is one for each, by number elsewhere.
    """
    pieces = [row.tobytes() for row in array]
    if len(labels) != len(pieces):
        return numbered(name, pieces)
    return [(f"{name} of {label}", piece) for label, piece in zip(labels, pieces, strict=True)]


def trees(counts: Array, members: Mapping[str, Array]) -> Parts:
    """Return each tree of a model that keeps all nodes in one array.

    ``counts`` (trees,) says how many nodes each has; ``members`` are arrays of (nodes, …).
    """
    found, start = [], 0
    for count in counts.tolist():
        found.append(b"".join(a[start : start + count].tobytes() for a in members.values()))
        start += count
    return numbered("tree", found)


def array_parts(
    meaning: Mapping[str, Any], arrays: Mapping[str, Array], labels: Sequence[str] = ()
) -> Parts:
    """Return what is said of a model, and the rows of its arrays in the order given.

    ``labels`` name the rows of those arrays that have one for each feature.
    """
    head = json.dumps(meaning, sort_keys=True).encode()
    found = [part for name in arrays for part in rows(name, arrays[name], labels)]
    return [("head", head), *found]


def tree_parts(
    meaning: Mapping[str, Any], arrays: Mapping[str, Array], nodes: Sequence[str]
) -> Parts:
    """Return what is said of a model of trees, its other arrays, and each tree.

    ``nodes`` are the arrays of (nodes, …); ``counts`` says how many nodes each tree has.
    """
    others = {k: v for k, v in arrays.items() if k not in (*nodes, "counts")}
    members = {name: arrays[name] for name in nodes}
    return [*array_parts(meaning, others), *trees(arrays["counts"], members)]
