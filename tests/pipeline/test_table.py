import bz2
import gzip
import io
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.interval import require_interval
from repro.pipeline.summary import summarize
from repro.pipeline.table import read_panel

GOOD = b"s,d,x,n\nA,2001-01-01,1.5,1\nA,2001-01-02,,2\nB,2001-01-01,3,3\n"


def refusal(files, dataset):
    with pytest.raises(InputError) as caught:
        read_panel(files, dataset)
    return caught.value


def test_cells_have_their_declared_types_and_an_empty_one_is_missing(small):
    panel = read_panel([("f", GOOD)], small())
    assert panel.symbols == ("A", "B")
    assert panel.symbol.tolist() == [0, 0, 1]
    assert panel.time.tolist() == [978307200 * 10**9, 978393600 * 10**9, 978307200 * 10**9]
    assert panel.columns["x"].dtype == np.float64
    assert panel.columns["n"].dtype == np.int64
    assert np.isnan(panel.columns["x"]).tolist() == [False, True, False]


def test_arrays_of_a_panel_are_read_only(small):
    panel = read_panel([("f", GOOD)], small())
    with pytest.raises(ValueError, match="read-only"):
        panel.columns["x"][0] = 0.0


def test_a_symbol_called_na_is_a_symbol_and_not_a_missing_one(small):
    text = b"s,d,x,n\nNA,2001-01-01,1,1\nTRUE,2001-01-01,1,1\nnull,2001-01-01,1,1\n"
    assert read_panel([("f", text)], small()).symbols == ("NA", "TRUE", "null")


def test_a_plain_table_is_one_series(small):
    panel = read_panel([("f", b"d,x,n\n2001-01-01,1,1\n2001-01-02,1,1\n")], small(symbol=None))
    assert panel.symbols == ("-",)
    assert panel.rows == 2


def test_without_times_a_row_is_known_by_its_number_among_those_of_its_symbol(small):
    files = [("b", b"s,x,n\nA,3,3\n"), ("a", b"s,x,n\nB,1,1\nA,1,1\nB,2,2\nA,2,2\n")]
    panel = read_panel(files, small(time=None))
    assert not panel.timed
    assert panel.symbols == ("A", "B")
    assert panel.time.tolist() == [0, 1, 2, 0, 1]
    assert panel.columns["n"].tolist() == [1, 2, 3, 1, 2]
    newest = read_panel(files, small(time=None, max_rows_per_symbol=1))
    assert newest.time.tolist() == [2, 1]


def test_a_table_with_neither_times_nor_symbols_is_rows_in_order(small):
    panel = read_panel([("f", b"x,n\n5,5\n4,4\n")], small(time=None, symbol=None))
    assert (panel.symbols, panel.time.tolist()) == (("-",), [0, 1])
    assert summarize(panel)["symbols"] == {"-": {"rows": 2, "first": "row 0", "last": "row 1"}}
    require_interval(panel, None)


@pytest.mark.parametrize("columns", [{"x": "float64"}, {"n": "int64"}])
def test_columns_may_all_be_of_one_type(small, columns):
    panel = read_panel([("f", GOOD)], small(columns=columns))
    assert panel.columns.keys() == columns.keys()
    assert panel.rows == 3


def test_columns_that_nobody_declared_are_not_looked_at(small):
    text = b"s,d,x,junk,n\nA,2001-01-01,1,oops,1\n"
    assert read_panel([("f", text)], small()).columns.keys() == {"x", "n"}


def test_symbols_may_alternate_if_each_ascends(small):
    text = b"s,d,x,n\nB,2001-01-01,1,1\nA,2001-01-01,2,1\nB,2001-01-02,3,1\nA,2001-01-02,4,1\n"
    assert read_panel([("f", text)], small()).columns["x"].tolist() == [2, 4, 1, 3]


@pytest.mark.parametrize("text", ["0.1", "1e-320", "9007199254740993.0", "2.2250738585072011e-308"])
def test_floats_are_the_nearest_to_what_is_written(small, text):
    file = f"s,d,x,n\nA,2001-01-01,{text},1\n".encode()
    assert read_panel([("f", file)], small()).columns["x"].tolist() == [float(text)]


