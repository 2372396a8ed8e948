"""Purged k-fold: every time is tested once, and training comes from both sides of the test.

The m distinct times of the usable rows are cut into ``folds`` blocks whose sizes differ by at most
one (the longer ones first): of consecutive times, or, where they are shuffled, of times drawn.  A
row may train for a block if its window lies more than ``embargo`` times from that of every row of
the block, on either side (see ``windows``).  So a row before the test must have its label known
before it, and a row after the test must come after all labels of the test are known.

This asks whether what holds at other times holds at these.  It does not ask what could have been
known: a model is tested on the past of rows that it was trained on, and features that look back
from just after a test have seen its prices; an ``embargo`` as long as the longest lookback keeps
those out too.

The times are drawn by sorting them: the key of time number i is the i-th uint64 (little-endian) of
the BLAKE3 stream in derive-key mode with context SHUFFLE_CONTEXT over the seed (uint64
little-endian); of equal keys the earlier time comes first.  No generator of a library is asked, so
no release of one can draw otherwise.  Drawn or not, a row whose window meets a test does not train:
with labels that reach over many times, hardly any row is left.

After Marcos López de Prado, Advances in Financial Machine Learning (2018), 7.4, with the embargo on
both sides.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from blake3 import blake3

from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.splits.fold import Fold, fold_of
from repro.pipeline.splits.windows import blocks, clear_of, windows

SHUFFLE_CONTEXT: Final = "repro-audit v1 shuffled times"
"""It names the rule of the draw, and is part of the identity."""
CURES: Final = ("lower `purge` or `embargo`", "lower `folds`")
SHUFFLED_CURES: Final = (
    "do not shuffle times whose labels reach over each other, lower `purge` or `embargo`",
    "lower `folds`",
)


def k_fold(time: Ints, label_end: Ints, splits: Mapping[str, Any]) -> tuple[Fold, ...]:
    """Return the folds of samples with these times and ends of labels, (n,) nanoseconds each.

    ``splits["seed"]`` is what times are drawn by, if ``splits["shuffled"]``.  Raises InputError if
    there are too few times or rows, naming the knob.
    """
    rows = windows(time, label_end, splits["purge"])
    count = len(rows.moments)
    if count < splits["folds"]:
        raise InputError(
            f"{count} distinct times cannot be cut into {splits['folds']} folds",
            "lower `folds`, or use more data",
        )
    order = drawn(count, splits["seed"]) if splits["shuffled"] else np.arange(count)
    cures = SHUFFLED_CURES if splits["shuffled"] else CURES
    folds = []
    for index, (begin, end) in enumerate(blocks(0, count, splits["folds"])):
        tested = np.zeros(count, dtype=np.bool_)
        tested[order[begin:end]] = True
        test = np.flatnonzero(tested[rows.first])
        train = np.flatnonzero(clear_of(test, rows, splits["embargo"]))
        folds.append(fold_of(index, train, test, time, splits, cures))
    return tuple(folds)


def drawn(count: int, seed: int) -> Ints:
    """Return the numbers 0 … count - 1 in the order in which a seed draws them; see the module."""
    stream = blake3(struct.pack("<Q", seed), derive_key_context=SHUFFLE_CONTEXT)
    keys = np.frombuffer(stream.digest(length=8 * count), dtype="<u8")
    order: Ints = np.argsort(keys, kind="stable")
    return order


def rule(time: Ints, splits: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a draw is made of, whatever its seed: the identity of shuffled folds."""
    return {
        "draw": SHUFFLE_CONTEXT,
        "rows": len(time),
        "times": len(np.unique(time)),
        "folds": splits["folds"],
    }
