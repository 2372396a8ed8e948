"""Columns that a partitioned tree keeps in the names of its folders, as Hive writes them.

    data/prices/symbol=AAPL/year=2001/part-0.csv     symbol: "AAPL", year: "2001"

The values are texts, percent-encoded where they hold what a name cannot; they are read as the
declared type like the cells of a CSV file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from urllib.parse import unquote

from repro.errors import InputError

_MISSING = "__HIVE_DEFAULT_PARTITION__"
"""How Hive, Spark and Arrow write the folder of a missing value."""


def partition_values(name: str) -> dict[str, str]:
    """Return column → text for each folder ``key=value`` of a file's name; a missing one is "".

    Raises InputError if two folders name one column, or one of them is not UTF-8.
    """
    found: dict[str, str] = {}
    for folder in name.split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if not equals or not key:
            continue
        try:
            column = unquote(key, errors="strict")
            text = "" if value == _MISSING else unquote(value, errors="strict")
        except UnicodeDecodeError as error:
            raise InputError(f"{name}: the folder {folder} is not UTF-8 text") from error
        if "\0" in column + text:
            raise InputError(f"{name}: the folder {folder} holds a zero byte")
        if column in found:
            raise InputError(f"{name}: two folders give the column {column!r}")
        found[column] = text
    return found


def require_once(name: str, given: Mapping[str, str], header: Collection[str]) -> None:
    """Raise InputError for a column that a folder gives and the file holds too."""
    twice = sorted(set(given) & set(header))
    if twice:
        raise InputError(
            f"{name}: column {twice[0]!r} stands in the file and in the name of its folder",
            "nobody can say which of the two counts: rename the folder, or leave the column out",
        )


def as_csv(given: Mapping[str, str]) -> bytes:
    """Return the values as a CSV text of one row, so that they are read as any cell is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(given)
    writer.writerow(given.values())
    return text.getvalue().encode("utf-8")
