"""Rows that say when to stop: the newest of a training, whatever the method that cut it.

Where training stops early, the newest floor(t · validation_fraction) of its t distinct times are
held out of the fit, and of its older rows those are fitted to whose window ends more than
``embargo`` times before the first of them (see ``windows``; times are counted among the training's
own).  Nothing is fitted to that comes later, so there is nothing to purge on the other side.  All
of it is part of the training: what keeps clear of the test, keeps clear of it here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.splits.windows import ends_before, windows


@dataclass(frozen=True, slots=True, eq=False)
class HoldOut:
    """One training cut in two; a row whose label reaches the rows held out is in neither."""

    fit: Ints
    """Rows of the samples that are fitted to, ascending."""
    validation: Ints
    """Newer rows, ascending, that say when to stop."""


def hold_out(
    stage: str, time: Ints, label_end: Ints, rows: Ints, splits: Mapping[str, Any]
) -> HoldOut:
    """Return how the training ``rows`` of a stage are cut where it may stop early.

    ``time`` and ``label_end`` are those of all the samples, (n,) nanoseconds each. Raises
    InputError if there are too few times or rows on either side, naming the knob.
    """
    inside = windows(time[rows], label_end[rows], splits["purge"])
    count = len(inside.moments)
    held = math.floor(count * splits["validation_fraction"])
    if held == 0:
        raise InputError(
            f"{stage}: of {count} training times, `validation_fraction` "
            f"{splits['validation_fraction']:g} holds none out to stop early by",
            "raise `validation_fraction`, use more data, or do not stop early",
        )
    fit = rows[ends_before(count - held, inside, splits["embargo"])]
    validation = rows[inside.first >= count - held]
    for found, what, knob, cure in (
        (fit, "rows to fit to", "min_train_rows", "lower `validation_fraction`"),
        (validation, "rows to stop early by", "min_test_rows", "raise `validation_fraction`"),
    ):
        if len(found) < max(1, splits[knob]):
            raise InputError(
                f"{stage} has {len(found)} {what}; `{knob}` asks for {splits[knob]}",
                f"{cure}, use more data, lower `{knob}`, or do not stop early",
            )
    return HoldOut(fit, validation)


def hold_outs(
    trained: Mapping[str, Ints], time: Ints, label_end: Ints, splits: Mapping[str, Any]
) -> dict[str, HoldOut]:
    """Return ``hold_out`` of the training rows of each stage."""
    return {
        stage: hold_out(stage, time, label_end, rows, splits) for stage, rows in trained.items()
    }
