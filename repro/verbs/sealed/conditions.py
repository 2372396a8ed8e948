"""What runs are filtered and sorted by, as somebody writes it; UsageError for what is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from repro.config.spelling.names import suggestion
from repro.errors import UsageError
from repro.runs.index import COLUMNS

_CONDITION = re.compile(r"([a-z][a-z0-9_]*)\s*(<=|>=|<|>|=)\s*([-+0-9.eE]+)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?", re.ASCII)
ALSO: Final[Mapping[str, str]] = MappingProxyType({"run": "name", "planned": "time"})
"""The heads of columns in the table that are called otherwise in the index."""


def condition(text: str) -> tuple[str, str, float]:
    """Return metric, sign and number of a condition such as ``rmse<0.05``."""
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no condition", "write a metric and a number: rmse<0.05")
    try:
        return found[1], found[2], float(found[3])
    except ValueError:
        raise UsageError(f"{found[3]!r} is no number", "write it as in rmse<0.05") from None


def moment(text: str) -> str:
    """Return a day or a time as what plans are compared with: RFC 3339 in UTC without the ``Z``."""
    hint = "write 2026-01-31 or 2026-01-31T13:00, in UTC"
    if not _DAY.fullmatch(text):
        raise UsageError(f"{text!r} is no day or time", hint)
    plain = text.removesuffix("Z")
    try:
        datetime.fromisoformat(plain)
    except ValueError as error:  # the calendar has no such day, or a day no such hour
        raise UsageError(f"{text!r} is no day or time: {error}", hint) from None
    return plain


def beginning(text: str) -> str:
    """Return the pattern of GLOB for what begins with a text, taken by the letter."""
    if not text:
        raise UsageError("every name and key begins with ''", "write the beginning of one")
    return re.sub(r"([*?\[])", r"[\1]", text) + "*"


def sorted_by(sort: str, metrics: Sequence[str]) -> str:
    """Return the column of the index, or the metric, that ``sort`` names without its ``-``."""
    name = ALSO.get(sort, sort)
    if name in ("plan", *COLUMNS) or name in metrics:
        return name
    known = [*dict.fromkeys([*ALSO, *COLUMNS]), *metrics]
    raise UsageError(
        f"runs cannot be sorted by {sort!r}{suggestion(sort, known)}",
        f"there are: {', '.join(known)}",
    )


def require_metrics(names: Iterable[str], known: Sequence[str]) -> None:
    """Raise UsageError for a metric that no run has, where there are runs at all."""
    for name in names:
        if known and name not in known:
            raise UsageError(
                f"no run has the metric {name!r}{suggestion(name, known)}",
                f"there are: {', '.join(known)}",
            )
