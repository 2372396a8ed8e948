"""Data files that are not there, not readable, or not what was declared."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from .workspace import PLANNED, Workspace

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = pytest.mark.slow

SHIPPED = "data/stocks.csv.gz"
DATASET = "CONFIG/data/dataset.yaml"
Lines = list[str]


@cache
def panel(root: str) -> tuple[str, ...]:
    """Return the lines of the shipped panel: a header, then 14,000 rows of five symbols."""
    with gzip.open(Path(root) / SHIPPED, "rt", encoding="utf-8") as file:
        return tuple(file.read().splitlines())


@contextmanager
def data(workspace: Workspace, content: bytes) -> Iterator[tuple[str, ...]]:
    """Give the arguments that train on a file of this content."""
    with workspace.holding("data/bad.csv", content):
        yield ("train", "--set", "dataset.files=[data/bad.csv]")


def refuse(workspace: Workspace, content: bytes, *says: str) -> None:
    """Fail unless the content is refused with ``says``, in the log too."""
    with data(workspace, content) as arguments:
        workspace.refuse(*arguments, status=3, says=says, adds=("run.refused",))


def changed(workspace: Workspace, change: Callable[[Lines], Lines | None]) -> bytes:
    """Return the shipped panel with its lines changed (in place, or by what is returned)."""
    lines = list(panel(str(workspace.root)))
    return ("\n".join(change(lines) or lines) + "\n").encode()


def cell(lines: Lines, row: int, column: str, text: str) -> None:
    """Set one cell; ``row`` is the line's number in the file."""
    fields = lines[row - 1].split(",")
    fields[lines[0].split(",").index(column)] = text
    lines[row - 1] = ",".join(fields)


def test_a_data_file_that_is_not_there_is_named_with_the_knob(shared: Workspace) -> None:
    arguments = ("train", "--set", "dataset.files=[data/nope.csv]")
    says = ("no such data file: data/nope.csv", DATASET)
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))


def test_a_folder_with_a_file_that_is_no_table_is_refused_by_that_file(shared: Workspace) -> None:
    arguments = ("train", "--set", "dataset.files=[data]")
    shared.refuse(
        *arguments,
        status=3,
        says=("data/NOTICE.md is not a table", "such as data/*.csv.gz"),
        adds=("run.refused",),
    )


def test_a_folder_of_mixed_formats_is_refused_with_a_way_out(fresh: Workspace) -> None:
    folder = fresh.root / "data" / "mixed"
    folder.mkdir()
    (folder / "a.csv.gz").write_bytes((fresh.root / SHIPPED).read_bytes())
    (folder / "b.parquet").write_bytes(b"PAR1 and more")
    arguments = ("train", "--set", "dataset.files=[data/mixed]")
    says = ("data/mixed/b.parquet: Parquet, where CSV was declared", "data/*.csv")
    fresh.refuse(*arguments, status=3, says=says, adds=("run.refused",))


def test_an_empty_folder_and_a_pattern_without_files_are_refused(fresh: Workspace) -> None:
    (fresh.root / "data" / "none").mkdir()
    for name, says in (("data/none", "no data files in the folder"), ("data/*.x", "no data file")):
        arguments = ("train", "--set", f"dataset.files=['{name}']")
        fresh.refuse(*arguments, status=3, says=(says, name, DATASET), adds=("run.refused",))


def test_half_of_a_parquet_file_is_refused(shared: Workspace) -> None:
    half = b"PAR1" + bytes(1000)
    with data(shared, half) as arguments:
        others = ("--set", "dataset.format=parquet")
        says = ("data/bad.csv: cannot be read: its end is missing", "truncated")
        shared.refuse(*arguments, *others, status=3, says=says, adds=("run.refused",))


def test_a_data_file_that_is_a_pipe_is_refused_and_not_waited_for(fresh: Workspace) -> None:
    os.mkfifo(fresh.root / "data" / "pipe.csv")
    arguments = ("train", "--set", "dataset.files=[data/pipe.csv]")
    fresh.refuse(*arguments, status=3, says=("data/pipe.csv",), adds=("run.refused",))