def test_whole_numbers_beyond_two_to_the_53_are_exact(small):
    file = b"s,d,x,n\nA,2001-01-01,1,9007199254740993\nA,2001-01-02,1,-9223372036854775808\n"
    panel = read_panel([("f", file)], small())
    assert panel.columns["n"].tolist() == [9007199254740993, -(2**63)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "f: the file is empty"),
        (b"\n \n", "f: the file is empty"),
        (b"s,d,x,n\n", "f:1: a header, but no rows"),
        (b"s,d,x,x,n\nA,2001-01-01,1,1,1\n", "f:1: the header names 'x' more than once"),
        (b"s,d,x\nA,2001-01-01,1\n", "f:1: no column 'n'"),
        (b"s,d,x,n\nA,2001-01-01,1\n", "f:2: 3 fields where the header has 4"),
        (b"s,d,x,n\nA,2001-01-01,1,1,1\n", "f:2: 5 fields where the header has 4"),
        (b's,d,x,n\n"A,2001-01-01,1,1\n', "f:2: not CSV: unexpected end of data"),
        (b"s,d,x,n\nA,2001-01-01,abc,1\n", "f:2: column 'x': 'abc' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,NA,1\n", "f:2: column 'x': 'NA' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,True,1\n", "f:2: column 'x': 'True' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,,1\nB,2001-01-01,True,1\n", "f:3: column 'x': 'True' is not a"),
        (b"s,d,x,n\nA,2001-01-01,\xc2\xb2,1\n", "f:2: column 'x': '\u00b2' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,\xef\xbc\x91,1\n", "f:2: column 'x': '\uff11' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,1_0,1\n", "f:2: column 'x': '1_0' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,inf,1\n", "f:2: column 'x': 'inf' is infinite"),
        (b"s,d,x,n\nA,2001-01-01,1e999,1\n", "f:2: column 'x': '1e999' is infinite"),
        (b"s,d,x,n\nA,2001-01-01,1,1.0\n", "f:2: column 'n': '1.0' is not a whole number"),
        (b"s,d,x,n\nA,2001-01-01,1,1e3\n", "f:2: column 'n': '1e3' is not a whole number"),
        (b"s,d,x,n\nA,2001-01-01,1,\n", "f:2: column 'n': '' is missing, which an int64"),
        (b"s,d,x,n\nA,2001-01-01,1,x\n", "f:2: column 'n': 'x' is not a number"),
        (b"s,d,x,n\nA,2001-01-01,1,9223372036854775808\n", "does not fit int64"),
        (b"s,d,x,n\nA,01/02/2001,1,1\n", "f:2: column 'd': '01/02/2001' is not a time written as"),
        (b"s,d,x,n\nA,,1,1\n", "f:2: column 'd': '' is not a time"),
        (b"s,d,x,n\nA,now,1,1\n", "f:2: column 'd': 'now' is not a time"),
        (b"s,d,x,n\nA,today,1,1\n", "f:2: column 'd': 'today' is not a time"),
        (b"s,d,x,n\nA,2001-02-29,1,1\n", "f:2: column 'd': '2001-02-29' is not a time"),
        (b"s,d,x,n\nA,2500-01-01,1,1\n", "f:2: column 'd': '2500-01-01' is not a time"),
        (b"s,d,x,n\n,2001-01-01,1,1\n", "f:2: column 's' is empty"),
        (b"s,d,x,n\nA,2001-01-02,1,1\nA,2001-01-01,1,1\n", "f:3: A 2001-01-01 stands after A 2001"),
        (b"s,d,x,n\nA,2001-01-01,1,1\nA,2001-01-01,2,2\n", "f:3: A 2001-01-01 again, first at f:2"),
        (b"s,d,x,n\nA,2001-01-01,\xff,1\n", "f:2: not UTF-8 text"),
        (b"s,d,x,n\nA,2001-01-01,1\0,1\n", "f:2: a zero byte"),
        (b"PAR1....", "f: Parquet, where CSV was declared"),
        (b"ARROW1....", "f: Feather, where CSV was declared"),
        (b"\x28\xb5\x2f\xfdjunk", "f: zstd, where CSV was declared"),
        (gzip.compress(GOOD, mtime=0)[:-9], "f: cannot be unpacked"),
        (bz2.compress(GOOD)[:-9], "f: cannot be unpacked"),
        (lzma.compress(GOOD)[:-9], "f: cannot be unpacked"),
        (b"BZhjunk", "f: cannot be unpacked"),
        (b"\xfd7zXZ\x00junk", "f: cannot be unpacked"),
        (
            b's,d,x,n\nA,2001-01-01,1,1\nA,"2001-01-02\n",1,1\n"A\n,2,1,1\n',
            "f:5: not CSV: unexpected",
        ),
        (b's,d,x,n\nA,2001-01-01,1,"' + b"9" * 5000 + b'"\n', "does not fit int64"),
        (b"\x1f\x8b\x08junkjunkjunk", "f: cannot be unpacked"),
    ],
)
def test_what_cannot_be_used_is_refused_by_place(small, text, said):
    assert said in refusal([("f", text)], small()).problem


def test_a_line_number_counts_blank_lines_and_line_breaks_within_quotes(small):
    text = b's,note,d,x,n\n\nA,"two\nlines",2001-01-01,1,1\n   \nA,,2001-01-02,bad,1\n'
    assert refusal([("f", text)], small()).problem.startswith("f:6: column 'x': 'bad'")
    text = b"s,d,x,n\n\nA,2001-01-01,1,1\n   \nA,2001-01-02,bad,1\n"
    assert refusal([("f", text)], small()).problem.startswith("f:5: column 'x': 'bad'")


