"""What is asked of a data file, and what it gave: the meeting point of the file formats."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.pipeline.panel import Column, Ints
from repro.pipeline.places import Counted


@dataclass(frozen=True, slots=True)
class Wanted:
    """The declared columns that one source is asked for; others are not looked at."""

    symbol: str | None
    """Its column; None where it is not asked for."""
    time: str | None
    """Its column; None where it is not asked for."""
    time_format: str | None
    """As strptime has it; None if times are only taken where they are stored as such."""
    timezone: str
    numbers: Mapping[str, str]
    """Column → ``float64`` or ``int64``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that is asked for, each once."""
        keys = [key for key in (self.time, self.symbol) if key is not None]
        return tuple(dict.fromkeys([*keys, *self.numbers]))

    def among(self, columns: Collection[str], *, inside: bool) -> Wanted:
        """Return what is asked for among ``columns``, or (``inside`` is false) among all others."""

        def kept(column: str | None) -> bool:
            return column is not None and (column in columns) == inside

        return Wanted(
            self.symbol if kept(self.symbol) else None,
            self.time if kept(self.time) else None,
            self.time_format,
            self.timezone,
            {column: kind for column, kind in self.numbers.items() if kept(column)},
        )


def wanted_of(dataset: Mapping[str, Any]) -> Wanted:
    """Return what a resolved dataset document asks for."""
    time: Mapping[str, Any] | None = dataset["time"]
    return Wanted(
        symbol=None if dataset["symbol"] is None else str(dataset["symbol"]["column"]),
        time=None if time is None else str(time["column"]),
        time_format=None if time is None else time["format"],
        timezone="UTC" if time is None else str(time["timezone"]),
        numbers=dataset["columns"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The wanted columns of one source, in the order of its rows."""

    numbered: Ints
    """(n,) the place of each row: its line, or its number from 1"""
    counted: Counted
    symbol: npt.NDArray[np.object_] | None
    """(n,) str"""
    time: Ints | None
    """(n,) nanoseconds since 1970-01-01 UTC"""
    numbers: Mapping[str, Column]
    """(n,) each"""
    zone: str | None = None
    """How stored times are: the name of their zone, or empty for none; None for other times. Of
    times that are text, their offset, if they have one."""