def test_one_file_named_twice_is_refused(shared: Workspace) -> None:
    arguments = ("train", "--set", f"dataset.files=[{SHIPPED}, {SHIPPED}]")
    shared.refuse(*arguments, status=1, says=("files",))


def test_one_file_under_two_names_is_refused_as_duplicate_rows(shared: Workspace) -> None:
    arguments = ("train", "--set", f"dataset.files=[{SHIPPED}, ./{SHIPPED}]")
    says = ("AAPL 2000-03-01", "again, first at", "duplicates")
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "data/bad.csv: the file is empty"),
        (b"Ticker,Date,Open,High,Low,Close,Volume,Adj Close\n", "data/bad.csv:1: a header, but no"),
        (b"PK\x03\x04zip", "data/bad.csv: a zip archive, where CSV was declared"),
        ("Ticker,Däte\n".encode("utf-16"), "data/bad.csv:1: not UTF-8 text"),
        (b"a,b\n1,\0\n", "data/bad.csv:2: a zero byte"),
        (b'a,b\n"1,2\n', "data/bad.csv:2: not CSV"),
    ],
    ids=["empty", "header", "zip", "utf-16", "zero", "quote"],
)
def test_a_file_that_is_no_table_is_refused(shared: Workspace, content: bytes, says: str) -> None:
    refuse(shared, content, says)


def test_a_truncated_gzip_file_is_refused(shared: Workspace) -> None:
    whole = (shared.root / SHIPPED).read_bytes()
    refuse(shared, whole[: len(whole) // 2], "data/bad.csv: cannot be unpacked", "truncated")


def test_a_damaged_gzip_file_is_refused(shared: Workspace) -> None:
    whole = bytearray((shared.root / SHIPPED).read_bytes())
    whole[len(whole) // 2] ^= 0x40
    refuse(shared, bytes(whole), "data/bad.csv: cannot be unpacked", "damaged")


def test_a_missing_column_gets_the_nearest_one(shared: Workspace) -> None:
    def change(lines: Lines) -> None:
        lines[0] = lines[0].replace("Volume", "Volumes")

    says = ("data/bad.csv:1: no column 'Volume'", "did you mean 'Volumes'?")
    refuse(shared, changed(shared, change), *says)


def test_a_duplicate_key_is_refused_with_both_lines(shared: Workspace) -> None:
    def change(lines: Lines) -> None:
        lines.insert(100, lines[99])

    says = ("data/bad.csv:101: ", "again, first at data/bad.csv:100", "keep_first")
    refuse(shared, changed(shared, change), *says)


def test_dates_out_of_order_are_refused_with_both_lines(shared: Workspace) -> None:
    def change(lines: Lines) -> None:
        lines[49], lines[50] = lines[50], lines[49]

    says = ("data/bad.csv:51: ", "stands after", "on line 50", "`sort: true`")
    refuse(shared, changed(shared, change), *says)


@pytest.mark.parametrize(
    ("column", "faults"),
    [
        (
            "Open",
            {
                "n/a": "is not a number",
                "inf": "is infinite",
                "1e999": "is infinite",
                "1_000": "is not a number",
                "0x1p3": "is not a number",
            },
        ),
        (
            "Volume",
            {"1.5": "is not a whole number", "": "is missing", "9" * 30: "does not fit int64"},
        ),
        ("Date", {"2000-02-30": "is not a time", "03/01/2000": "is not a time", "": "is not a"}),
    ],
    ids=["float64", "int64", "time"],
)
def test_cells_that_are_not_what_was_declared_are_all_named(
    shared: Workspace, column: str, faults: dict[str, str]
) -> None:
    def change(lines: Lines) -> None:
        for row, text in enumerate(faults, start=20):
            cell(lines, row, column, text)

    says = [
        f"data/bad.csv:{row}: column '{column}': {text!r} {fault}"
        for row, (text, fault) in enumerate(faults.items(), start=20)
    ]
    refuse(shared, changed(shared, change), *says)


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("Date", "0001-01-01", "data/bad.csv:20: "),
        ("Date", "9999-12-31", "data/bad.csv:2"),
        ("Ticker", "", "data/bad.csv:20: column 'Ticker' is empty"),
        ("Open", "1,2", "data/bad.csv:20: 9 fields where the header has 8"),
    ],
)
def test_a_cell_that_cannot_be_is_named(
    shared: Workspace, column: str, text: str, says: str
) -> None:
    def change(lines: Lines) -> None:
        cell(lines, 20, column, text)

    refuse(shared, changed(shared, change), says)


def test_a_feature_without_a_single_value_is_named(shared: Workspace) -> None:
    def change(lines: Lines) -> None:
        for row in range(2, len(lines) + 1):
            cell(lines, row, "Open", "")

    refuse(shared, changed(shared, change), "no usable row has a value of feature open_gap")


def test_a_target_that_never_moves_is_refused(shared: Workspace) -> None:
    def change(lines: Lines) -> None:
        for row in range(2, len(lines) + 1):
            cell(lines, row, "Adj Close", "10.0")

    with data(shared, changed(shared, change)) as arguments:
        others = ("--set", "selected=[range_1d, open_gap]")
        says = ("target fwd_ret_5d is constant: all", "look at the column")
        shared.refuse(*arguments, *others, status=3, says=says, adds=("run.refused",))


def test_a_class_that_a_fold_cannot_learn_is_refused_with_both_names(shared: Workspace) -> None:
    formula = "{kind: forward_return_class, column: Adj Close, edges: [-0.02, 0.27]}"
    others = ("--set", f"targets.fwd_class_5d.formula={formula}", "--family", "xgboost")
    arguments = (
        "train",
        "--target",
        "fwd_class_5d",
        *others,
        "--set",
        "initial_train_fraction=0.3",
    )
    says = (
        "fold 1: class 2 (above 0.27) of target fwd_class_5d does not occur in its ",
        "initial_train_fraction",
    )
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))


