"""Ranks with ties averaged, within groups, in exact integers."""

from __future__ import annotations

import math

import numpy as np

from repro.pipeline.panel import Floats, Ints


def doubled_ranks(values: Floats, group: Ints | None = None) -> Ints:
    """Return twice the average rank (from 1) of each value within its group: an exact integer.

    values: (n,) without NaN; group: (n,) any labels, None for one group of all.  Equal values share
    the mean of their ranks, so it does not matter in which order a sort leaves them.
    """
    if np.isnan(values).any():
        raise AssertionError("NaN has no rank")
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(values)
    if group is not None:
        order = order[np.argsort(group[order], kind="stable")]
    value = values[order]
    is_first = np.concatenate(([True], value[1:] != value[:-1]))
    at = np.arange(len(values), dtype=np.int64)
    before: Ints | int = 0
    if group is not None:
        label = group[order]
        other_group = np.concatenate(([True], label[1:] != label[:-1]))
        is_first |= other_group
        before = np.maximum.accumulate(np.where(other_group, at, 0))
    starts = np.flatnonzero(is_first)
    if len(starts) == len(values):
        doubled = 2 * at + 2
    else:
        run = np.cumsum(is_first) - 1
        doubled = starts[run] + np.append(starts[1:], len(values))[run] + 1
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = doubled - 2 * before
    return ranks


def group_sizes(group: Ints) -> Ints:
    """Return for each row (n,) how many rows its group has."""
    _, code, counts = np.unique(group, return_inverse=True, return_counts=True)
    sizes: Ints = counts[code]
    return sizes


def spearman_by_group(a: Floats, b: Floats, group: Ints) -> list[float]:
    """Return the rank correlation within each group where it is defined, by ascending group.

    It is not defined for fewer than two rows, or where one side is constant.  Sums are exact
    (centred, doubled ranks in int64) for groups of up to two million rows.
    """
    if len(a) == 0:
        return []
    centre = group_sizes(group) + 1
    order = np.argsort(group, kind="stable")
    x = (doubled_ranks(a, group) - centre)[order]
    y = (doubled_ranks(b, group) - centre)[order]
    label = group[order]
    starts = np.concatenate(([0], np.flatnonzero(label[1:] != label[:-1]) + 1))
    xy, xx, yy = (np.add.reduceat(product, starts) for product in (x * y, x * x, y * y))
    if (
        int(xx.max()) * int(yy.max()) < 2**63
    ):  # the products are exact here too, and so are the bits
        defined = (xx != 0) & (yy != 0)
        scale = np.sqrt((xx[defined] * yy[defined]).astype(np.float64))
        found: list[float] = np.clip(xy[defined] / scale, -1.0, 1.0).tolist()
        return found
    sums = (values.tolist() for values in (xy, xx, yy))
    return [
        max(-1.0, min(1.0, xy / math.sqrt(xx * yy)))
        for xy, xx, yy in zip(*sums, strict=True)
        if xx and yy
    ]


def spearman(a: Floats, b: Floats) -> float | None:
    """Return the rank correlation of two columns (n,) without NaN; None where undefined."""
    return spearman_of_ranks(doubled_ranks(a), doubled_ranks(b))


def spearman_of_ranks(a: Ints, b: Ints) -> float | None:
    """Return the correlation of two columns of ``doubled_ranks``, (n,); None where undefined.

    Sums are exact, in int64, for up to two million rows.
    """
    if len(a) == 0:
        return None
    x, y = (ranks - (len(ranks) + 1) for ranks in (a, b))
    xy, xx, yy = (int((one * other).sum()) for one, other in ((x, y), (x, x), (y, y)))
    return max(-1.0, min(1.0, xy / math.sqrt(xx * yy))) if xx and yy else None
