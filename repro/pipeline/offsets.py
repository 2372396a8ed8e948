"""Offsets from UTC that times hold as text: one in a column, or the column is refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.places import Counted, place
from repro.pipeline.time_formats import UTC, exactly, offset_of
from repro.pipeline.uniques import factorize
from repro.pipeline.wanted import Wanted

_ZERO = "+00:00"


def one_offset(
    name: str, wanted: Wanted, texts: npt.NDArray[np.object_], places: Ints, counted: Counted
) -> str | None:
    """Return the offset of all times (n,) of a column, UTC or +01:00; None of a format without.

    Raises InputError with the places of the first two that differ: a file whose clock was changed
    half-way, or that was put together from two, is read as somebody meant it or not at all.
    """
    if wanted.time_format is None or "%z" not in wanted.time_format:
        return None
    shape = exactly(wanted.time_format)
    codes, uniques = factorize(texts)
    offsets = [offset_of(text, shape) for text in uniques]
    known = sorted({offset for offset in offsets if offset is not None})
    if len(known) > 1:
        number = {offset: n for n, offset in enumerate(known)}
        of_text = np.array([-1 if o is None else number[o] for o in offsets], dtype=np.int64)
        of_row = of_text[codes]
        first = int(np.flatnonzero(of_row >= 0)[0])
        other = int(np.flatnonzero((of_row >= 0) & (of_row != of_row[first]))[0])
        raise InputError(
            f"{place(name, int(places[other]), counted)}: column {wanted.time!r}:"
            f" {texts[other]!r} has the offset {known[of_row[other]]}, and"
            f" {texts[first]!r} at {place(name, int(places[first]), counted)} has"
            f" {known[of_row[first]]}",
            "write all times of a column in one offset, best in UTC",
        )
    if not known:
        return None
    return UTC if known[0] == _ZERO else known[0]
