"""What lies between the values of the dataset's document, and what its rows cannot be used for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from repro.config.checks.pointing import (
    DATASET,
    REGISTRY,
    ROUTING,
    SELECTED,
    at,
    at_item,
    columns,
)
from repro.config.resolution.active import SPLITS
from repro.config.resolution.layers import Path, below
from repro.config.resolution.resolve import Resolved
from repro.errors import Problem

FILES: Path = (*DATASET, "files")
TIME: Path = (*DATASET, "time")
FORMAT: Path = (*TIME, "format")
IN_ORDER_OF_TIME = "purged_walk_forward"
"""The method of splits that needs moments which all symbols share."""
ACROSS_SYMBOLS = "rank"
"""The kind of formula that reads other symbols at the same moment."""


def dataset_problems(resolved: Resolved) -> Iterator[Problem]:
    """Dates in order; a time column that is not read as a number; a symbol for one symbol."""
    flat = resolved.flat
    start, end = flat[(*DATASET, "start")], flat[(*DATASET, "end")]
    for day in (start, end):
        if day.value is not None and not _is_day(day.value):
            yield at(resolved, day, f"{day.value} is no day of the calendar")
    if start.value is not None and end.value is not None and start.value > end.value:
        yield at(resolved, start, f"{start.value} is after the end, {end.value}")
    dataset: Any = {path: v.value for path, v in below(flat, DATASET).items()}
    keys = {dataset.get(("time", "column")), dataset.get(("symbol", "column"))}
    for column in sorted(columns(resolved) & keys):
        value = flat[(*DATASET, "columns", column)]
        yield at(resolved, value, "the column is the row's time or symbol; it is no number")
    if dataset["format",] == "csv" and FORMAT in flat and flat[FORMAT].value is None:
        hint = 'write it as strptime has it, like "%Y-%m-%d"'
        yield at(resolved, flat[FORMAT], "times in CSV are text and need a format", hint)
    yield from _time_format_problems(resolved)
    view = flat[(*ROUTING, "view")]
    if view.value == "symbol_specific" and ("symbol",) in dataset:
        yield at(resolved, view, "the dataset has no symbols")


def outside(resolved: Resolved) -> tuple[Problem, ...]:
    """Return a warning for each name of data files that leads out of the workspace.

    They are read. But a name is recorded as it stands, and the workspace is not whole without them.
    """
    listed = resolved.flat[FILES]
    found = []
    for index, name in enumerate(listed.value):
        path = PurePosixPath(os.path.normpath(name))
        if path.is_absolute() or path.parts[:1] == (os.pardir,):
            message = f"{name} leads out of the workspace: the log and each run record that name"
            problem = at_item(resolved, listed, index, message)
            hint = "put the files below the workspace, or a link to them, and name that"
            found.append(replace(problem, hint=hint, severity="warning"))
    return tuple(found)


def _time_format_problems(resolved: Resolved) -> Iterator[Problem]:
    """Yield each code that a format of times has twice: no text can be read by it."""
    flat = resolved.flat
    if FORMAT not in flat or flat[FORMAT].value is None:
        return
    codes = re.findall("%(.)", flat[FORMAT].value)
    for code in sorted(set(codes) - {"%"}):
        if codes.count(code) > 1:
            yield at(
                resolved, flat[FORMAT], f"%{code} stands in the format {codes.count(code)} times"
            )


def untimed_problems(resolved: Resolved) -> Iterator[Problem]:
    """Yield what a table without times cannot have, and an interval that is not where times are."""
    flat = resolved.flat
    interval = flat[(*DATASET, "interval")]
    if TIME not in flat:
        if interval.value is None:
            yield at(resolved, interval, "rows with times have a spacing", "write it, like 1d")
        return
    if interval.value is not None:
        message = "a table without times has no interval: write null"
        yield at(resolved, interval, message)
    for name in ("start", "end"):
        day = flat[(*DATASET, name)]
        if day.value is not None:
            yield at(resolved, day, "a table without times has no days: write null")
    if (*DATASET, "symbol") in flat:
        return
    method = flat[(*SPLITS, "method")]
    if method.value == IN_ORDER_OF_TIME:
        message = "rows of several symbols without times have no common order to cut"
        yield at(resolved, method, message, "cut by k_fold or grouped, or give the dataset times")
    for name in flat[SELECTED].value:
        formula = flat.get((*REGISTRY, name, "formula"))
        if formula is not None and formula.value["kind"] == ACROSS_SYMBOLS:
            message = f"{name} ranks symbols at one moment, and the dataset has no times"
            yield at(resolved, formula, message, "leave the feature out")


def _is_day(text: str) -> bool:
    """Return whether a text of the form YYYY-MM-DD is a day."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