def test_the_first_five_bad_cells_are_shown_and_the_others_counted(small):
    rows = "".join(f"A,2001-01-{day:02},x{day},1\n" for day in range(1, 10))
    lines = refusal([("f", f"s,d,x,n\n{rows}".encode())], small()).problem.splitlines()
    assert lines[0] == "f:2: column 'x': 'x1' is not a number"
    assert lines[4] == "f:6: column 'x': 'x5' is not a number"
    assert lines[5] == "and 4 more"


def test_a_missing_column_is_named_with_its_nearest_neighbour(small):
    dataset = small(columns={"Adj Close": "float64"})
    error = refusal([("f", b"s,d,AdjClose\nA,2001-01-01,1\n")], dataset)
    assert error.hint == "did you mean 'AdjClose'? the file has 's', 'd', 'AdjClose'"


def test_a_duplicate_in_another_file_is_named_with_both_places(small):
    other = b"s,d,x,n\nC,2001-01-01,1,1\nA,2001-01-02,9,9\n"
    assert refusal([("f", GOOD), ("g", other)], small()).problem == (
        "g:3: A 2001-01-02 again, first at f:3"
    )


def test_duplicates_are_settled_by_the_declared_rule_and_counted(small):
    other = b"s,d,x,n\nA,2001-01-02,9,9\n"
    for rule, kept in (("keep_first", [1, 2, 3]), ("keep_last", [1, 9, 3])):
        panel = read_panel([("g", other), ("f", GOOD)], small(duplicates=rule))
        assert panel.columns["n"].tolist() == kept
        assert panel.dropped_duplicates == 1


def test_unsorted_rows_are_sorted_only_on_request(small):
    text = b"s,d,x,n\nB,2001-01-02,4,4\nA,2001-01-02,2,2\nA,2001-01-01,1,1\nB,2001-01-01,3,3\n"
    assert read_panel([("f", text)], small(sort=True)).columns["n"].tolist() == [1, 2, 3, 4]


def test_listed_symbols_are_the_only_ones_used(small):
    panel = read_panel([("f", GOOD)], small(symbols=["B"]))
    assert (panel.symbols, panel.columns["n"].tolist()) == (("B",), [3])
    error = refusal([("f", GOOD)], small(symbols=["B", "Z"]))
    assert (error.problem, error.hint) == ("no rows of symbol Z", "the data have A, B")


def test_what_a_symbol_outside_the_list_repeats_does_no_harm(small):
    text = GOOD + b"C,2001-01-01,1,1\nC,2001-01-01,1,1\n"
    assert read_panel([("f", text)], small(symbols=["A"])).rows == 2


def test_start_and_end_are_whole_days_and_both_included(small):
    rows = b"s,d,x,n\n" + b"".join(b"A,2001-01-0%d,1,%d\n" % (day, day) for day in range(1, 8))
    panel = read_panel([("f", rows)], small(start="2001-01-03", end="2001-01-05"))
    assert panel.columns["n"].tolist() == [3, 4, 5]
    error = refusal([("f", rows)], small(start="2002-01-01"))
    assert error.hint == "the data run from 2001-01-01 to 2001-01-07"


def test_a_limit_keeps_the_newest_rows(small):
    panel = read_panel([("f", GOOD)], small(max_rows_per_symbol=1))
    assert panel.columns["n"].tolist() == [2, 3]


def test_short_symbols_are_refused_by_name_or_dropped_and_listed(small):
    error = refusal([("f", GOOD)], small(min_rows_per_symbol=2))
    assert error.problem == "symbols with fewer than 2 rows: B (1)"
    spaced = GOOD.replace(b"B,", b"A ,")
    error = refusal([("f", spaced)], small(min_rows_per_symbol=2))
    assert error.problem == "symbols with fewer than 2 rows: 'A ' (1)"
    error = refusal([("f", spaced)], small(symbols=["A", "B"]))
    assert (error.problem, error.hint) == ("no rows of symbol B", "the data have A, 'A '")
    panel = read_panel([("f", GOOD)], small(min_rows_per_symbol=2, short_symbols="drop"))
    assert (panel.symbols, panel.dropped_symbols) == (("A",), (("B", 1),))
    error = refusal([("f", GOOD)], small(min_rows_per_symbol=9, short_symbols="drop"))
    assert error.problem == "no symbol has 9 rows"


def test_a_symbol_without_rows_in_the_range_is_short(small):
    error = refusal([("f", GOOD)], small(start="2001-01-02"))
    assert error.problem == "symbols with fewer than 1 rows: B (0)"


