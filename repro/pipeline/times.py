"""Times: text in a declared format and zone ⇄ nanoseconds since 1970-01-01 UTC."""

from __future__ import annotations

import datetime
import re
import zoneinfo

import numpy as np
import numpy.typing as npt

from repro.errors import InputError
from repro.pipeline.panel import Ints
from repro.pipeline.time_formats import UTC, exactly, needs_pandas
from repro.pipeline.uniques import factorize

NANOSECONDS = 1_000_000_000
FIRST, LAST = np.datetime64("1677-09-22", "D"), np.datetime64("2262-04-11", "D")
NEVER = int(np.iinfo(np.int64).max)
"""A time after all others: where a label would end that the data do not reach."""
Moments = npt.NDArray[np.datetime64]

_DIRECTIVE = re.compile(r"%(.)")
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
"""Digits of the directives that `_fixed` reads, at their widest."""
_DATE = {"Y", "m", "d"}
_ZERO = ord("0")
_EPOCH = datetime.datetime(1970, 1, 1)
_SECOND = datetime.timedelta(seconds=1)


def parse_times(
    texts: npt.NDArray[np.object_], form: str, timezone: str
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return nanoseconds (n,) and which texts (n,) are a time in exactly this format.

    What that means to the character ``time_formats.exactly`` says; names of months and AM or PM are
    English, in any case. Texts are local to ``timezone`` unless ``form`` holds ``%z``.  A local
    time that a change of clocks skips or repeats is not a time, nor is one outside 1677 to 2262.
    Raises InputError for an unknown zone.
    """
    zone_of(timezone)
    codes, uniques = factorize(texts)
    if needs_pandas(form, timezone):
        from repro.pipeline.zoned_times import parsed

        moments = parsed(_exact(uniques, form), form, timezone)
    else:
        moments = _parsed(uniques, form)
    instants, good = _nanoseconds(moments)
    return instants[codes], good[codes]


def stored_times(moments: Moments, timezone: str | None) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return nanoseconds (n,) and which moments (n,), of any unit, they can be.

    The moments are UTC, or local to ``timezone`` if there is one; what is no time among them is as
    in ``parse_times``. Raises InputError for an unknown zone.
    """
    if timezone is None:
        return _nanoseconds(moments)
    zone_of(timezone)
    if timezone == UTC:
        return _nanoseconds(moments)
    from repro.pipeline.zoned_times import in_utc

    possible = (moments >= FIRST) & (moments <= LAST)
    return _nanoseconds(in_utc(np.where(possible, moments, np.datetime64("NaT")), timezone))


def _parsed(texts: list[str], form: str) -> Moments:
    """Return each text as a moment, to the second; NaT for what is no time in this format."""
    found = _fixed(texts, form)
    left = np.flatnonzero(np.isnat(found)).tolist()
    for i, text in zip(left, _exact([texts[i] for i in left], form), strict=True):
        try:
            moment = datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        found[i] = np.datetime64((moment - _EPOCH) // _SECOND, "s")
    return found


def _exact(texts: list[str], form: str) -> list[str]:
    """Return the texts, empty in place of those that only a lenient reader would take."""
    shape = exactly(form)
    return [text if shape.fullmatch(text) else "" for text in texts]


def _fixed(texts: list[str], form: str) -> Moments:
    """Return those texts as moments that fill the format with ASCII digits, and NaT for others.

    The day of a date that has all its digits is found by arithmetic on all texts at once, which is
    a hundred times as fast as one after the other. A format with other directives has none such.
    """
    found = np.full(len(texts), np.datetime64("NaT", "s"))
    fields = _DIRECTIVE.findall(form)
    if not _DATE.issubset(fields) or not _WIDTHS.keys() >= set(fields) or _has_twice(fields):
        return found
    pattern = _DIRECTIVE.sub(lambda field: field[1] * _WIDTHS[field[1]], form)
    whole = np.array([len(text) == len(pattern) and text.isascii() for text in texts], dtype=bool)
    if not pattern.isascii() or not whole.any():
        return found
    joined = "".join(text for text, fits in zip(texts, whole.tolist(), strict=True) if fits)
    table = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(-1, len(pattern))
    digits = table.astype(np.int64) - _ZERO
    places = {field: _places(form, field) for field in fields}
    numbers = sorted(place for found_at in places.values() for place in found_at)
    others = np.setdiff1d(np.arange(len(pattern)), numbers)
    spelled = np.frombuffer(pattern.encode("ascii"), dtype=np.uint8)[others]
    good = ((digits[:, numbers] >= 0) & (digits[:, numbers] <= 9)).all(axis=1)
    good &= (table[:, others] == spelled).all(axis=1)
    value = {field: _number(digits[:, at]) for field, at in places.items()}
    found[whole] = _moments(value, good)
    return found


def _moments(value: dict[str, Ints], good: npt.NDArray[np.bool_]) -> Moments:
    """Return year, month and so on as moments, to the second; NaT where they are none."""
    good = good & (value["Y"] >= 1) & (value["m"] >= 1) & (value["m"] <= 12)
    month = ((value["Y"] - 1970) * 12 + value["m"] - 1).astype("datetime64[M]")
    day = month.astype("datetime64[D]") + (value["d"] - 1)
    good &= (value["d"] >= 1) & (day.astype("datetime64[M]") == month)
    seconds = np.zeros(len(good), dtype=np.int64)
    for field, most in (("H", 24), ("M", 60), ("S", 60)):
        number = value.get(field, np.zeros(len(good), dtype=np.int64))
        good &= number < most
        seconds = seconds * 60 + number
    return np.where(good, day.astype("datetime64[s]") + seconds, np.datetime64("NaT", "s"))


def _has_twice(fields: list[str]) -> bool:
    return len(set(fields)) < len(fields)


def _places(form: str, wanted: str) -> range:
    """Return the places of a directive's digits in a text that fills the format."""
    before = form[: form.index(f"%{wanted}")]
    start = len(_DIRECTIVE.sub(lambda field: field[1] * _WIDTHS[field[1]], before))
    return range(start, start + _WIDTHS[wanted])


def _number(digits: Ints) -> Ints:
    """Return rows of digits (n, width) as numbers (n,)."""
    number = np.zeros(len(digits), dtype=np.int64)
    for column in digits.T:
        number = number * 10 + column
    return number


def _nanoseconds(moments: Moments) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return moments of any unit as nanoseconds, and which of them fit."""
    # Beyond what nanoseconds hold, NumPy wraps in silence or raises, by its version.
    good = (moments >= FIRST) & (moments <= LAST)  # NaT is neither
    instants = np.where(good, moments, np.datetime64("NaT", "s")).astype("datetime64[ns]")
    return instants.astype(np.int64), good


def day_start(day: str, timezone: str, *, days_later: int = 0) -> int:
    """Return the nanoseconds at which an ISO day begins in ``timezone``.

    Raises InputError for text that is no day, or an unknown zone.
    """
    try:
        date = datetime.date.fromisoformat(day) + datetime.timedelta(days=days_later)
    except ValueError as error:
        raise InputError(f"{day!r} is not a day", "write it as 2001-12-31") from error
    midnight = datetime.datetime.combine(date, datetime.time(), tzinfo=zone_of(timezone))
    return round(midnight.timestamp()) * NANOSECONDS


def iso(nanoseconds: int) -> str:
    """Return the UTC time in ISO 8601: a day if it is midnight, else to the second or finer."""
    moment = np.datetime64(nanoseconds, "ns")
    for unit in ("D", "s", "ms", "us"):
        if moment.astype(f"datetime64[{unit}]") == moment:
            text = str(np.datetime_as_string(moment, unit=unit))
            return text if unit == "D" else f"{text}Z"
    return f"{np.datetime_as_string(moment, unit='ns')}Z"


def spell(key: int, *, timed: bool) -> str:
    """Return the key of a row for people: its time, or, where rows have none, its number."""
    return iso(key) if timed else f"row {key}"


def zone_of(timezone: str) -> zoneinfo.ZoneInfo:
    """Return the zone of this name; raises InputError for one that this machine does not know."""
    try:
        return zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            f"timezone {timezone!r} is not known on this machine", "use a name like Europe/Berlin"
        ) from error