def test_a_price_of_zero_is_refused_or_trained_on_but_never_infinite(shared: Workspace) -> None:
    def change(lines: Lines) -> None:
        cell(lines, 200, "Adj Close", "0")
        cell(lines, 300, "Open", "0")

    state = shared.state()
    with data(shared, changed(shared, change)) as arguments:
        done = shared.repro(*arguments, "--profile", "debug", "--format", "json")
    done.require(0)
    assert "Infinity" not in done.out
    assert "NaN" not in done.out
    shared.require_clean(state, *PLANNED, "run.completed")


def test_too_few_rows_for_the_folds_are_refused_with_the_knobs(shared: Workspace) -> None:
    def change(lines: Lines) -> Lines:
        return lines[:150]

    says = ("training rows; `min_train_rows` asks for 500", "lower `min_train_rows`")
    refuse(shared, changed(shared, change), *says)


def test_fewer_dates_than_folds_are_refused_with_the_knobs(shared: Workspace) -> None:
    arguments = ("train", "--set", "folds=100", "--set", "max_rows_per_symbol=120")
    says = ("folds", "lower `folds`")
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))


def test_a_series_shorter_than_the_lookback_is_refused(shared: Workspace) -> None:
    arguments = ("train", "--set", "max_rows_per_symbol=5", "--set", "min_rows_per_symbol=1")
    says = ("none of 25 rows is usable", "shorter than the target's horizon")
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))


def test_a_short_symbol_is_named_with_its_rows(shared: Workspace) -> None:
    def change(lines: Lines) -> Lines:
        return [*lines, *(line.replace("MSFT,", "ZZZ,") for line in lines[-50:])]

    says = ("symbols with fewer than 100 rows: ZZZ (50)", "`short_symbols: drop`")
    refuse(shared, changed(shared, change), *says)


def test_days_that_the_data_do_not_have_are_refused_with_those_that_they_have(
    shared: Workspace,
) -> None:
    says = ("no rows between start and end", "the data run from 2000-03-01")
    arguments = ("train", "--set", 'start="2031-01-01"')
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))