def test_local_times_are_put_into_utc(small):
    time = {"column": "d", "format": "%Y-%m-%d %H:%M", "timezone": "America/New_York"}
    text = b"s,d,x,n\nA,2001-01-01 09:30,1,1\nA,2001-07-01 09:30,1,1\n"
    panel = read_panel([("f", text)], small(time=time))
    hours = (panel.time // 3_600_000_000_000 % 24).tolist()
    assert hours == [14, 13]
    panel = read_panel([("f", text)], small(time=time, end="2001-01-01"))
    assert panel.rows == 1


@pytest.mark.parametrize("skipped_or_repeated", ["2001-04-01 02:30", "2001-10-28 01:30"])
def test_a_local_time_that_the_clocks_skip_or_repeat_is_refused(small, skipped_or_repeated):
    time = {"column": "d", "format": "%Y-%m-%d %H:%M", "timezone": "America/New_York"}
    text = f"s,d,x,n\nA,{skipped_or_repeated},1,1\n".encode()
    assert "f:2: column 'd'" in refusal([("f", text)], small(time=time)).problem


def test_an_offset_in_the_text_is_obeyed(small):
    time = {"column": "d", "format": "%Y-%m-%dT%H:%M:%S%z", "timezone": "UTC"}
    text = b"s,d,x,n\nA,2001-01-01T00:00:00+0200,1,1\n"
    assert read_panel([("f", text)], small(time=time)).time.tolist() == [978300000 * 10**9]


def test_two_offsets_in_one_column_are_refused_with_both_lines(small):
    time = {"column": "d", "format": "%Y-%m-%dT%H:%M:%S%z", "timezone": "UTC"}
    rows = ("2001-01-01T00:00:00+0100", "2001-01-02T00:00:00+01:00", "2001-01-03T00:00:00+02:00")
    text = "s,d,x,n\n" + "".join(f"A,{row},1,1\n" for row in rows)
    said = refusal([("f", text.encode())], small(time=time)).problem
    assert said.startswith(
        "f:4: column 'd': '2001-01-03T00:00:00+02:00' has the offset +02:00, and"
    )
    assert "at f:2 has +01:00" in said
    assert read_panel([("f", text.replace("+02", "+01").encode())], small(time=time)).rows == 3


def test_two_files_of_other_offsets_are_refused_as_in_parquet(small):
    time = {"column": "d", "format": "%Y-%m-%dT%H:%M:%S%z", "timezone": "UTC"}
    files = [
        (name, f"s,d,x,n\nA,2001-01-0{n}T00:00:00{offset},1,1\n".encode())
        for n, (name, offset) in enumerate((("f", "Z"), ("g", "+00:00"), ("h", "-05:00")), 1)
    ]
    assert read_panel(files[:2], small(time=time)).rows == 2
    said = refusal(files, small(time=time)).problem
    assert "times are stored in -05:00 in h and in UTC in g" in said


def test_an_unknown_timezone_is_refused(small):
    time = {"column": "d", "format": "%Y-%m-%d", "timezone": "Mars/Olympus"}
    assert "Mars/Olympus" in refusal([("f", GOOD)], small(time=time)).problem


def test_a_byte_order_mark_and_windows_line_ends_are_read(small):
    text = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n")
    assert read_panel([("f", text)], small()).rows == 3


def test_a_gzip_of_several_members_is_read_whole(small):
    packed = io.BytesIO()
    packed.write(gzip.compress(GOOD[:20]))
    packed.write(gzip.compress(GOOD[20:]))
    assert read_panel([("f", packed.getvalue())], small()).rows == 3


def test_the_real_file_is_read_as_its_notice_says(real_panel):
    assert real_panel.symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert np.bincount(real_panel.symbol).tolist() == [3270, 196, 2148, 3270, 3270]
    assert real_panel.columns["Volume"].dtype == np.int64
    assert (real_panel.columns["Volume"] > 0).all()


def test_the_short_history_in_the_real_file_is_dropped_by_name(real_bytes, dataset_of):
    dataset = dataset_of(min_rows_per_symbol=500, short_symbols="drop")
    panel = read_panel([("stocks.csv.gz", real_bytes)], dataset)
    assert panel.dropped_symbols == (("FB", 196),)
    assert panel.rows == 12154 - 196


@settings(deadline=None, max_examples=150, database=None, derandomize=True)
@given(st.floats(-1e308, 1e308), st.integers(0, 40), st.sampled_from("fe"))
def test_no_float_is_read_with_an_error_of_its_own(small, number, digits, style):
    for text in (repr(number), f"{number:.{digits}{style}}"):
        file = f"s,d,x,n\nA,2001-01-01,{text},1\nA,2001-01-02,0.5,1\n".encode()
        found = read_panel([("f", file)], small()).columns["x"]
        assert found[:1].tobytes() == np.array([float(text)]).tobytes()
